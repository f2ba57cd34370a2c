//! Every Delta table of the corpus: listed rightly or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lakeshare::delta::error::Error;
use lakeshare::delta::{self, Wanted, features};
use lakeshare::storage::Buckets;
use lakeshare::storage::table_store::TableStore;
use lakeshare::table::snapshot::Snapshot;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::log_builder::{Row, block_on, rows};

/// The folder of tables that other software wrote: `LAKESHARE_CORPUS`, or the one beside the repository.
pub(crate) fn corpus() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let path: PathBuf = std::env::var_os("LAKESHARE_CORPUS").map_or_else(beside, PathBuf::from);
    path.canonicalize()
        .unwrap_or_else(|error| panic!("set LAKESHARE_CORPUS to the corpus, {path:?}: {error}"))
}

/// Tables that no reader of the corpus could read, but whose log says all that a client needs.
const READ_BY_CLIENTS_ALONE: &[&str] = &["dkrs__table-with-geo"];

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The tables and what the corpus says of them.
fn tables() -> BTreeMap<String, Value> {
    let all = json(&corpus().join("CORPUS.json"));
    let tables = all["tables"].as_object().unwrap().iter();
    tables.filter_map(|(key, table)| Some((key.strip_prefix("delta/")?.to_owned(), table.clone()))).collect()
}

fn expected(name: &str) -> Value {
    json(&corpus().join(format!("expected/delta/{name}.json")))
}

pub(super) fn load(name: &str, wanted: Wanted) -> Result<Arc<Snapshot>, Error> {
    let store: TableStore = Buckets::embedded(corpus()).open("delta", name).unwrap();
    block_on(delta::load(&store, wanted, None)).map(|loaded| Arc::clone(loaded.snapshot()))
}

/// The features for which a table is refused, as the corpus calls them.
fn refused_features(error: &Error) -> Option<Vec<String>> {
    if matches!(error, Error::DeletionVector { .. }) {
        return Some(vec!["dv-p".to_owned()]);
    }
    let Error::Unserved { source, .. } = error else { return None };
    match source {
        features::Fault::Features { features } => Some(features.clone()),
        features::Fault::CatalogManaged { feature } => Some(vec![feature.clone()]),
        features::Fault::ProtocolVersion { .. }
        | features::Fault::NoFeatureList
        | features::Fault::MappingMode { .. }
        | features::Fault::MappingUnheeded { .. }
        | features::Fault::DeletionVectorsUnheeded
        | features::Fault::Format { .. } => None,
    }
}

fn has_feature(table: &Value, feature: &str) -> bool {
    let listed = table["features"].as_array().unwrap();
    let is = |listed: &Value| {
        let listed = listed.as_str().unwrap();
        listed == format!("r:{feature}") || listed == feature
            // The corpus folds the preview's name into the feature's.
            || (feature.starts_with("catalogOwned") && listed == "r:catalogManaged")
    };
    listed.iter().any(is)
}

fn files_of(expected: &Value) -> BTreeMap<String, Option<(u64, Value)>> {
    let file = |file: &Value| match file {
        Value::String(path) => (path.clone(), None),
        file => {
            let path = file["path"].as_str().unwrap().to_owned();
            (path, Some((file["size"].as_u64().unwrap(), file["partitionValues"].clone())))
        }
    };
    expected["files"].as_array().unwrap().iter().map(file).collect()
}

/// The expected values with the meaning of the empty string.
fn nulled(partition_values: &Value) -> Value {
    let values = partition_values.as_object().unwrap().iter();
    let nulled = |value: &Value| if value == "" { Value::Null } else { value.clone() };
    values.map(|(column, value)| (column.clone(), nulled(value))).collect::<serde_json::Map<_, _>>().into()
}

fn check_files(name: &str, files: &BTreeMap<String, Row>, expected: &Value) {
    if expected.get("error").is_some() {
        return;
    }
    let expected = files_of(expected);
    if expected.values().any(Option::is_none) {
        // Where delta-rs is the only reader, it tells the keys of the objects and no more.
        let key = |row: &Row| percent_decode_str(&row.encoded_path).decode_utf8().unwrap().into_owned();
        assert_eq!(
            files.values().map(key).collect::<BTreeSet<_>>(),
            expected.into_keys().collect(),
            "{name}"
        );
        return;
    }
    assert!(files.keys().eq(expected.keys()), "{name}: {:?} {:?}", files.keys(), expected.keys());
    for (path, row) in files {
        let Some(Some((size, partition_values))) = expected.get(path) else { continue };
        assert_eq!((row.size, &row.partition_values), (*size, &nulled(partition_values)), "{name}: {path}");
    }
}

