//! Why a table version cannot be had.

use std::sync::Arc;

use crate::error::Kind;
use crate::uniform::{metadata_files, pointer, versions};
use crate::{delta, state, storage, uniform};

/// Cheap to clone, because all who wait for one load get it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Storage(#[from] storage::error::Error),
    #[error(transparent)]
    Delta(#[from] delta::error::Error),
    #[error(transparent)]
    Uniform(#[from] uniform::error::Error),
    #[error(transparent)]
    Pointer(#[from] pointer::Error),
    #[error(transparent)]
    MetadataFile(#[from] metadata_files::Error),
    #[error(transparent)]
    Versions(#[from] versions::Error),
    #[error("the versions of the table cannot be remembered")]
    State(#[source] Arc<state::Error>),
    #[error("an Iceberg table has no log that could be read")]
    NoLog,
    #[error("the load was broken off, because the server stops or because of a fault of its own")]
    BrokenOff,
}

impl From<state::Error> for Error {
    fn from(error: state::Error) -> Self {
        Self::State(Arc::new(error))
    }
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Storage(error) => error.kind(),
            Self::Delta(error) => error.kind(),
            Self::Uniform(error) => error.kind(),
            Self::Pointer(error) => error.kind(),
            Self::MetadataFile(error) => error.kind(),
            Self::Versions(error) => error.kind(),
            Self::State(error) if matches!(**error, state::Error::VersionsChanged) => Kind::Unavailable,
            Self::State(error) => error.kind(),
            Self::NoLog => Kind::Unsupported,
            Self::BrokenOff => Kind::Internal,
        }
    }

    /// Whether the table was changed while it was read, so that another look may do.
    pub(super) fn is_of_change(&self) -> bool {
        match self {
            Self::Uniform(error) => error.is_of_change(),
            Self::MetadataFile(metadata_files::Error::Storage(error)) => error.kind() == Kind::NotFound,
            Self::State(error) => matches!(**error, state::Error::VersionsChanged),
            Self::Storage(_)
            | Self::Delta(_)
            | Self::Pointer(_)
            | Self::MetadataFile(_)
            | Self::Versions(_)
            | Self::NoLog
            | Self::BrokenOff => false,
        }
    }

    /// Whether a request names versions that there are not, or no longer, or too many of them.
    pub fn is_of_version(&self) -> bool {
        use delta::error::Error as Delta;
        match self {
            Self::Delta(error) => matches!(
                error,
                Delta::VersionGone { .. } | Delta::VersionTooNew { .. } | Delta::RangeTooLarge { .. }
            ),
            Self::Versions(error) => error.is_of_version(),
            Self::Uniform(error) => error.is_of_range(),
            Self::Storage(_)
            | Self::Pointer(_)
            | Self::MetadataFile(_)
            | Self::State(_)
            | Self::NoLog
            | Self::BrokenOff => false,
        }
    }
}
