//! What all operations share: the places, the locks, the caches.

use std::path::Path;

use super::directories::Durable;
use super::error::Error;
use super::layout::{Bucket, Layout};
use super::listing::ListingCache;
use super::locks::KeyLocks;
use crate::clock::Clock;
use crate::storage::file_read::FileReader;

/// The embedded store over one data directory; one for all cores of a process.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) layout: Layout,
    pub(super) locks: KeyLocks,
    pub(super) durable: Durable,
    pub(super) listings: ListingCache,
    pub(super) reader: FileReader,
    pub(super) region: String,
    pub(super) clock: Clock,
}

impl Store {
    /// Opens the data directory and removes what a dead server left half done.
    pub(super) fn open(
        data_dir: &Path,
        region: String,
        reader: FileReader,
        clock: Clock,
    ) -> Result<Self, Error> {
        Ok(Self {
            layout: Layout::open(data_dir)?,
            locks: KeyLocks::new(),
            durable: Durable::default(),
            listings: ListingCache::default(),
            reader,
            region,
            clock,
        })
    }

    pub(super) fn bucket(&self, name: &str) -> Result<Bucket, Error> {
        self.layout.bucket(name)
    }
}

/// Runs file work that may wait for a disk where it holds up no connection.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|source| Err(Error::Task { source }))
}
