//! Why a file of the spill is of no use.

use std::io;
use std::path::{Path, PathBuf};

use crate::table::column_file;

/// A file and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct Error {
    pub path: PathBuf,
    #[source]
    pub fault: Fault,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Columns(#[from] column_file::Error),
    #[error("its head is damaged")]
    Head(#[from] serde_json::Error),
    #[error("its bytes are not those that were written")]
    Digest,
    #[error("it has another format")]
    Format,
    #[error("it is of another table")]
    OtherTable,
    #[error("it is of another installation")]
    OtherKey,
    #[error("it is larger than this server reads")]
    TooLarge,
}

impl Fault {
    pub(super) fn at(self, path: &Path) -> Error {
        Error { path: path.to_owned(), fault: self }
    }

    pub(super) fn is_not_found(&self) -> bool {
        match self {
            Self::Io(error) | Self::Columns(column_file::Error::Io(error)) => {
                error.kind() == io::ErrorKind::NotFound
            }
            Self::Columns(_)
            | Self::Head(_)
            | Self::Digest
            | Self::Format
            | Self::OtherTable
            | Self::OtherKey
            | Self::TooLarge => false,
        }
    }
}
