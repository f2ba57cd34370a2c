//! JSON commits: from bytes on disk to columns.

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

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use inputs::log_builder::{Table, commit_name, remove};
use inputs::{Replayer, path, state};
use serde_json::Value;

fn commits(criterion: &mut Criterion) {
    let replayer = Replayer::new();
    let mut group = criterion.benchmark_group("commit");
    for count in [1_000, 20_000] {
        let with_stats = state(count);
        let mut without_stats = state(count);
        for action in &mut without_stats {
            if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
                add.remove("stats");
            }
        }
        let removes: Vec<_> = (0..count).map(|number| remove(&path(number))).collect();
        let cases = [
            ("add_with_stats", with_stats.clone()),
            ("add_without_stats", without_stats),
            ("remove", [with_stats.get(..2).unwrap(), &removes].concat()),
        ];
        for (case, actions) in cases {
            let table = Table::new();
            table.commit(0, &actions);
            let bytes = std::fs::metadata(table.path(&commit_name(0))).unwrap().len();
            group.throughput(Throughput::ElementsAndBytes { elements: count as u64, bytes });
            group.bench_function(format!("{case}/{count}"), |bencher| {
                bencher.iter(|| replayer.load(&table, None));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, commits);
criterion_main!(benches);
