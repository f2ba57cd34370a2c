//! Where tables lie: buckets and the objects in them.

pub mod error;
pub mod file_read;
pub mod files;
pub mod glimpse;
mod local;
pub mod table_store;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use error::Error;
use files::data_dir::DataDir;
use glimpse::Glimpse;
use local::LocalBucket;
use table_store::TableStore;

/// The buckets that this server knows.
#[derive(Debug, Clone)]
pub struct Buckets {
    data_dir: Arc<PathBuf>,
    root: glimpse::Root,
    /// Opened by the first that writes.
    files: Arc<OnceLock<Arc<DataDir>>>,
}

impl Buckets {
    /// Buckets that are directories of `data_dir`.
    pub fn embedded(data_dir: PathBuf) -> Self {
        Self { root: glimpse::Root::open(&data_dir), data_dir: Arc::new(data_dir), files: Arc::default() }
    }

    /// The objects of the table at `location` in `bucket`. Looks at directories, and at no file.
    ///
    /// # Errors
    /// [`Error::BucketName`] and [`Error::Location`] for names that no bucket and no table can have,
    /// [`Error::NoSuchBucket`], and [`Error::OutsideBucket`] if a symbolic link leads out of the bucket.
    pub fn open(&self, bucket: &str, location: &str) -> Result<TableStore, Error> {
        let bucket = LocalBucket::open(&self.data_dir, bucket)?;
        TableStore::in_directory(bucket, location)
    }

    /// What all who write into the buckets share. Opening it removes what a dead server left half done.
    pub fn files(&self) -> Result<Arc<DataDir>, files::error::Error> {
        if let Some(files) = self.files.get() {
            return Ok(Arc::clone(files));
        }
        let opened = Arc::new(DataDir::open(&self.data_dir)?);
        Ok(Arc::clone(self.files.get_or_init(|| opened)))
    }

    /// What the object `key` of a table is now, if that can be told without waiting for another thread.
    pub fn glimpse(&self, bucket: &str, location: &str, key: &str) -> Glimpse {
        self.root.look(bucket, location, key)
    }
}
