//! What can go wrong with stored objects.

use std::path::PathBuf;
use std::sync::Arc;

use super::files;
use crate::error::Kind;

/// A fault of a store, with the bucket or object that it concerns.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("'{bucket}' cannot be the name of a bucket")]
    BucketName { bucket: String },
    #[error("the bucket '{bucket}' does not exist")]
    NoSuchBucket { bucket: String },
    #[error(
        "'{location}' cannot be the location of a table: give a path inside the bucket, without '.' or '..'"
    )]
    Location { location: String },
    #[error("'{object}' leads out of its bucket through a symbolic link")]
    OutsideBucket { object: String },
    #[error("the object '{object}' does not exist")]
    NoSuchObject { object: String },
    #[error("the object '{object}' has {size_bytes} bytes, more than {bytes_max}")]
    ObjectTooLarge { object: String, size_bytes: u64, bytes_max: u64 },
    #[error("the object '{object}' was replaced while it was read")]
    ObjectChanged { object: String },
    #[error("access to '{object}' was denied")]
    Denied { object: String, source: Arc<dyn std::error::Error + Send + Sync> },
    #[error("the directory '{}' cannot be read", path.display())]
    Directory { path: PathBuf, source: Arc<std::io::Error> },
    #[error("the object '{object}' exists already")]
    ObjectExists { object: String },
    #[error("'{object}' cannot be read or written")]
    Files { object: String, source: Arc<files::error::Error> },
    #[error("the note '{}' cannot be read or written", path.display())]
    Note { path: PathBuf, source: Arc<std::io::Error> },
    #[error("a task of the blocking pool broke")]
    Task,
    #[error("'{object}' cannot be read")]
    Read { object: String, source: Arc<dyn std::error::Error + Send + Sync> },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::BucketName { .. } | Self::Location { .. } => Kind::Invalid,
            Self::NoSuchBucket { .. } | Self::NoSuchObject { .. } => Kind::NotFound,
            Self::OutsideBucket { .. } | Self::Denied { .. } => Kind::Forbidden,
            Self::ObjectTooLarge { .. } => Kind::TooLarge,
            Self::ObjectExists { .. } => Kind::Conflict,
            Self::Files { source, .. } => source.kind(),
            Self::ObjectChanged { .. }
            | Self::Directory { .. }
            | Self::Read { .. }
            | Self::Note { .. }
            | Self::Task => Kind::Unavailable,
        }
    }

    /// What is wrong with the files of an embedded bucket.
    pub(super) fn of_files(object: String, source: files::error::Error) -> Self {
        if let files::error::Error::NoSuchBucket { bucket } = source {
            Self::NoSuchBucket { bucket }
        } else if matches!(source, files::error::Error::LeadsOut { .. }) {
            Self::OutsideBucket { object }
        } else {
            Self::Files { object, source: Arc::new(source) }
        }
    }

    /// A store's own error about `object`.
    pub(super) fn of_store(object: String, source: object_store::Error) -> Self {
        use object_store::Error as Store;
        if matches!(source, Store::NotFound { .. }) {
            Self::NoSuchObject { object }
        } else if matches!(source, Store::Precondition { .. }) {
            Self::ObjectChanged { object }
        } else if is_permission_denied(&source) {
            Self::Denied { object, source: Arc::new(source) }
        } else {
            Self::Read { object, source: Arc::new(source) }
        }
    }
}

/// Whether the store, or the file system below it, said no.
fn is_permission_denied(error: &object_store::Error) -> bool {
    use object_store::Error as Store;
    if matches!(error, Store::PermissionDenied { .. } | Store::Unauthenticated { .. }) {
        return true;
    }
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::PermissionDenied) {
            return true;
        }
        cause = error.source();
    }
    false
}
