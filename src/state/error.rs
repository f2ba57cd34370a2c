//! What can go wrong with the state store.

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::catalog::{EntryKind, EntryName};
use super::{identifier, name};
use crate::error::Kind;
use crate::limits;

/// Why a read or a change did not happen. No change happens in part.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no share named {name:?}")]
    ShareNotFound { name: String },
    #[error("share {share:?} has no table {schema}.{table}")]
    TableNotFound { share: String, schema: String, table: String },
    #[error("there is no token with the id {id}")]
    TokenNotFound { id: Uuid },
    #[error("a share named {name:?} exists already; names do not differ by case alone")]
    ShareExists { name: String },
    #[error("share {share:?} has a table {schema}.{table} already; names do not differ by case alone")]
    TableExists { share: String, schema: String, table: String },
    #[error("share {name:?} has been changed since it was read; read it again, then repeat the change")]
    ShareChanged { name: String },
    #[error("share {name:?} would have {count} tables; at most {} are allowed", limits::SHARE_TABLES_MAX)]
    TooManyTables { name: String, count: usize },
    #[error("a token opens between 1 and {} shares, not {count}", limits::TOKEN_SHARES_MAX)]
    TokenShares { count: usize },
    #[error(transparent)]
    Name(#[from] name::Error),
    // The words of the catalog's faults are those of the reference implementation, which engines compare.
    #[error("there is no warehouse named {name:?}")]
    WarehouseNotFound { name: String },
    #[error("a warehouse named {name:?} exists already")]
    WarehouseExists { name: String },
    #[error("warehouse {name:?} still has namespaces")]
    WarehouseNotEmpty { name: String },
    #[error("Namespace does not exist: {}", .levels.join("."))]
    NamespaceNotFound { levels: Vec<String> },
    #[error("Namespace already exists: {}", .levels.join("."))]
    NamespaceExists { levels: Vec<String> },
    #[error("Namespace {} is not empty: it still has namespaces, tables or views", .levels.join("."))]
    NamespaceNotEmpty { levels: Vec<String> },
    #[error(
        "the namespace would have {count} properties of {bytes} bytes; at most {} of {} bytes are allowed",
        limits::catalog::NAMESPACE_PROPERTIES_MAX,
        limits::catalog::NAMESPACE_PROPERTIES_BYTES_MAX
    )]
    NamespaceProperties { count: usize, bytes: usize },
    #[error("a property is to be set and to be removed: {key:?}")]
    PropertyTwice { key: String },
    /// `kind` is what was looked for; `None`: either.
    #[error("{} does not exist: {name}", .kind.map_or("Table or view", EntryKind::title))]
    EntryNotFound { kind: Option<EntryKind>, name: EntryName },
    /// `kind` is what stands there.
    #[error("{} already exists: {name}", .kind.title())]
    EntryExists { kind: EntryKind, name: EntryName },
    #[error("a table or view with the id {id} exists already")]
    EntryIdUsed { id: Uuid },
    #[error("the {kind} {name} has been changed meanwhile")]
    EntryChanged { kind: EntryKind, name: EntryName },
    #[error("{count} changes at once are more than {}", limits::catalog::ENTRY_CHANGES_MAX)]
    TooManyChanges { count: usize },
    #[error(
        "a metadata location has between 1 and {} bytes, not {bytes}",
        limits::catalog::METADATA_LOCATION_BYTES_MAX
    )]
    MetadataLocation { bytes: usize },
    #[error("an answer was kept under the key {key} already")]
    KeyUsed { key: Uuid },
    #[error("an answer of {bytes} bytes is not kept; at most {} are", limits::catalog::KEPT_ANSWER_BYTES_MAX)]
    AnswerTooLarge { bytes: usize },
    #[error("the versions of the table have been changed meanwhile")]
    VersionsChanged,
    #[error("too many answers are kept; try again in some minutes, or without an idempotency key")]
    TooManyAnswers,
    #[error(transparent)]
    Identifier(#[from] identifier::Error),
    #[error("too many changes are waiting for the state store; try again in a moment")]
    Busy,
    #[error("the state store has stopped")]
    Stopped,
    #[error(
        "{} was written by a newer lakeshare (schema {found}, this one knows {known}); start that version",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{} is a database, but not one of lakeshare; move it away", path.display())]
    Foreign { path: PathBuf },
    #[error("another lakeshare server is running on {}; stop it first", path.display())]
    Locked { path: PathBuf },
    #[error(
        "the file system of {} cannot hold a write-ahead log; put the data directory on a local disk",
        path.display()
    )]
    WriteAheadLog { path: PathBuf },
    #[error("cannot {action} {}", path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the state store cannot {action}")]
    Sqlite { action: &'static str, source: rusqlite::Error },
    #[error("the state store cannot commit")]
    Commit { source: Arc<rusqlite::Error> },
    #[error("the state store holds {value:?} as {field}, which it never wrote")]
    Stored { field: &'static str, value: String },
    #[error("the system's random source failed")]
    Random { source: getrandom::Error },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::ShareNotFound { .. }
            | Self::TableNotFound { .. }
            | Self::TokenNotFound { .. }
            | Self::WarehouseNotFound { .. }
            | Self::NamespaceNotFound { .. }
            | Self::EntryNotFound { .. } => Kind::NotFound,
            Self::ShareExists { .. }
            | Self::TableExists { .. }
            | Self::ShareChanged { .. }
            | Self::Locked { .. }
            | Self::WarehouseExists { .. }
            | Self::WarehouseNotEmpty { .. }
            | Self::NamespaceExists { .. }
            | Self::NamespaceNotEmpty { .. }
            | Self::EntryExists { .. }
            | Self::EntryIdUsed { .. }
            | Self::EntryChanged { .. }
            | Self::VersionsChanged
            | Self::KeyUsed { .. } => Kind::Conflict,
            Self::TooManyTables { .. }
            | Self::TokenShares { .. }
            | Self::Foreign { .. }
            | Self::NamespaceProperties { .. }
            | Self::PropertyTwice { .. }
            | Self::TooManyChanges { .. }
            | Self::MetadataLocation { .. } => Kind::Invalid,
            Self::AnswerTooLarge { .. } => Kind::TooLarge,
            Self::TooManyAnswers => Kind::Throttled,
            Self::Name(error) => error.kind(),
            Self::Identifier(error) => error.kind(),
            Self::Newer { .. } | Self::WriteAheadLog { .. } => Kind::Unsupported,
            Self::Busy | Self::Stopped | Self::File { .. } => Kind::Unavailable,
            Self::Sqlite { source, .. } => kind_of(source),
            Self::Commit { source } => kind_of(source),
            Self::Stored { .. } => Kind::Corrupt,
            Self::Random { .. } => Kind::Internal,
        }
    }
}

/// Of SQLite's result codes these name faults that pass or that lie in the file; the rest are ours.
fn kind_of(error: &rusqlite::Error) -> Kind {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Kind::Corrupt,
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory,
        ) => Kind::Unavailable,
        _ => Kind::Internal,
    }
}
