//! Every Iceberg table of the corpus: told rightly or refused.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lakeshare::error::Kind;
use lakeshare::iceberg::metadata::TableMetadata;
use lakeshare::storage::Buckets;
use lakeshare::table::file_list::Block;
use lakeshare::table::snapshot::Snapshot;
use lakeshare::uniform::chosen::Chosen;
use lakeshare::uniform::error::Error;
use lakeshare::uniform::manifests::Manifests;
use lakeshare::uniform::place::Place;
use lakeshare::uniform::replay;
use serde_json::Value;

use crate::delta::corpus::corpus;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &place);
        } else if std::fs::hard_link(entry.path(), &place).is_err() {
            std::fs::copy(entry.path(), &place).unwrap();
        }
    }
}

/// The corpus as a bucket of a data directory, where the locations of its own tables lead to.
struct Lake {
    dir: tempfile::TempDir,
    manifests: Manifests,
}

impl Lake {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy_tree(&corpus().join("iceberg"), &dir.path().join("corpus/iceberg"));
        Self { dir, manifests: Manifests::default() }
    }

    fn metadata(&self, name: &str, file: &str) -> Result<TableMetadata, lakeshare::iceberg::error::Error> {
        let path = self.dir.path().join("corpus/iceberg").join(name).join(file);
        TableMetadata::parse(&std::fs::read(path).unwrap())
    }

    async fn replay(
        &self,
        name: &str,
        metadata: TableMetadata,
        snapshot_id: Option<i64>,
    ) -> Result<Snapshot, Error> {
        let buckets = Buckets::embedded(self.dir.path().to_owned());
        let root = format!("iceberg/{name}");
        let place = Place { buckets: &buckets, bucket: "corpus", root: &root };
        let facts = snapshot_id.map(|id| *metadata.snapshot(id).unwrap().facts());
        let schema_id = facts.and_then(|facts| facts.schema_id).unwrap_or(metadata.current_schema_id());
        let chosen = Chosen {
            snapshot_id,
            schema_id,
            version: 7,
            timestamp_ms: facts.map_or(0, |facts| facts.timestamp_ms),
            metadata: Arc::new(metadata),
        };
        replay(&place, &self.manifests, &chosen).await
    }
}

/// Tables that are refused, each with what the refusal has to say.
pub(crate) const REFUSED: &[(&str, &str)] = &[
    ("ddbi__add_columns_with_defaults", "'col_time' has the type time"),
    ("ddbi__add_columns_with_defaults_in_struct", "'a.col_time' has the type time"),
    // Its location is another than the one that its paths begin with.
    ("ddbi__big_query_error", "it leads to no bucket of this server"),
    ("ddbi__case_sensitive_names", "'user_id' and 'uSeR_Id' differ in nothing but case"),
    // Its file lies beside the table.
    ("ddbi__column_mapping_my_table", "it leads to no bucket of this server"),
    ("ddbi__partition_fixed_length_binary", "'partition_col' has the type fixed[11]"),
    ("ddbi__partition_time", "'partition_col' has the type time"),
    // Only files of its later spec lack this column.
    ("ddbi__hive_partitioned_table", "may lack the column 'event_type'"),
    ("ddbi__partition_binary", "may lack the column"),
    ("ddbi__timestamptz_ns", "'val' has the type timestamptz_ns"),
    ("ddbi__uuid", "'uuid' has the type uuid"),
    ("impala__airports_parquet", "has columns without field ids"),
    ("impala__iceberg_mixed_file_format_test", "has the format ORC, and only Parquet"),
    ("impala__iceberg_v2_delete_both_eq_and_pos", "names other files than /test-warehouse/"),
    ("impala__iceberg_v2_no_deletes_orc", "has the format ORC, and only Parquet"),
    // Its manifests were moved to another file system, the paths in its delete files were not.
    ("impala__iceberg_v2_partitioned_position_deletes", "names other files than /test-warehouse/"),
    (
        "impala__iceberg_v2_positional_not_all_data_files_have_delete_files",
        "names other files than /test-warehouse/",
    ),
    ("impala__iceberg_v3_iceberg_v3_default_value", "'j' has a default for rows that are older"),
    ("impala__iceberg_v3_iceberg_v3_default_value_avro", "has the format AVRO, and only Parquet"),
    ("pyiceberg__types", "'t' has the type time"),
    ("spark40__v2_avro", "has the format AVRO, and only Parquet"),
    ("spark40__v2_orc", "has the format ORC, and only Parquet"),
    ("spark40__v3_defaults", "'i' has a default for rows that are older"),
];

