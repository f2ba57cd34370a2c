//! Table features: what they change about a snapshot.

use lakeshare::delta::Wanted;
use lakeshare::delta::error::Error;
use lakeshare::error::Kind;
use serde_json::{Value, json};

use super::log_builder::{
    Table, add, add_with, commit_name, metadata, paths, protocol_with, remove_of, rows,
};

/// A UUID in base 85, and the file that it names.
const UUID: &str = "^-aqEH.-t@S}K{vb[*k^";
const UUID_FILE: &str = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";

fn vector(storage_type: &str, path_or_inline: &str) -> Value {
    json!({"storageType": storage_type, "pathOrInlineDv": path_or_inline, "offset": 1, "sizeInBytes": 34,
           "cardinality": 2})
}

fn with_vector(path: &str, vector: &Value) -> Value {
    add_with(path, json!({"deletionVector": vector}))
}

fn table(features: &[&str]) -> Table {
    let table = Table::new();
    table.commit(0, &[protocol_with(features), metadata(&[]), add("a")]);
    table
}

#[test]
fn deletion_vectors_are_found_in_commits_and_in_checkpoints() {
    let table = table(&["deletionVectors"]);
    let inline =
        json!({"storageType": "i", "pathOrInlineDv": "wi5b=0000", "sizeInBytes": 40, "cardinality": 6});
    let adds = [
        with_vector("b", &vector("u", UUID)),
        with_vector("c", &vector("u", &format!("a b/c{UUID}"))),
        with_vector("d", &vector("p", "s3://b/t/x%20y/dv.bin")),
        with_vector("e", &inline),
    ];
    table.commit(1, &adds);
    let expected = [
        ("a", Value::Null),
        ("b", json!({"file": UUID_FILE, "offset": 1, "sizeInBytes": 34, "cardinality": 2})),
        (
            "c",
            json!({"file": format!("a%20b/c/{UUID_FILE}"), "offset": 1, "sizeInBytes": 34, "cardinality": 2}),
        ),
        ("d", json!({"file": "x%20y/dv.bin", "offset": 1, "sizeInBytes": 34, "cardinality": 2})),
        ("e", json!({"inline": "wi5b=0000", "offset": null, "sizeInBytes": 40, "cardinality": 6})),
    ];
    let check = |table: &Table| {
        let rows = rows(&table.latest());
        for (path, vector) in &expected {
            assert_eq!(rows[*path].deletion_vector.clone().unwrap_or_default(), *vector, "{path}");
        }
    };
    check(&table);
    let state = [&[protocol_with(&["deletionVectors"]), metadata(&[]), add("a")], &adds[..]].concat();
    table.checkpoint(1, &state);
    table.remove(&commit_name(0));
    check(&table);
}

#[test]
fn a_file_with_another_deletion_vector_is_another_file() {
    let table = table(&["deletionVectors"]);
    let first = with_vector("a", &vector("u", UUID));
    let mut later = vector("u", UUID);
    later["offset"] = json!(43);
    table.commit(1, &[remove_of(&add("a")), first.clone()]);
    let loaded = table.load(Wanted::Latest).unwrap();
    table.commit(2, &[remove_of(&first), with_vector("a", &later)]);
    for snapshot in
        [table.latest(), table.load_from(Wanted::Latest, Some(&loaded)).unwrap().snapshot().clone()]
    {
        let rows = rows(&snapshot);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows["a"].deletion_vector.as_ref().unwrap()["offset"], 43);
    }
}

#[test]
fn deletion_vectors_that_cannot_be_served_are_refused_while_their_file_is_alive() {
    let without = |field: &str| {
        let mut vector = vector("u", UUID);
        vector.as_object_mut().unwrap().remove(field);
        vector
    };
    for (vector, text) in [
        (vector("x", UUID), "storage type 'x'"),
        (vector("u", "short"), "no UUID"),
        (vector("u", &format!("../{UUID}")), "leads elsewhere"),
        (vector("p", "s3://other/../secret/dv.bin"), "leads elsewhere"),
        (vector("p", "file:///secret/dv.bin"), "leads elsewhere"),
        (without("sizeInBytes"), "sizeInBytes is missing"),
        (without("cardinality"), "cardinality is missing"),
        (
            json!({"storageType": "u", "pathOrInlineDv": UUID, "offset": -1, "sizeInBytes": 1, "cardinality": 1}),
            "offset",
        ),
    ] {
        let table = table(&["deletionVectors"]);
        let bad = with_vector("b", &vector);
        table.commit(1, std::slice::from_ref(&bad));
        let refusal = table.refusal();
        assert!(
            matches!(refusal, Error::DeletionVector { .. }) && refusal.to_string().contains(text),
            "{refusal}"
        );
        assert_eq!(refusal.kind(), Kind::Unsupported);
        table.commit(2, &[remove_of(&bad)]);
        assert_eq!(paths(&table.latest()), ["a"], "{text}");
    }
}

