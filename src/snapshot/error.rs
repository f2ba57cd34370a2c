//! Why a table version cannot be had.

use crate::error::Kind;
use crate::{delta, storage};

/// Cheap to clone, because all who wait for one load get it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Storage(#[from] storage::error::Error),
    #[error(transparent)]
    Delta(#[from] delta::error::Error),
    #[error("Iceberg tables are not served by this version")]
    Iceberg,
    #[error("the load was broken off, because the server stops or because of a fault of its own")]
    BrokenOff,
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Storage(error) => error.kind(),
            Self::Delta(error) => error.kind(),
            Self::Iceberg => Kind::Unsupported,
            Self::BrokenOff => Kind::Internal,
        }
    }
}
