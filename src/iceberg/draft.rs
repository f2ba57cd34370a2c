//! A table's metadata while a commit changes it.
//!
//! The rules are those of the reference implementation's builder: what is added is compared with what is there, and an
//! equal schema, spec or order keeps its id; -1 stands for the one added last; main carries the current snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Map;

use super::error::{Error, FORMAT_VERSION_MAX, UpdateFault};
use super::metadata::TableMetadata;
use super::partition_spec::NO_FIELD_ID;
use super::properties::{self, Properties};
use super::snapshot::Snapshot;
use super::sort_order::UNSORTED_ID;
use super::statistics::MetadataLogEntry;

/// The version of new tables that ask for none.
const FORMAT_VERSION_DEFAULT: i32 = 2;

/// Ids of schemas, specs or orders that this commit added.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub ids: BTreeSet<i32>,
    pub last: Option<i32>,
}

impl Added {
    pub(super) fn note(&mut self, id: i32) {
        self.ids.insert(id);
        self.last = Some(id);
    }

    /// An equal one is there: it is the last added one only if this commit added it.
    pub(super) fn note_known(&mut self, id: i32) {
        let is_of_this_commit = self.last.is_some() && self.ids.contains(&id);
        self.last = is_of_this_commit.then_some(id);
    }

    /// The id that is meant by an id, which may be -1.
    pub(super) fn resolve(&self, id: i32, what: &'static str) -> Result<i32, UpdateFault> {
        const LAST_ADDED: i32 = -1;
        if id == LAST_ADDED { self.last.ok_or(UpdateFault::NoneAdded { what }) } else { Ok(id) }
    }
}

/// Metadata in the making. Its snapshots lie in `slots` until it is finished.
#[derive(Debug)]
pub(super) struct Draft {
    pub table: TableMetadata,
    pub now_ms: i64,
    pub is_changed: bool,
    /// Whether specs and orders have to be compared with the schema.
    pub is_layout_changed: bool,
    pub schemas: Added,
    pub specs: Added,
    pub sort_orders: Added,
    pub removed_schemas: BTreeSet<i32>,
    /// Snapshots, in their order; removed ones leave a hole.
    pub slots: Vec<Option<Snapshot>>,
    pub slot_of: HashMap<i64, usize>,
    pub added_snapshots: HashSet<i64>,
    /// Added snapshots that main has named.
    pub main_snapshots: HashSet<i64>,
    pub has_removed_snapshots: bool,
    /// Entries of the snapshot log that were there before.
    pub old_log_entries: usize,
}

impl Draft {
    pub(super) fn of_table(table: &TableMetadata, now_ms: i64) -> Self {
        let slot_of = table.snapshots.iter().enumerate().map(|(slot, snapshot)| (snapshot.id(), slot));
        let slot_of = slot_of.collect();
        let mut without = table.clone();
        let slots = std::mem::take(&mut without.snapshots).into_iter().map(Some).collect();
        Self { slots, slot_of, ..Self::of(without, now_ms) }
    }

    /// A table without anything, of the version that its commit asks for.
    pub(super) fn of_nothing(format_version: Option<i32>, now_ms: i64) -> Result<Self, Error> {
        let format_version = checked_version(format_version.unwrap_or(FORMAT_VERSION_DEFAULT))?;
        let table = TableMetadata {
            format_version,
            uuid: None,
            location: String::new(),
            last_sequence_number: 0,
            last_updated_ms: now_ms,
            last_column_id: 0,
            current_schema_id: 0,
            schemas: Vec::new(),
            default_spec_id: 0,
            specs: Vec::new(),
            last_partition_id: NO_FIELD_ID,
            default_sort_order_id: UNSORTED_ID,
            sort_orders: Vec::new(),
            properties: Properties::new(),
            current_snapshot_id: None,
            snapshots: Vec::new(),
            refs: BTreeMap::new(),
            snapshot_log: Vec::new(),
            metadata_log: Vec::new(),
            statistics: Vec::new(),
            partition_statistics: Vec::new(),
            encryption_keys: Vec::new(),
            next_row_id: 0,
            rest: Map::new(),
        };
        Ok(Self::of(table, now_ms))
    }

    fn of(table: TableMetadata, now_ms: i64) -> Self {
        Self {
            old_log_entries: table.snapshot_log.len(),
            table,
            now_ms,
            is_changed: false,
            is_layout_changed: false,
            schemas: Added::default(),
            specs: Added::default(),
            sort_orders: Added::default(),
            removed_schemas: BTreeSet::new(),
            slots: Vec::new(),
            slot_of: HashMap::new(),
            added_snapshots: HashSet::new(),
            main_snapshots: HashSet::new(),
            has_removed_snapshots: false,
        }
    }

