//! Snapshots and references of a table under change.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::error::{Error, Stale, UpdateFault};
use super::reference::{MAIN_BRANCH, Reference};
use super::snapshot::{Facts, Snapshot};
use super::statistics::{EncryptedKey, PartitionStatisticsFile, SnapshotLogEntry, StatisticsFile};
use crate::limits::iceberg::{SNAPSHOTS_MAX, WRITER_SKEW_MS_MAX};

/// The version from which on rows have ids.
const ROW_LINEAGE_VERSION: u8 = 3;

impl Draft {
    pub(super) fn add_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let table = &self.table;
        for (what, is_lacking) in [
            ("schema", table.schemas.is_empty()),
            ("partition spec", table.specs.is_empty()),
            ("sort order", table.sort_orders.is_empty()),
        ] {
            if is_lacking {
                return Err(UpdateFault::SnapshotBefore { what }.into());
            }
        }
        let facts = snapshot.facts();
        if self.slot_of.contains_key(&facts.id) {
            return Err(UpdateFault::SnapshotExists { id: facts.id }.into());
        }
        if self.slot_of.len() >= SNAPSHOTS_MAX {
            return Err(UpdateFault::TooManySnapshots.into());
        }
        self.check_sequence_number(facts)?;
        let next_row_id = self.next_row_id(facts)?;
        self.table.next_row_id = next_row_id;
        self.table.last_sequence_number = facts.sequence_number;
        self.slot_of.insert(facts.id, self.slots.len());
        self.slots.push(Some(snapshot.clone()));
        self.added_snapshots.insert(facts.id);
        self.is_changed = true;
        Ok(())
    }

    /// A snapshot comes after all that are there. Only one without a parent, which replaces a table, may come beside the last.
    fn check_sequence_number(&self, facts: &Facts) -> Result<(), Error> {
        let (id, sequence_number) = (facts.id, facts.sequence_number);
        if self.table.format_version == 1 {
            let is_right = sequence_number == 0;
            return if is_right { Ok(()) } else { Err(UpdateFault::SequenceNumberOfV1 { id }.into()) };
        }
        if !facts.has_manifest_list {
            return Err(UpdateFault::ManifestsInMetadata { id }.into());
        }
        if sequence_number < 0 {
            return Err(UpdateFault::SequenceNumber { id }.into());
        }
        let last = self.table.last_sequence_number;
        let is_beside = facts.parent_id.is_none() && sequence_number == last;
        if sequence_number > last || is_beside {
            Ok(())
        } else {
            Err(Stale::SequenceNumber { sequence_number, last }.into())
        }
    }

    /// The id of the next new row after a snapshot: those of its own rows follow on the last ones given out.
    fn next_row_id(&self, facts: &Facts) -> Result<i64, Error> {
        let next_row_id = self.table.next_row_id;
        if self.table.format_version < ROW_LINEAGE_VERSION {
            return Ok(next_row_id);
        }
        let first_row_id = facts.first_row_id.ok_or(UpdateFault::NoFirstRowId)?;
        if first_row_id < next_row_id {
            return Err(Stale::FirstRowId { first_row_id, next_row_id }.into());
        }
        let next = next_row_id.checked_add(facts.added_rows.unwrap_or(0));
        Ok(next.ok_or(UpdateFault::RowIds)?)
    }

    fn snapshot(&self, id: i64) -> Option<&Snapshot> {
        self.slots.get(*self.slot_of.get(&id)?)?.as_ref()
    }

    pub(super) fn set_reference(&mut self, name: &str, reference: &Reference) -> Result<(), Error> {
        reference.check()?;
        if self.table.refs.get(name) == Some(reference) {
            return Ok(());
        }
        let id = reference.snapshot_id;
        let unknown = || UpdateFault::UnknownSnapshot { name: name.to_owned(), id };
        let timestamp_ms = self.snapshot(id).ok_or_else(unknown)?.facts().timestamp_ms;
        if name == MAIN_BRANCH {
            if !reference.is_branch() {
                return Err(UpdateFault::MainIsATag.into());
            }
            // Going back to an earlier snapshot happens now, not when the snapshot was made.
            let is_added = self.added_snapshots.contains(&id);
            let timestamp_ms = if is_added { timestamp_ms } else { self.now_ms };
            self.table.current_snapshot_id = Some(id);
            self.table.snapshot_log.push(SnapshotLogEntry { timestamp_ms, snapshot_id: id });
            if is_added {
                self.main_snapshots.insert(id);
            }
        }
        self.table.refs.insert(name.to_owned(), reference.clone());
        self.is_changed = true;
        Ok(())
    }

    pub(super) fn remove_reference(&mut self, name: &str) {
        if name == MAIN_BRANCH {
            self.table.current_snapshot_id = None;
        }
        self.is_changed |= self.table.refs.remove(name).is_some();
    }

    /// Removes snapshots with all that belongs to them, and references that would lead nowhere.
    pub(super) fn remove_snapshots(&mut self, ids: &BTreeSet<i64>) {
        let mut removed = BTreeSet::new();
        for id in ids {
            let Some(slot) = self.slot_of.remove(id) else { continue };
            if let Some(place) = self.slots.get_mut(slot) {
                *place = None;
            }
            removed.insert(*id);
        }
        if removed.is_empty() {
            return;
        }
        self.is_changed = true;
        self.has_removed_snapshots = true;
        self.table.statistics.retain(|file| !removed.contains(&file.snapshot_id));
        self.table.partition_statistics.retain(|file| !removed.contains(&file.snapshot_id));
        self.table.refs.retain(|_, reference| !removed.contains(&reference.snapshot_id));
        if self.table.current_snapshot_id.is_some_and(|id| removed.contains(&id)) {
            self.table.current_snapshot_id = None;
        }
    }

    pub(super) fn set_statistics(&mut self, file: &StatisticsFile) {
        self.table.statistics.retain(|there| there.snapshot_id != file.snapshot_id);
        self.table.statistics.push(file.clone());
        self.is_changed = true;
    }

    pub(super) fn remove_statistics(&mut self, snapshot_id: i64) {
        let before = self.table.statistics.len();
        self.table.statistics.retain(|there| there.snapshot_id != snapshot_id);
        self.is_changed |= self.table.statistics.len() != before;
    }

    pub(super) fn set_partition_statistics(&mut self, file: &PartitionStatisticsFile) {
        self.table.partition_statistics.retain(|there| there.snapshot_id != file.snapshot_id);
        self.table.partition_statistics.push(file.clone());
        self.is_changed = true;
    }

    pub(super) fn remove_partition_statistics(&mut self, snapshot_id: i64) {
        let before = self.table.partition_statistics.len();
        self.table.partition_statistics.retain(|there| there.snapshot_id != snapshot_id);
        self.is_changed |= self.table.partition_statistics.len() != before;
    }

    /// A key that is there stays as it is.
    pub(super) fn add_encryption_key(&mut self, key: &EncryptedKey) {
        if !self.table.encryption_keys.iter().any(|there| there.key_id == key.key_id) {
            self.table.encryption_keys.push(key.clone());
            self.is_changed = true;
        }
    }

    pub(super) fn remove_encryption_key(&mut self, key_id: &str) {
        let before = self.table.encryption_keys.len();
        self.table.encryption_keys.retain(|there| there.key_id != key_id);
        self.is_changed |= self.table.encryption_keys.len() != before;
    }

    /// Puts the snapshot log right: snapshots that were current only within this commit are left out, and so is all
    /// that lies before a removed snapshot, because nobody could tell any more what was current in between.
    pub(super) fn finish_log(&mut self) -> Result<(), Error> {
        self.check_new_log_entries()?;
        let current = self.table.current_snapshot_id;
        let is_passing = |id: &i64| self.main_snapshots.contains(id) && Some(*id) != current;
        let has_passing = self.main_snapshots.iter().any(is_passing);
        if !has_passing && !self.has_removed_snapshots {
            return Ok(());
        }
        let mut kept = Vec::with_capacity(self.table.snapshot_log.len());
        for entry in &self.table.snapshot_log {
            if !self.slot_of.contains_key(&entry.snapshot_id) {
                if self.has_removed_snapshots {
                    kept.clear();
                }
            } else if !is_passing(&entry.snapshot_id) {
                kept.push(*entry);
            }
        }
        // Old writers kept no log; a table of theirs may go on without one.
        let is_right = current.is_none() || kept.last().is_none_or(|last| Some(last.snapshot_id) == current);
        if !is_right {
            return Err(UpdateFault::SnapshotLog.into());
        }
        self.table.snapshot_log = kept;
        Ok(())
    }

    /// Entries that this commit added lie in their order, and not in the future.
    fn check_new_log_entries(&self) -> Result<(), Error> {
        let now_ms = self.now_ms;
        let first = self.old_log_entries.saturating_sub(1);
        let entries = self.table.snapshot_log.get(first..).unwrap_or_default();
        for pair in entries.windows(2) {
            if let [previous, next] = pair
                && next.timestamp_ms < previous.timestamp_ms.saturating_sub(WRITER_SKEW_MS_MAX)
            {
                let (timestamp_ms, previous_ms) = (next.timestamp_ms, previous.timestamp_ms);
                return Err(UpdateFault::TimestampBehind { timestamp_ms, previous_ms }.into());
            }
        }
        let new = self.table.snapshot_log.get(self.old_log_entries..).unwrap_or_default();
        match new.last() {
            Some(last) if last.timestamp_ms > now_ms.saturating_add(WRITER_SKEW_MS_MAX) => {
                Err(UpdateFault::TimestampAhead { timestamp_ms: last.timestamp_ms, now_ms }.into())
            }
            Some(_) | None => Ok(()),
        }
    }
}
