//! What can go wrong while sample tables are written.

use std::path::{Path, PathBuf};

use crate::error::Kind;

/// A sample table that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot write {path}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("cannot encode {path} as Parquet")]
    Parquet { path: PathBuf, source: parquet::errors::ParquetError },
    #[error("cannot lay out the rows of {path}")]
    Arrow { path: PathBuf, source: arrow_schema::ArrowError },
    #[error(
        "{path} already holds the beginning of another table; choose another directory or move the table away"
    )]
    ForeignTable { path: PathBuf },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Io { .. } => Kind::Unavailable,
            Self::Parquet { .. } | Self::Arrow { .. } => Kind::Internal,
            Self::ForeignTable { .. } => Kind::Conflict,
        }
    }

    /// Names `path` in a failure of the file system.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// Names `path` in a failure of the Parquet writer.
    pub(super) fn parquet(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Self + use<'_> {
        move |source| Self::Parquet { path: path.to_owned(), source }
    }

    /// Names `path` in a failure of the columns' layout.
    pub(super) fn arrow(path: &Path) -> impl FnOnce(arrow_schema::ArrowError) -> Self + use<'_> {
        move |source| Self::Arrow { path: path.to_owned(), source }
    }
}
