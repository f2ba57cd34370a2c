//! Manifests and their lists that are kept.

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::byte_cache;
use crate::limits::catalog::METADATA_BYTES_USUAL;
use crate::limits::manifest::MANIFEST_CACHE_BYTES;

#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<String, Bytes> for ByBytes {
    fn weight(&self, path: &String, bytes: &Bytes) -> u64 {
        (path.len() + bytes.len() + size_of::<Bytes>()) as u64
    }
}

/// Files as they lie in their buckets, by their paths.
pub(super) type KeptFiles = Cache<String, Bytes, ByBytes>;

pub(super) fn kept_files() -> KeptFiles {
    byte_cache::whole(MANIFEST_CACHE_BYTES, METADATA_BYTES_USUAL, ByBytes)
}
