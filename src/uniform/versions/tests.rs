//! Histories of tables, told by hand and by chance.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A table that commits are made to.
#[derive(Debug, Clone)]
struct Table {
    format_version: u8,
    now_ms: i64,
    sequence_number: i64,
    next_id: i64,
    snapshots: Vec<Value>,
    log: Vec<(i64, i64)>,
    schema_count: i32,
    refs: Vec<(&'static str, &'static str, i64)>,
}

impl Table {
    fn new(format_version: u8) -> Self {
        Self {
            format_version,
            now_ms: 1_000,
            sequence_number: 0,
            next_id: 100,
            snapshots: Vec::new(),
            log: Vec::new(),
            schema_count: 1,
            refs: Vec::new(),
        }
    }

    fn current(&self) -> Option<i64> {
        self.log.last().map(|(_, id)| *id)
    }

    /// A snapshot after `parent`, on no branch yet.
    fn add(&mut self, parent: Option<i64>) -> i64 {
        self.now_ms += 10;
        self.sequence_number += i64::from(self.format_version > 1);
        self.next_id += 1;
        self.snapshots.push(json!({"snapshot-id": self.next_id, "parent-snapshot-id": parent,
            "sequence-number": self.sequence_number, "timestamp-ms": self.now_ms,
            "schema-id": self.schema_count - 1, "manifest-list": "s3://lake/t/m"}));
        self.next_id
    }

    fn append(&mut self) -> i64 {
        let id = self.add(self.current());
        self.log.push((self.now_ms, id));
        id
    }

    fn set_current(&mut self, id: i64) {
        self.now_ms += 10;
        self.log.push((self.now_ms, id));
    }

    fn change_schema(&mut self) {
        self.now_ms += 10;
        self.schema_count += 1;
    }

    /// Removes a snapshot, and what the log says of the time up to it.
    fn expire(&mut self, id: i64) {
        self.now_ms += 10;
        self.snapshots.retain(|one| one["snapshot-id"] != json!(id));
        if let Some(place) = self.log.iter().rposition(|(_, known)| *known == id) {
            self.log.drain(..=place);
        }
    }

    fn ids(&self) -> Vec<i64> {
        self.snapshots.iter().filter_map(|one| one["snapshot-id"].as_i64()).collect()
    }

    fn metadata(&self) -> TableMetadata {
        let schema = |id: i32| json!({"type": "struct", "schema-id": id, "fields": []});
        let mut text = json!({
            "format-version": self.format_version, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": "s3://lake/t", "last-updated-ms": self.now_ms, "last-column-id": 1,
            "last-sequence-number": self.sequence_number, "current-schema-id": self.schema_count - 1,
            "schemas": (0..self.schema_count).map(schema).collect::<Vec<_>>(), "default-spec-id": 0,
            "partition-specs": [{"spec-id": 0, "fields": []}], "last-partition-id": 999,
            "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}],
            "snapshots": self.snapshots,
            "snapshot-log": self.log.iter().map(|(timestamp_ms, id)|
                json!({"timestamp-ms": timestamp_ms, "snapshot-id": id})).collect::<Vec<_>>(),
            "metadata-log": [{"timestamp-ms": 1_000, "metadata-file": "s3://lake/t/0"}],
        });
        if let Some(current) = self.current() {
            text["current-snapshot-id"] = json!(current);
            text["refs"]["main"] = json!({"snapshot-id": current, "type": "branch"});
        }
        for (name, kind, id) in &self.refs {
            text["refs"][*name] = json!({"snapshot-id": id, "type": kind});
        }
        TableMetadata::parse(text.to_string().as_bytes()).unwrap()
    }

    fn look(&self, rows: &mut Vec<TableVersion>, reference: Option<&str>) {
        rows.extend(grow(rows, &self.metadata(), reference).unwrap());
    }

    /// What somebody sees who has never seen the table.
    fn first_sight(&self, reference: Option<&str>) -> Vec<(i64, Option<i64>, i32)> {
        let mut rows = Vec::new();
        self.look(&mut rows, reference);
        brief(&rows)
    }
}

fn brief(rows: &[TableVersion]) -> Vec<(i64, Option<i64>, i32)> {
    rows.iter().map(|row| (row.version, row.snapshot_id, row.schema_id)).collect()
}