    /// A table keeps its UUID for its whole life.
    pub(super) fn assign_uuid(&mut self, uuid: &str) -> Result<(), Error> {
        let parsed = uuid::Uuid::try_parse(uuid);
        let parsed = parsed.map_err(|_| UpdateFault::Uuid { uuid: uuid.to_owned() })?.to_string();
        match &self.table.uuid {
            Some(there) if there.eq_ignore_ascii_case(&parsed) => Ok(()),
            Some(_) => Err(UpdateFault::UuidAssigned.into()),
            None => {
                self.table.uuid = Some(parsed);
                self.is_changed = true;
                Ok(())
            }
        }
    }

    pub(super) fn upgrade(&mut self, version: i32) -> Result<(), Error> {
        let to = checked_version(version)?;
        let from = self.table.format_version;
        if to < from {
            return Err(UpdateFault::Downgrade { from, to }.into());
        }
        if to > 1 && from == 1 && self.table.uuid.is_none() {
            return Err(UpdateFault::Lacking { what: "UUID" }.into());
        }
        self.is_changed |= to != from;
        self.table.format_version = to;
        Ok(())
    }

    pub(super) fn set_location(&mut self, location: &str) -> Result<(), Error> {
        let location = stripped(location);
        if location.is_empty() {
            return Err(UpdateFault::NoLocation.into());
        }
        if self.table.location != location {
            location.clone_into(&mut self.table.location);
            self.is_changed = true;
        }
        Ok(())
    }

    /// Reserved names stand for something else: the version is upgraded, others are left out.
    pub(super) fn set_properties(&mut self, updates: &Properties) -> Result<(), Error> {
        if let Some(version) = properties::format_version(updates)? {
            self.upgrade(version.into())?;
        }
        for (name, value) in updates.iter().filter(|(name, _)| !properties::is_reserved(name)) {
            self.table.properties.insert(name.clone(), value.clone());
            self.is_changed = true;
        }
        Ok(())
    }

    pub(super) fn remove_properties(&mut self, removals: &BTreeSet<String>) {
        for name in removals {
            self.table.properties.remove(name);
            self.is_changed = true;
        }
    }

    /// The new metadata, if anything changed.
    pub(super) fn finish(
        mut self,
        base: Option<&TableMetadata>,
        previous_location: Option<&str>,
    ) -> Result<Option<TableMetadata>, Error> {
        if !self.is_changed {
            return Ok(None);
        }
        self.check_layout()?;
        self.check_schemas_in_use()?;
        self.finish_log()?;
        self.table.snapshots = self.slots.into_iter().flatten().collect();
        self.table.last_updated_ms = self.now_ms;
        if let (Some(base), Some(location)) = (base, previous_location) {
            let metadata_file = location.to_owned();
            let entry = MetadataLogEntry { timestamp_ms: base.last_updated_ms, metadata_file };
            let kept = properties::previous_versions_max(&self.table.properties) - 1;
            let log = &mut self.table.metadata_log;
            log.drain(..log.len().saturating_sub(kept));
            log.push(entry);
        }
        Ok(Some(self.table))
    }

    /// The metadata of a new table, which lacks nothing.
    pub(super) fn finish_new(self) -> Result<TableMetadata, Error> {
        let table = &self.table;
        for (what, is_lacking) in [
            ("UUID", table.uuid.is_none()),
            ("location", table.location.is_empty()),
            ("schema", table.schemas.is_empty()),
            ("partition spec", table.specs.is_empty()),
            ("sort order", table.sort_orders.is_empty()),
        ] {
            if is_lacking {
                return Err(UpdateFault::Lacking { what }.into());
            }
        }
        let lacking = || Error::Update(UpdateFault::Lacking { what: "schema" });
        self.finish(None, None)?.ok_or_else(lacking)
    }
}

fn checked_version(version: i32) -> Result<u8, Error> {
    let known = u8::try_from(version).ok().filter(|version| (1..=FORMAT_VERSION_MAX).contains(version));
    known.ok_or(Error::Update(UpdateFault::FormatVersion { version }))
}

/// A location without the slashes at its end, as the reference implementation keeps it.
fn stripped(location: &str) -> &str {
    let mut location = location;
    while let Some(shorter) = location.strip_suffix('/').filter(|shorter| !shorter.ends_with("://")) {
        location = shorter;
    }
    location
}