fn check_table(name: &str, snapshot: &Snapshot, expected: &Value) {
    if expected.get("error").is_some() {
        // Spark could not read it; what another reader found is checked where clients read.
        return;
    }
    assert_eq!(expected["version"], snapshot.version, "{name}");
    let (protocol, metadata) = (&snapshot.protocol, &snapshot.metadata);
    assert_eq!(expected["protocol"]["minReaderVersion"], protocol.min_reader_version, "{name}");
    assert_eq!(expected["protocol"]["minWriterVersion"], protocol.min_writer_version, "{name}");
    let features = |list: &str| -> BTreeSet<&str> {
        let list = expected["protocol"][list].as_array().into_iter().flatten();
        list.map(|feature| feature.as_str().unwrap()).collect()
    };
    let ours = |list: &Option<Vec<String>>| list.iter().flatten().cloned().collect::<BTreeSet<_>>();
    // Where delta-rs is the only reader, it tells the keys of the objects, no features and no more.
    let by_delta_rs = expected["files"][0].is_string();
    if !by_delta_rs {
        assert!(ours(&protocol.reader_features).iter().eq(features("readerFeatures").iter()), "{name}");
        assert!(ours(&protocol.writer_features).iter().eq(features("writerFeatures").iter()), "{name}");
    }
    if let Some(id) = expected["table_id"].as_str() {
        assert_eq!(metadata.id, id, "{name}");
    }
    assert_eq!(serde_json::json!(metadata.partition_columns), expected["partition_columns"], "{name}");
    assert_eq!(serde_json::json!(metadata.configuration), expected["configuration"], "{name}");
    let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let expected_schema = expected["schema_string"].as_str().unwrap();
    assert_eq!(schema(&metadata.schema_string), schema(expected_schema), "{name}");
}

#[test]
fn every_table_is_listed_as_expected_or_refused_by_a_feature_it_has() {
    let (mut served, mut refused, mut broken) = (Vec::new(), BTreeMap::<_, Vec<_>>::new(), Vec::new());
    for (name, table) in tables() {
        match load(&name, Wanted::Latest) {
            Ok(snapshot) => {
                served.push(name.clone());
                if READ_BY_CLIENTS_ALONE.contains(&&*name) {
                    continue;
                }
                let expected = expected(&name);
                assert_ne!(table["use"], "refuse", "{name}");
                check_table(&name, &snapshot, &expected);
                let rows = rows(&snapshot);
                if table["use"] == "ambiguous" {
                    // The files are those of Spark, which believes compactions that contradict their commits.
                    assert_eq!(table["expected"]["num_files"], rows.len(), "{name}");
                } else {
                    check_files(&name, &rows, &expected);
                }
            }
            Err(error) => match refused_features(&error) {
                Some(features) => {
                    for feature in features {
                        assert!(has_feature(&table, &feature), "{name} is refused for {feature}: {error}");
                        refused.entry(feature).or_default().push(name.clone());
                    }
                }
                None => {
                    // A table without a schema has no rows for any reader.
                    let has_schema = table["use"] == "refuse" || !expected(&name)["schema_string"].is_null();
                    let names_schema = error.to_string().contains("metaData.schemaString is missing");
                    assert!(table["use"] == "refuse" || (!has_schema && names_schema), "{name}: {error}");
                    broken.push(format!("{name}: {error}"));
                }
            },
        }
    }
    let refused_names: BTreeSet<_> = refused.values().flatten().collect();
    println!("served: {}, refused by feature: {}", served.len(), refused_names.len());
    for (feature, names) in &refused {
        println!("  {feature}: {}", names.len());
    }
    println!("refused as broken:\n  {}", broken.join("\n  "));
}

#[test]
fn older_versions_have_the_expected_number_of_rows() {
    let mut counted = 0;
    for name in tables().into_keys() {
        let Ok(latest) = load(&name, Wanted::Latest) else { continue };
        let versions = expected(&name)["versions"].clone();
        for (version, expected) in versions.as_object().into_iter().flatten() {
            let version = version.parse().unwrap();
            let loaded = load(&name, Wanted::Version(version));
            let snapshot = loaded.unwrap_or_else(|error| panic!("{name} {version}: {error}"));
            assert_eq!(snapshot.version, version, "{name}");
            assert!(snapshot.version <= latest.version, "{name}");
            let counts: Option<u64> = rows(&snapshot).values().map(Row::live_row_count).sum();
            // Without statistics nobody can count rows in a log.
            if let (Some(count), Some(expected)) = (counts, expected["num_rows"].as_u64()) {
                assert_eq!(expected, count, "{name} {version}");
                counted += 1;
            }
        }
    }
    println!("older versions counted: {counted}");
    assert!(counted > 50, "{counted}");
}

#[test]
fn statistics_count_the_rows_that_other_readers_find() {
    let mut counted = 0;
    for (name, table) in tables() {
        let Ok(snapshot) = load(&name, Wanted::Latest) else { continue };
        let counts: Option<u64> = rows(&snapshot).values().map(Row::live_row_count).sum();
        if let (Some(count), Some(expected)) = (counts, table["expected"]["num_rows"].as_u64()) {
            assert_eq!(count, expected, "{name}");
            counted += 1;
        }
    }
    println!("tables counted: {counted}");
    assert!(counted > 40, "{counted}");
}
