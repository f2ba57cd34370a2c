//! Lines a second: unpack, sign, hash the id, write, pack.

#![allow(clippy::print_stdout, reason = "a measurement tells what it found")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lakeshare::clock::Clock;
use lakeshare::http::coding::Coding;
use lakeshare::sharing::access::Access;
use lakeshare::sharing::capabilities::Format;
use lakeshare::sharing::finished::FinishedRuns;
use lakeshare::sharing::listing::{Listing, ListingParts};
use lakeshare::sharing::render::{LineWriter, Signing};
use lakeshare::sigv4::credential::Credential;
use lakeshare::table::file_list::FileList;
use lakeshare::table::file_list_builder::FileListBuilder;
use lakeshare::table::path_digest::PathDigest;
use lakeshare::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use lakeshare::table::snapshot::{Metadata, Protocol, Snapshot};
use lakeshare::telemetry::metrics::FinishedMetrics;

const NOW_MS: i64 = 1_790_000_123_456;

/// A table as Spark writes it: 30 partitions, some 500 bytes of statistics a file.
fn snapshot(file_count: u64) -> Snapshot {
    let mut builder = FileListBuilder::default();
    for number in 0..file_count {
        let digits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let day = number % 30 + 1;
        let log = format!(
            "date=2024-01-{day:02}/part-{:05}-{:08x}-3f12-4f06-8ac4-{:012x}-c000.snappy.parquet",
            number % 200,
            digits >> 32,
            digits & 0xFFFF_FFFF_FFFF
        );
        let column = |name: &str, offset: u64| format!(r#""{name}":{}"#, digits % 1_000_000 + offset);
        let columns = |offset| {
            ["id", "customer", "amount", "tax", "discount"].map(|name| column(name, offset)).join(",")
        };
        let stats = format!(
            r#"{{"numRecords":{},"minValues":{{{},"at":"2024-01-{day:02}T00:00:00.000Z"}},"maxValues":{{{},"at":"2024-01-{day:02}T23:59:59.000Z"}},"nullCount":{{"id":0,"customer":0,"amount":0,"tax":0,"discount":0,"at":0}}}}"#,
            digits % 100_000,
            columns(0),
            columns(100_000),
        );
        builder.push(&NewFile {
            path: FilePath::plain(&log),
            digest: PathDigest::of(log.as_bytes()),
            size_bytes: 1_000_000 + digits % 1_000_000,
            modification_time_ms: 1_700_000_000_000,
            partition_values: format!(r#"{{"date":"2024-01-{day:02}"}}"#).as_bytes(),
            statistics: StatisticsText::Raw(&stats),
            record_count: Some(digits % 100_000),
            deletion_vector: None,
            row_ids: RowIds::default(),
        });
    }
    Snapshot {
        version: 1,
        commit_timestamp_ms: 0,
        protocol: Protocol {
            min_reader_version: 1,
            min_writer_version: 2,
            reader_features: None,
            writer_features: None,
        },
        metadata: Metadata {
            id: String::new(),
            name: None,
            description: None,
            format_provider: "parquet".to_owned(),
            format_options: BTreeMap::new(),
            schema_string: String::new(),
            partition_columns: vec!["date".to_owned()],
            configuration: BTreeMap::new(),
            created_time_ms: None,
        },
        files: FileList::new(builder.finish(&mut |json, out| out.extend_from_slice(json))),
    }
}

fn listing(
    snapshot: &Arc<Snapshot>,
    (format, coding): (Format, Coding),
    finished: &Arc<FinishedRuns>,
) -> Listing {
    let signing = Signing {
        endpoint: "https://storage.example.com".to_owned(),
        bucket: "lakehouse".to_owned(),
        location: "warehouse/sales/orders".to_owned(),
        region: "us-east-1".to_owned(),
        credential: Credential {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "hush".to_owned(),
        },
        recipient: None,
        expires_seconds: 3600,
    };
    let parts = ListingParts {
        version: snapshot.version,
        files: snapshot.files.clone(),
        head: Vec::new(),
        lines: LineWriter::new(signing, format, format, NOW_MS),
        pruner: None,
        row_limit: None,
        end: None,
        coding,
        finished: Arc::clone(finished),
        clock: Clock::fixed(NOW_MS),
    };
    Listing::new(parts, Access::begin("query"))
}

fn finished(budget_bytes: usize) -> Arc<FinishedRuns> {
    Arc::new(FinishedRuns::new(budget_bytes, FinishedMetrics::default()))
}

fn drain(mut listing: Listing) -> usize {
    std::iter::from_fn(|| listing.next_chunk()).map(|chunk| black_box(&chunk).len()).sum()
}

/// Lines that are rendered for each listing, and the first chunk of them.
fn render(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("render");
    let off = finished(0);
    for file_count in [1_000, 100_000] {
        let snapshot = Arc::new(snapshot(file_count));
        group.throughput(Throughput::Elements(file_count));
        for format in [Format::Parquet, Format::Delta] {
            group.bench_function(BenchmarkId::new(format.as_str(), file_count), |bencher| {
                bencher.iter(|| drain(listing(&snapshot, (format, Coding::Identity), &off)));
            });
        }
        group.bench_function(BenchmarkId::new("first-chunk", file_count), |bencher| {
            bencher.iter(|| {
                let mut listing = listing(&snapshot, (Format::Parquet, Coding::Identity), &off);
                [listing.next_chunk(), listing.next_chunk()].map(|chunk| chunk.map(|chunk| chunk.len()))
            });
        });
    }
    group.finish();
}

/// The first listing of a bucket of time and the next ones, by coding. The budget holds all runs.
fn finish(criterion: &mut Criterion) {
    const FILES: u64 = 100_000;
    let snapshot = Arc::new(snapshot(FILES));
    for (name, coding) in [("identity", Coding::Identity), ("zstd", Coding::Zstd), ("gzip", Coding::Gzip)] {
        let mut group = criterion.benchmark_group(format!("finish/{name}"));
        group.throughput(Throughput::Elements(FILES)).sample_size(10);
        group.bench_function(BenchmarkId::new("first", FILES), |bencher| {
            bencher.iter(|| drain(listing(&snapshot, (Format::Parquet, coding), &finished(1 << 30))));
        });
        let kept = finished(1 << 30);
        let bytes = drain(listing(&snapshot, (Format::Parquet, coding), &kept));
        println!("finish/{name}: {} bytes a file", bytes as u64 / FILES);
        group.bench_function(BenchmarkId::new("again", FILES), |bencher| {
            bencher.iter(|| drain(listing(&snapshot, (Format::Parquet, coding), &kept)));
        });
        group.finish();
    }
}

criterion_group!(benches, render, finish);
criterion_main!(benches);
