//! One file of the measured table, made from a seed.
//!
//! TPC-H `lineitem`, partitioned by `l_shipdate`: 15 data columns with minimum, maximum and null count each, which
//! makes the 1.1 kB a file that real logs have. A file depends on the seed and its index alone, so parts of a
//! checkpoint can be written in any order.

use std::fmt::Write;

use chrono::{Days, NaiveDate};

/// Name and Delta type of each column, the partition column last.
pub const COLUMNS: [(&str, &str); 16] = [
    ("l_orderkey", "long"),
    ("l_partkey", "long"),
    ("l_suppkey", "long"),
    ("l_linenumber", "integer"),
    ("l_quantity", "decimal(15,2)"),
    ("l_extendedprice", "decimal(15,2)"),
    ("l_discount", "decimal(15,2)"),
    ("l_tax", "decimal(15,2)"),
    ("l_returnflag", "string"),
    ("l_linestatus", "string"),
    ("l_commitdate", "date"),
    ("l_receiptdate", "date"),
    ("l_shipinstruct", "string"),
    ("l_shipmode", "string"),
    ("l_comment", "string"),
    (PARTITION_COLUMN, "date"),
];
pub const PARTITION_COLUMN: &str = "l_shipdate";

/// 2023-11-14, the time of the first file, in milliseconds since the Unix epoch.
pub const FIRST_FILE_MS: u64 = 1_700_000_000_000;

const WORDS: [&str; 22] = [
    "carefully",
    "final",
    "deposits",
    "sleep",
    "furiously",
    "quickly",
    "ironic",
    "packages",
    "haggle",
    "blithely",
    "regular",
    "accounts",
    "above",
    "express",
    "foxes",
    "pending",
    "requests",
    "nag",
    "slyly",
    "bold",
    "theodolites",
    "dolphins",
];

/// What `add` says of a file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct DataFile {
    pub path: String,
    pub ship_date: String,
    pub size_bytes: u64,
    pub modified_ms: u64,
    pub stats: String,
}

/// Makes files by index.
#[derive(Debug)]
pub struct Files {
    seed: u64,
    days: u64,
    /// Dates as text, from 60 days before the first ship date to 100 days after the last.
    dates: Vec<String>,
    null_counts: String,
}

/// Days before the first ship date that `Files::dates` begins with.
const DATES_BEFORE: u64 = 60;
const DATES_AFTER: u64 = 100;

/// `SplitMix64`: small, well mixed, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn word(&mut self) -> &'static str {
        let count = WORDS.len() as u64;
        WORDS[usize::try_from(self.next() % count).unwrap_or_default()]
    }
}

impl Files {
    pub fn new(seed: u64, days: u64) -> Self {
        let first = NaiveDate::from_ymd_opt(1992, 1, 2).unwrap_or_default() - Days::new(DATES_BEFORE);
        let dates =
            (0..DATES_BEFORE + days + DATES_AFTER).map(|k| (first + Days::new(k)).to_string()).collect();
        let null_counts: Vec<String> = COLUMNS
            .iter()
            .filter(|(name, _)| *name != PARTITION_COLUMN)
            .map(|(name, _)| format!("\"{name}\":0"))
            .collect();
        Self { seed, days, dates, null_counts: null_counts.join(",") }
    }

    /// The date `offset` days from the first ship date.
    fn date(&self, offset: u64) -> &str {
        usize::try_from(offset).ok().and_then(|index| self.dates.get(index)).map_or("", String::as_str)
    }

