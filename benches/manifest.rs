//! Iceberg manifests: from bytes to entries, beside a generic Avro reader.
//!
//! `entries` looks at each file, `columns` also at each count and bound of its 15 columns; `generic` makes values of
//! everything, as such readers do.

#![allow(
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

use apache_avro::{Codec, DeflateSettings, Reader};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use iceberg_orders::manifest;
use lakeshare::manifest::codec::Unpacker;
use lakeshare::manifest::entries::Manifest;
use lakeshare::manifest::entry::{Entry, Inherited};
use lakeshare::manifest::error::Error;

const ENTRIES: usize = 50_000;
const ENTRIES_IN_TESTS: usize = 100;

fn read(bytes: &[u8], unpacker: &mut Unpacker, mut look: impl FnMut(&Entry<'_>) -> i64) -> i64 {
    let manifest = Manifest::open(bytes).expect("a head");
    let inherited = Inherited { snapshot_id: None, sequence_number: 3, first_row_id: None };
    let mut sum = 0;
    let visited = manifest.each(inherited, unpacker, |entry| {
        sum += look(entry);
        Ok::<_, Error>(())
    });
    visited.expect("entries");
    sum
}

fn file(entry: &Entry<'_>) -> i64 {
    entry.record_count + entry.file_path.len() as i64 + entry.partition.len() as i64
}

fn columns(entry: &Entry<'_>) -> i64 {
    let counts = [entry.column_sizes, entry.value_counts, entry.null_value_counts, entry.nan_value_counts];
    let bounds = [entry.lower_bounds, entry.upper_bounds];
    let counted: i64 = counts.iter().flatten().flat_map(|counts| counts.iter()).map(|(_, count)| count).sum();
    let bounded: usize =
        bounds.iter().flatten().flat_map(|bounds| bounds.iter()).map(|(_, bound)| bound.len()).sum();
    file(entry) + counted + bounded as i64
}

fn generic(bytes: &[u8]) -> usize {
    Reader::new(bytes).expect("a head").filter(|record| record.is_ok()).count()
}

fn manifests(criterion: &mut Criterion) {
    // Criterion's own word for a measurement; without it everything runs once.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let count = if is_measured { ENTRIES } else { ENTRIES_IN_TESTS };
    let mut group = criterion.benchmark_group("manifest");
    group.sample_size(20);
    group.throughput(Throughput::Elements(count as u64));
    let deflate = Codec::Deflate(DeflateSettings::default());
    for (codec, name) in [(Codec::Null, "null"), (deflate, "deflate")] {
        let bytes = manifest(codec, count);
        println!("manifest/{name}: {} bytes an entry", bytes.len() / count);
        assert_eq!(read(&bytes, &mut Unpacker::new(), |_| 1), generic(&bytes) as i64);
        let mut unpacker = Unpacker::new();
        group.bench_function(BenchmarkId::new(format!("entries/{name}"), count), |bencher| {
            bencher.iter(|| read(&bytes, &mut unpacker, file));
        });
        group.bench_function(BenchmarkId::new(format!("columns/{name}"), count), |bencher| {
            bencher.iter(|| read(&bytes, &mut unpacker, columns));
        });
        group.bench_function(BenchmarkId::new(format!("generic/{name}"), count), |bencher| {
            bencher.iter(|| generic(&bytes));
        });
    }
    group.finish();
}

criterion_group!(benches, manifests);
criterion_main!(benches);