#[test]
fn versions_are_sequence_numbers_where_they_can_be() {
    let mut table = Table::new(2);
    assert_eq!(table.first_sight(None), [(0, None, 0)]);
    let ids = [table.append(), table.append(), table.append()];
    assert_eq!(
        table.first_sight(None),
        [(0, None, 0), (1, Some(ids[0]), 0), (2, Some(ids[1]), 0), (3, Some(ids[2]), 0)]
    );
    let mut rows = Vec::new();
    table.look(&mut rows, None);
    assert_eq!(rows.iter().map(|row| row.timestamp_ms).collect::<Vec<_>>(), [1_000, 1_010, 1_020, 1_030]);
    // Three snapshots of another branch take numbers that main has not.
    for _ in 0..3 {
        table.add(Some(ids[2]));
    }
    let next = table.append();
    table.look(&mut rows, None);
    assert_eq!(brief(&rows)[4..], [(7, Some(next), 0)]);
}

#[test]
fn tables_of_the_first_format_count_from_one() {
    let mut table = Table::new(1);
    let ids = [table.append(), table.append()];
    assert_eq!(table.first_sight(None), [(0, None, 0), (1, Some(ids[0]), 0), (2, Some(ids[1]), 0)]);
}

#[test]
fn a_rollback_is_one_more_version_of_an_old_snapshot() {
    let mut table = Table::new(2);
    let ids = [table.append(), table.append()];
    let mut rows = Vec::new();
    table.look(&mut rows, None);
    table.set_current(ids[0]);
    let seen_late = table.first_sight(None);
    table.look(&mut rows, None);
    assert_eq!(
        brief(&rows),
        [(0, None, 0), (1, Some(ids[0]), 0), (2, Some(ids[1]), 0), (3, Some(ids[0]), 0)]
    );
    assert_eq!(seen_late, brief(&rows));
    assert_eq!(rows[3].timestamp_ms, 1_030);
    assert_eq!(choose(&rows, &table.metadata(), None).unwrap(), rows[3]);
    assert_eq!(choose(&rows, &table.metadata(), Some(2)).unwrap(), rows[2]);
}

#[test]
fn a_rollback_behind_a_new_schema_is_two_versions() {
    let mut table = Table::new(2);
    let first = table.append();
    table.change_schema();
    let second = table.append();
    let mut rows = Vec::new();
    table.look(&mut rows, None);
    table.set_current(first);
    table.look(&mut rows, None);
    // The snapshot by the schema that it was written with, then by the table's, which a rollback does not take back.
    assert_eq!(brief(&rows)[2..], [(2, Some(second), 1), (3, Some(first), 0), (4, Some(first), 1)]);
    assert_eq!(brief(&rows), table.first_sight(None));
}

#[test]
fn what_the_table_was_between_two_looks_is_remembered() {
    let mut table = Table::new(2);
    let ids = [table.append(), table.append()];
    let mut rows = Vec::new();
    table.look(&mut rows, None);
    table.set_current(ids[0]);
    table.set_current(ids[1]);
    table.look(&mut rows, None);
    assert_eq!(brief(&rows)[2..], [(2, Some(ids[1]), 0), (3, Some(ids[0]), 0), (4, Some(ids[1]), 0)]);
    assert_eq!(brief(&rows), table.first_sight(None));
}

#[test]
fn a_new_schema_is_a_version_and_old_ones_keep_theirs() {
    let mut table = Table::new(2);
    let first = table.append();
    let mut rows = Vec::new();
    table.look(&mut rows, None);
    table.change_schema();
    table.look(&mut rows, None);
    let second = table.append();
    table.look(&mut rows, None);
    assert_eq!(brief(&rows), [(0, None, 0), (1, Some(first), 0), (2, Some(first), 1), (3, Some(second), 1)]);
}

#[test]
fn expired_snapshots_keep_their_numbers_and_are_told_apart() {
    let mut table = Table::new(2);
    let ids: Vec<i64> = (0..6).map(|_| table.append()).collect();
    let mut rows = Vec::new();
    table.look(&mut rows, None);
    let before = brief(&rows);
    for &id in &ids[1..3] {
        table.expire(id);
    }
    table.look(&mut rows, None);
    assert_eq!(brief(&rows), before);
    let error = choose(&rows, &table.metadata(), Some(2)).unwrap_err();
    assert_eq!(error.to_string(), "version 2 is not available; available: 0 to 1, 4 to 6");
    let error = choose(&rows, &table.metadata(), Some(9)).unwrap_err();
    assert_eq!(error, Error::TooNew { wanted: 9, latest: 6 });
    // Who sees the table only now knows nothing of what has been.
    table.expire(ids[0]);
    assert_eq!(table.first_sight(None), [(4, Some(ids[3]), 0), (5, Some(ids[4]), 0), (6, Some(ids[5]), 0)]);
}

