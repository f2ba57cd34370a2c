//! Large Iceberg tables that are not in memory: few manifests are read.

use std::collections::BTreeSet;
use std::path::PathBuf;

use apache_avro::{Codec, Writer};
use serde_json::{Value, json};

use super::world::World;
use crate::support::iceberg_manifest::{File, ManifestFile, entry, list_entry, list_schema, schema};

const MANIFESTS: i32 = 6;
const DAYS_OF_A_MANIFEST: i32 = 10;
const FILES_OF_A_DAY: i32 = 900;
const ALL: i32 = MANIFESTS * DAYS_OF_A_MANIFEST * FILES_OF_A_DAY;

/// The only column is a time, and the table is partitioned by its day.
const FIELD: &str = "at_day";

/// A world with the table `s`.`default`.`t` of the bucket `lake`, a token for it, and its manifests.
fn start() -> (World, String, Vec<PathBuf>) {
    let mut world = World::start();
    let folder = world.bucket().join("big/metadata");
    std::fs::create_dir_all(&folder).unwrap();
    let manifests: Vec<PathBuf> =
        (0..MANIFESTS).map(|number| folder.join(format!("m{number}.avro"))).collect();
    let schema = list_schema();
    let mut list = Writer::new(&schema, Vec::new());
    for (number, path) in (0..).zip(&manifests) {
        let bytes = manifest(number);
        std::fs::write(path, &bytes).unwrap();
        let first = number * DAYS_OF_A_MANIFEST;
        let row = ManifestFile {
            path: format!("s3://lake/big/metadata/m{number}.avro"),
            length_bytes: bytes.len().try_into().unwrap(),
            snapshot_id: 7,
            sequence_number: 1,
            file_count: DAYS_OF_A_MANIFEST * FILES_OF_A_DAY,
            is_of_deletes: false,
            days: (first, first + DAYS_OF_A_MANIFEST - 1),
        };
        list.append(list_entry(&row)).unwrap();
    }
    std::fs::write(folder.join("list.avro"), list.into_inner().unwrap()).unwrap();
    std::fs::write(folder.join("v1.metadata.json"), metadata().to_string()).unwrap();
    let table = json!({"name": "t", "sourceType": "iceberg", "bucket": "lake", "location": "big"});
    let share = json!({"name": "s", "schemas": [{"name": "default", "tables": [table]}]});
    let answer = world.admin("POST", "/shares", &share);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = world.token("s", &json!({}));
    // Who shares a table reads it whole.
    world.server.restart();
    (world, token, manifests)
}

fn manifest(number: i32) -> Vec<u8> {
    let schema = schema(FIELD);
    let mut writer = Writer::with_codec(&schema, Vec::new(), Codec::Null);
    for index in 0..DAYS_OF_A_MANIFEST * FILES_OF_A_DAY {
        let file = File {
            path: format!("s3://lake/big/data/{number}-{index}.parquet"),
            day: number * DAYS_OF_A_MANIFEST + index % DAYS_OF_A_MANIFEST,
            record_count: 5,
            size_bytes: 100,
            ..File::default()
        };
        writer.append(entry(7, FIELD, &file)).unwrap();
    }
    writer.into_inner().unwrap()
}

fn metadata() -> Value {
    let summary = json!({"operation": "append", "total-data-files": ALL.to_string(),
        "total-files-size": (ALL * 100).to_string()});
    json!({
        "format-version": 2, "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94", "location": "s3://lake/big",
        "last-sequence-number": 1, "last-updated-ms": 1, "last-column-id": 1, "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": [
            {"id": 1, "name": "at", "required": false, "type": "timestamptz"}]}],
        "default-spec-id": 0, "last-partition-id": 1000, "partition-specs": [{"spec-id": 0, "fields": [
            {"source-id": 1, "field-id": 1000, "name": FIELD, "transform": "day"}]}],
        "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}], "properties": {},
        "current-snapshot-id": 7, "refs": {"main": {"snapshot-id": 7, "type": "branch"}},
        "snapshots": [{"snapshot-id": 7, "sequence-number": 1, "timestamp-ms": 1, "schema-id": 0, "summary": summary,
            "manifest-list": "s3://lake/big/metadata/list.avro"}],
    })
}

/// A query for the 12th day, in pages if wanted.
fn body(page: &Value) -> String {
    let mut body = json!({"predicateHints": ["at > '1970-01-13T08:00:00Z'", "at < '1970-01-13T09:00:00Z'"]});
    body.as_object_mut().unwrap().extend(page.as_object().unwrap().clone());
    body.to_string()
}

/// The head of an answer, and its files.
fn told(lines: &[Value]) -> (Vec<Value>, BTreeSet<String>) {
    let (heads, files): (Vec<&Value>, Vec<&Value>) = lines
        .iter()
        .filter(|line| line.get("endStreamAction").is_none())
        .partition(|line| line.get("file").is_none());
    let ids = files.iter().map(|line| line["file"]["id"].as_str().unwrap().to_owned());
    (heads.into_iter().cloned().collect(), ids.collect())
}

#[test]
fn a_query_for_few_partitions_leaves_other_manifests_unread() {
    let (world, token, manifests) = start();
    let gone = manifests[4].with_extension("gone");
    std::fs::rename(&manifests[4], &gone).unwrap();
    let version = world.get(&token, "/shares/s/schemas/default/tables/t/version");
    assert_eq!(version.header("delta-table-version"), Some("1"));
    let metadata = world.get(&token, "/shares/s/schemas/default/tables/t/metadata").lines();
    assert_eq!(metadata[1]["metaData"]["numFiles"], ALL);
    let answer = world.query(&token, &body(&json!({})));
    let (head, files) = told(&answer.lines());
    assert_eq!((&head, files.len()), (&metadata, FILES_OF_A_DAY.try_into().unwrap()));
    let (mut paged, mut page) = (BTreeSet::new(), json!({"maxFiles": 2_500}));
    loop {
        let lines = world.query(&token, &body(&page)).lines();
        let (told_head, mut told_files) = told(&lines);
        assert_eq!(told_head, head);
        paged.append(&mut told_files);
        let end = &lines.last().unwrap()["endStreamAction"];
        let Some(next) = end["nextPageToken"].as_str().filter(|token| !token.is_empty()) else { break };
        page["pageToken"] = json!(next);
    }
    assert_eq!(paged, files);
    // Without hints all manifests are needed.
    assert_ne!(world.query(&token, "{}").status, 200);
    std::fs::rename(&gone, &manifests[4]).unwrap();
    let (whole_head, all) = told(&world.query(&token, "{}").lines());
    assert_eq!((whole_head, all.len()), (head.clone(), ALL.try_into().unwrap()));
    let (again, same) = told(&world.query(&token, &body(&json!({}))).lines());
    assert_eq!((again, same), (head, files), "the same from memory");
}
