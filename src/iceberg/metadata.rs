//! The metadata of a table, versions 1 to 3 of the format.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::partition_spec::PartitionSpec;
use super::properties::Properties;
use super::reference::Reference;
use super::schema::Schema;
use super::snapshot::Snapshot;
use super::sort_order::SortOrder;
use super::statistics::{
    EncryptedKey, MetadataLogEntry, PartitionStatisticsFile, SnapshotLogEntry, StatisticsFile,
};

/// A table as one of its metadata files describes it. Never changed: a commit makes another one.
#[derive(Debug, Clone, PartialEq)]
pub struct TableMetadata {
    pub(super) format_version: u8,
    pub(super) uuid: Option<String>,
    pub(super) location: String,
    pub(super) last_sequence_number: i64,
    pub(super) last_updated_ms: i64,
    pub(super) last_column_id: i32,
    pub(super) current_schema_id: i32,
    pub(super) schemas: Vec<Arc<Schema>>,
    pub(super) default_spec_id: i32,
    pub(super) specs: Vec<PartitionSpec>,
    pub(super) last_partition_id: i32,
    pub(super) default_sort_order_id: i32,
    pub(super) sort_orders: Vec<SortOrder>,
    pub(super) properties: Properties,
    pub(super) current_snapshot_id: Option<i64>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) refs: BTreeMap<String, Reference>,
    pub(super) snapshot_log: Vec<SnapshotLogEntry>,
    pub(super) metadata_log: Vec<MetadataLogEntry>,
    pub(super) statistics: Vec<StatisticsFile>,
    pub(super) partition_statistics: Vec<PartitionStatisticsFile>,
    pub(super) encryption_keys: Vec<EncryptedKey>,
    /// 0 before version 3.
    pub(super) next_row_id: i64,
    /// Fields that we do not know.
    pub(super) rest: Map<String, Value>,
}

impl TableMetadata {
    pub fn format_version(&self) -> u8 {
        self.format_version
    }

    /// Every table has one, but for those of version 1 that old writers made.
    pub fn uuid(&self) -> Option<&str> {
        self.uuid.as_deref()
    }

    pub fn location(&self) -> &str {
        &self.location
    }

    pub fn last_sequence_number(&self) -> i64 {
        self.last_sequence_number
    }

    pub fn last_updated_ms(&self) -> i64 {
        self.last_updated_ms
    }

    pub fn last_column_id(&self) -> i32 {
        self.last_column_id
    }

    pub fn current_schema_id(&self) -> i32 {
        self.current_schema_id
    }

    /// The schema with an id.
    pub fn schema(&self, id: i32) -> Option<&Arc<Schema>> {
        self.schemas.iter().find(|schema| schema.id == id)
    }

    pub fn current_schema(&self) -> Option<&Arc<Schema>> {
        self.schema(self.current_schema_id)
    }

    pub fn schemas(&self) -> &[Arc<Schema>] {
        &self.schemas
    }

    pub fn default_spec_id(&self) -> i32 {
        self.default_spec_id
    }

    pub fn spec(&self, id: i32) -> Option<&PartitionSpec> {
        self.specs.iter().find(|spec| spec.id == id)
    }

    pub fn default_spec(&self) -> Option<&PartitionSpec> {
        self.spec(self.default_spec_id)
    }

    pub fn specs(&self) -> &[PartitionSpec] {
        &self.specs
    }

    /// The highest id that a partition field ever had.
    pub fn last_partition_id(&self) -> i32 {
        self.last_partition_id
    }

    pub fn default_sort_order_id(&self) -> i32 {
        self.default_sort_order_id
    }

    pub fn sort_orders(&self) -> &[SortOrder] {
        &self.sort_orders
    }

    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    pub fn current_snapshot_id(&self) -> Option<i64> {
        self.current_snapshot_id
    }

    pub fn current_snapshot(&self) -> Option<&Snapshot> {
        self.snapshot(self.current_snapshot_id?)
    }

    /// The snapshot with an id; looks at each, the newest first.
    pub fn snapshot(&self, id: i64) -> Option<&Snapshot> {
        self.snapshots.iter().rev().find(|snapshot| snapshot.id() == id)
    }

    pub fn snapshots(&self) -> &[Snapshot] {
        &self.snapshots
    }

    pub fn refs(&self) -> &BTreeMap<String, Reference> {
        &self.refs
    }

    pub fn snapshot_log(&self) -> &[SnapshotLogEntry] {
        &self.snapshot_log
    }

    /// Earlier metadata files, the oldest first. One that is here and not in the next metadata may be removed.
    pub fn metadata_log(&self) -> &[MetadataLogEntry] {
        &self.metadata_log
    }

    pub fn statistics(&self) -> &[StatisticsFile] {
        &self.statistics
    }

    pub fn partition_statistics(&self) -> &[PartitionStatisticsFile] {
        &self.partition_statistics
    }

    pub fn encryption_keys(&self) -> &[EncryptedKey] {
        &self.encryption_keys
    }

    pub fn next_row_id(&self) -> i64 {
        self.next_row_id
    }

    /// Bytes of memory that it takes, roughly; for the budgets of caches.
    pub fn memory_bytes(&self) -> usize {
        // A parsed field takes some ten times as much as its text, which is short where snapshots are many.
        const FIELD_BYTES: usize = 400;
        const ENTRY_BYTES: usize = 200;
        let snapshots: usize = self.snapshots.iter().map(|one| one.json().len() + ENTRY_BYTES).sum();
        let fields: usize = self.schemas.iter().map(|schema| schema.fields.len()).sum();
        let entries = self.snapshot_log.len()
            + self.metadata_log.len()
            + self.statistics.len()
            + self.partition_statistics.len()
            + self.refs.len()
            + self.properties.len()
            + self.specs.len()
            + self.sort_orders.len();
        size_of::<Self>() + snapshots + fields * FIELD_BYTES + entries * ENTRY_BYTES
    }
}
