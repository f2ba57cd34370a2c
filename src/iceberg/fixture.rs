//! Tables and commits for the tests of this room.

use serde_json::{Value, json};
use uuid::Uuid;

use super::error::Error;
use super::metadata::TableMetadata;
use super::new_table::NewTable;
use super::partition_spec::UnboundPartitionSpec;
use super::schema::Schema;
use super::update::Update;

/// When the tables of the tests were made.
pub(super) const CREATED_MS: i64 = 1_700_000_000_000;

pub(super) const UUID: &str = "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94";

pub(super) fn schema() -> Schema {
    let schema = json!({"type": "struct", "schema-id": 7, "fields": [
        {"id": 10, "name": "id", "required": true, "type": "long"},
        {"id": 20, "name": "day", "required": false, "type": "date"},
        {"id": 30, "name": "text", "required": false, "type": "string"},
    ]});
    serde_json::from_value(schema).unwrap()
}

/// Rows by day; the columns come with the ids 10, 20 and 30, and get 1, 2 and 3.
pub(super) fn new_table(format_version: u8) -> NewTable {
    let spec = json!({"spec-id": 4, "fields": [
        {"name": "day", "transform": "identity", "source-id": 20, "field-id": 4_000}]});
    NewTable {
        uuid: Uuid::try_parse(UUID).unwrap(),
        location: "s3://bucket/table/".to_owned(),
        schema: schema(),
        partition_spec: Some(serde_json::from_value::<UnboundPartitionSpec>(spec).unwrap()),
        sort_order: None,
        properties: [("format-version".to_owned(), format_version.to_string())].into(),
    }
}

pub(super) fn table(format_version: u8) -> TableMetadata {
    new_table(format_version).build(CREATED_MS).unwrap()
}

pub(super) fn updates(updates: Value) -> Vec<Update> {
    serde_json::from_value(updates).unwrap()
}

/// A snapshot of the second version, a second after the one before it.
pub(super) fn snapshot(id: i64, parent: Option<i64>, sequence_number: i64) -> Value {
    let mut snapshot = json!({
        "snapshot-id": id,
        "sequence-number": sequence_number,
        "timestamp-ms": CREATED_MS + 1_000 * sequence_number,
        "manifest-list": format!("s3://bucket/table/metadata/{id}.avro"),
        "summary": {"operation": "append"},
        "schema-id": 0,
    });
    if let Some(parent) = parent {
        snapshot["parent-snapshot-id"] = json!(parent);
    }
    snapshot
}

pub(super) fn add(snapshot: &Value) -> Value {
    json!({"action": "add-snapshot", "snapshot": snapshot})
}

pub(super) fn branch(name: &str, id: i64) -> Value {
    json!({"action": "set-snapshot-ref", "ref-name": name, "type": "branch", "snapshot-id": id})
}

/// A commit ten seconds after the table was made.
pub(super) fn commit(table: &TableMetadata, changes: Value) -> Result<Option<TableMetadata>, Error> {
    table.apply(&updates(changes), Some("s3://bucket/table/metadata/before.json"), CREATED_MS + 10_000)
}

/// A commit that changes something.
pub(super) fn changed(table: &TableMetadata, changes: Value) -> TableMetadata {
    commit(table, changes).unwrap().expect("something changes")
}

/// A table with the snapshots 1 to `count` on main.
pub(super) fn with_snapshots(table: &TableMetadata, count: i64) -> TableMetadata {
    (1..=count).fold(table.clone(), |table, id| {
        let parent = (id > 1).then_some(id - 1);
        changed(&table, json!([add(&snapshot(id, parent, id)), branch("main", id)]))
    })
}
