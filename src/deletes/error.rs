//! Why the deleted rows of a table cannot be told.

use std::sync::Arc;

use super::{key_reader, position_file, vector_blob};
use crate::error::Kind;
use crate::limits::deletes::{
    DELETE_FILE_BYTES_MAX, DELETED_FROM_ROWS_MAX, EQUALITY_KEYS_MAX, SCANNED_BYTES_MAX, SCANNED_FILES_MAX,
    VECTOR_BYTES_MAX, VECTORS_BYTES_MAX,
};
use crate::storage;

/// Cheap to clone, because all who wait for a replay get it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(
        "the delete file {path} has the format {format}, and only Parquet and Puffin are read; \
         set write.delete.format.default to parquet and compact the table (rewrite_data_files with \
         delete-file-threshold 1)"
    )]
    Format { path: String, format: String },
    #[error(
        "the delete file {path} names other files than {file}, whose rows it deletes as its manifest has it; \
         if the table was moved, the paths in its delete files have to be rewritten, too"
    )]
    OtherFile { path: String, file: String },
    #[error("the deletion vector in {path} cannot be read: {source}")]
    Vector { path: String, source: vector_blob::Fault },
    #[error("the delete file {path} cannot be read: {source}")]
    Positions { path: String, source: position_file::Fault },
    #[error("the delete file {path} cannot be read")]
    Parquet { path: String, source: Arc<parquet::errors::ParquetError> },
    #[error(
        "rows of the file {file} are deleted, which has more than {DELETED_FROM_ROWS_MAX} rows; \
         rewrite it (rewrite_data_files)"
    )]
    ManyRows { file: String },
    #[error(
        "so many rows of the file {file} are deleted that their list takes more than {VECTOR_BYTES_MAX} bytes; \
         rewrite it (rewrite_data_files with delete-file-threshold 1)"
    )]
    LongVector { file: String },
    #[error(
        "so many rows of the table are deleted that their lists take more than {VECTORS_BYTES_MAX} bytes; \
         compact it (rewrite_data_files with delete-file-threshold 1)"
    )]
    LongVectors,
    #[error(
        "the delete file {path} has more than {DELETE_FILE_BYTES_MAX} bytes; \
         rewrite it (rewrite_position_delete_files)"
    )]
    LongFile { path: String },
    #[error("the equality delete file {path} cannot be read: {source}")]
    Keys { path: String, source: key_reader::Fault },
    #[error("rows of the file {path} are deleted by equality deletes, and it cannot be read: {source}")]
    Scanned { path: String, source: key_reader::Fault },
    #[error(
        "rows of it are deleted by equality deletes of more than {EQUALITY_KEYS_MAX} keys, which are too many to look for; \
         compact the table (rewrite_data_files with delete-file-threshold 1)"
    )]
    ManyKeys,
    #[error(
        "rows of it are deleted by equality deletes, and to find them, columns of more than {SCANNED_BYTES_MAX} bytes or \
         {SCANNED_FILES_MAX} files would have to be read; compact the table (rewrite_data_files with delete-file-threshold 1)"
    )]
    LongScan,
    #[error("a delete file cannot be read")]
    Storage {
        #[from]
        source: storage::error::Error,
    },
    #[error("reading deletes was broken off")]
    BrokenOff,
}

impl Error {
    /// Of reading this delete file whole.
    pub(super) fn of_file(error: storage::error::Error, path: &str) -> Self {
        if matches!(error, storage::error::Error::ObjectTooLarge { .. }) {
            return Self::LongFile { path: path.to_owned() };
        }
        Self::Storage { source: error }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Format { .. }
            | Self::OtherFile { .. }
            | Self::ManyRows { .. }
            | Self::LongVector { .. }
            | Self::LongVectors
            | Self::LongFile { .. }
            | Self::ManyKeys
            | Self::LongScan
            | Self::Vector { source: vector_blob::Fault::TooLarge, .. } => Kind::Unsupported,
            Self::Positions { source, .. } if source.is_of_size() => Kind::Unsupported,
            Self::Keys { source, .. } | Self::Scanned { source, .. } if source.is_of_table() => {
                Kind::Unsupported
            }
            Self::Keys { .. }
            | Self::Scanned { .. }
            | Self::Vector { .. }
            | Self::Positions { .. }
            | Self::Parquet { .. } => Kind::Corrupt,
            // What the metadata names and nobody finds is no table that does not exist.
            Self::Storage { source } if source.kind() == Kind::NotFound => Kind::Corrupt,
            Self::Storage { source } => source.kind(),
            Self::BrokenOff => Kind::Internal,
        }
    }

    /// Whether a delete file is gone or replaced: the table may have newer metadata, which will do.
    pub fn is_of_change(&self) -> bool {
        use storage::error::Error as Store;
        matches!(self, Self::Storage { source: Store::NoSuchObject { .. } | Store::ObjectChanged { .. } })
    }
}
