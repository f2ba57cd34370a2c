//! From one version to the next, for one or many askers.

use std::sync::Arc;

use lakeshare::clock::Clock;
use lakeshare::delta::Wanted;
use lakeshare::delta::error::Error;
use lakeshare::snapshot;
use lakeshare::snapshot::loader::{Loader, LoaderParts};
use lakeshare::state::embedded::Store;
use lakeshare::state::record::TableSource;
use lakeshare::storage::Buckets;
use lakeshare::table::snapshot::Snapshot;
use lakeshare::telemetry::metrics::SnapshotLoads;
use serde_json::json;

use super::log_builder::{Table, add, add_with, commit_name, metadata, paths, protocol, remove, rows};

fn segments(snapshot: &Snapshot) -> Vec<*const lakeshare::table::segment::Segment> {
    snapshot.files.segments().map(std::ptr::from_ref).collect()
}

#[test]
fn the_next_version_shares_the_segments_of_the_one_before() {
    let adds: Vec<_> = (0..5_000).map(|number| add(&format!("f{number:04}"))).collect();
    let table = Table::with_commit_0(&adds);
    let first = table.load(Wanted::Latest).unwrap();
    let same = table.load_from(Wanted::Latest, Some(&first)).unwrap();
    assert!(Arc::ptr_eq(first.snapshot(), same.snapshot()));

    table.commit(1, &[remove("f0007"), add("g"), add_with("f0008", json!({"size": 77}))]);
    table.commit(2, &[remove("g"), add("h")]);
    let next = table.load_from(Wanted::Latest, Some(&same)).unwrap();
    assert_eq!(next.snapshot().version, 2);
    assert_eq!(segments(next.snapshot())[0], segments(first.snapshot())[0]);
    assert_eq!(rows(next.snapshot()), rows(&table.latest()));
    assert_eq!(rows(next.snapshot())["f0008"].size, 77);
    assert_eq!(paths(first.snapshot()).len(), 5_000);
}

#[test]
fn a_refresh_sees_new_metadata_and_new_protocols() {
    let table = Table::with_commit_0(&[add("a")]);
    let first = table.load(Wanted::Latest).unwrap();
    let mut renamed = metadata(&[]);
    renamed["metaData"]["name"] = json!("renamed");
    table.commit(1, &[renamed]);
    let second = table.load_from(Wanted::Latest, Some(&first)).unwrap();
    assert_eq!(second.snapshot().metadata.name.as_deref(), Some("renamed"));

    let repartitioned = metadata(&["p"]);
    table.commit(2, &[repartitioned, remove("a"), add_with("b", json!({"partitionValues": {"p": "1"}}))]);
    let third = table.load_from(Wanted::Latest, Some(&second)).unwrap();
    assert_eq!(rows(third.snapshot())["b"].partition_values, json!({"p": "1"}));

    table.commit(
        3,
        &[json!({"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["fooBar"], "writerFeatures": [],
        }})],
    );
    let refusal = table.load_from(Wanted::Latest, Some(&third)).unwrap_err();
    assert!(matches!(refusal, Error::Unserved { version: 3, .. }), "{refusal}");
}

#[test]
fn a_table_that_was_replaced_is_read_anew() {
    let table = Table::with_commit_0(&[add("a")]);
    let first = table.load(Wanted::Latest).unwrap();
    table.commit(0, &[protocol(), metadata(&[]), add("other")]);
    let second = table.load_from(Wanted::Latest, Some(&first)).unwrap();
    assert_eq!(paths(second.snapshot()), ["other"]);
    table.remove(&commit_name(0));
    assert!(matches!(table.load_from(Wanted::Latest, Some(&second)), Err(Error::NotATable { .. })));
}

#[test]
fn a_broken_new_commit_is_told_and_its_repair_is_seen() {
    let table = Table::with_commit_0(&[add("a")]);
    let first = table.load(Wanted::Latest).unwrap();
    table.write(&commit_name(1), "{\"add\":");
    assert!(matches!(table.load_from(Wanted::Latest, Some(&first)), Err(Error::Line { line: 1, .. })));
    table.commit(1, &[add("b")]);
    assert_eq!(paths(table.load_from(Wanted::Latest, Some(&first)).unwrap().snapshot()), ["a", "b"]);
}

