//! The state of a table that is to be told.

use std::sync::Arc;

use crate::iceberg::metadata::TableMetadata;
use crate::table::snapshot::Version;

/// Which state of an Iceberg table is told as which version.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub metadata: Arc<TableMetadata>,
    /// `None`: the table before its first snapshot.
    pub snapshot_id: Option<i64>,
    pub schema_id: i32,
    pub version: Version,
    pub timestamp_ms: i64,
}