    /// Makes file `index` in `file`, whose buffers are kept.
    pub fn make(&self, index: u64, file: &mut DataFile) {
        let mut random = Random(self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ index.rotate_left(32));
        random.next();
        let day = DATES_BEFORE + index % self.days;
        let records = random.between(90_000, 110_000);
        file.size_bytes = records * 61 + random.between(0, 9_999);
        file.modified_ms = FIRST_FILE_MS + index;
        file.ship_date.clear();
        file.ship_date.push_str(self.date(day));
        file.path.clear();
        let (high, low) = (random.next(), random.next());
        // Writing to a `String` cannot fail.
        let _ = write!(
            file.path,
            "{PARTITION_COLUMN}={}/part-{:05}-{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}.c000.snappy.parquet",
            file.ship_date,
            index % 100_000,
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48) & 0x3fff,
            low & 0xffff_ffff_ffff
        );
        file.stats.clear();
        let _ = write!(file.stats, "{{\"numRecords\":{records},\"minValues\":{{");
        self.write_minima(index, day, &mut random, &mut file.stats);
        file.stats.push_str("},\"maxValues\":{");
        self.write_maxima(index, day, &mut random, &mut file.stats);
        let _ = write!(file.stats, "}},\"nullCount\":{{{}}}}}", self.null_counts);
    }

    fn write_minima(&self, index: u64, day: u64, random: &mut Random, out: &mut String) {
        let _ = write!(
            out,
            "\"l_orderkey\":{},\"l_partkey\":{},\"l_suppkey\":{},\"l_linenumber\":1,\"l_quantity\":1.00,\
             \"l_extendedprice\":{}.{:02},\"l_discount\":0.00,\"l_tax\":0.00,\"l_returnflag\":\"A\",\
             \"l_linestatus\":\"F\",\"l_commitdate\":\"{}\",\"l_receiptdate\":\"{}\",\
             \"l_shipinstruct\":\"COLLECT COD\",\"l_shipmode\":\"AIR\",\"l_comment\":\" {} {}\"",
            index * 100_000 + 1 + index % 999,
            random.between(1, 2_000),
            random.between(1, 500),
            random.between(900, 919),
            random.between(0, 99),
            self.date(day - DATES_BEFORE + random.between(0, 4)),
            self.date(day + 1),
            random.word(),
            random.word(),
        );
    }

    fn write_maxima(&self, index: u64, day: u64, random: &mut Random, out: &mut String) {
        let _ = write!(
            out,
            "\"l_orderkey\":{},\"l_partkey\":{},\"l_suppkey\":{},\"l_linenumber\":7,\"l_quantity\":50.00,\
             \"l_extendedprice\":{}.{:02},\"l_discount\":0.10,\"l_tax\":0.08,\"l_returnflag\":\"R\",\
             \"l_linestatus\":\"O\",\"l_commitdate\":\"{}\",\"l_receiptdate\":\"{}\",\
             \"l_shipinstruct\":\"TAKE BACK RETURN\",\"l_shipmode\":\"TRUCK\",\"l_comment\":\"zzle {} {}\"",
            index * 100_000 + 99_999,
            random.between(19_900_000, 20_000_000),
            random.between(999_000, 1_000_000),
            random.between(104_000, 104_899),
            random.between(0, 99),
            self.date(day + 85 + random.between(0, 4)),
            self.date(day + 30),
            random.word(),
            random.word(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(seed: u64, index: u64) -> DataFile {
        let mut file = DataFile::default();
        Files::new(seed, 2_526).make(index, &mut file);
        file
    }

    #[test]
    fn a_file_depends_on_seed_and_index_alone() {
        let files = Files::new(7, 100);
        let mut reused = DataFile::default();
        files.make(1, &mut reused);
        files.make(5, &mut reused);
        let mut fresh = DataFile::default();
        files.make(5, &mut fresh);
        assert_eq!(reused, fresh);
        assert_ne!(make(7, 5).path, make(8, 5).path);
        assert_ne!(make(7, 5).path, make(7, 6).path);
    }

    #[test]
    fn statistics_cover_fifteen_columns_with_ordered_bounds() {
        let file = make(1, 9_999_999);
        let stats: serde_json::Value = serde_json::from_str(&file.stats).unwrap();
        for part in ["minValues", "maxValues", "nullCount"] {
            assert_eq!(stats[part].as_object().unwrap().len(), 15, "{part}");
        }
        for (name, _) in &COLUMNS[..6] {
            assert!(stats["minValues"][name].as_f64() <= stats["maxValues"][name].as_f64(), "{name}");
        }
        assert!(stats["minValues"]["l_commitdate"].as_str() < stats["maxValues"]["l_commitdate"].as_str());
        assert!((600..1_100).contains(&file.stats.len()), "{}", file.stats.len());
    }

    #[test]
    fn paths_have_the_usual_form() {
        let path = make(1, 2_526).path;
        assert!(path.starts_with("l_shipdate=1992-01-02/part-02526-"), "{path}");
        assert_eq!(
            path.len(),
            "l_shipdate=1992-01-02/part-02526-5f1b6f3e-9d2a-4c1e-8a77-2b6c0f3d9e01.c000.snappy.parquet".len()
        );
    }
}
