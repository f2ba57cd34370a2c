//! Iceberg snapshots told as Delta versions: from manifests to columns.
//!
//! `replay` decodes all manifests, `kept` finds all of them decoded; `append` tells what the last manifest added to all
//! others; `deletes` tells a version that deletes a row, with all that is kept. Files have bounds of 15 columns, and lie in
//! partitions of 2,500 days; `one-day` asks for one of these, `one-key` for a value of a column that the table is not
//! partitioned by. `outline` reads a list of many manifests, and `unread` finds that a query needs none of them.

#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a measurement stops where something is not as it should be"
)]

#[path = "inputs/iceberg_manifest.rs"]
mod iceberg_manifest;
#[path = "inputs/iceberg_orders.rs"]
mod iceberg_orders;

use std::path::Path;
use std::sync::Arc;

use apache_avro::{Codec, DeflateSettings, Writer};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lakeshare::iceberg::metadata::TableMetadata;
use lakeshare::skip::hints::Hints;
use lakeshare::skip::predicate::Predicate;
use lakeshare::skip::pruner::{Pruner, Sought};
use lakeshare::state::record::TableVersion;
use lakeshare::storage::Buckets;
use lakeshare::table::file_list::Block;
use lakeshare::table::snapshot::Snapshot;
use lakeshare::uniform::changes::{Reader, survey};
use lakeshare::uniform::chosen::Chosen;
use lakeshare::uniform::manifests::Manifests;
use lakeshare::uniform::moments::Moments;
use lakeshare::uniform::outline::Outline;
use lakeshare::uniform::place::Place;
use lakeshare::uniform::replay;
use parquet::arrow::ArrowWriter;
use serde_json::json;

const MANIFESTS: usize = 16;
const ENTRIES: usize = 62_500;
const ENTRIES_IN_TESTS: usize = 50;
/// Manifests of the list that is outlined, and files in each.
const LISTED: i32 = 10_000;
const LISTED_IN_TESTS: i32 = 100;
const LISTED_FILES: i32 = 100;
/// What the kernel counts the time of a process in (`proc(5)`).
const TICKS_A_SECOND: f64 = 100.0;

/// A warehouse with one table of so many files in each manifest.
struct Warehouse {
    dir: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    chosen: Chosen,
}

impl Warehouse {
    fn new(entries: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("warehouse/t/metadata");
        std::fs::create_dir_all(&folder).unwrap();
        let deflate = Codec::Deflate(DeflateSettings::default());
        let bytes = iceberg_orders::manifest(deflate, entries);
        let schema = iceberg_manifest::list_schema();
        let mut lists = [(); 3].map(|()| Writer::new(&schema, Vec::new()));
        for number in 0..MANIFESTS {
            std::fs::write(folder.join(format!("m{number}.avro")), &bytes).unwrap();
            let row = iceberg_manifest::ManifestFile {
                path: format!("s3://warehouse/t/metadata/m{number}.avro"),
                length_bytes: bytes.len() as i64,
                snapshot_id: 1,
                sequence_number: 1,
                file_count: entries as i32,
                is_of_deletes: false,
                days: iceberg_orders::DAYS,
            };
            // The snapshot before has one manifest less.
            let without_last = if number + 1 < MANIFESTS { 0 } else { 1 };
            for list in &mut lists[without_last..] {
                list.append(iceberg_manifest::list_entry(&row)).unwrap();
            }
        }
        lists[2].append(iceberg_manifest::list_entry(&deletes(&folder))).unwrap();
        for (number, list) in lists.into_iter().enumerate() {
            std::fs::write(folder.join(format!("list{number}.avro")), list.into_inner().unwrap()).unwrap();
        }
        let chosen = Chosen {
            metadata: Arc::new(metadata("identity", &json!({"operation": "append"}))),
            snapshot_id: Some(1),
            schema_id: 0,
            version: 1,
            timestamp_ms: 1,
        };
        Self { dir, runtime: tokio::runtime::Runtime::new().unwrap(), chosen }
    }

