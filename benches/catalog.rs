//! The catalog's state and files: look-ups, commits, durable writes.
//!
//! Changes and writes wait for the disk of the temporary directory; looks at tables do not.

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

use std::collections::BTreeMap;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::future::join_all;
use lakeshare::clock::Clock;
use lakeshare::state::catalog::{EntryChange, EntryKind, EntryName};
use lakeshare::state::embedded::Store;
use lakeshare::storage::Buckets;
use tokio::runtime::Runtime;
use uuid::Uuid;

const TABLES: usize = 10_000;
const AT_ONCE: usize = 64;
const W: &str = "lake";

fn name(number: usize) -> EntryName {
    EntryName { namespace: vec!["sales".into(), "daily".into()], name: format!("table{number:06}") }
}

fn location(number: usize, version: usize) -> String {
    format!("s3://{W}/6fa459ea-ee8a-3ca4-894e-{number:012}/metadata/{version:05}-{number:08}.metadata.json")
}

async fn fill(store: &Store) {
    store.create_warehouse(W).await.unwrap();
    let levels = name(0).namespace;
    for depth in 1..=levels.len() {
        store.create_namespace(W, levels[..depth].to_vec(), BTreeMap::new(), None).await.unwrap();
    }
    for first in (0..TABLES).step_by(1_000) {
        let create = |number| EntryChange::Create {
            id: Uuid::new_v4(),
            kind: EntryKind::Table,
            name: name(number),
            metadata_location: location(number, 0),
        };
        store.change_entries(W, (first..first + 1_000).map(create).collect(), None).await.unwrap();
    }
}

fn swap(number: usize, version: usize) -> Vec<EntryChange> {
    vec![EntryChange::Swap {
        kind: EntryKind::Table,
        name: name(number),
        expected: location(number, version),
        metadata_location: location(number, version + 1),
    }]
}

fn state(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Clock::system()).unwrap();
    runtime.block_on(fill(&store));
    let mut group = criterion.benchmark_group("catalog/state");
    let mut number = 0;
    let mut next = || {
        number = (number + 7_919) % TABLES;
        number
    };
    for count in [1, AT_ONCE] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("get_entry/{count}"), |bencher| {
            bencher.iter(|| {
                let names: Vec<_> = (0..count).map(|_| name(next())).collect();
                let looks = join_all(names.iter().map(|name| store.get_entry(W, name)));
                assert!(runtime.block_on(looks).iter().all(Result::is_ok));
            });
        });
    }
    let mut version = [0; AT_ONCE];
    for count in [1, AT_ONCE] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("swap/{count}"), |bencher| {
            bencher.iter(|| {
                let swaps =
                    (0..count).map(|table| store.change_entries(W, swap(table, version[table]), None));
                assert!(runtime.block_on(join_all(swaps)).iter().all(Result::is_ok));
                version[..count].iter_mut().for_each(|version| *version += 1);
            });
        });
    }
    group.finish();
}

fn files(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let buckets = Buckets::embedded(dir.path().to_owned());
    runtime.block_on(buckets.make_bucket(W)).unwrap();
    let mut group = criterion.benchmark_group("catalog/files");
    let mut number = 0_u64;
    for size in [4 << 10, 1 << 20] {
        let bytes = Bytes::from(vec![b'x'; size]);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("put_new/{size}"), |bencher| {
            bencher.iter(|| {
                number += 1;
                let key = format!("t/metadata/{number:08}.metadata.json");
                runtime.block_on(buckets.put_new(W, &key, bytes.clone())).unwrap();
            });
        });
        let key = format!("t/metadata/{number:08}.metadata.json");
        group.bench_function(format!("read_whole/{size}"), |bencher| {
            bencher.iter(|| {
                let read = runtime.block_on(buckets.read_whole(W, &key, size as u64)).unwrap();
                assert_eq!(read.len(), size);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, state, files);
criterion_main!(benches);
