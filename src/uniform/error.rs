//! Why a snapshot cannot be told as a table version.

use super::paths;
use crate::error::Kind;
use crate::iceberg::schema;
use crate::limits::RANGE_SCHEMAS_BYTES_MAX;
use crate::table::snapshot::Version;
use crate::{deletes, manifest, storage};

/// Cheap to clone, because all who wait for a replay get it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the table metadata has no snapshot {id}")]
    NoSnapshot { id: i64 },
    #[error("the table metadata has no schema {id}")]
    NoSchema { id: i32 },
    #[error("schema {id} of the table metadata is broken: {source}")]
    Schema { id: i32, source: schema::Fault },
    #[error("the Iceberg table cannot be served: {source}")]
    Unserved {
        #[from]
        source: Fault,
    },
    #[error("the path '{path}' of a file cannot be served: {source}")]
    Path { path: String, source: paths::Fault },
    #[error("the manifest list {path} cannot be read: {source}")]
    ManifestList { path: String, source: manifest::error::Error },
    #[error("the manifest {path} cannot be read: {source}")]
    Manifest { path: String, source: manifest::error::Error },
    #[error("the manifest {path} has an entry that cannot be: {what} of '{file}'")]
    Entry { path: String, file: String, what: &'static str },
    #[error("the data file {path} is no Parquet file that can be read, and its columns' names are needed")]
    Footer { path: String },
    #[error("a file of the table's metadata cannot be read")]
    Storage {
        #[from]
        source: storage::error::Error,
    },
    #[error("the Iceberg table cannot be served: {source}")]
    Deletes {
        #[from]
        source: deletes::error::Error,
    },
    #[error("version {version}: {source}")]
    AtVersion { version: Version, source: Box<Self> },
    #[error(
        "the table changes its schema too often in versions before {version} (more than {RANGE_SCHEMAS_BYTES_MAX} \
         bytes); ask for fewer versions"
    )]
    ManySchemas { version: Version },
    #[error(
        "the changes of version {version} are more than {files_max} files that have to be compared; read the version instead"
    )]
    ManyChanges { version: Version, files_max: usize },
    #[error("the replay was broken off")]
    BrokenOff,
}

/// What of a table no Delta reader could read rightly. Each says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("its format version is {version}, and up to 3 is understood")]
    FormatVersion { version: u8 },
    #[error("it is encrypted; share a copy that is not")]
    Encrypted,
    #[error(
        "the column '{column}' has the type {field_type}, which Delta tables do not have; \
         drop the column, or share a copy or a view of the table with another type"
    )]
    Type { column: String, field_type: String },
    #[error(
        "the column '{column}' was of the type {from} and is now {to}, which Delta readers do not take for one; \
         rewrite the files (rewrite_data_files with rewrite-all) into a new table"
    )]
    TypeChange { column: String, from: String, to: String },
    #[error(
        "the column '{column}' has shredded variants, which most Delta readers do not read; set \
         write.parquet.shred-variants to false and rewrite the files (rewrite_data_files with rewrite-all)"
    )]
    ShreddedVariant { column: String },
    #[error("the columns '{first}' and '{second}' differ in nothing but case; rename one of them")]
    NamesByCase { first: String, second: String },
    #[error(
        "the column '{column}' has a default for rows that are older than it, which Delta readers do not know, and the \
         file '{file}' may hold such rows; rewrite the files (rewrite_data_files with rewrite-all)"
    )]
    InitialDefault { column: String, file: String },
    #[error(
        "the file '{file}' may lack the column '{column}', by which the table is partitioned, as files of Hive tables do; \
         rewrite the files (rewrite_data_files with rewrite-all)"
    )]
    PartitionColumn { column: String, file: String },
    #[error(
        "the file '{file}' has the format {format}, and only Parquet is served; \
         set write.format.default to parquet and rewrite the files (rewrite_data_files with rewrite-all)"
    )]
    FileFormat { file: String, format: String },
    #[error(
        "the file '{file}' has columns without field ids, and the table has no name mapping that tells what they are; \
         rewrite the files (rewrite_data_files with rewrite-all)"
    )]
    NoFieldIds { file: String },
    #[error(
        "it may have files without field ids ('{property}' is set), and no name of each column is that of all files, or \
         they are too many to look into; rewrite the files (rewrite_data_files with rewrite-all) and remove the property"
    )]
    NameMapping { property: &'static str },
    #[error(
        "rows of it are deleted by equality deletes over columns whose values are not known or cannot be compared; \
         compact the table (rewrite_data_files with delete-file-threshold 1)"
    )]
    EqualityDeletes,
}

impl Error {
    /// The same, with the version of a range at which it was met, if it does not name one.
    pub(super) fn at(self, version: Version) -> Self {
        if matches!(self, Self::AtVersion { .. } | Self::ManyChanges { .. } | Self::ManySchemas { .. }) {
            return self;
        }
        Self::AtVersion { version, source: Box::new(self) }
    }

    /// Whether a file does not hold what it is partitioned by.
    pub(super) fn is_of_partitions(&self) -> bool {
        if let Self::AtVersion { source, .. } = self {
            return source.is_of_partitions();
        }
        matches!(self, Self::Unserved { source: Fault::PartitionColumn { .. } })
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::AtVersion { source, .. } => source.kind(),
            Self::Unserved { .. } | Self::Path { .. } => Kind::Unsupported,
            Self::ManyChanges { .. } | Self::ManySchemas { .. } => Kind::Invalid,
            Self::ManifestList { source, .. } | Self::Manifest { source, .. } => source.kind(),
            Self::NoSnapshot { .. }
            | Self::NoSchema { .. }
            | Self::Schema { .. }
            | Self::Entry { .. }
            | Self::Footer { .. } => Kind::Corrupt,
            // What the metadata names and nobody finds is no table that does not exist.
            Self::Storage { source } if source.kind() == Kind::NotFound => Kind::Corrupt,
            Self::Storage { source } => source.kind(),
            Self::Deletes { source } => source.kind(),
            Self::BrokenOff => Kind::Internal,
        }
    }

    /// Whether a request asks for too much of a table.
    pub fn is_of_range(&self) -> bool {
        if let Self::AtVersion { source, .. } = self {
            return source.is_of_range();
        }
        matches!(self, Self::ManyChanges { .. } | Self::ManySchemas { .. })
    }

    /// Whether a file of the snapshot is gone: the metadata may have been replaced meanwhile, and newer metadata will do.
    pub fn is_of_change(&self) -> bool {
        use storage::error::Error as Store;
        if let Self::AtVersion { source, .. } = self {
            return source.is_of_change();
        }
        if let Self::Deletes { source } = self {
            return source.is_of_change();
        }
        matches!(self, Self::Storage { source: Store::NoSuchObject { .. } | Store::ObjectChanged { .. } })
    }
}
