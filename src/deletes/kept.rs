//! Delete files that were read, kept for later versions of their tables.
//!
//! A delete file never changes: what was read of it once stays true.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::position_file::PositionFile;
use super::positions::Positions;
use crate::byte_cache;
use crate::limits::deletes::KEPT_DELETES_BYTES;

/// What was read of a delete file.
#[derive(Debug)]
pub(super) enum Found {
    Positions(PositionFile),
    /// Of the one data file that the manifest names.
    Vector(Positions),
}

impl Found {
    /// The rows of a data file.
    pub(super) fn of(&self, path: &str) -> Option<&Positions> {
        match self {
            Self::Positions(file) => file.of(path),
            Self::Vector(positions) => Some(positions),
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Positions(file) => file.memory_bytes(),
            Self::Vector(positions) => 2 * positions.size_bytes() + size_of::<Self>(),
        }
    }
}

/// A file, or a blob of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) key: String,
    /// Where the blob begins.
    pub(super) offset: Option<u64>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Place, Arc<Found>> for ByBytes {
    fn weight(&self, place: &Place, found: &Arc<Found>) -> u64 {
        (place.bucket.len() + place.key.len() + size_of::<Place>() + found.memory_bytes()) as u64
    }
}

/// What was read of delete files, within a budget of bytes.
pub struct Kept {
    found: Cache<Place, Arc<Found>, ByBytes>,
}

impl Kept {
    pub fn new() -> Self {
        // Those of a file or two are some hundred bytes.
        Self { found: byte_cache::whole(KEPT_DELETES_BYTES, 1_024, ByBytes) }
    }

    pub(super) fn get(&self, place: &Place) -> Option<Arc<Found>> {
        self.found.get(place)
    }

    pub(super) fn put(&self, place: Place, found: &Arc<Found>) {
        self.found.insert(place, Arc::clone(found));
    }

    /// Bytes that it takes.
    pub fn memory_bytes(&self) -> u64 {
        self.found.weight()
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("files", &self.found.len()).finish_non_exhaustive()
    }
}