    /// How many files the last version added.
    fn append(&self, manifests: &Manifests) -> usize {
        let buckets = Buckets::embedded(self.dir.path().to_owned());
        let place = Place { buckets: &buckets, bucket: "warehouse", root: "" };
        let rows = [(0, 0), (1, 1)].map(|(version, snapshot_id)| TableVersion {
            version,
            snapshot_id: Some(snapshot_id),
            schema_id: 0,
            timestamp_ms: 1,
        });
        let moments = Moments::new(rows.into(), Arc::clone(&self.chosen.metadata), 1).unwrap();
        let range = moments.range(1..=1).unwrap();
        self.runtime.block_on(async {
            let surveyed = survey(&place, manifests, &range).await.unwrap();
            let mut reader = Reader::new(place, manifests, moments.metadata(), &surveyed.steps[0]);
            let mut count = 0;
            while let Some(piece) = reader.next().await.unwrap() {
                count += piece.len();
            }
            count
        })
    }

    fn replay(&self, manifests: &Manifests) -> Snapshot {
        self.replay_at(manifests, 1)
    }

    fn replay_at(&self, manifests: &Manifests, snapshot_id: i64) -> Snapshot {
        let buckets = Buckets::embedded(self.dir.path().to_owned());
        let place = Place { buckets: &buckets, bucket: "warehouse", root: "" };
        let chosen = Chosen { snapshot_id: Some(snapshot_id), ..self.chosen.clone() };
        self.runtime.block_on(replay(&place, manifests, &chosen)).unwrap()
    }
}

