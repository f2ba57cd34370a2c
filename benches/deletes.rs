//! Deleted rows of Iceberg tables, to the vectors of Delta.
//!
//! `positions` reads a position delete file that names rows of many data files; `vectors` reads deletion vectors of Puffin
//! files; both to the text that goes into the lines of the files. Throughput is in deleted rows. `keys` looks for the keys of an
//! equality delete file in the key columns of all files; throughput is in rows that are looked at.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement stops where something is not as it should be"
)]

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lakeshare::deletes::files::{DataFile, DeleteFile, Equality, Scan, Source};
use lakeshare::deletes::kept::Kept;
use lakeshare::deletes::keys::{KeyColumn, Kind};
use lakeshare::deletes::read;
use lakeshare::storage::Buckets;
use parquet::arrow::ArrowWriter;
use roaring::RoaringTreemap;
use tokio::runtime::Runtime;

const FILES: usize = 200;
const ROWS_OF_FILE: usize = 20_000;
const ROWS_OF_FILE_IN_TESTS: usize = 50;
const BUCKET: &str = "lake";

fn path(number: usize) -> String {
    format!(
        "s3://{BUCKET}/sales/orders/data/day=2026-11-{:02}/00{number:05}-7-0f1e2d3c-0001.parquet",
        number % 28
    )
}

/// Deleted rows of a file: one in some fifty, by chance.
fn rows(number: usize, count: usize) -> Vec<u64> {
    let mut row = number as u64;
    let step = |index: usize| {
        row += 1 + ((index as u64 + number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58);
        row
    };
    (0..count).map(step).collect()
}

fn position_deletes(count: usize) -> Bytes {
    let (mut paths, mut positions) = (Vec::new(), Vec::new());
    for number in 0..FILES {
        for row in rows(number, count) {
            paths.push(path(number));
            positions.push(row as i64);
        }
    }
    let columns: [(&str, ArrayRef); 2] =
        [("file_path", Arc::new(StringArray::from(paths))), ("pos", Arc::new(Int64Array::from(positions)))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

/// Blobs after each other, and where each begins.
fn puffin(count: usize) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
    let (mut bytes, mut places) = (b"PFA1".to_vec(), Vec::new());
    for number in 0..FILES {
        let mut framed = vec![0xD1, 0xD3, 0x39, 0x64];
        let rows: RoaringTreemap = rows(number, count).into_iter().collect();
        rows.serialize_into(&mut framed).unwrap();
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &framed) as u32;
        let start = bytes.len();
        bytes.extend((framed.len() as u32).to_be_bytes());
        bytes.extend(framed);
        bytes.extend(crc.to_be_bytes());
        places.push(start..bytes.len());
    }
    (bytes, places)
}

fn delete_file(key: &str, record_count: usize) -> DeleteFile {
    DeleteFile {
        path: format!("s3://{BUCKET}/{key}"),
        key: key.to_owned(),
        format: "PARQUET".to_owned(),
        record_count: record_count as u64,
        content_offset: None,
        content_size_bytes: None,
        only: None,
        equality: None,
    }
}

/// A file of numbers, each row another one.
fn numbers(rows: impl Iterator<Item = i64>) -> Bytes {
    let id = std::collections::HashMap::from([("PARQUET:field_id".to_owned(), "1".to_owned())]);
    let field = Field::new("id", DataType::Int64, true).with_metadata(id);
    let column: ArrayRef = Arc::new(rows.collect::<Int64Array>());
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

/// One of a thousand rows of all files is deleted by its key.
fn bench_keys(criterion: &mut Criterion) {
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let count = if is_measured { ROWS_OF_FILE * 10 } else { 1_000 } as i64;
    let files = 20_i64;
    let runtime = Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(BUCKET)).unwrap();
    let buckets = Buckets::embedded(dir.path().to_owned());
    let put = |key: &str, bytes| runtime.block_on(buckets.put_new(BUCKET, key, bytes)).unwrap();
    let key = |row: i64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64);
    put("keys", numbers((0..files * count / 1_000).map(|number| key(number * 1_000))));
    for number in 0..files {
        put(&format!("data{number}"), numbers((number * count..(number + 1) * count).map(key)));
    }
    let column = KeyColumn { id: 1, names: Vec::new(), kind: Kind::Whole, has_default: false };
    let equality = Equality { columns: [column].into(), scope: 0, sequence_number: 2 };
    let delete_files = [DeleteFile { equality: Some(equality), ..delete_file("keys", 1) }];
    let data_files: Vec<DataFile> = (0..files)
        .map(|number| {
            let scan = Scan {
                key: format!("data{number}"),
                sequence_number: 1,
                size_bytes: 8,
                constants: Vec::new(),
            };
            DataFile { path: scan.key.clone(), row_count: count as u64, deletes: vec![0], scan: Some(scan) }
        })
        .collect();
    let source = Source { buckets: &buckets, bucket: BUCKET };
    let run = |kept: &Kept| {
        let told = runtime.block_on(read(&source, kept, &delete_files, &data_files)).unwrap();
        told.iter().flatten().map(|vector| vector.cardinality).sum::<u64>()
    };
    assert_eq!(run(&Kept::new()), (files * count / 1_000) as u64);
    let mut group = criterion.benchmark_group("deletes");
    group.throughput(Throughput::Elements((files * count) as u64));
    group.bench_function(BenchmarkId::new("keys", files * count), |bencher| {
        bencher.iter(|| run(&Kept::new()))
    });
    let kept = Kept::new();
    group.bench_function(BenchmarkId::new("keys kept", files * count), |bencher| bencher.iter(|| run(&kept)));
}

