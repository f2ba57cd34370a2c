//! Metadata files of tables, each parsed once and kept.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::pointer::Pointer;
use crate::byte_cache;
use crate::error::Kind;
use crate::iceberg;
use crate::iceberg::metadata::TableMetadata;
use crate::limits::catalog::METADATA_BYTES_USUAL;
use crate::limits::iceberg::{METADATA_BYTES_MAX, SHARED_METADATA_CACHE_BYTES};
use crate::storage::Buckets;
use crate::storage::error::Error as StorageError;

/// Why a metadata file cannot be used. Cheap to clone, because all who wait for one load get it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the metadata file cannot be read")]
    Storage(#[from] StorageError),
    #[error("the metadata file {key:?} is wrong: {source}")]
    Metadata { key: String, source: Arc<iceberg::error::Error> },
    #[error("the load was broken off")]
    BrokenOff,
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            // It was there a moment ago: writers remove old metadata files.
            Self::Storage(StorageError::NoSuchObject { .. }) => Kind::Unavailable,
            Self::Storage(error) => error.kind(),
            Self::Metadata { source, .. } => source.kind(),
            Self::BrokenOff => Kind::Internal,
        }
    }

    /// What is wrong with the metadata, if that is something that its format has and we do not.
    pub fn unserved(&self) -> Option<String> {
        match self {
            Self::Metadata { source, .. } if source.kind() == Kind::Unsupported => Some(source.to_string()),
            Self::Metadata { .. } | Self::Storage(_) | Self::BrokenOff => None,
        }
    }
}

/// Metadata that was read lately, under a budget of bytes.
pub struct MetadataFiles {
    kept: Cache<String, Arc<TableMetadata>, ByBytes>,
}

impl std::fmt::Debug for MetadataFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetadataFiles").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Arc<TableMetadata>> for ByBytes {
    fn weight(&self, name: &String, metadata: &Arc<TableMetadata>) -> u64 {
        (name.len() + metadata.memory_bytes()) as u64
    }
}

impl Default for MetadataFiles {
    fn default() -> Self {
        Self { kept: byte_cache::whole(SHARED_METADATA_CACHE_BYTES, METADATA_BYTES_USUAL, ByBytes) }
    }
}

impl MetadataFiles {
    /// What the file says.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn load(&self, buckets: &Buckets, pointer: &Pointer) -> Result<Arc<TableMetadata>, Error> {
        let name = name_of(pointer);
        if let Some(metadata) = self.kept.get(&name) {
            return Ok(metadata);
        }
        let store = buckets.open(&pointer.bucket, "")?;
        let (bytes, _) = store.read(&pointer.key, METADATA_BYTES_MAX as u64).await?;
        let key = pointer.key.clone();
        // Large metadata takes milliseconds, which others on this thread would wait for.
        let parsed = tokio::task::spawn_blocking(move || {
            TableMetadata::parse(&bytes).map_err(|source| Error::Metadata { key, source: Arc::new(source) })
        });
        let metadata = Arc::new(parsed.await.map_err(|_| Error::BrokenOff)??);
        self.kept.insert(name, Arc::clone(&metadata));
        Ok(metadata)
    }
}

/// A file that is replaced in its place gets another name.
fn name_of(Pointer { bucket, key, info, .. }: &Pointer) -> String {
    match info {
        None => format!("{bucket}/{key}"),
        Some(info) => {
            let tag = info.tag.as_deref().unwrap_or_default();
            format!("{bucket}/{key}\0{}\0{}\0{tag}", info.size_bytes, info.modified_ms)
        }
    }
}
