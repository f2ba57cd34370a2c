//! What all who write into buckets share.

use std::path::Path;

use super::directories::Durable;
use super::error::Error;
use super::layout::Layout;
use super::locks::KeyLocks;

/// One data directory, with the locks between two writers of a key and the directories that are safely on disk.
///
/// One for all cores and doors of a process.
#[derive(Debug)]
pub struct DataDir {
    pub layout: Layout,
    pub locks: KeyLocks,
    pub durable: Durable,
}

impl DataDir {
    /// Opens the directory, makes what is missing, and removes temporary files that a dead server left.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { layout: Layout::open(path)?, locks: KeyLocks::default(), durable: Durable::default() })
    }
}
