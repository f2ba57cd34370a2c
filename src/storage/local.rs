//! Buckets that are directories; nothing read from them lies outside.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::local::LocalFileSystem;

use super::error::Error;
use crate::bucket_name;

/// A directory that is a bucket.
#[derive(Debug)]
pub(super) struct LocalBucket {
    pub(super) name: String,
    pub(super) store: LocalFileSystem,
    pub(super) fence: Fence,
}

/// The directory that nothing may lead out of.
#[derive(Debug, Clone)]
pub(super) struct Fence {
    /// Without symbolic links.
    root: Arc<PathBuf>,
}

impl LocalBucket {
    pub(super) fn open(data_dir: &Path, name: &str) -> Result<Self, Error> {
        if !bucket_name::is_served(name) {
            return Err(Error::BucketName { bucket: name.to_owned() });
        }
        let path = data_dir.join(name);
        let no_such_bucket = || Error::NoSuchBucket { bucket: name.to_owned() };
        let failed = |source: std::io::Error| {
            if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
                return no_such_bucket();
            }
            Error::Directory { path: path.clone(), source: Arc::new(source) }
        };
        // A symbolic link is no bucket, whatever it leads to: the S3 door says so too.
        if !path.symlink_metadata().map_err(failed)?.is_dir() {
            return Err(no_such_bucket());
        }
        let root = path.canonicalize().map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(&root)
            .map_err(|source| Error::of_store(name.to_owned(), source))?;
        Ok(Self { name: name.to_owned(), store, fence: Fence { root: Arc::new(root) } })
    }
}

impl Fence {
    /// Whether `key` stays inside when its symbolic links are followed; what does not exist stays inside.
    pub(super) fn holds(&self, key: &object_store::path::Path) -> bool {
        let mut path = PathBuf::from(self.root.as_path());
        path.extend(key.parts().map(|part| part.as_ref().to_owned()));
        match path.canonicalize() {
            Ok(path) => path.starts_with(self.root.as_path()),
            // A link to nowhere, or a ring of links, opens nothing.
            Err(_) => true,
        }
    }
}
