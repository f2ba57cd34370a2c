//! Classic checkpoints: from Parquet pages to columns.

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
use inputs::log_builder::Table;
use inputs::{Replayer, state};

fn checkpoints(criterion: &mut Criterion) {
    let replayer = Replayer::new();
    let mut group = criterion.benchmark_group("checkpoint");
    group.sample_size(10);
    for count in [1_000, 50_000] {
        let actions = state(count);
        let single = Table::new();
        single.checkpoint(0, &actions);
        let parts = Table::new();
        for (number, chunk) in actions.chunks(actions.len().div_ceil(4)).enumerate() {
            parts.checkpoint_part(0, number + 1, 4, chunk);
        }
        for (case, table) in [("single", single), ("four_parts", parts)] {
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(format!("{case}/{count}"), |bencher| {
                bencher.iter(|| replayer.load(&table, None));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, checkpoints);
criterion_main!(benches);
