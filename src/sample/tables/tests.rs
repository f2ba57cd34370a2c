//! The sample tables on disk: whole, repeatable, taken up after crashes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::*;

const SIZE: Size = Size { scale_factor: 0.001, text_pool_bytes: 1 << 20 };

fn write(bucket: &Path) -> Result<bool, Error> {
    write_tables(bucket, SIZE, &Clock::fixed(1_700_000_000_000))
}

fn log(bucket: &Path, location: &str) -> PathBuf {
    bucket.join(location).join("_delta_log")
}

fn read_commit(bucket: &Path, location: &str, version: usize) -> Vec<Value> {
    let text = fs::read_to_string(log(bucket, location).join(format!("{version:020}.json"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Path to add of the last version, by replay of all commits.
fn replay(bucket: &Path, location: &str, commit_count: usize) -> BTreeMap<String, Value> {
    let mut live = BTreeMap::new();
    for version in 0..commit_count {
        for action in read_commit(bucket, location, version) {
            if let Some(add) = action.get("add") {
                live.insert(add["path"].as_str().unwrap().to_owned(), add.clone());
            }
            if let Some(remove) = action.get("remove") {
                assert!(live.remove(remove["path"].as_str().unwrap()).is_some());
            }
        }
    }
    live
}

fn read_parquet(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    builder.with_batch_size(1 << 20).build().unwrap().next().unwrap().unwrap()
}

/// Every file below `directory` with its bytes, without modification times.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn the_last_version_holds_the_generators_rows_and_sizes() {
    let bucket = tempfile::tempdir().unwrap();
    assert!(write(bucket.path()).unwrap());
    let live = replay(bucket.path(), "tpch/orders", 17);
    assert_eq!(live.len(), 8);
    let (mut rows, mut total) = (0, 0_i128);
    for (path, add) in &live {
        let file = bucket.path().join("tpch/orders").join(path);
        assert_eq!(fs::metadata(&file).unwrap().len(), add["size"].as_u64().unwrap());
        let batch = read_parquet(&file);
        let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
        assert_eq!(stats["numRecords"], batch.num_rows());
        let keys = batch.column_by_name("o_orderkey").unwrap().as_primitive::<Int64Type>();
        assert_eq!(stats["minValues"]["o_orderkey"], keys.values().iter().min().copied().unwrap());
        assert_eq!(stats["maxValues"]["o_orderkey"], keys.values().iter().max().copied().unwrap());
        let prices = batch.column_by_name("o_totalprice").unwrap().as_primitive::<Decimal128Type>();
        rows += batch.num_rows();
        total += prices.values().iter().sum::<i128>();
    }
    let generator = Generator::new(SIZE.scale_factor, SIZE.text_pool_bytes);
    let orders = generator.orders();
    assert_eq!(rows, orders.len());
    assert_eq!(total, orders.iter().map(|order| i128::from(order.o_totalprice.into_inner())).sum());
}

#[test]
fn partition_values_name_the_directory_and_are_not_in_the_file() {
    let bucket = tempfile::tempdir().unwrap();
    write(bucket.path()).unwrap();
    let live = replay(bucket.path(), "tpch/customer", 12);
    assert_eq!(live.len(), 5);
    for (path, add) in &live {
        let segment = add["partitionValues"]["c_mktsegment"].as_str().unwrap();
        assert!(path.starts_with(&format!("c_mktsegment={segment}/part-00000-")));
        let batch = read_parquet(&bucket.path().join("tpch/customer").join(path));
        assert!(batch.column_by_name("c_mktsegment").is_none());
        assert_eq!(batch.num_columns(), 7);
    }
}

#[test]
fn the_checkpoint_agrees_with_the_commits_before_it() {
    let bucket = tempfile::tempdir().unwrap();
    write(bucket.path()).unwrap();
    let live = replay(bucket.path(), "tpch/orders", 11);
    let batch =
        read_parquet(&log(bucket.path(), "tpch/orders").join("00000000000000000010.checkpoint.parquet"));
    let adds = batch.column_by_name("add").unwrap().as_struct();
    let paths = adds.column_by_name("path").unwrap().as_string::<i32>();
    let stats = adds.column_by_name("stats").unwrap().as_string::<i32>();
    let found: BTreeMap<&str, &str> = (0..batch.num_rows())
        .filter(|&i| adds.is_valid(i))
        .map(|i| (paths.value(i), stats.value(i)))
        .collect();
    let expected: BTreeMap<&str, &str> =
        live.iter().map(|(path, add)| (path.as_str(), add["stats"].as_str().unwrap())).collect();
    assert_eq!(found, expected);
    let removes = batch.column_by_name("remove").unwrap();
    assert_eq!(batch.num_rows() - removes.null_count(), 6, "six half-years were compacted before");
    let hint = fs::read_to_string(log(bucket.path(), "tpch/orders").join("_last_checkpoint")).unwrap();
    let hint: Value = serde_json::from_str(&hint).unwrap();
    assert_eq!((&hint["version"], &hint["size"]), (&10.into(), &batch.num_rows().into()));
}

#[test]
fn a_second_run_changes_nothing() {
    let bucket = tempfile::tempdir().unwrap();
    assert!(write(bucket.path()).unwrap());
    let before = contents(bucket.path());
    assert!(!write(bucket.path()).unwrap());
    assert_eq!(contents(bucket.path()), before);
    assert!(before.keys().all(|path| path.extension().is_none_or(|extension| extension != "tmp")));
}

#[test]
fn commits_made_later_by_others_stay() {
    let bucket = tempfile::tempdir().unwrap();
    write(bucket.path()).unwrap();
    let log = log(bucket.path(), "tpch/orders");
    fs::write(log.join(format!("{:020}.json", 17)), "{\"commitInfo\":{}}\n").unwrap();
    for version in 0..10 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    assert!(!write(bucket.path()).unwrap(), "a log cleaned up behind its checkpoint is complete");
}

#[test]
fn an_interrupted_table_is_finished() {
    let bucket = tempfile::tempdir().unwrap();
    write(bucket.path()).unwrap();
    let whole = contents(bucket.path());
    let log = log(bucket.path(), "tpch/orders");
    for version in 8..17 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    fs::remove_file(log.join("00000000000000000010.checkpoint.parquet")).unwrap();
    fs::remove_file(log.join("_last_checkpoint")).unwrap();
    assert!(write(bucket.path()).unwrap());
    assert_eq!(contents(bucket.path()), whole);
}

#[test]
fn the_beginning_of_another_table_is_refused() {
    let bucket = tempfile::tempdir().unwrap();
    let log = log(bucket.path(), "tpch/orders");
    fs::create_dir_all(&log).unwrap();
    fs::write(log.join(format!("{:020}.json", 0)), "{\"metaData\":{\"id\":\"theirs\"}}\n").unwrap();
    let error = write(bucket.path()).unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::Conflict);
    assert!(error.to_string().contains("tpch/orders already holds"));
}
