//! Times of versions: a search against a look at each.

use std::sync::Arc;

use lakeshare::delta::history::History;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::log_builder::{Table, add, block_on, metadata, protocol};

/// Milliseconds since the Unix epoch of a version's file, and of the commit itself.
type Times = (u64, i64);

/// A table with one version for each of `times`; from `own_from` on commits carry their own.
fn table(times: &[Times], own_from: Option<usize>) -> Table {
    let table = Table::new();
    for (number, &(file_ms, own_ms)) in times.iter().enumerate() {
        let version = i64::try_from(number).unwrap();
        let mut actions = vec![json!({"commitInfo": {"inCommitTimestamp": own_ms}})];
        if number == 0 {
            actions.extend([protocol(), metadata(&[])]);
        }
        if own_from == Some(number) {
            actions.extend(enabling(number));
        }
        actions.push(add(&format!("f{number}")));
        table.commit(version, &actions);
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(file_ms);
        let path = table.path(&super::log_builder::commit_name(version));
        std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
    table
}

/// The actions that enable in-commit timestamps in a version.
fn enabling(version: usize) -> [Value; 2] {
    let mut changed = metadata(&[]);
    changed["metaData"]["configuration"] = json!({"delta.enableInCommitTimestamps": "true"});
    if version > 0 {
        changed["metaData"]["configuration"]["delta.inCommitTimestampEnablementVersion"] =
            json!(version.to_string());
    }
    let protocol =
        json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"]});
    [json!({"protocol": protocol}), changed]
}

/// The times as Delta means them.
fn expected(times: &[Times], own_from: Option<usize>) -> Vec<i64> {
    let mut before = i64::MIN;
    let each = times.iter().enumerate().map(|(number, &(file_ms, own_ms))| {
        before = i64::try_from(file_ms).unwrap().max(before.saturating_add(1));
        if own_from.is_some_and(|from| number >= from) { own_ms } else { before }
    });
    each.collect()
}

fn open(table: &Table) -> Arc<History> {
    let latest = table.latest();
    Arc::new(block_on(History::open(&table.store(), &latest)).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_a_look_at_each_version_finds(
        files in prop::collection::vec(1_000_u64..1_030, 1..9),
        steps in prop::collection::vec(1_i64..5, 9),
        own_from in prop::option::of(0_usize..9),
        asked in 985_i64..1_050,
    ) {
        let own_from = own_from.filter(|&from| from < files.len());
        // The times of commits go on where those of the files end, so that all of them ascend.
        let mut own_ms = 1_040;
        let times: Vec<Times> = files
            .iter()
            .zip(&steps)
            .map(|(&file_ms, &step)| {
                own_ms += step;
                (file_ms, own_ms)
            })
            .collect();
        let table = table(&times, own_from);
        let history = open(&table);
        let all = expected(&times, own_from);
        prop_assert!(all.is_sorted());
        for (number, &time) in all.iter().enumerate() {
            prop_assert_eq!(block_on(history.time_of(i64::try_from(number).unwrap())).unwrap(), time);
        }
        let position = |found: Option<usize>| found.map(|number| i64::try_from(number).unwrap());
        let at = position(all.iter().rposition(|&time| time <= asked));
        prop_assert_eq!(block_on(history.at_or_before(asked)).unwrap(), at);
        let from = position(all.iter().position(|&time| time >= asked));
        prop_assert_eq!(block_on(history.at_or_after(asked)).unwrap(), from);
    }
}

#[test]
fn commits_before_a_gap_are_no_history() {
    let table = table(&[(1_000, 0), (2_000, 0), (3_000, 0), (4_000, 0)], None);
    let latest = table.latest();
    table.remove(&super::log_builder::commit_name(1));
    table.checkpoint(2, &[protocol(), metadata(&[]), add("f0"), add("f1"), add("f2")]);
    let history = block_on(History::open(&table.store(), &latest)).unwrap();
    assert_eq!((history.first_commit(), history.first(), history.latest()), (2, 2, 3));
    assert_eq!(block_on(history.at_or_before(2_500)).unwrap(), None);
    assert_eq!(block_on(history.at_or_after(0)).unwrap(), Some(2));
    assert!(block_on(history.time_of(0)).is_err());
}