#[test]
fn many_commits_at_once_are_as_good_as_one_by_one() {
    let table = Table::with_commit_0(&[add("a")]);
    let first = table.load(Wanted::Latest).unwrap();
    for version in 1..=150 {
        table.commit(version, &[add(&format!("f{version}")), remove(&format!("f{}", version - 3))]);
        if version == 20 {
            let some = table.load_from(Wanted::Latest, Some(&first)).unwrap();
            assert_eq!(rows(some.snapshot()), rows(&table.latest()));
        }
    }
    let all = table.load_from(Wanted::Latest, Some(&first)).unwrap();
    assert_eq!(paths(all.snapshot()), ["a", "f148", "f149", "f150"]);
    assert_eq!(all.snapshot().version, 150);
}

#[test]
fn a_commit_larger_than_one_piece_is_read_piece_by_piece() {
    let stats = format!("{{\"numRecords\":7,\"x\":\"{}\"}}", "é".repeat(5_000));
    let adds: Vec<_> =
        (0..1_200).map(|number| add_with(&format!("f{number}"), json!({"stats": stats}))).collect();
    let table = Table::with_commit_0(&adds);
    let size = std::fs::metadata(table.path(&commit_name(0))).unwrap().len();
    assert!(size > lakeshare::limits::COMMIT_PIECE_BYTES, "{size}");
    let rows = rows(&table.latest());
    assert_eq!(rows.len(), 1_200);
    assert!(rows.values().all(|row| row.stats.as_ref() == Some(&stats) && row.record_count == Some(7)));
}

#[test]
fn in_commit_timestamps_are_the_time_of_a_commit_where_they_are_enabled() {
    let table = Table::new();
    let protocol = json!({"protocol": {
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"],
    }});
    let mut enabled = metadata(&[]);
    enabled["metaData"]["configuration"]["delta.enableInCommitTimestamps"] = json!("true");
    let info = |timestamp: i64| json!({"commitInfo": {"inCommitTimestamp": timestamp}});
    table.commit(0, &[info(1_234), protocol.clone(), enabled.clone(), add("a")]);
    let first = table.load(Wanted::Latest).unwrap();
    assert_eq!(first.snapshot().commit_timestamp_ms, 1_234);
    table.commit(1, &[info(5_678), add("b")]);
    let next = table.load_from(Wanted::Latest, Some(&first)).unwrap();
    assert_eq!(next.snapshot().commit_timestamp_ms, 5_678);
    table.checkpoint(1, &[protocol, enabled, add("a"), add("b")]);
    assert_eq!(table.latest().commit_timestamp_ms, 5_678);
    table.commit(2, &[add("c")]);
    assert!(matches!(table.refusal(), Error::NoInCommitTimestamp { .. }));
    table.commit(2, &[metadata(&[]), add("c")]);
    assert!(
        table.latest().commit_timestamp_ms > 1_500_000_000_000,
        "the file's time where they are disabled"
    );
}

