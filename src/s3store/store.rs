//! What all operations share: the places, the locks, the caches.

use std::sync::Arc;

use super::error::Error;
use super::listing::ListingCache;
use crate::clock::Clock;
use crate::storage::file_read::FileReader;
use crate::storage::files::data_dir::DataDir;
use crate::storage::files::layout::Bucket;

/// The embedded store over one data directory; one for all cores of a process.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) files: Arc<DataDir>,
    pub(super) listings: ListingCache,
    pub(super) reader: FileReader,
    pub(super) region: String,
    pub(super) clock: Clock,
}

impl Store {
    pub(super) fn new(files: Arc<DataDir>, region: String, reader: FileReader, clock: Clock) -> Self {
        Self { files, listings: ListingCache::default(), reader, region, clock }
    }

    pub(super) fn bucket(&self, name: &str) -> Result<Bucket, Error> {
        Ok(self.files.layout.bucket(name)?)
    }
}

/// Runs file work that may wait for a disk where it holds up no connection.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|source| Err(Error::Task { source }))
}
