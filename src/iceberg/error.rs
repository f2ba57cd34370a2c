//! What can be wrong with metadata or with a commit.

use super::{partition_spec, properties, reference, schema, snapshot, sort_order, view_version};
use crate::error::Kind;
use crate::limits::iceberg::{COMMIT_CHANGES_MAX, METADATA_BYTES_MAX, SNAPSHOTS_MAX, WRITER_SKEW_MS_MAX};

/// Format versions of tables that are read and written.
pub const FORMAT_VERSION_MAX: u8 = 3;

/// Why metadata cannot be read, or a commit not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the metadata cannot be read: {0}")]
    Metadata(#[from] MetadataFault),
    #[error("Cannot read unsupported version {version}")]
    Version { version: i64 },
    #[error("the metadata has more than {METADATA_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the commit has more than {COMMIT_CHANGES_MAX} updates or requirements")]
    TooManyChanges,
    #[error("Requirement failed: {0}")]
    Requirement(#[from] Unmet),
    #[error(transparent)]
    Update(#[from] UpdateFault),
    #[error("Validation failed, please retry: {0}")]
    Stale(#[from] Stale),
}

/// Why stored metadata is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    #[error("it is not the JSON of metadata ({0})")]
    Json(String),
    #[error("it is not packed rightly")]
    Gzip,
    #[error("{field} must exist in format v{version}")]
    Missing { field: &'static str, version: u8 },
    #[error("it has no {what} with the id {id}, which is the one in use")]
    NotThere { what: &'static str, id: i64 },
    #[error("it has two {what} with the id {id}")]
    Twice { what: &'static str, id: i64 },
    #[error("its snapshot {id} has a sequence number after the last one")]
    SequenceNumber { id: i64 },
    #[error("its reference {name} names a snapshot that does not exist")]
    Reference { name: String },
    #[error("its current snapshot is not that of its main branch")]
    MainBranch,
    #[error("it has more than {SNAPSHOTS_MAX} snapshots")]
    TooManySnapshots,
    #[error(transparent)]
    Schema(#[from] schema::Fault),
    #[error(transparent)]
    Spec(#[from] partition_spec::Fault),
    #[error(transparent)]
    Snapshot(#[from] snapshot::Fault),
}

/// The requirement of a commit that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    #[error("table already exists")]
    Exists,
    #[error("{requirement}: table does not exist")]
    NotThere { requirement: &'static str },
    #[error("{requirement}: view does not exist")]
    NoView { requirement: &'static str },
    #[error("UUID does not match: expected {actual} != {wanted}")]
    TableUuid { actual: String, wanted: String },
    #[error("view UUID does not match: expected {actual} != {wanted}")]
    ViewUuid { actual: String, wanted: String },
    #[error("{kind} {name} was created concurrently")]
    ReferenceCreated { kind: &'static str, name: String },
    #[error("{kind} {name} has changed: expected id {wanted} != {actual}")]
    ReferenceChanged { kind: &'static str, name: String, wanted: i64, actual: i64 },
    #[error("branch or tag {name} is missing, expected {wanted}")]
    ReferenceMissing { name: String, wanted: i64 },
    #[error("{what} changed: expected id {wanted} != {actual}")]
    Changed { what: &'static str, wanted: i32, actual: i32 },
}

/// Somebody else's commit came first; the client can build its own anew on top of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    #[error(
        "Cannot add snapshot with sequence number {sequence_number} older than last sequence number {last}"
    )]
    SequenceNumber { sequence_number: i64, last: i64 },
    #[error(
        "Cannot add a snapshot, first-row-id is behind table next-row-id: {first_row_id} < {next_row_id}"
    )]
    FirstRowId { first_row_id: i64, next_row_id: i64 },
}

/// Why an update, or what a new table is made of, is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateFault {
    #[error(transparent)]
    Schema(#[from] schema::Fault),
    #[error(transparent)]
    Spec(#[from] partition_spec::Fault),
    #[error(transparent)]
    SortOrder(#[from] sort_order::Fault),
    #[error(transparent)]
    Reference(#[from] reference::Fault),
    #[error(transparent)]
    Property(#[from] properties::Fault),
    #[error(transparent)]
    ViewVersion(#[from] view_version::Fault),
    #[error(transparent)]
    View(#[from] ViewFault),
    #[error("Cannot add a {what}: no id is left for it")]
    NoIdLeft { what: &'static str },
    #[error("Cannot set last added {what}: no {what} has been added")]
    NoneAdded { what: &'static str },
    #[error("Cannot set {what} to unknown {what}: {id}")]
    Unknown { what: &'static str, id: i32 },
    #[error(
        "Cannot upgrade table to unsupported format version: v{version} (supported: v{FORMAT_VERSION_MAX})"
    )]
    FormatVersion { version: i32 },
    #[error("Cannot downgrade v{from} table to v{to}")]
    Downgrade { from: u8, to: u8 },
    #[error("Invalid UUID: {uuid}")]
    Uuid { uuid: String },
    #[error("Cannot reassign uuid")]
    UuidAssigned,
    #[error("Invalid location: it is empty")]
    NoLocation,
    #[error("the new table gets no {what}")]
    Lacking { what: &'static str },
    #[error("the requirement {requirement} cannot be asked of a new table")]
    CreateRequirement { requirement: &'static str },
    #[error("Attempting to add a snapshot before a {what} is added")]
    SnapshotBefore { what: &'static str },
    #[error("Snapshot already exists for id: {id}")]
    SnapshotExists { id: i64 },
    #[error("a table has at most {SNAPSHOTS_MAX} snapshots")]
    TooManySnapshots,
    #[error("Cannot add snapshot {id}: tables of version 1 have no sequence numbers")]
    SequenceNumberOfV1 { id: i64 },
    #[error("Cannot add snapshot {id}: its sequence number is negative")]
    SequenceNumber { id: i64 },
    #[error("Cannot add snapshot {id}: only tables of version 1 list manifests in their metadata")]
    ManifestsInMetadata { id: i64 },
    #[error("Cannot add a snapshot: first-row-id is null")]
    NoFirstRowId,
    #[error("Cannot add a snapshot: row ids would not fit 64 bits")]
    RowIds,
    #[error("Cannot set {name} to unknown snapshot: {id}")]
    UnknownSnapshot { name: String, id: i64 },
    #[error("Cannot set main to a tag, it must be a branch")]
    MainIsATag,
    #[error("Cannot remove the current schema")]
    CurrentSchema,
    #[error("Cannot remove schema {id}: snapshot {snapshot_id} has it")]
    SchemaInUse { id: i32, snapshot_id: i64 },
    #[error("Cannot remove the default partition spec")]
    DefaultSpec,
    #[error("Cannot set invalid snapshot log: latest entry is not the current snapshot")]
    SnapshotLog,
    #[error(
        "Invalid update timestamp {now_ms}: more than {WRITER_SKEW_MS_MAX} ms before last snapshot log entry at \
         {timestamp_ms}"
    )]
    TimestampAhead { timestamp_ms: i64, now_ms: i64 },
    #[error(
        "Invalid snapshot timestamp {timestamp_ms}: more than {WRITER_SKEW_MS_MAX} ms before the one before it at \
         {previous_ms}"
    )]
    TimestampBehind { timestamp_ms: i64, previous_ms: i64 },
}

/// Why an update of a view, or what a new view is made of, is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewFault {
    #[error("Cannot add version with unknown schema: {id}")]
    UnknownSchema { id: i32 },
    #[error("Cannot set current version to unknown version: {id}")]
    UnknownVersion { id: i32 },
    #[error("Cannot set last version id: no current version id has been set")]
    NoVersionAdded,
    #[error("Invalid view: no versions were added")]
    NoVersions,
    #[error("Cannot upgrade view to unsupported format version: v{version}")]
    FormatVersion { version: i32 },
    #[error("Cannot downgrade v1 view to v{version}")]
    Downgrade { version: i32 },
    #[error("version.history.num-entries must be positive but was {value}")]
    HistorySize { value: String },
    #[error(
        "Cannot replace view due to loss of view dialects (replace.drop-dialect.allowed=false):\nPrevious dialects: \
         {previous:?}\nNew dialects: {new:?}"
    )]
    DialectLost { previous: Vec<String>, new: Vec<String> },
}

/// The id after the highest there is, or the first one.
pub(super) fn next_id(
    there: impl Iterator<Item = i32>,
    first: i32,
    what: &'static str,
) -> Result<i32, UpdateFault> {
    match there.max() {
        Some(highest) => highest.checked_add(1).ok_or(UpdateFault::NoIdLeft { what }),
        None => Ok(first),
    }
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Metadata(_) => Kind::Corrupt,
            Self::Version { .. } => Kind::Unsupported,
            Self::TooLarge | Self::TooManyChanges => Kind::TooLarge,
            Self::Requirement(_) | Self::Stale(_) => Kind::Conflict,
            Self::Update(_) => Kind::Invalid,
        }
    }
}

macro_rules! of_update {
    ($($fault:ty),*) => {$(
        impl From<$fault> for Error {
            fn from(fault: $fault) -> Self {
                Self::Update(fault.into())
            }
        }
    )*};
}

// A fault of a part that a commit brings; stored metadata wraps the same faults as its own.
of_update!(
    schema::Fault,
    partition_spec::Fault,
    sort_order::Fault,
    reference::Fault,
    properties::Fault,
    view_version::Fault,
    ViewFault
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_repeat_what_came_too_late_and_nothing_else() {
        let late = Error::from(Stale::SequenceNumber { sequence_number: 1, last: 2 });
        assert_eq!((late.kind(), Error::from(Unmet::Exists).kind()), (Kind::Conflict, Kind::Conflict));
        assert_eq!(Error::from(UpdateFault::CurrentSchema).kind(), Kind::Invalid);
        assert_eq!(Error::from(MetadataFault::Gzip).kind(), Kind::Corrupt);
        assert_eq!(Error::Version { version: 4 }.kind(), Kind::Unsupported);
        assert_eq!(Error::TooLarge.kind(), Kind::TooLarge);
    }
}
