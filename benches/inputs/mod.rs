//! Logs to measure with, the same in every run.

#[path = "../../tests/delta/log_builder.rs"]
#[allow(dead_code, reason = "the tests' builder, of which the measurements need a part")]
pub mod log_builder;

use lakeshare::delta::{self, Loaded, Wanted};
use log_builder::{Table, add_with, metadata, protocol};
use serde_json::{Value, json};

const COLUMNS: [&str; 15] = [
    "l_orderkey",
    "l_partkey",
    "l_suppkey",
    "l_linenumber",
    "l_quantity",
    "l_extendedprice",
    "l_discount",
    "l_tax",
    "l_returnflag",
    "l_linestatus",
    "l_commitdate",
    "l_receiptdate",
    "l_shipinstruct",
    "l_shipmode",
    "l_comment",
];

/// Statistics of 15 columns, about 1,000 bytes.
pub fn stats(number: usize) -> String {
    let values = |salt: usize| {
        let value = |(index, column): (usize, &&str)| {
            let hash = (number + 7 * index + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
            match index {
                0..4 => format!("\"{column}\":{}", hash % 20_000_000),
                4..8 => format!("\"{column}\":{}.{:02}", hash % 100_000, hash % 97),
                10..12 => format!("\"{column}\":\"199{}-0{}-1{}\"", hash % 9, hash % 8 + 1, hash % 9),
                _ => format!("\"{column}\":\"{}\"", ["AIR", "FOB", "carefully final", "TRUCK"][hash % 4]),
            }
        };
        COLUMNS.iter().enumerate().map(value).collect::<Vec<_>>().join(",")
    };
    let nulls = COLUMNS.map(|column| format!("\"{column}\":0")).join(",");
    let count = record_count(number);
    let (min, max) = (values(0), values(1_000_003));
    format!(
        "{{\"numRecords\":{count},\"minValues\":{{{min}}},\"maxValues\":{{{max}}},\"nullCount\":{{{nulls}}}}}"
    )
}

pub fn record_count(number: usize) -> usize {
    90_000 + number % 20_000
}

pub fn path(number: usize) -> String {
    let id = (number as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let id = uuid::Uuid::from_u128(id);
    format!("l_shipdate={}/part-{:05}-{id}.c000.snappy.parquet", date(number), number % 100_000)
}

pub fn date(number: usize) -> String {
    let day = number % 2_526;
    format!("{}-{:02}-{:02}", 1992 + day / 364, day / 28 % 13 + 1, day % 28 + 1)
}

pub fn add(number: usize) -> Value {
    add_with(
        &path(number),
        json!({
            "partitionValues": {"l_shipdate": date(number)},
            "size": 5_000_000 + number,
            "modificationTime": 1_700_000_000_000_u64 + number as u64,
            "stats": stats(number),
        }),
    )
}

/// Protocol, metadata and the first `count` files.
pub fn state(count: usize) -> Vec<Value> {
    [protocol(), metadata(&["l_shipdate"])].into_iter().chain((0..count).map(add)).collect()
}

/// Loads on a runtime that lives as long as the measurement.
pub struct Replayer {
    runtime: tokio::runtime::Runtime,
}

impl Replayer {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        Self { runtime }
    }

    pub fn load(&self, table: &Table, previous: Option<&Loaded>) -> Loaded {
        self.runtime.block_on(delta::load(&table.store(), Wanted::Latest, previous)).unwrap()
    }
}
