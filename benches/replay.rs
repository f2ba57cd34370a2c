//! Reconciliation: a tail of commits, the next version, reading a list.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a measurement stops where something is not as it should be"
)]

mod inputs;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use inputs::log_builder::{Table, remove};
use inputs::{Replayer, add, path, state};
use lakeshare::table::file_list::{Block, FileList};
use lakeshare::table::file_list_builder::FileListBuilder;
use lakeshare::table::path_digest::{PathDigest, PathDigests};
use lakeshare::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};

const FILES: usize = 50_000;

/// Files of the list whose memory is told: four full segments.
const LARGE: usize = 4 * 65_536;

/// A checkpoint of `FILES` files and a tail that removes a tenth of them and adds as many.
fn tailed_table() -> Table {
    let table = Table::new();
    table.checkpoint(0, &state(FILES));
    for version in 1..=10 {
        let files = || (0..FILES / 100).map(move |number| version * FILES / 10 - number - 1);
        let removes = files().map(|number| remove(&path(number)));
        let adds = files().map(|number| add(FILES + number));
        table.commit(i64::try_from(version).unwrap(), &removes.chain(adds).collect::<Vec<_>>());
    }
    table
}

fn columns(count: usize) -> FileList {
    let mut builder = FileListBuilder::default();
    for number in 0..count {
        let (path, stats) = (path(number), inputs::stats(number));
        let partition = format!("{{\"l_shipdate\":\"{}\"}}", inputs::date(number));
        builder.push(&NewFile {
            path: FilePath::plain(&path),
            digest: PathDigest::of(path.as_bytes()),
            size_bytes: 100_000_000 + (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) % 50_000_000,
            modification_time_ms: 1_700_000_000_000 + (number * 37) as i64,
            partition_values: partition.as_bytes(),
            statistics: StatisticsText::Raw(&stats),
            record_count: Some(inputs::record_count(number) as u64),
            deletion_vector: None,
            row_ids: RowIds::default(),
        });
    }
    FileList::new(builder.finish(&mut copy))
}

fn copy(json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(json);
}

fn replays(criterion: &mut Criterion) {
    let replayer = Replayer::new();
    let mut group = criterion.benchmark_group("replay");
    group.sample_size(10);
    group.throughput(Throughput::Elements(FILES as u64));
    let table = tailed_table();
    group.bench_function(format!("tail_over_checkpoint/{FILES}"), |bencher| {
        bencher.iter(|| replayer.load(&table, None));
    });
    table.remove("00000000000000000010.json");
    let before = replayer.load(&table, None);
    let removes: Vec<_> = (0..5).map(|number| remove(&path(number))).collect();
    table.commit(10, &[removes, (0..5).map(|number| add(2 * FILES + number)).collect()].concat());
    group.bench_function(format!("one_commit_later/{FILES}"), |bencher| {
        bencher.iter(|| replayer.load(&table, Some(&before)));
    });
    let now = replayer.load(&table, None);
    group.bench_function(format!("nothing_new/{FILES}"), |bencher| {
        bencher.iter(|| replayer.load(&table, Some(&now)));
    });
    group.finish();
}

/// Prints what a file of a large list costs, by column.
fn memory(_: &mut Criterion) {
    let list = columns(LARGE);
    let mut bytes_of: Vec<(&str, usize)> = Vec::new();
    for segment in list.segments() {
        for (place, (column, bytes)) in segment.memory_by_column().into_iter().enumerate() {
            if bytes_of.len() <= place {
                bytes_of.push((column, 0));
            }
            bytes_of[place].1 += bytes;
        }
    }
    println!("file_list/memory/{LARGE}: bytes a file, statistics of 15 columns");
    for (column, bytes) in bytes_of {
        println!("    {column:28} {:8.2}", bytes as f64 / LARGE as f64);
    }
    println!("    {:28} {:8.2}", "value ids", list.values_memory_bytes() as f64 / LARGE as f64);
    println!("    {:28} {:8.2}", "all", list.memory_bytes() as f64 / LARGE as f64);
}

fn lists(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("file_list");
    group.sample_size(10);
    group.throughput(Throughput::Elements(FILES as u64));
    let list = columns(FILES);
    let mut block = Block::default();
    group.bench_function(format!("read/{FILES}"), |bencher| {
        bencher.iter(|| {
            let bytes = |index| {
                list.read_block(index, &mut block).map(|file| file.stats_escaped.len()).sum::<usize>()
            };
            (0..list.block_count()).map(bytes).sum::<usize>()
        });
    });
    let mut settled = PathDigests::default();
    for number in 0..5 {
        settled.insert(PathDigest::of(path(number * 1_000).as_bytes()));
    }
    group.bench_function(format!("without_five/{FILES}"), |bencher| {
        bencher.iter_batched(
            FileListBuilder::default,
            |added| list.successor(&settled, added, &mut copy),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// A list whose files have neither statistics nor partitions: no commit looks at them.
fn bare(count: usize) -> FileList {
    let mut builder = FileListBuilder::default();
    (0..count).for_each(|number| push_bare(&mut builder, number));
    FileList::new(builder.finish(&mut copy))
}

fn push_bare(builder: &mut FileListBuilder, number: usize) {
    let path = format!("part-{number:08}.parquet");
    builder.push(&NewFile {
        path: FilePath::plain(&path),
        digest: PathDigest::of(path.as_bytes()),
        size_bytes: 1,
        modification_time_ms: 0,
        partition_values: b"{}",
        statistics: StatisticsText::Absent,
        record_count: None,
        deletion_vector: None,
        row_ids: RowIds::default(),
    });
}

/// One more commit of ten removes and ten adds, and what is asked of the version that it makes.
fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("file_list/one_commit");
    group.sample_size(10);
    // As a test the measurement only has to run.
    let large = if std::env::args().any(|argument| argument == "--bench") { 10_000_000 } else { FILES };
    for count in [LARGE, large] {
        let list = bare(count);
        let step = count / 10;
        let commit = || {
            let (mut added, mut settled) = (FileListBuilder::default(), PathDigests::default());
            for number in 0..10 {
                push_bare(&mut added, count + number);
                for path in [number * step, count + number] {
                    settled.insert(PathDigest::of(format!("part-{path:08}.parquet").as_bytes()));
                }
            }
            (added, settled)
        };
        group.bench_function(count.to_string(), |bencher| {
            bencher.iter_batched(
                commit,
                |(added, settled)| {
                    let next = list.successor(&settled, added, &mut copy);
                    assert_eq!(next.file_count(), count as u64);
                    (next.memory_bytes(), next.has_deletion_vectors(), next.size_bytes())
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, memory, replays, lists, commits);
criterion_main!(benches);