/// Tables whose files lack what they are partitioned by: the columns that are told as partition columns.
const PARTITIONED: &[(&str, &[&str])] = &[
    ("ddbi__partition_bigint", &["partition_col"]),
    ("ddbi__partition_bool", &["partition_col"]),
    ("ddbi__partition_decimal_bigint", &["partition_col"]),
    ("ddbi__partition_decimal_hugeint", &["partition_col"]),
    ("ddbi__partition_decimal_integer", &["partition_col"]),
    ("ddbi__partition_decimal_smallint", &["partition_col"]),
    ("ddbi__partition_double", &["partition_col"]),
    ("ddbi__partition_float", &["partition_col"]),
    ("ddbi__partition_integer", &["partition_col"]),
    ("ddbi__partition_timestamp", &["partition_col"]),
    ("ddbi__partition_timestamptz", &["partition_col"]),
    ("impala__iceberg_legacy_partition_schema_evolution", &["p_int_long", "p_float_double", "p_dec_dec"]),
];

/// Tables whose metadata no reader of the format takes (see `iceberg::corpus`).
const BROKEN: &[&str] =
    &["ddbi__equality_delete_cross_partition_ns_t", "ddbi__equality_delete_extra_column_ns_t"];

/// What readers have to know of the tables that are told; none of the others.
const FEATURES: &[(&str, &[&str])] = &[
    ("ddbi__name_mapping_warehouse_1_mydb_t1", &["columnMapping"]),
    ("ddbi__partition_timestamp", &["timestampNtz"]),
    ("impala__iceberg_legacy_partition_schema_evolution", &["columnMapping"]),
    ("impala__iceberg_partitioned", &["columnMapping"]),
    ("impala__iceberg_timestamp_part", &["columnMapping", "timestampNtz"]),
    ("impala__iceberg_v3_trino_variant", &["variantType"]),
    ("pyiceberg__evolved", &["columnMapping", "typeWidening"]),
    ("spark40__schema_evolution", &["columnMapping", "typeWidening"]),
    ("spark40__transforms", &["timestampNtz"]),
    ("spark40__v3_variant", &["variantType"]),
];

fn listed<'a, T>(list: &'a [(&str, T)], name: &str) -> Option<&'a T> {
    list.iter().find(|(listed, _)| *listed == name).map(|(_, value)| value)
}

type Files = BTreeMap<String, (Option<u64>, Option<u64>)>;

/// Records and bytes of each file, by its key.
fn files_of(snapshot: &Snapshot) -> Files {
    let mut found = BTreeMap::new();
    let mut block = Block::default();
    for index in 0..snapshot.files.block_count() {
        for file in snapshot.files.read_block(index, &mut block) {
            let key = [file.encoded_directory, file.encoded_name].concat();
            let key = percent_encoding::percent_decode(&key).decode_utf8().unwrap().into_owned();
            let escaped = std::str::from_utf8(file.stats_escaped).unwrap();
            let stats: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
            let stats: Value = serde_json::from_str(&stats).unwrap();
            assert_eq!(stats["numRecords"].as_u64(), file.record_count);
            let values: Value = serde_json::from_slice(file.partition_values_json).unwrap();
            assert_eq!(values.as_object().unwrap().len(), snapshot.metadata.partition_columns.len());
            found.insert(key, (file.record_count, Some(file.size_bytes)));
        }
    }
    found
}

