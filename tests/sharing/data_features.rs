//! Features of data files, as each kind of client gets them.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::log_table::{Head, LogTable};
use super::wire::{Answer, Ask};
use super::world::{TABLE, World, error_of};

const HEADER: &str = "delta-sharing-capabilities";
const SPARK: &str = "responseformat=delta;readerfeatures=deletionVectors,columnMapping,timestampNtz,typeWidening,\
                     typeWidening-preview,variantType,variantType-preview,variantShredding,variantShredding-preview,\
                     geospatial";
const UUID: &str = "^-aqEH.-t@S}K{vb[*k^";
const UUID_FILE: &str = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";

fn protocol(features: &[&str]) -> Value {
    json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features})
}

/// A table `t` of these reader features that is shared.
fn shared(features: &[&str], metadata: &[(&str, Value)], actions: &[Value]) -> (World, LogTable, String) {
    let world = World::start();
    let mut head = Head { protocol: protocol(features), ..Head::plain() };
    for (key, value) in metadata {
        head = head.with(key, value.clone());
    }
    let mut table = world.table("t", &head);
    table.commit(actions);
    let token = world.share("s", &[("default", "t", "t")]);
    (world, table, token)
}

fn schema_of(fields: &[Value]) -> Value {
    json!(json!({"type": "struct", "fields": fields}).to_string())
}

fn field(name: &str, data_type: &str, metadata: &Value) -> Value {
    json!({"name": name, "type": data_type, "nullable": true, "metadata": metadata})
}

fn add_with(path: &str, key: &str, value: Value) -> Value {
    let mut add = LogTable::add(path, &json!("x"), Some(10));
    add["add"][key] = value;
    add
}

fn metadata(world: &World, token: &str, capabilities: &str) -> Answer {
    world.ask(token, &Ask::get(&format!("{TABLE}/metadata")).header(HEADER, capabilities))
}

fn adds(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.lines().split_off(2)
}

/// Parquet clients are refused with `named`, on metadata and on query alike; both formats get delta.
fn needs_delta(world: &World, token: &str, named: &str) {
    for answer in [world.query(token, "{}"), metadata(world, token, "responseformat=parquet")] {
        let (code, text) = error_of(&answer, 400);
        assert_eq!(code, "UNSUPPORTED_OPERATION");
        assert!(text.contains(named) && text.contains("responseFormat=delta"), "{text}");
    }
    let both = SPARK.replace("responseformat=delta", "responseformat=delta,parquet");
    assert_eq!(metadata(world, token, &both).header(HEADER), Some("responseformat=delta"));
}

/// Clients of the delta format that do not list `feature` are refused by its name.
fn needs_feature(world: &World, token: &str, feature: &str) {
    let without = SPARK.replace(feature, "other");
    for answer in [world.query_as(token, &without, "{}"), metadata(world, token, &without)] {
        let (code, text) = error_of(&answer, 400);
        assert_eq!(code, "UNSUPPORTED_OPERATION");
        assert!(text.contains(feature) && text.contains("readerfeatures"), "{text}");
    }
}

fn vector(storage_type: &str, text: &str, offset: Option<i64>, cardinality: i64) -> Value {
    let mut vector = json!({"storageType": storage_type, "pathOrInlineDv": text, "sizeInBytes": 40,
                            "cardinality": cardinality});
    if let Some(offset) = offset {
        vector["offset"] = json!(offset);
    }
    vector
}

