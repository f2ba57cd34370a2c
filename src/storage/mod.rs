//! Where tables lie: buckets and the objects in them.

pub mod error;
pub mod file_read;
pub mod files;
pub mod glimpse;
mod local;
pub mod parquet_footer;
pub mod pending;
pub mod table_store;
mod write;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use error::Error;
use files::data_dir::DataDir;
use glimpse::{DirectoryMark, Glimpse};
use local::LocalBucket;
use table_store::TableStore;

/// The buckets that this server knows.
#[derive(Debug, Clone)]
pub struct Buckets {
    data_dir: Arc<PathBuf>,
    root: glimpse::Root,
    /// Opened by the first that writes.
    files: Arc<Mutex<Option<Arc<DataDir>>>>,
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
        // Held while it is opened: a second one would remove the temporary files of the first.
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*files {
            return Ok(Arc::clone(opened));
        }
        let opened = Arc::new(DataDir::open(&self.data_dir)?);
        *files = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Makes the bucket `name` if there is none; whether it is new.
    ///
    /// # Errors
    /// [`Error::BucketName`] for a name that no new bucket can have; [`Error::NoSuchBucket`] if a file has it.
    pub async fn make_bucket(&self, name: &str) -> Result<bool, Error> {
        let name = name.to_owned();
        self.on_files(move |files| write::make_bucket(files, &name)).await
    }

    /// Removes a bucket and all that lies in it.
    pub async fn remove_bucket(&self, name: &str) -> Result<(), Error> {
        let (name, data_dir) = (name.to_owned(), Arc::clone(&self.data_dir));
        self.on_files(move |files| write::remove_bucket(files, &data_dir, &name)).await
    }

    /// Writes a small object that must not be there yet. On return it is on disk, with all directories above it.
    ///
    /// # Errors
    /// [`Error::ObjectExists`], [`Error::NoSuchBucket`], [`Error::OutsideBucket`], [`Error::ObjectTooLarge`]. After
    /// any other error the object may be there or not.
    pub async fn put_new(&self, bucket: &str, key: &str, bytes: Bytes) -> Result<(), Error> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.on_files(move |files| write::put_new(files, &bucket, &key, &bytes)).await
    }

    /// A whole object.
    ///
    /// # Errors
    /// [`Error::NoSuchObject`], [`Error::NoSuchBucket`], [`Error::OutsideBucket`]; [`Error::ObjectTooLarge`] beyond
    /// `bytes_max`, before anything is read.
    pub async fn read_whole(&self, bucket: &str, key: &str, bytes_max: u64) -> Result<Bytes, Error> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.on_files(move |files| write::read_whole(files, &bucket, &key, bytes_max)).await
    }

    /// A part of an object; fewer bytes at its end.
    ///
    /// # Errors
    /// [`Error::NoSuchObject`], [`Error::NoSuchBucket`], [`Error::OutsideBucket`].
    pub async fn read_part(&self, bucket: &str, key: &str, range: Range<u64>) -> Result<Bytes, Error> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.on_files(move |files| write::read_part(files, &bucket, &key, range)).await
    }

    /// Removes objects, durably; those that are not there are no error.
    pub async fn remove(&self, bucket: &str, keys: Vec<String>) -> Result<(), Error> {
        let bucket = bucket.to_owned();
        self.on_files(move |files| write::remove(files, &bucket, &keys)).await
    }

    /// Removes all objects below the directory `prefix`, a key without its last slash, and tells how many they were.
    /// No symbolic link is followed.
    pub async fn remove_below(&self, bucket: &str, prefix: &str) -> Result<u64, Error> {
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        self.on_files(move |files| write::remove_below(files, &bucket, &prefix)).await
    }

    /// Does file work that may wait for a disk where it holds up no connection.
    async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DataDir) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let buckets = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let name = || buckets.data_dir.display().to_string();
            let files = buckets.files().map_err(|error| Error::of_files(name(), error))?;
            work(&files)
        });
        done.await.unwrap_or(Err(Error::Task))
    }

    /// What the object `key` of a table is now, if that can be told without waiting for another thread.
    pub fn glimpse(&self, bucket: &str, location: &str, key: &str) -> Glimpse {
        self.root.look([bucket, location, key])
    }

    /// What the object `key` of a table holds, if that are at most `bytes_max` and can be told without waiting for another
    /// thread.
    pub fn glimpse_bytes(&self, place: [&str; 3], bytes_max: usize) -> Glimpse<Vec<u8>> {
        self.root.read(place, bytes_max)
    }

    /// The state of the directory `key` of a table, if that can be told without waiting for another thread; `place` is the
    /// bucket, the table's location, and the key.
    pub fn glimpse_directory(&self, place: [&str; 3]) -> Glimpse<DirectoryMark> {
        self.root.look_at_directory(place)
    }
}
