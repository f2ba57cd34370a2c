//! Hints asked of a million files, with their unpacking.
//!
//! `text` reads the statistics of each file, as before there were typed bounds; `first` makes the bounds that it
//! asks; `again` has them. `first` asks for another column each time, so that none is kept when its turn comes again.

#![allow(
    clippy::expect_used,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement stops where something is not as it should be"
)]

use std::cell::Cell;
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
const DAYS: u64 = 2_526;
const COLUMNS: [(&str, &str); 6] = [
    ("id", "long"),
    ("customer", "long"),
    ("amount", "double"),
    ("note", "string"),
    ("at", "timestamp"),
    ("day", "date"),
];
/// More than a segment keeps.
const FILLERS: u64 = 9;

/// Days one after the other, as a table that grows by days has them, or mixed, as a compacted one may.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Days,
    Mixed,
}

fn date(day: u64) -> String {
    format!("{}-{:02}-{:02}", 1992 + day / 364, day / 28 % 13 % 12 + 1, day % 28 + 1)
}

fn files(count: u64, order: Order) -> FileList {
    let mut builder = FileListBuilder::default();
    for number in 0..count {
        let day = date(if order == Order::Days { number * DAYS / count } else { number % DAYS });
        let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let values = |salt: u64, time: &str| {
            let fillers: String = (0..FILLERS)
                .map(|filler| format!(r#","filler{filler}":{}"#, hash * (filler + 1) % 20_000_000 + salt))
                .collect();
            format!(
                r#"{{"id":{},"customer":{},"amount":{}.25,"note":"note {}","at":"{day}T{time}.000Z"{fillers}}}"#,
                number * 1_000 + salt,
                hash % 1_000_000 + salt,
                hash % 10_000 + salt,
                hash % 100,
            )
        };
        let (min, max) = (values(0, "00:00:00"), values(9, "23:59:59"));
        let nulls: String = (0..FILLERS).map(|filler| format!(r#","filler{filler}":0"#)).collect();
        let stats = format!(
            r#"{{"numRecords":1000,"minValues":{min},"maxValues":{max},"nullCount":{{"id":0,"customer":0,"amount":0,"note":3,"at":0{nulls}}}}}"#
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
    let field = |name: &str, data_type: &str| serde_json::json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
    let fillers = (0..FILLERS).map(|filler| field(&format!("filler{filler}"), "long"));
    let fields: Vec<_> =
        COLUMNS.iter().map(|(name, data_type)| field(name, data_type)).chain(fillers).collect();
    Metadata {
        id: String::new(),
        name: None,
        description: None,
        format_provider: "parquet".to_owned(),
        format_options: BTreeMap::new(),
        schema_string: serde_json::json!({"type": "struct", "fields": fields}).to_string(),
        partition_columns: vec!["day".to_owned()],
        configuration: BTreeMap::new(),
        created_time_ms: None,
    }
}

fn pruner(hint: &str, metadata: &Metadata) -> Pruner {
    let hints = Hints { sql: vec![hint.to_owned()], json: None };
    Pruner::new(Predicate::compile(&hints, metadata)).expect("a hint that can be used")
}

/// How many files the pruner keeps.
fn kept(files: &FileList, mut pruner: Pruner) -> usize {
    let mut block = Block::default();
    let mut kept = 0;
    for index in 0..files.block_count() {
        if pruner.may_match_block(files, index) {
            kept += files.read_block(index, &mut block).filter(|file| pruner.may_match(file)).count();
        }
    }
    kept
}

/// Bytes that bounds take for each file.
fn bounds_bytes(files: &FileList) -> f64 {
    let columns = files.segments().flat_map(|segment| segment.memory_by_column());
    let bytes: usize = columns.filter(|(name, _)| *name == "bounds").map(|(_, bytes)| bytes).sum();
    bytes as f64 / files.file_count() as f64
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
            ("partition", "day = DATE '1994-05-05'"),
            ("one-value", "customer = 500005"),
            ("no-value", "customer = 3000000"),
            ("half", "amount < 5000"),
            ("three-columns", "id >= 5000 AND amount < 100 AND at > TIMESTAMP '1997-10-01 00:00:00Z'"),
            ("partition-and-statistics", "day = DATE '1994-05-05' AND customer < 500000"),
        ] {
            let by_text = kept(&files, pruner(hint, &metadata).without_bounds());
            let by_bounds = kept(&files, pruner(hint, &metadata));
            assert_eq!(by_text, by_bounds, "{case}");
            assert!(by_bounds < usize::try_from(count).unwrap(), "{case}: {by_bounds}");
            group.bench_function(BenchmarkId::new(format!("{case}/{name}/text"), count), |bencher| {
                bencher.iter(|| kept(&files, pruner(hint, &metadata).without_bounds()));
            });
            group.bench_function(BenchmarkId::new(format!("{case}/{name}/again"), count), |bencher| {
                bencher.iter(|| kept(&files, pruner(hint, &metadata)));
            });
        }
        let turn = Cell::new(0);
        group.bench_function(BenchmarkId::new(format!("no-value/{name}/first"), count), |bencher| {
            bencher.iter(|| {
                turn.set(turn.get() + 1);
                kept(&files, pruner(&format!("filler{} = 30000000", turn.get() % FILLERS), &metadata))
            });
        });
        println!("skip/{name}: bounds take {:.1} bytes a file", bounds_bytes(&files));
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