#[test]
fn deletion_vectors_are_signed_and_identified_by_their_file() {
    let with = |path: &str, vector: Value| add_with(path, "deletionVector", vector);
    let (world, table, token) = shared(
        &["deletionVectors"],
        &[],
        &[
            with("a", vector("u", UUID, Some(1), 4)),
            with("b", vector("u", UUID, Some(53), 7)),
            with("c", vector("u", &format!("ab{UUID}"), Some(1), 1)),
            with("d", vector("p", &format!("s3://lake/t/{UUID_FILE}"), Some(9), 1)),
            with("e", vector("i", "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", None, 6)),
            LogTable::add("f", &json!("x"), Some(10)),
        ],
    );
    table.write_file(UUID_FILE, b"vectors");
    needs_delta(&world, &token, "deletionVectors");
    needs_feature(&world, &token, "deletionVectors");
    let lines = adds(&world.query_as(&token, SPARK, "{}"));
    let file_id = |line: &Value| line["file"].get("deletionVectorFileId").cloned();
    let vector = |line: &Value| line["file"]["deltaSingleAction"]["add"].get("deletionVector").cloned();
    let by_path = |name: &str| {
        let of = |line: &&Value| line["file"]["id"] == hex::encode(Sha256::digest(name));
        lines.iter().find(of).unwrap()
    };
    for (name, offset, cardinality) in [("a", 1, 4), ("b", 53, 7), ("d", 9, 1)] {
        let line = by_path(name);
        let found = vector(line).unwrap();
        let url = found["pathOrInlineDv"].as_str().unwrap();
        assert_eq!(
            found,
            json!({"storageType": "p", "pathOrInlineDv": url, "offset": offset, "sizeInBytes": 40,
                                 "cardinality": cardinality})
        );
        assert!(url.contains(&format!("/lake/t/{UUID_FILE}?")) && url.contains("X-Amz-Signature="), "{url}");
        let target = &url[url.find("/lake/").unwrap()..];
        let got = Ask::get(target).send(world.server.address);
        assert_eq!((got.status, got.text()), (200, "vectors"));
        assert_eq!(file_id(line), Some(json!(hex::encode(Sha256::digest(UUID_FILE)))), "{name}");
    }
    let prefixed = vector(by_path("c")).unwrap();
    assert!(prefixed["pathOrInlineDv"].as_str().unwrap().contains(&format!("/lake/t/ab/{UUID_FILE}?")));
    assert_ne!(file_id(by_path("c")), file_id(by_path("a")));
    let inline = "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";
    assert_eq!(
        vector(by_path("e")),
        Some(json!({"storageType": "i", "pathOrInlineDv": inline, "sizeInBytes": 40, "cardinality": 6}))
    );
    assert_eq!(file_id(by_path("e")), None);
    assert_eq!((vector(by_path("f")), file_id(by_path("f"))), (None, None));
    let stats = by_path("a")["file"]["deltaSingleAction"]["add"]["stats"].as_str().unwrap();
    assert!(stats.starts_with(r#"{"numRecords":10"#), "physical rows: {stats}");
}

#[test]
fn a_table_whose_vectors_are_all_gone_is_plain_for_parquet_clients() {
    let dead = add_with("a", "deletionVector", vector("u", UUID, Some(1), 4));
    let (world, mut table, token) =
        shared(&["deletionVectors"], &[], &[dead.clone(), LogTable::add("b", &json!("x"), Some(3))]);
    needs_delta(&world, &token, "deletionVectors");
    let gone = json!({"path": "a", "dataChange": true, "deletionVector": dead["add"]["deletionVector"]});
    table.commit(&[json!({"remove": gone})]);
    assert_eq!(adds(&world.query(&token, "{}")).len(), 1);
    needs_feature(&world, &token, "deletionVectors");
}

#[test]
fn a_limit_counts_the_rows_that_are_not_deleted() {
    let with = |path: &str, deleted| add_with(path, "deletionVector", vector("u", UUID, Some(1), deleted));
    let (world, _, token) = shared(&["deletionVectors"], &[], &[with("a", 10), with("b", 4), with("c", 0)]);
    for (limit, files) in [(1, 2), (6, 2), (7, 3), (100, 3)] {
        let answer = world.query_as(&token, SPARK, &json!({"limitHint": limit}).to_string());
        assert_eq!(adds(&answer).len(), files, "limit {limit}");
    }
}

/// The columns `id` and `date` with their names in the files.
fn mapped(id: &str, date: &str) -> [(&'static str, Value); 2] {
    let name = |number: i64, physical: &str| json!({"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical});
    let schema = schema_of(&[field("id", "long", &name(1, id)), field("date", "string", &name(2, date))]);
    [("schemaString", schema), ("configuration", json!({"delta.columnMapping.mode": "name"}))]
}

#[test]
fn a_renamed_column_is_told_by_both_names_and_only_in_delta() {
    let file = add_with("a", "partitionValues", json!({"col-2": "x"}));
    let (world, _, token) = shared(&["columnMapping"], &mapped("id", "col-2"), &[file]);
    needs_delta(&world, &token, "columnMapping");
    needs_feature(&world, &token, "columnMapping");
    let answer = world.query_as(&token, SPARK, "{}");
    let head = &answer.lines()[1]["metaData"]["deltaMetadata"];
    assert!(
        head["schemaString"].as_str().unwrap().contains("\"delta.columnMapping.physicalName\":\"col-2\"")
    );
    assert_eq!(head["configuration"], json!({"delta.columnMapping.mode": "name"}));
    assert_eq!(
        adds(&answer)[0]["file"]["deltaSingleAction"]["add"]["partitionValues"],
        json!({"col-2": "x"})
    );
}

#[test]
fn a_mapping_without_any_rename_is_plain_for_parquet_clients() {
    let file = LogTable::add("a", &json!("x"), Some(1));
    let (world, _, token) = shared(&["columnMapping"], &mapped("id", "date"), &[file]);
    let answer = world.query(&token, "{}");
    assert_eq!(adds(&answer)[0]["file"]["partitionValues"], json!({"date": "x"}));
    let schema = answer.lines()[1]["metaData"]["schemaString"].as_str().unwrap().to_owned();
    assert!(!schema.contains("columnMapping"), "{schema}");
    needs_feature(&world, &token, "columnMapping");
}

#[test]
fn columns_that_parquet_clients_do_not_know_need_delta_and_the_feature() {
    let widened = json!({"delta.typeChanges": [{"toType": "long", "fromType": "integer"}]});
    for (feature, column) in [
        ("timestampNtz", field("id", "timestamp_ntz", &json!({}))),
        ("typeWidening", field("id", "long", &widened)),
        ("typeWidening-preview", field("id", "long", &widened)),
        ("variantType", field("id", "variant", &json!({}))),
        ("variantShredding-preview", field("id", "variant", &json!({}))),
        ("geospatial", field("id", "geometry(OGC:CRS84)", &json!({}))),
    ] {
        let schema = schema_of(&[column, field("date", "string", &json!({}))]);
        let file = LogTable::add("a", &json!("x"), Some(1));
        let (world, _, token) = shared(&[feature], &[("schemaString", schema)], &[file]);
        needs_delta(&world, &token, "'id'");
        needs_feature(&world, &token, feature);
        let answer = world.query_as(&token, SPARK, "{}");
        assert_eq!(adds(&answer).len(), 1, "{feature}");
        assert_eq!(answer.lines()[0]["protocol"]["deltaProtocol"]["readerFeatures"], json!([feature]));
    }
}

#[test]
fn ids_of_rows_are_passed_on_in_delta_and_left_out_of_parquet() {
    let mut tracked = add_with("a", "baseRowId", json!(70));
    tracked["add"]["defaultRowCommitVersion"] = json!(1);
    let (world, _, token) = shared(&[], &[], &[tracked, LogTable::add("b", &json!("x"), Some(1))]);
    let lines = adds(&world.query_as(&token, SPARK, "{}"));
    let ids = |line: &Value| {
        let add = &line["file"]["deltaSingleAction"]["add"];
        (add.get("baseRowId").cloned(), add.get("defaultRowCommitVersion").cloned())
    };
    assert_eq!((ids(&lines[0]), ids(&lines[1])), ((Some(json!(70)), Some(json!(1))), (None, None)));
    assert!(!world.query(&token, "{}").text().contains("baseRowId"));
}

#[test]
fn a_path_is_signed_as_the_object_that_it_means() {
    let paths = [
        ("s3://lake/t/absolute%20one.parquet", "absolute one.parquet"),
        ("date=a%2Fb/100%2525.parquet", "date=a/b/100%25.parquet"),
        ("date=%C3%A4/\u{1f980}+&'.parquet", "date=ä/\u{1f980}+&'.parquet"),
        ("date=2024-01-01%2010%253A00/x.parquet", "date=2024-01-01 10%3A00/x.parquet"),
    ];
    let adds: Vec<Value> = paths.iter().map(|(path, _)| LogTable::add(path, &json!("x"), Some(1))).collect();
    let (world, table, token) = shared(&[], &[], &adds);
    for (_, key) in paths {
        table.write_file(key, key.as_bytes());
    }
    let lines = adds_by_id(&world.query(&token, "{}"));
    for (path, key) in paths {
        let id = hex::encode(md5::Md5::digest(path));
        let url = lines[&id]["url"].as_str().unwrap();
        let got = Ask::get(&url[url.find("/lake/").unwrap()..]).send(world.server.address);
        assert_eq!((got.status, got.text()), (200, key), "{path}: {url}");
    }
}

/// The files of a parquet answer by their ids.
fn adds_by_id(answer: &Answer) -> std::collections::BTreeMap<String, Value> {
    let files = adds(answer).into_iter().map(|line| line["file"].clone());
    files.map(|file| (file["id"].as_str().unwrap().to_owned(), file)).collect()
}
