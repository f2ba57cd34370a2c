//! What can be wrong with a Delta table, by name.

use std::sync::Arc;

use super::{checkpoint_columns, deletion_vector, features, partition, path};
use crate::error::Kind;
use crate::limits::{COMMIT_BYTES_MAX, COMMIT_LINE_BYTES_MAX, RANGE_SCHEMAS_BYTES_MAX};
use crate::storage;
use crate::table::snapshot::Version;

/// Why a version of a table cannot be served. Cheap to clone, because all who wait for a replay get it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("'{table}' is not a Delta table: it has no commit and no checkpoint in _delta_log")]
    NotATable { table: String },
    #[error("version {wanted} does not exist, the latest is {latest}")]
    VersionTooNew { wanted: Version, latest: Version },
    #[error("version {wanted} is not available, only versions {oldest} to {latest} are")]
    VersionGone { wanted: Version, oldest: Version, latest: Version },
    #[error(
        "the table changes its schema too often in versions {first} to {last} (more than \
         {RANGE_SCHEMAS_BYTES_MAX} bytes); ask for fewer versions"
    )]
    RangeTooLarge { first: Version, last: Version },
    #[error("the log has no commit of version {missing}, which version {wanted} needs")]
    MissingCommit { wanted: Version, missing: Version },
    #[error("the log has no protocol action up to version {version}")]
    MissingProtocol { version: Version },
    #[error("the log has no metaData action up to version {version}")]
    MissingMetadata { version: Version },
    #[error("the commit {file} has {size_bytes} bytes, more than the {COMMIT_BYTES_MAX} that are read")]
    CommitTooLarge { file: String, size_bytes: u64 },
    #[error("line {line} of {file} cannot be read: {source}")]
    Line { file: String, line: u64, source: LineFault },
    #[error("the checkpoint {file} cannot be read")]
    Checkpoint { file: String, source: Arc<parquet::errors::ParquetError> },
    #[error("the checkpoint {file} cannot be read: {source}")]
    CheckpointContent { file: String, source: checkpoint_columns::Fault },
    #[error("line {line} of the checkpoint {file} cannot be read: {source}")]
    CheckpointLine { file: String, line: u64, source: LineFault },
    #[error("the path '{path}' of a file cannot be served: {source}")]
    Path { path: String, source: path::Fault },
    #[error("the deletion vector of the file '{path}' cannot be served: {source}")]
    DeletionVector { path: String, source: deletion_vector::Fault },
    #[error("the schema of version {version} is not JSON")]
    Schema { version: Version, source: Arc<serde_json::Error> },
    #[error("version {version} cannot be served: {source}")]
    Unserved { version: Version, source: features::Fault },
    #[error("in-commit timestamps are enabled, but {file} has none")]
    NoInCommitTimestamp { file: String },
    #[error("the log changed while it was read")]
    LogChanged { source: storage::error::Error },
    #[error("the log cannot be read")]
    Storage {
        #[from]
        source: storage::error::Error,
    },
    #[error("the replay was broken off")]
    BrokenOff,
}

/// Why a line of a commit cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    #[error("it is not JSON ({0})")]
    NotJson(String),
    #[error("it is longer than {COMMIT_LINE_BYTES_MAX} bytes")]
    TooLong,
    #[error("it is not a JSON object")]
    NotAnObject,
    #[error("{field} is not {expected}")]
    WrongType { field: String, expected: &'static str },
    #[error("{field} is missing")]
    Missing { field: String },
    #[error("{field} is there twice")]
    Twice { field: String },
    #[error(transparent)]
    PartitionValues(#[from] partition::Fault),
}

impl Error {
    pub(super) fn schema(version: Version, source: serde_json::Error) -> Self {
        Self::Schema { version, source: Arc::new(source) }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::NotATable { .. } => Kind::NotFound,
            Self::VersionTooNew { .. } | Self::VersionGone { .. } | Self::RangeTooLarge { .. } => {
                Kind::Invalid
            }
            Self::Unserved { .. } | Self::Path { .. } | Self::DeletionVector { .. } => Kind::Unsupported,
            Self::CommitTooLarge { .. } | Self::Line { source: LineFault::TooLong, .. } => Kind::TooLarge,
            Self::MissingCommit { .. }
            | Self::MissingProtocol { .. }
            | Self::MissingMetadata { .. }
            | Self::Line { .. }
            | Self::Checkpoint { .. }
            | Self::CheckpointContent { .. }
            | Self::CheckpointLine { .. }
            | Self::Schema { .. }
            | Self::NoInCommitTimestamp { .. } => Kind::Corrupt,
            Self::LogChanged { .. } => Kind::Unavailable,
            Self::Storage { source } => source.kind(),
            Self::BrokenOff => Kind::Internal,
        }
    }

    /// Whether an older checkpoint, or none, may lead to the same version.
    pub(super) fn is_of_checkpoint(&self) -> bool {
        matches!(self, Self::Checkpoint { .. } | Self::CheckpointContent { .. } | Self::CheckpointLine { .. })
    }

    /// Whether a file of the listing is no longer what it was: a new listing will do.
    pub(super) fn is_of_change(&self) -> bool {
        use storage::error::Error as Store;
        matches!(self, Self::Storage { source: Store::NoSuchObject { .. } | Store::ObjectChanged { .. } })
    }
}
