//! Delete files that were read, kept for later versions of their tables.
//!
//! A delete file never changes: what was read of it once stays true. Nor does a data file, so that the rows that keys were found in
//! stay the same, too.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::keys::Key;
use super::position_file::PositionFile;
use super::positions::Positions;
use crate::byte_cache;
use crate::limits::deletes::{KEPT_DELETES_BYTES, KEPT_SCANS_BYTES};
use crate::table::path_digest::PathDigest;

/// What was read of a delete file.
#[derive(Debug)]
pub(super) enum Found {
    Positions(PositionFile),
    /// Of the one data file that the manifest names.
    Vector(Positions),
    /// Of rows of any data file.
    Keys(Vec<Key>),
}

/// What is known of a data file that keys were looked for in.
#[derive(Debug)]
pub(super) struct Scanned {
    /// The delete files that the keys are from, in order.
    pub(super) deletes: Vec<PathDigest>,
    pub(super) rows: Positions,
}

impl Scanned {
    pub(super) fn is_of(&self, delete: PathDigest) -> bool {
        self.deletes.binary_search(&delete).is_ok()
    }
}

impl Found {
    /// The rows of a data file.
    pub(super) fn of(&self, path: &str) -> Option<&Positions> {
        match self {
            Self::Positions(file) => file.of(path),
            Self::Vector(positions) => Some(positions),
            Self::Keys(_) => None,
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Positions(file) => file.memory_bytes(),
            Self::Vector(positions) => 2 * positions.size_bytes() + size_of::<Self>(),
            Self::Keys(keys) => size_of::<Self>() + keys.capacity() * size_of::<Key>(),
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

impl Weighter<PathDigest, Arc<Scanned>> for ByBytes {
    fn weight(&self, _: &PathDigest, scanned: &Arc<Scanned>) -> u64 {
        let deletes = scanned.deletes.capacity() * size_of::<PathDigest>();
        (deletes + 2 * scanned.rows.size_bytes() + size_of::<Scanned>()) as u64
    }
}

/// What was read of delete files, and found in data files, each within a budget of bytes.
pub struct Kept {
    found: Cache<Place, Arc<Found>, ByBytes>,
    /// By the digests of their keys.
    scanned: Cache<PathDigest, Arc<Scanned>, ByBytes>,
}

impl Kept {
    pub fn new() -> Self {
        // Those of a file or two are some hundred bytes.
        Self {
            found: byte_cache::whole(KEPT_DELETES_BYTES, 1_024, ByBytes),
            scanned: byte_cache::whole(KEPT_SCANS_BYTES, 1_024, ByBytes),
        }
    }

    pub(super) fn get(&self, place: &Place) -> Option<Arc<Found>> {
        self.found.get(place)
    }

    pub(super) fn put(&self, place: Place, found: &Arc<Found>) {
        self.found.insert(place, Arc::clone(found));
    }

    pub(super) fn scanned(&self, file: PathDigest) -> Option<Arc<Scanned>> {
        self.scanned.get(&file)
    }

    /// Keeps what is known of a file, unless more is known.
    pub(super) fn put_scanned(&self, file: PathDigest, scanned: &Arc<Scanned>) {
        let known = self.scanned.get(&file).map_or(0, |known| known.deletes.len());
        if scanned.deletes.len() >= known {
            self.scanned.insert(file, Arc::clone(scanned));
        }
    }

    /// Bytes that it takes.
    pub fn memory_bytes(&self) -> u64 {
        self.found.weight() + self.scanned.weight()
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
