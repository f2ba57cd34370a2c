//! Iceberg metadata: parsed, changed by a commit, written.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a measurement stops where something is not as it should be"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lakeshare::iceberg::metadata::TableMetadata;
use lakeshare::iceberg::requirement::{self, Requirement};
use lakeshare::iceberg::update::Update;
use serde_json::{Value, json};

const CREATED_MS: i64 = 1_700_000_000_000;

/// A snapshot as Spark writes it, some 900 bytes.
fn snapshot(id: i64) -> Value {
    let hash = |salt: i64| id.wrapping_mul(0x9E37_79B9).wrapping_add(salt) & 0xFFFF_FFFF;
    let mut snapshot = json!({
        "sequence-number": id,
        "snapshot-id": 4_000_000_000_000_000_000_i64 + id,
        "timestamp-ms": CREATED_MS + id * 1_000,
        "summary": {
            "operation": "append", "spark.app.id": "local-1700000000000", "added-data-files": "12",
            "added-records": hash(1).to_string(), "added-files-size": hash(2).to_string(),
            "changed-partition-count": "12", "total-records": (id * 1_000_000).to_string(),
            "total-files-size": (id * 90_000_000).to_string(), "total-data-files": (id * 12).to_string(),
            "total-delete-files": "0", "total-position-deletes": "0", "total-equality-deletes": "0",
            "engine-version": "3.5.5", "app-id": "local-1700000000000", "engine-name": "spark",
            "iceberg-version": "Apache Iceberg 1.10.0 (commit 2114bf631e49af532d66e2ce148ee49dd1dd1f1f)",
        },
        "manifest-list": format!(
            "s3://warehouse/7e5f3c0b-1b8a-4a37-9f0d-0c6f5b1c9a11/metadata/snap-{}-1-{:08x}-9f0d.avro", id, hash(3)
        ),
        "schema-id": 0,
    });
    if id > 1 {
        snapshot["parent-snapshot-id"] = json!(4_000_000_000_000_000_000_i64 + id - 1);
    }
    snapshot
}

/// The metadata file of a table with a hundred columns.
fn metadata(snapshot_count: i64) -> Vec<u8> {
    let field =
        |id: i32| json!({"id": id, "name": format!("column_{id}"), "required": false, "type": "string"});
    let current = 4_000_000_000_000_000_000_i64 + snapshot_count;
    let log = |id: i64| json!({"timestamp-ms": CREATED_MS + id * 1_000, "snapshot-id": 4_000_000_000_000_000_000_i64 + id});
    let file = |id: i64| json!({"timestamp-ms": CREATED_MS + id, "metadata-file": format!("s3://warehouse/t/{id}.json")});
    let table = json!({
        "format-version": 2, "table-uuid": "7e5f3c0b-1b8a-4a37-9f0d-0c6f5b1c9a11", "location": "s3://warehouse/t",
        "last-sequence-number": snapshot_count, "last-updated-ms": CREATED_MS + snapshot_count * 1_000,
        "last-column-id": 100, "current-schema-id": 0, "default-spec-id": 0, "last-partition-id": 999,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": (1..=100).map(field).collect::<Vec<_>>()}],
        "partition-specs": [{"spec-id": 0, "fields": []}], "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}], "properties": {"owner": "bench"},
        "current-snapshot-id": current, "refs": {"main": {"snapshot-id": current, "type": "branch"}},
        "snapshots": (1..=snapshot_count).map(snapshot).collect::<Vec<_>>(),
        "snapshot-log": (1..=snapshot_count).map(log).collect::<Vec<_>>(),
        "metadata-log": (1..=100).map(file).collect::<Vec<_>>(), "statistics": [], "partition-statistics": [],
    });
    serde_json::to_vec(&table).unwrap()
}

/// What an appending writer sends.
fn append(id: i64) -> (Vec<Requirement>, Vec<Update>) {
    let before = 4_000_000_000_000_000_000_i64 + id - 1;
    let requirements = json!([
        {"type": "assert-table-uuid", "uuid": "7e5f3c0b-1b8a-4a37-9f0d-0c6f5b1c9a11"},
        {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": before}]);
    let updates = json!([
        {"action": "add-snapshot", "snapshot": snapshot(id)},
        {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": before + 1}]);
    (serde_json::from_value(requirements).unwrap(), serde_json::from_value(updates).unwrap())
}

fn catalog_metadata(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("catalog_metadata");
    for count in [100_i64, 10_000] {
        let text = metadata(count);
        let table = TableMetadata::parse(&text).unwrap();
        let (requirements, updates) = append(count + 1);
        let now_ms = CREATED_MS + (count + 1) * 1_000;
        let commit = || {
            requirement::check_all(&requirements, Some(&table)).unwrap();
            table.apply(&updates, Some("s3://warehouse/t/before.json"), now_ms).unwrap().unwrap()
        };
        assert_eq!(commit().snapshots().len() as i64, count + 1);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("parse/{count}"), |bencher| {
            bencher.iter(|| TableMetadata::parse(black_box(&text)).unwrap());
        });
        group.bench_function(format!("write/{count}"), |bencher| {
            bencher.iter(|| black_box(&table).to_json());
        });
        group.bench_function(format!("write_refs_only/{count}"), |bencher| {
            bencher.iter(|| black_box(&table).to_json_refs_only());
        });
        group.bench_function(format!("commit/{count}"), |bencher| bencher.iter(commit));
        group.bench_function(format!("commit_and_write/{count}"), |bencher| {
            bencher.iter(|| commit().to_json());
        });
    }
    group.finish();
}

criterion_group!(benches, catalog_metadata);
criterion_main!(benches);
