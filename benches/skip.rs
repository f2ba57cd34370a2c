//! Hints asked of a million files, with their unpacking.

#![allow(
    clippy::expect_used,
    clippy::pedantic,
    clippy::unwrap_used,
    reason = "a measurement stops where something is not as it should be"
)]

use std::collections::BTreeMap;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lakeshare::skip::hints::Hints;
use lakeshare::skip::predicate::Predicate;
use lakeshare::skip::pruner::Pruner;
use lakeshare::table::file_list::{Block, FileList};
use lakeshare::table::file_list_builder::FileListBuilder;
use lakeshare::table::path_digest::PathDigest;
use lakeshare::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use lakeshare::table::snapshot::Metadata;

const FILES: u64 = 1_000_000;
const FILES_IN_TESTS: u64 = 5_000;
const COLUMNS: [(&str, &str); 6] = [
    ("id", "long"),
    ("customer", "long"),
    ("amount", "double"),
    ("note", "string"),
    ("at", "timestamp"),
    ("day", "date"),
];

/// Days one after the other, as a table that grows by days has them, or mixed, as a compacted one may.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Days,
    Mixed,
}

fn files(count: u64, order: Order) -> FileList {
    let mut builder = FileListBuilder::default();
    for number in 0..count {
        let day = if order == Order::Days { number * 300 / count } else { number % 300 };
        let day = format!("2024-{:02}-{:02}", day / 28 + 1, day % 28 + 1);
        let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let values = |salt: u64, time: &str| {
            format!(
                r#"{{"id":{},"customer":{},"amount":{}.25,"note":"note {}","at":"{day}T{time}.000Z"}}"#,
                number * 1_000 + salt,
                hash % 1_000 + salt,
                hash % 10_000 + salt,
                hash % 100,
            )
        };
        let (min, max) = (values(0, "00:00:00"), values(999, "23:59:59"));
        let stats = format!(
            r#"{{"numRecords":1000,"minValues":{min},"maxValues":{max},"nullCount":{{"id":0,"customer":0,"amount":0,"note":3,"at":0}}}}"#
        );
        let path = format!("day={day}/part-{number:08}.parquet");
        builder.push(&NewFile {
            path: FilePath::plain(&path),
            digest: PathDigest::of(path.as_bytes()),
            size_bytes: 1,
            modification_time_ms: 0,
            partition_values: format!(r#"{{"day":"{day}"}}"#).as_bytes(),
            statistics: StatisticsText::Raw(&stats),
            record_count: Some(1_000),
            deletion_vector: None,
            row_ids: RowIds::default(),
        });
    }
    FileList::new(builder.finish(&mut |json, out| out.extend_from_slice(json)))
}

fn metadata() -> Metadata {
    let field = |(name, data_type): (&str, &str)| serde_json::json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
    Metadata {
        id: String::new(),
        name: None,
        description: None,
        format_provider: "parquet".to_owned(),
        format_options: BTreeMap::new(),
        schema_string: serde_json::json!({"type": "struct", "fields": COLUMNS.map(field)}).to_string(),
        partition_columns: vec!["day".to_owned()],
        configuration: BTreeMap::new(),
        created_time_ms: None,
    }
}

/// How many files the hint keeps.
fn kept(files: &FileList, hint: &str, metadata: &Metadata) -> usize {
    let hints = Hints { sql: vec![hint.to_owned()], json: None };
    let mut pruner = Pruner::new(Predicate::compile(&hints, metadata)).expect("a hint that can be used");
    let mut block = Block::default();
    let mut kept = 0;
    for index in 0..files.block_count() {
        if pruner.may_match_block(files, index) {
            kept += files.read_block(index, &mut block).filter(|file| pruner.may_match(file)).count();
        }
    }
    kept
}

fn skip(criterion: &mut Criterion) {
    // Criterion's own word for a measurement; without it everything runs once.
    let count = if std::env::args().any(|argument| argument == "--bench") { FILES } else { FILES_IN_TESTS };
    let metadata = metadata();
    let mut group = criterion.benchmark_group("skip");
    group.sample_size(10);
    group.throughput(Throughput::Elements(count));
    for (name, order) in [("days", Order::Days), ("mixed", Order::Mixed)] {
        let files = files(count, order);
        for (case, hint) in [
            ("partition", "day = DATE '2024-05-05'"),
            ("statistics", "customer = 500"),
            ("three-columns", "id >= 5000 AND amount < 100 AND at > TIMESTAMP '2024-10-01 00:00:00Z'"),
            ("partition-and-statistics", "day = DATE '2024-05-05' AND customer = 500"),
        ] {
            let kept_count = kept(&files, hint, &metadata);
            assert!(kept_count > 0 && kept_count < usize::try_from(count).unwrap(), "{case}: {kept_count}");
            group.bench_function(BenchmarkId::new(format!("{case}/{name}"), count), |bencher| {
                bencher.iter(|| kept(&files, hint, &metadata));
            });
        }
        group.bench_function(BenchmarkId::new(format!("unpack-only/{name}"), count), |bencher| {
            let mut block = Block::default();
            bencher.iter(|| {
                (0..files.block_count())
                    .map(|index| files.read_block(index, &mut block).count())
                    .sum::<usize>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, skip);
criterion_main!(benches);