#[test]
fn a_branch_counts_its_own_ancestors() {
    let mut table = Table::new(2);
    let base = table.append();
    let side = table.add(Some(base));
    table.append();
    table.refs = vec![("audit", "branch", side), ("v1", "tag", base)];
    table.change_schema();
    let mut rows = Vec::new();
    table.look(&mut rows, Some("audit"));
    assert_eq!(brief(&rows), [(0, None, 0), (1, Some(base), 0), (2, Some(side), 0), (3, Some(side), 1)]);
    let next = table.add(Some(side));
    table.refs[0].2 = next;
    table.look(&mut rows, Some("audit"));
    assert_eq!(brief(&rows)[4..], [(4, Some(next), 1)]);
    table.refs[0].2 = base;
    table.look(&mut rows, Some("audit"));
    assert_eq!(brief(&rows)[5..], [(5, Some(base), 0), (6, Some(base), 1)]);
    assert_eq!(table.first_sight(Some("v1")), [(1, Some(base), 0)]);
    let error = grow(&[], &table.metadata(), Some("v2")).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("\"v2\"")), (Kind::NotFound, true));
    assert_eq!(table.first_sight(Some("main")), table.first_sight(None));
}

#[test]
fn absurd_numbers_are_an_error_and_no_circle() {
    let mut table = Table::new(2);
    table.sequence_number = i64::MAX - 1;
    let id = table.append();
    let mut rows = Vec::new();
    table.look(&mut rows, None);
    assert_eq!(brief(&rows), [(0, None, 0), (i64::MAX, Some(id), 0)]);
    table.change_schema();
    assert_eq!(grow(&rows, &table.metadata(), None), Err(Error::Exhausted));
    let mut table = Table::new(2);
    let ids = [table.add(Some(102)), table.add(Some(101))];
    assert_eq!(ids, [101, 102]);
    table.refs = vec![("b", "branch", 102)];
    assert_eq!(table.first_sight(Some("b")).len(), 2);
}

#[derive(Debug, Clone)]
enum Step {
    Append,
    AppendElsewhere,
    ChangeSchema,
    Rollback(prop::sample::Index),
    Expire(prop::sample::Index),
    Look,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Append),
        1 => Just(Step::AppendElsewhere),
        1 => Just(Step::ChangeSchema),
        1 => any::<prop::sample::Index>().prop_map(Step::Rollback),
        1 => any::<prop::sample::Index>().prop_map(Step::Expire),
        4 => Just(Step::Look),
    ];
    prop::collection::vec(step, 1..40)
}

fn take(table: &mut Table, step: &Step) {
    let ids = table.ids();
    match step {
        Step::Append => {
            table.append();
        }
        Step::AppendElsewhere => {
            table.add(table.current());
        }
        Step::ChangeSchema => table.change_schema(),
        Step::Rollback(index) if !ids.is_empty() => table.set_current(*index.get(&ids)),
        Step::Expire(index) if !ids.is_empty() && Some(*index.get(&ids)) != table.current() => {
            table.expire(*index.get(&ids));
        }
        Step::Rollback(_) | Step::Expire(_) | Step::Look => {}
    }
}

proptest! {
    #[test]
    fn versions_only_grow_and_the_last_is_what_the_table_is(steps in steps(), format_version in 1_u8..3) {
        let mut table = Table::new(format_version);
        let mut rows: Vec<TableVersion> = Vec::new();
        for step in &steps {
            take(&mut table, step);
            if !matches!(step, Step::Look) {
                continue;
            }
            let (before, metadata) = (rows.clone(), table.metadata());
            table.look(&mut rows, None);
            prop_assert_eq!(&rows[..before.len()], &before[..], "what was told stays");
            prop_assert!(rows.is_sorted_by(|a, b| a.version < b.version && a.timestamp_ms <= b.timestamp_ms));
            let latest = rows.last().unwrap();
            prop_assert_eq!(latest.snapshot_id, table.current());
            prop_assert_eq!(latest.schema_id, table.schema_count - 1);
            prop_assert_eq!(grow(&rows, &metadata, None).unwrap(), vec![], "a second look shows nothing new");
            let repeats = |pair: &[TableVersion]|
                (pair[0].snapshot_id, pair[0].schema_id) == (pair[1].snapshot_id, pair[1].schema_id);
            prop_assert!(!rows.windows(2).any(repeats));
            for row in &rows {
                let is_there = row.snapshot_id.is_none_or(|id| table.ids().contains(&id));
                match choose(&rows, &metadata, Some(row.version)) {
                    Ok(chosen) => prop_assert!(is_there && chosen == *row),
                    Err(error) => prop_assert!(!is_there && error.is_of_version(), "{}", error),
                }
            }
        }
    }
}
