//! The changes of a commit to a table.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::draft::Draft;
use super::error::Error;
use super::metadata::TableMetadata;
use super::partition_spec::UnboundPartitionSpec;
use super::reference::Reference;
use super::schema::Schema;
use super::snapshot::Snapshot;
use super::sort_order::SortOrder;
use super::statistics::{EncryptedKey, PartitionStatisticsFile, StatisticsFile};
use crate::limits::iceberg::COMMIT_CHANGES_MAX;

/// A change, as the REST protocol writes it (`TableUpdate`). Where it names a schema, a spec or an order, -1 is the one
/// that was added last.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Update {
    AssignUuid {
        uuid: String,
    },
    UpgradeFormatVersion {
        format_version: i32,
    },
    /// `last-column-id`, which old clients send, is not looked at: the schema says it.
    AddSchema {
        schema: Schema,
    },
    SetCurrentSchema {
        schema_id: i32,
    },
    AddSpec {
        spec: UnboundPartitionSpec,
    },
    SetDefaultSpec {
        spec_id: i32,
    },
    AddSortOrder {
        sort_order: SortOrder,
    },
    SetDefaultSortOrder {
        sort_order_id: i32,
    },
    AddSnapshot {
        snapshot: Snapshot,
    },
    SetSnapshotRef {
        ref_name: String,
        #[serde(flatten)]
        reference: Reference,
    },
    RemoveSnapshots {
        snapshot_ids: BTreeSet<i64>,
    },
    RemoveSnapshotRef {
        ref_name: String,
    },
    SetLocation {
        location: String,
    },
    /// Old clients call its field `updated`.
    SetProperties {
        #[serde(alias = "updated")]
        updates: BTreeMap<String, String>,
    },
    /// Old clients call its field `removed`.
    RemoveProperties {
        #[serde(alias = "removed")]
        removals: BTreeSet<String>,
    },
    SetStatistics {
        statistics: StatisticsFile,
    },
    RemoveStatistics {
        snapshot_id: i64,
    },
    SetPartitionStatistics {
        partition_statistics: PartitionStatisticsFile,
    },
    RemovePartitionStatistics {
        snapshot_id: i64,
    },
    RemovePartitionSpecs {
        spec_ids: BTreeSet<i32>,
    },
    RemoveSchemas {
        schema_ids: BTreeSet<i32>,
    },
    AddEncryptionKey {
        encryption_key: EncryptedKey,
    },
    RemoveEncryptionKey {
        key_id: String,
    },
}

impl TableMetadata {
    /// The metadata after a commit, or `None` if its updates change nothing.
    ///
    /// `previous_location` is where this metadata lies; the new one remembers it in its log.
    ///
    /// # Errors
    /// [`Error::Update`] for an update that is wrong, [`Error::Stale`] for one that came too late,
    /// [`Error::TooManyChanges`].
    pub fn apply(
        &self,
        updates: &[Update],
        previous_location: Option<&str>,
        now_ms: i64,
    ) -> Result<Option<Self>, Error> {
        let mut draft = Draft::of_table(self, now_ms);
        apply_all(&mut draft, updates)?;
        draft.finish(Some(self), previous_location)
    }

    /// The metadata of a table that a transaction makes: all of it comes from the updates, its UUID too.
    ///
    /// # Errors
    /// Like [`TableMetadata::apply`], and [`Error::Update`] if something is lacking.
    pub fn from_updates(updates: &[Update], now_ms: i64) -> Result<Self, Error> {
        let version = updates.iter().find_map(|update| {
            if let Update::UpgradeFormatVersion { format_version } = update {
                Some(*format_version)
            } else {
                None
            }
        });
        let mut draft = Draft::of_nothing(version, now_ms)?;
        apply_all(&mut draft, updates)?;
        draft.finish_new()
    }
}

fn apply_all(draft: &mut Draft, updates: &[Update]) -> Result<(), Error> {
    if updates.len() > COMMIT_CHANGES_MAX {
        return Err(Error::TooManyChanges);
    }
    updates.iter().try_for_each(|update| apply(draft, update))
}

fn apply(draft: &mut Draft, update: &Update) -> Result<(), Error> {
    match update {
        Update::AssignUuid { uuid } => draft.assign_uuid(uuid)?,
        Update::UpgradeFormatVersion { format_version } => draft.upgrade(*format_version)?,
        Update::AddSchema { schema } => draft.add_schema(schema)?,
        Update::SetCurrentSchema { schema_id } => draft.set_current_schema(*schema_id)?,
        Update::AddSpec { spec } => draft.add_spec(spec.clone())?,
        Update::SetDefaultSpec { spec_id } => draft.set_default_spec(*spec_id)?,
        Update::AddSortOrder { sort_order } => draft.add_sort_order(sort_order)?,
        Update::SetDefaultSortOrder { sort_order_id } => draft.set_default_sort_order(*sort_order_id)?,
        Update::AddSnapshot { snapshot } => draft.add_snapshot(snapshot)?,
        Update::SetSnapshotRef { ref_name, reference } => draft.set_reference(ref_name, reference)?,
        Update::RemoveSnapshots { snapshot_ids } => draft.remove_snapshots(snapshot_ids),
        Update::RemoveSnapshotRef { ref_name } => draft.remove_reference(ref_name),
        Update::SetLocation { location } => draft.set_location(location)?,
        Update::SetProperties { updates } => draft.set_properties(updates)?,
        Update::RemoveProperties { removals } => draft.remove_properties(removals),
        Update::SetStatistics { statistics } => draft.set_statistics(statistics),
        Update::RemoveStatistics { snapshot_id } => draft.remove_statistics(*snapshot_id),
        Update::SetPartitionStatistics { partition_statistics } => {
            draft.set_partition_statistics(partition_statistics);
        }
        Update::RemovePartitionStatistics { snapshot_id } => draft.remove_partition_statistics(*snapshot_id),
        Update::RemovePartitionSpecs { spec_ids } => draft.remove_specs(spec_ids)?,
        Update::RemoveSchemas { schema_ids } => draft.remove_schemas(schema_ids)?,
        Update::AddEncryptionKey { encryption_key } => draft.add_encryption_key(encryption_key),
        Update::RemoveEncryptionKey { key_id } => draft.remove_encryption_key(key_id),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
