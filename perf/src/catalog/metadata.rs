//! Iceberg metadata of a table that Spark has appended to for long.

use serde_json::{Value, json};

const CREATED_MS: i64 = 1_700_000_000_000;
/// Snapshots are numbered from here, so that their ids are as long as real ones.
const FIRST_ID: i64 = 4_000_000_000_000_000_000;
const COLUMNS: i32 = 20;

/// A snapshot as Spark writes it, some 900 bytes.
fn snapshot(number: i64) -> Value {
    let hash = |salt: i64| number.wrapping_mul(0x9e37_79b9).wrapping_add(salt) & 0xffff_ffff;
    let mut snapshot = json!({
        "sequence-number": number,
        "snapshot-id": FIRST_ID + number,
        "timestamp-ms": CREATED_MS + number * 1_000,
        "summary": {
            "operation": "append", "spark.app.id": "local-1700000000000", "added-data-files": "12",
            "added-records": hash(1).to_string(), "added-files-size": hash(2).to_string(),
            "changed-partition-count": "12", "total-records": (number * 1_000_000).to_string(),
            "total-files-size": (number * 90_000_000).to_string(),
            "total-data-files": (number * 12).to_string(), "total-delete-files": "0",
            "total-position-deletes": "0", "total-equality-deletes": "0", "engine-version": "3.5.5",
            "app-id": "local-1700000000000", "engine-name": "spark",
            "iceberg-version": "Apache Iceberg 1.10.0 (commit 2114bf631e49af532d66e2ce148ee49dd1dd1f1f)",
        },
        "manifest-list": format!(
            "s3://perf/large/metadata/snap-{}-1-{:08x}-9f0d-4a37-{:012x}.avro", FIRST_ID + number, hash(3), hash(4) * 9_973
        ),
        "schema-id": 0,
    });
    if number > 1 {
        snapshot["parent-snapshot-id"] = json!(FIRST_ID + number - 1);
    }
    snapshot
}

/// The metadata file of a table with so many snapshots.
pub fn of_table(name: &str, snapshots: i64) -> anyhow::Result<Vec<u8>> {
    let field =
        |id: i32| json!({"id": id, "name": format!("column_{id}"), "required": false, "type": "string"});
    let current = FIRST_ID + snapshots;
    let log =
        |number: i64| json!({"timestamp-ms": CREATED_MS + number * 1_000, "snapshot-id": FIRST_ID + number});
    let uuid = format!("7e5f3c0b-1b8a-4a37-9f0d-{:012x}", snapshots);
    let table = json!({
        "format-version": 2, "table-uuid": uuid, "location": format!("s3://perf/{name}"),
        "last-sequence-number": snapshots, "last-updated-ms": CREATED_MS + snapshots * 1_000,
        "last-column-id": COLUMNS, "current-schema-id": 0, "default-spec-id": 0, "last-partition-id": 999,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": (1..=COLUMNS).map(field).collect::<Vec<_>>()}],
        "partition-specs": [{"spec-id": 0, "fields": []}], "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}], "properties": {"owner": "perf"},
        "current-snapshot-id": current, "refs": {"main": {"snapshot-id": current, "type": "branch"}},
        "snapshots": (1..=snapshots).map(snapshot).collect::<Vec<_>>(),
        "snapshot-log": (1..=snapshots).map(log).collect::<Vec<_>>(),
        "metadata-log": [], "statistics": [], "partition-statistics": [],
    });
    Ok(serde_json::to_vec(&table)?)
}

/// What an appending writer sends to make snapshot `number` after the one before.
pub fn commit(number: i64) -> Value {
    json!({
        "requirements": [
            {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": FIRST_ID + number - 1}],
        "updates": [
            {"action": "add-snapshot", "snapshot": snapshot(number)},
            {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": FIRST_ID + number}],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_follows_the_last_snapshot() {
        let table: Value = serde_json::from_slice(&of_table("t", 3).unwrap()).unwrap();
        assert_eq!(table["snapshots"].as_array().unwrap().len(), 3);
        assert_eq!(commit(4)["requirements"][0]["snapshot-id"], table["current-snapshot-id"]);
    }
}
