//! Lines a second: unpack, sign, hash the id, write.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lakeshare::clock::Clock;
use lakeshare::sharing::access::Access;
use lakeshare::sharing::capabilities::Format;
use lakeshare::sharing::listing::{Listing, ListingParts};
use lakeshare::sharing::render::{LineWriter, Signing};
use lakeshare::sigv4::credential::Credential;
use lakeshare::table::file_list::FileList;
use lakeshare::table::file_list_builder::FileListBuilder;
use lakeshare::table::path_digest::PathDigest;
use lakeshare::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};
use lakeshare::table::snapshot::{Metadata, Protocol, Snapshot};

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

fn listing(snapshot: &Arc<Snapshot>, format: Format) -> Listing {
    let signing = Signing {
        endpoint: "https://storage.example.com".to_owned(),
        bucket: "lakehouse".to_owned(),
        location: "warehouse/sales/orders".to_owned(),
        region: "us-east-1".to_owned(),
        credential: Credential {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "hush".to_owned(),
        },
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
        clock: Clock::fixed(NOW_MS),
    };
    Listing::new(parts, Access::begin("query"))
}

fn render(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("render");
    for file_count in [1_000, 100_000] {
        let snapshot = Arc::new(snapshot(file_count));
        group.throughput(Throughput::Elements(file_count));
        for format in [Format::Parquet, Format::Delta] {
            group.bench_function(BenchmarkId::new(format.as_str(), file_count), |bencher| {
                bencher.iter(|| {
                    let mut listing = listing(&snapshot, format);
                    let mut bytes = 0;
                    while let Some(chunk) = listing.next_chunk() {
                        bytes += black_box(&chunk).len();
                    }
                    bytes
                });
            });
        }
        group.bench_function(BenchmarkId::new("first-chunk", file_count), |bencher| {
            bencher.iter(|| listing(&snapshot, Format::Parquet).next_chunk().map(|chunk| chunk.len()));
        });
    }
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