fn bench(criterion: &mut Criterion) {
    // Criterion's own word for a measurement; without it everything runs once.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let count = if is_measured { ROWS_OF_FILE } else { ROWS_OF_FILE_IN_TESTS };
    let runtime = Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(BUCKET)).unwrap();
    let buckets = Buckets::embedded(dir.path().to_owned());
    let (blobs, places) = puffin(count);
    runtime.block_on(async {
        buckets.put_new(BUCKET, "positions", position_deletes(count)).await.unwrap();
        buckets.put_new(BUCKET, "puffin", blobs.into()).await.unwrap();
    });
    let vector = |place: &std::ops::Range<usize>| DeleteFile {
        format: "PUFFIN".to_owned(),
        content_offset: Some(place.start as i64),
        content_size_bytes: Some(place.len() as i64),
        ..delete_file("puffin", count)
    };
    let vectors: Vec<DeleteFile> = places.iter().map(vector).collect();
    let file = |number: usize, deletes| DataFile {
        path: path(number),
        row_count: 1 << 30,
        deletes: vec![deletes],
        scan: None,
    };
    let mut group = criterion.benchmark_group("deletes");
    group.throughput(Throughput::Elements((FILES * count) as u64));
    for (name, delete_files, files) in [
        (
            "positions",
            vec![delete_file("positions", FILES * count)],
            (0..FILES).map(|n| file(n, 0)).collect(),
        ),
        ("vectors", vectors, (0..FILES).map(|n| file(n, n)).collect::<Vec<_>>()),
    ] {
        let source = Source { buckets: &buckets, bucket: BUCKET };
        let run = |kept: &Kept| {
            let told = runtime.block_on(read(&source, kept, &delete_files, &files)).unwrap();
            assert!(told.iter().flatten().all(|vector| vector.cardinality == count as u64));
            told.len()
        };
        assert_eq!(run(&Kept::new()), FILES);
        group.bench_function(BenchmarkId::new(name, FILES * count), |bencher| {
            bencher.iter(|| run(&Kept::new()))
        });
        let kept = Kept::new();
        group.bench_function(BenchmarkId::new(format!("{name} kept"), FILES * count), |bencher| {
            bencher.iter(|| run(&kept));
        });
    }
}

criterion_group!(benches, bench, bench_keys);
criterion_main!(benches);