fn source(location: &str) -> TableSource {
    TableSource::Delta { bucket: "b".to_owned(), location: location.to_owned() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(4).build().unwrap()
}

fn loader(table: &Table, runtime: &tokio::runtime::Runtime, cache_bytes: usize) -> Loader {
    Loader::new(LoaderParts {
        buckets: Buckets::embedded(table.data_dir()),
        store: Store::open(&table.data_dir().join(".lakeshare"), Clock::system()).unwrap(),
        control: runtime.handle().clone(),
        cache_bytes,
        spill: None,
        loads: SnapshotLoads::default(),
        clock: Clock::system(),
    })
}

#[test]
fn a_loader_keeps_a_version_until_there_is_a_newer_one() {
    let table = Table::with_commit_0(&[add("a")]);
    let runtime = runtime();
    let loader = loader(&table, &runtime, 1 << 30);
    let load = |wanted| runtime.block_on(loader.load(&source("t"), wanted)).unwrap();
    let first = load(Wanted::Latest);
    assert!(Arc::ptr_eq(&first, &load(Wanted::Latest)));
    table.commit(1, &[add("b")]);
    assert_eq!(paths(&load(Wanted::Latest)), ["a", "b"]);
    let old = load(Wanted::Version(0));
    assert_eq!(paths(&old), ["a"]);
    assert!(Arc::ptr_eq(&old, &load(Wanted::Version(0))));
}

#[test]
fn the_latest_version_is_kept_under_its_number_for_who_asks_so() {
    let table = Table::with_commit_0(&[add("a")]);
    table.commit(1, &[add("b")]);
    let runtime = runtime();
    let loader = loader(&table, &runtime, 1 << 30);
    let load = |wanted| runtime.block_on(loader.load(&source("t"), wanted)).unwrap();
    let latest = load(Wanted::Latest);
    assert!(Arc::ptr_eq(&latest, &load(Wanted::Version(1))), "it was not rebuilt");
    table.commit(2, &[add("c")]);
    assert_eq!(load(Wanted::Latest).version, 2);
    assert!(Arc::ptr_eq(&latest, &load(Wanted::Version(1))), "it was kept");
}

#[test]
fn a_loader_without_memory_still_answers() {
    let table = Table::with_commit_0(&[add("a")]);
    let runtime = runtime();
    let loader = loader(&table, &runtime, 0);
    let load = || runtime.block_on(loader.load(&source("t"), Wanted::Latest)).unwrap();
    assert!(!Arc::ptr_eq(&load(), &load()));
    assert_eq!(paths(&load()), ["a"]);
}

#[test]
fn a_hundred_callers_share_the_replay_and_all_see_the_newest_version() {
    let adds: Vec<_> = (0..20_000).map(|number| add(&format!("f{number}"))).collect();
    let table = Table::with_commit_0(&adds);
    let runtime = runtime();
    let loader = loader(&table, &runtime, 1 << 30);
    let table_source = source("t");
    let all = runtime.block_on(futures::future::try_join_all(
        (0..100).map(|_| loader.load(&table_source, Wanted::Latest)),
    ));
    let all = all.unwrap();
    assert!(all.iter().all(|snapshot| Arc::ptr_eq(snapshot, &all[0])), "one replay served all");
}

#[test]
fn a_caller_that_goes_away_spoils_nothing() {
    let (runtime, source) = (runtime(), source("t"));
    let mut gone = 0;
    for _ in 0..50 {
        let table = Table::with_commit_0(&[add("a")]);
        let loader = loader(&table, &runtime, 1 << 30);
        runtime.block_on(async {
            let mut load = Box::pin(loader.load(&source, Wanted::Latest));
            // Now and then it is loaded before the caller looks.
            gone += usize::from(futures::poll!(&mut load).is_pending());
            drop(load);
            assert_eq!(paths(&loader.load(&source, Wanted::Latest).await.unwrap()), ["a"]);
        });
    }
    assert!(gone > 0, "nobody went away before the end");
}

#[test]
fn failures_are_told_apart_and_not_kept() {
    let table = Table::new();
    let runtime = runtime();
    let loader = loader(&table, &runtime, 1 << 30);
    let load = |location: &str| runtime.block_on(loader.load(&source(location), Wanted::Latest));
    assert!(matches!(load("t"), Err(snapshot::error::Error::Delta(Error::NotATable { .. }))));
    assert!(matches!(load("../b/t"), Err(snapshot::error::Error::Storage(_))));
    table.commit(0, &[protocol(), metadata(&[]), add("a")]);
    assert_eq!(paths(&load("t").unwrap()), ["a"]);
}

#[test]
fn two_tables_never_share_a_snapshot() {
    let table = Table::with_commit_0(&[add("a")]);
    let other = table.data_dir().join("b/t2/_delta_log");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::copy(table.path(&commit_name(0)), other.join(commit_name(0))).unwrap();
    let runtime = runtime();
    let loader = loader(&table, &runtime, 1 << 30);
    let load = |location: &str| runtime.block_on(loader.load(&source(location), Wanted::Latest)).unwrap();
    assert!(!Arc::ptr_eq(&load("t"), &load("t2")));
    std::fs::write(other.join(commit_name(1)), add("b").to_string()).unwrap();
    assert_eq!(paths(&load("t2")), ["a", "b"]);
    assert_eq!(paths(&load("t")), ["a"]);
}