#[test]
fn deletion_vectors_that_the_protocol_hides_are_refused() {
    let table = table(&[]);
    let loaded = table.load(Wanted::Latest).unwrap();
    let hidden = with_vector("b", &vector("u", UUID));
    table.commit(1, std::slice::from_ref(&hidden));
    for refusal in [table.refusal(), table.load_from(Wanted::Latest, Some(&loaded)).unwrap_err()] {
        assert!(
            refusal.to_string().contains("does not have the reader feature deletionVectors"),
            "{refusal}"
        );
        assert_eq!(refusal.kind(), Kind::Unsupported);
    }
    table.commit(2, &[remove_of(&hidden)]);
    assert_eq!(paths(&table.latest()), ["a"]);
}

fn mapped_metadata(mode: &str) -> Value {
    let field = |name: &str, physical: &str| {
        json!({"name": name, "type": "string", "nullable": true, "metadata": {
            "delta.columnMapping.id": 1, "delta.columnMapping.physicalName": physical}})
    };
    let schema = json!({"type": "struct", "fields": [field("id", "col-1"), field("part", "col-2")]});
    let mut metadata = metadata(&["part"]);
    metadata["metaData"]["schemaString"] = json!(schema.to_string());
    metadata["metaData"]["configuration"] = json!({"delta.columnMapping.mode": mode});
    metadata
}

#[test]
fn partition_values_of_mapped_columns_keep_their_physical_names() {
    let file = |path: &str| add_with(path, json!({"partitionValues": {"col-2": "x"}}));
    for (mode, protocol) in [
        ("name", json!({"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}})),
        ("id", protocol_with(&["columnMapping"])),
    ] {
        let table = Table::new();
        table.commit(0, &[protocol, mapped_metadata(mode), file("a")]);
        let loaded = table.load(Wanted::Latest).unwrap();
        table.commit(1, &[file("b")]);
        for snapshot in
            [table.latest(), table.load_from(Wanted::Latest, Some(&loaded)).unwrap().snapshot().clone()]
        {
            let rows = rows(&snapshot);
            assert_eq!(rows["a"].partition_values, json!({"col-2": "x"}), "{mode}");
            assert_eq!(rows["b"].partition_values, json!({"col-2": "x"}), "{mode}");
        }
    }
}

#[test]
fn a_mapping_that_the_protocol_hides_is_refused_by_replay_and_by_refresh() {
    let table = Table::with_commit_0(&[add("a")]);
    let loaded = table.load(Wanted::Latest).unwrap();
    table.commit(1, &[mapped_metadata("name")]);
    for refusal in [table.refusal(), table.load_from(Wanted::Latest, Some(&loaded)).unwrap_err()] {
        assert!(refusal.to_string().contains("does not have the reader feature columnMapping"), "{refusal}");
        assert_eq!(refusal.kind(), Kind::Unsupported);
    }
    table.commit(2, &[json!({"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}})]);
    assert_eq!(paths(&table.latest()), ["a"]);
}

#[test]
fn a_table_of_a_catalog_is_refused_with_what_to_do() {
    for feature in ["catalogManaged", "catalogOwned-preview"] {
        let refusal = table(&["deletionVectors", feature]).refusal().to_string();
        assert!(refusal.contains(feature) && refusal.contains("drop the feature"), "{refusal}");
    }
}

#[test]
fn ids_of_rows_are_kept_from_commits_and_from_checkpoints() {
    let table = table(&[]);
    let tracked = add_with("b", json!({"baseRowId": 70, "defaultRowCommitVersion": 1}));
    table.commit(1, std::slice::from_ref(&tracked));
    for step in ["commits", "checkpoint"] {
        let rows = rows(&table.latest());
        assert_eq!((rows["a"].row_ids, rows["b"].row_ids), ((None, None), (Some(70), Some(1))), "{step}");
        table.checkpoint(1, &[protocol_with(&[]), metadata(&[]), add("a"), tracked.clone()]);
    }
}

#[test]
fn commits_carry_their_own_time_from_the_version_of_enablement_on() {
    let mut enabled = metadata(&[]);
    enabled["metaData"]["configuration"] = json!({
        "delta.enableInCommitTimestamps": "true", "delta.inCommitTimestampEnablementVersion": "1",
        "delta.inCommitTimestampEnablementTimestamp": "1700000000000"});
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 7,
                                       "writerFeatures": ["inCommitTimestamp"]}});
    let time = |ms: i64| json!({"commitInfo": {"inCommitTimestamp": ms}});
    let table = Table::with_commit_0(&[add("a")]);
    table.commit(1, &[time(1_700_000_000_000), protocol, enabled]);
    table.commit(2, &[time(1_700_000_000_007), add("b")]);
    let at = |version| table.load(Wanted::Version(version)).unwrap().snapshot().commit_timestamp_ms;
    assert_eq!((at(1), at(2)), (1_700_000_000_000, 1_700_000_000_007));
    assert!(at(0) > 1_700_000_000_007, "the file's own time");
}
