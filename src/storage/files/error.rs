//! What can go wrong with files that are objects.

use std::io;

use rustix::io::Errno;

use crate::error::Kind;
use crate::limits::objects::{KEY_BYTES_MAX, KEY_SEGMENT_BYTES_MAX};

/// A fault of files and directories; every variant names the thing at fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the bucket {bucket} does not exist")]
    NoSuchBucket { bucket: String },
    #[error("this key cannot be stored: {reason}")]
    Key { reason: &'static str },
    #[error(
        "the key is too long: a key takes {KEY_BYTES_MAX} bytes, each part between two slashes {KEY_SEGMENT_BYTES_MAX}"
    )]
    KeyTooLong,
    #[error("the key {key} leads out of its bucket through a symbolic link")]
    LeadsOut { key: String },
    #[error("the key {key} cannot be stored: {reason}")]
    KeyConflict { key: String, reason: &'static str },
    #[error("the metadata of the object is larger than {limit} bytes")]
    MetadataTooLarge { limit: usize },
    #[error("the file system of this bucket keeps no extended attributes, so {what} cannot be kept")]
    MetadataUnsupported { what: &'static str },
    #[error("others keep removing the directory of {key}")]
    Contended { key: String },
    #[error("{doing}: {source}")]
    Io { doing: &'static str, source: io::Error },
}

/// Names what was being done when a system call failed.
pub fn io(doing: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::Io { doing, source: errno.into() }
}

impl Error {
    /// The kind that a caller can act on.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoSuchBucket { .. } => Kind::NotFound,
            Self::LeadsOut { .. } => Kind::Forbidden,
            Self::KeyConflict { .. } => Kind::Conflict,
            Self::MetadataTooLarge { .. } => Kind::TooLarge,
            Self::MetadataUnsupported { .. } => Kind::Unsupported,
            Self::Contended { .. } => Kind::Unavailable,
            Self::Io { source, .. } if is_refused(source) => Kind::Forbidden,
            Self::Io { source, .. } if is_full(source) || is_short(source) => Kind::Unavailable,
            Self::Io { .. } => Kind::Internal,
            Self::Key { .. } | Self::KeyTooLong => Kind::Invalid,
        }
    }
}

/// There is no room.
pub fn is_full(source: &io::Error) -> bool {
    matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The file system forbids it to us: not the client's fault, and not one that passes.
pub fn is_refused(source: &io::Error) -> bool {
    matches!(errno(source), Some(Errno::ACCESS | Errno::PERM | Errno::ROFS))
}

/// Something of the system has run out for the moment.
pub fn is_short(source: &io::Error) -> bool {
    matches!(errno(source), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN))
}

fn errno(source: &io::Error) -> Option<Errno> {
    source.raw_os_error().map(Errno::from_raw_os_error)
}