/// A manifest with one file that deletes a row.
fn deletes(folder: &Path) -> iceberg_manifest::ManifestFile {
    let path = iceberg_orders::path(7);
    let columns: [(&str, ArrayRef); 2] = [
        ("file_path", Arc::new(StringArray::from(vec![path.clone()]))),
        ("pos", Arc::new(Int64Array::from(vec![3]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(folder.join("deletes.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let file = iceberg_manifest::File {
        path: "s3://warehouse/t/metadata/deletes.parquet".to_owned(),
        record_count: 1,
        deletes_from: Some(path),
        ..iceberg_manifest::File::default()
    };
    let schema = iceberg_manifest::schema("day");
    let mut writer = Writer::new(&schema, Vec::new());
    writer.append(iceberg_manifest::entry(2, "day", &file)).unwrap();
    let bytes = writer.into_inner().unwrap();
    std::fs::write(folder.join("deletes.avro"), &bytes).unwrap();
    iceberg_manifest::ManifestFile {
        path: "s3://warehouse/t/metadata/deletes.avro".to_owned(),
        length_bytes: bytes.len() as i64,
        snapshot_id: 2,
        sequence_number: 2,
        file_count: 1,
        is_of_deletes: true,
        days: iceberg_orders::DAYS,
    }
}

/// Keys, decimals, dates and words, as the manifests have bounds of them.
fn metadata(transform: &str, summary: &serde_json::Value) -> TableMetadata {
    let of = |id: i32| match id {
        1..=4 => "long",
        5..=8 => "decimal(9,2)",
        9..=11 => "date",
        _ => "string",
    };
    let fields: Vec<_> = (1..=15)
        .map(|id| json!({"id": id, "name": format!("column_{id}"), "required": false, "type": of(id)}))
        .collect();
    let snapshots = [0, 1, 2].map(|id| {
        json!({
            "snapshot-id": id, "sequence-number": id, "timestamp-ms": 1, "schema-id": 0,
            "manifest-list": format!("s3://warehouse/t/metadata/list{id}.avro"), "summary": summary,
        })
    });
    let text = json!({
        "format-version": 2, "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94", "location": "s3://warehouse/t",
        "last-sequence-number": 2, "last-updated-ms": 1, "last-column-id": 15, "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}], "default-spec-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": [
            {"source-id": 9, "field-id": 1000, "name": "day", "transform": transform}]}],
        "last-partition-id": 1000, "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}],
        "properties": {}, "current-snapshot-id": 1, "snapshots": snapshots,
        "refs": {"main": {"snapshot-id": 1, "type": "branch"}},
    });
    TableMetadata::parse(text.to_string().as_bytes()).unwrap()
}

fn predicate(snapshot: &Snapshot, hint: &str) -> Predicate {
    Predicate::compile(&Hints { sql: vec![hint.to_owned()], json: None }, &snapshot.metadata)
}

/// How many files a hint keeps.
fn kept_files(snapshot: &Snapshot, hint: &str) -> usize {
    let mut pruner = Pruner::new(predicate(snapshot, hint)).unwrap();
    let (mut block, mut kept, mut next) = (Block::default(), 0, 0);
    while next < snapshot.files.block_count() {
        next = match pruner.seek(&snapshot.files, next) {
            Sought::Before(index) => index,
            Sought::At(index) => {
                let files = snapshot.files.read_block(index, &mut block);
                kept += files.filter(|file| pruner.may_match(file)).count();
                index + 1
            }
        };
    }
    kept
}

/// Seconds that the processors have spent with us until now.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_A_SECOND
}

fn snapshots(criterion: &mut Criterion) {
    // Criterion's own word for a measurement; without it everything runs once.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let warehouse = Warehouse::new(if is_measured { ENTRIES } else { ENTRIES_IN_TESTS });
    let before = cpu_seconds();
    let snapshot = warehouse.replay(&Manifests::default());
    let seconds = cpu_seconds() - before;
    let count = snapshot.files.file_count();
    let bytes = snapshot.memory_bytes() as u64 / count;
    println!(
        "uniform: {:.0} files a CPU second, {bytes} bytes of memory a file",
        count as f64 / seconds.max(0.01)
    );
    let mut group = criterion.benchmark_group("uniform");
    group.sample_size(10);
    group.throughput(Throughput::Elements(count));
    group.bench_function(format!("replay/{count}"), |bencher| {
        bencher.iter(|| warehouse.replay(&Manifests::default()));
    });
    for (name, hint) in [("one-day", "column_9 = DATE '1995-01-05'"), ("one-key", "column_1 = 4711")] {
        let kept = kept_files(&snapshot, hint);
        println!("uniform: {name} keeps {kept} of {count} files");
        assert!((kept as u64) < count);
        group.bench_function(format!("{name}/{count}"), |bencher| {
            bencher.iter(|| kept_files(&snapshot, hint));
        });
    }
    drop(snapshot);
    let kept = Manifests::new(4 << 30);
    warehouse.replay(&kept);
    group.bench_function(format!("kept/{count}"), |bencher| bencher.iter(|| warehouse.replay(&kept)));
    let snapshot = warehouse.replay_at(&kept, 2);
    assert_eq!(snapshot.files.file_count(), count);
    group
        .bench_function(format!("deletes/{count}"), |bencher| bencher.iter(|| warehouse.replay_at(&kept, 2)));
    group.throughput(Throughput::Elements(warehouse.append(&kept) as u64));
    group.bench_function(format!("append/{count}"), |bencher| {
        bencher.iter(|| warehouse.append(&Manifests::default()));
    });
    group.finish();
}

fn outlines(criterion: &mut Criterion) {
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let count = if is_measured { LISTED } else { LISTED_IN_TESTS };
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("warehouse/t/metadata");
    std::fs::create_dir_all(&folder).unwrap();
    let schema = iceberg_manifest::list_schema();
    let mut list = Writer::new(&schema, Vec::new());
    for number in 0..count {
        let row = iceberg_manifest::ManifestFile {
            path: format!(
                "s3://warehouse/t/metadata/{number:08}-8c5e0f6e-6c32-4a1a-b0f1-3f6c8b0a7d11-m0.avro"
            ),
            length_bytes: 20_000,
            snapshot_id: 1,
            sequence_number: 1,
            file_count: LISTED_FILES,
            is_of_deletes: false,
            days: (number, number),
        };
        list.append(iceberg_manifest::list_entry(&row)).unwrap();
    }
    std::fs::write(folder.join("list1.avro"), list.into_inner().unwrap()).unwrap();
    let files = (count * LISTED_FILES).to_string();
    let summary = json!({"operation": "append", "total-data-files": files, "total-files-size": files});
    let metadata = Arc::new(metadata("month", &summary));
    let chosen = Chosen { metadata, snapshot_id: Some(1), schema_id: 0, version: 1, timestamp_ms: 1 };
    let buckets = Buckets::embedded(dir.path().to_owned());
    let place = Place { buckets: &buckets, bucket: "warehouse", root: "" };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let manifests = Manifests::default();
    let outline = || runtime.block_on(Outline::of((&place, &manifests), &chosen, 1)).unwrap().unwrap();
    let made = Arc::new(outline());
    let wanted = predicate(made.head(), "column_9 = DATE '9000-01-01'");
    let part = || {
        let part = made.part((&place, &manifests), wanted.clone());
        runtime.block_on(part).unwrap().unwrap().files.file_count()
    };
    assert_eq!(part(), 0);
    let mut group = criterion.benchmark_group("uniform");
    group.sample_size(10);
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function(format!("outline/{count}"), |bencher| bencher.iter(outline));
    group.bench_function(format!("unread/{count}"), |bencher| bencher.iter(part));
    group.finish();
}

criterion_group!(benches, snapshots, outlines);
criterion_main!(benches);