/// Rows that are left in all files.
fn rows_of(snapshot: &Snapshot) -> u64 {
    let mut block = Block::default();
    let mut count = 0;
    for index in 0..snapshot.files.block_count() {
        let files = snapshot.files.read_block(index, &mut block);
        count += files.map(|file| file.live_row_count().unwrap()).sum::<u64>();
    }
    count
}

/// The same as an independent reader found it; some tell paths only.
fn expected_files(expected: &Value) -> Option<Files> {
    let file = |file: &Value| match file.as_str() {
        Some(path) => (path.to_owned(), (None, None)),
        None => {
            let path = file["path"].as_str().unwrap();
            (
                path.strip_prefix("s3:").unwrap_or(path).to_owned(),
                (file["record_count"].as_u64(), file["size"].as_u64()),
            )
        }
    };
    Some(expected["files"].as_array()?.iter().map(file).collect())
}

fn check_told(name: &str, snapshot: &Snapshot, expected: &Value) {
    let mut features = listed(FEATURES, name).copied().unwrap_or_default().to_vec();
    if snapshot.files.has_deletion_vectors() {
        features.push("deletionVectors");
        features.sort_unstable();
    }
    let told = snapshot.protocol.reader_features.clone().unwrap_or_default();
    assert_eq!(told, features, "{name}");
    // Its readers do not agree: Spark finds no rows where the others find all.
    let is_disputed = name == "ddbi__name_mapping_warehouse_1_mydb_t1";
    if let Some(row_count) = expected["num_rows"].as_u64().filter(|_| !is_disputed) {
        assert_eq!(rows_of(snapshot), row_count, "{name}");
    }
    assert_eq!(snapshot.protocol.reader_features.is_some(), snapshot.protocol.min_reader_version == 3);
    let mut found = files_of(snapshot);
    let wanted = expected_files(expected);
    assert_eq!(Some(found.len() as u64), expected["num_files"].as_u64(), "{name}");
    if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) {
        if wanted.values().all(|facts| *facts == (None, None)) {
            found.values_mut().for_each(|facts| *facts = (None, None));
        }
        let different = wanted.iter().find(|(path, facts)| found.get(*path) != Some(facts));
        assert_eq!((different, found.len()), (None, wanted.len()), "{name}");
    }
    let uuid = expected["table_uuid"].as_str();
    assert!(uuid.is_none_or(|uuid| uuid == snapshot.metadata.id), "{name}");
    let partitioned_by = listed(PARTITIONED, name).copied().unwrap_or_default();
    assert_eq!(
        (snapshot.version, &*snapshot.metadata.partition_columns),
        (7, &*partitioned_by.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
    );
}

#[tokio::test]
async fn every_table_of_the_corpus_is_told_or_refused() {
    let lake = Lake::new();
    let all = json(&corpus().join("CORPUS.json"));
    let tables = all["tables"].as_object().unwrap().iter();
    let (mut told, mut refused) = (0, 0);
    for (key, table) in tables.filter(|(key, _)| key.starts_with("iceberg/")) {
        let name = key.strip_prefix("iceberg/").unwrap();
        let metadata = match lake.metadata(name, table["metadata_file"].as_str().unwrap()) {
            Ok(metadata) => metadata,
            Err(error) => {
                assert!(BROKEN.contains(&name), "{name}: {error}");
                continue;
            }
        };
        let current = metadata.current_snapshot_id();
        match (lake.replay(name, metadata, current).await, listed(REFUSED, name)) {
            (Ok(snapshot), None) => {
                check_told(name, &snapshot, &json(&corpus().join(format!("expected/{key}.json"))));
                told += 1;
            }
            (Err(error), Some(reason)) => {
                assert!(error.to_string().contains(reason), "{name}: {error}");
                assert_eq!(error.kind(), Kind::Unsupported, "{name}: {error}");
                refused += 1;
            }
            (result, listed) => panic!("{name}: {listed:?}, {:?}", result.map(|snapshot| snapshot.protocol)),
        }
    }
    assert_eq!((refused, told + refused + BROKEN.len()), (REFUSED.len(), 84));
}
