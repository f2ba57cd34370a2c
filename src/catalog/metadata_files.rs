//! Metadata files: read once, kept, written before anything points to them.
//!
//! A metadata file never changes, so what was read of one stays true; the name in the state store alone says which one
//! is the table's.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use uuid::Uuid;

use super::error::Error;
use super::location::Place;
use crate::byte_cache;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::view::ViewMetadata;
use crate::limits;
use crate::limits::catalog::{METADATA_BYTES_USUAL, METADATA_CACHE_BYTES};
use crate::state;
use crate::state::catalog::{EntryChange, KeptAnswer};
use crate::state::embedded::Store;
use crate::storage::Buckets;
use crate::storage::pending::{Note, Pending, PendingFile};

/// Where metadata lies below a table, unless a property says otherwise.
const METADATA_PATH: &str = "write.metadata.path";

/// Metadata of one kind.
pub(super) trait Document: Sized + Send + Sync + 'static {
    fn parse(bytes: &[u8]) -> Result<Self, crate::iceberg::error::Error>;
    fn to_json(&self) -> Vec<u8>;
    fn location(&self) -> &str;
    fn property(&self, key: &str) -> Option<&str>;
}

impl Document for TableMetadata {
    fn parse(bytes: &[u8]) -> Result<Self, crate::iceberg::error::Error> {
        Self::parse(bytes)
    }

    fn to_json(&self) -> Vec<u8> {
        self.to_json()
    }

    fn location(&self) -> &str {
        self.location()
    }

    fn property(&self, key: &str) -> Option<&str> {
        self.properties().get(key).map(String::as_str)
    }
}

impl Document for ViewMetadata {
    fn parse(bytes: &[u8]) -> Result<Self, crate::iceberg::error::Error> {
        Self::parse(bytes)
    }

    fn to_json(&self) -> Vec<u8> {
        self.to_json()
    }

    fn location(&self) -> &str {
        self.location()
    }

    fn property(&self, key: &str) -> Option<&str> {
        self.properties().get(key).map(String::as_str)
    }
}

/// A metadata file as it was read or written.
#[derive(Debug)]
pub(super) struct Loaded<D> {
    /// `s3://…`, as the state store holds it.
    pub(super) location: String,
    pub(super) metadata: D,
    /// The whole file, JSON.
    pub(super) json: Bytes,
}

#[derive(Clone)]
struct ByBytes;

impl<D> Weighter<String, Arc<Loaded<D>>> for ByBytes {
    /// Parsed metadata takes about as much again as its text.
    fn weight(&self, location: &String, loaded: &Arc<Loaded<D>>) -> u64 {
        (location.len() + 2 * loaded.json.len() + size_of::<Loaded<D>>()) as u64
    }
}

/// Reads and writes the metadata files of one kind.
pub(super) struct MetadataFiles<D> {
    buckets: Buckets,
    pending: Pending,
    kept: Cache<String, Arc<Loaded<D>>, ByBytes>,
}

/// A metadata file that nothing points to yet.
pub(super) struct Written<D> {
    pub(super) loaded: Arc<Loaded<D>>,
    place: Place,
    note: Note,
}

impl<D: Document> MetadataFiles<D> {
    pub(super) fn new(buckets: Buckets, pending: Pending) -> Self {
        Self {
            buckets,
            pending,
            kept: byte_cache::whole(METADATA_CACHE_BYTES, METADATA_BYTES_USUAL, ByBytes),
        }
    }

    /// The metadata at `location`. Of many that want the same one reads it.
    ///
    /// # Errors
    /// [`Error::Storage`] if there is none, [`Error::Metadata`] if it is not what it should be.
    pub(super) async fn load(&self, location: &str) -> Result<Arc<Loaded<D>>, Error> {
        self.kept.get_or_insert_async(location, self.read(location)).await
    }

    async fn read(&self, location: &str) -> Result<Arc<Loaded<D>>, Error> {
        let place = Place::parse(location)
            .ok_or_else(|| Error::field("metadata-location", format!("{location:?} is no location of S3")))?;
        let json =
            self.buckets.read_whole(&place.bucket, &place.key, limits::catalog::METADATA_BYTES_MAX).await?;
        let location = location.to_owned();
        // Large metadata takes milliseconds, which others on this thread would wait for.
        let loaded = tokio::task::spawn_blocking(move || {
            let metadata = D::parse(&json)
                .map_err(|source| Error::Metadata { location: location.clone(), source: Box::new(source) })?;
            Ok::<_, Error>(Arc::new(Loaded { location, metadata, json }))
        });
        loaded.await.map_err(|source| Error::Task { source })?
    }

    /// Writes `metadata`, the one after `previous`, durably to a place of its own inside the warehouse.
    pub(super) async fn write(
        &self,
        warehouse: &str,
        metadata: D,
        previous: Option<&str>,
    ) -> Result<Written<D>, Error> {
        let directory = if let Some(path) = metadata.property(METADATA_PATH) {
            Place::inside(warehouse, METADATA_PATH, path)?
        } else {
            let place = Place::inside(warehouse, "location", metadata.location())?;
            Place { key: format!("{}/metadata", place.key), ..place }
        };
        let number = previous.and_then(number_of).map_or(0, |number| number.saturating_add(1));
        let key = format!("{}/{number:05}-{}.metadata.json", directory.key, Uuid::new_v4());
        let location = format!("s3://{}/{key}", directory.bucket);
        let place = Place { bucket: directory.bucket, key };
        let json = Bytes::from(metadata.to_json());
        let file = PendingFile { bucket: place.bucket.clone(), key: place.key.clone() };
        let note = self.pending.note(&[file])?;
        self.buckets.put_new(&place.bucket, &place.key, json.clone()).await?;
        let loaded = Arc::new(Loaded { location, metadata, json });
        Ok(Written { loaded, place, note })
    }

    /// The state store points to the file now.
    pub(super) fn won(&self, written: Written<D>) -> Arc<Loaded<D>> {
        let Written { loaded, note, .. } = written;
        self.kept.insert(loaded.location.clone(), Arc::clone(&loaded));
        note.strike_out();
        loaded
    }

    /// Lets an entry lead to the file: `change`, with the answer that is kept with it. After a change that surely did not
    /// happen the file is removed.
    pub(super) async fn point(
        &self,
        store: &Store,
        warehouse: &str,
        written: Written<D>,
        (change, kept): (EntryChange, Option<KeptAnswer>),
    ) -> Result<Arc<Loaded<D>>, Error> {
        match store.change_entries(warehouse, vec![change], kept).await {
            Ok(_) => Ok(self.won(written)),
            Err(error) => {
                if is_settled(&error) {
                    self.lost(written).await;
                }
                Err(error.into())
            }
        }
    }

    /// Nothing points to the file, and nothing ever will.
    pub(super) async fn lost(&self, written: Written<D>) {
        let Written { place, note, .. } = written;
        match self.buckets.remove(&place.bucket, vec![place.key]).await {
            Ok(()) => note.strike_out(),
            Err(error) => tracing::warn!(%error, "a lost metadata file stays until the next start"),
        }
    }
}

/// Whether a change surely did not happen. Of a commit that broke off nobody knows; its file may be the table's.
pub(super) fn is_settled(error: &state::Error) -> bool {
    !matches!(error, state::Error::Commit { .. } | state::Error::Stopped | state::Error::Sqlite { .. })
}

/// The number in front of a metadata file's name, `00042-…`.
fn number_of(location: &str) -> Option<u64> {
    let name = location.rsplit('/').next()?;
    name.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_of;

    #[test]
    fn metadata_files_are_numbered() {
        assert_eq!(number_of("s3://b/t/metadata/00041-6a3c.metadata.json"), Some(41));
        assert_eq!(number_of("s3://b/t/metadata/v3.metadata.json"), None);
    }
}
