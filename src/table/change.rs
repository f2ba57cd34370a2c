//! One file of a change between two versions, whatever format wrote it.

use super::deletion_vector::{DeletionVector, Place};
use super::snapshot::Version;

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Its rows came.
    Add,
    /// Its rows went.
    Remove,
    /// Its rows say themselves what happened to them (Delta, "Add CDC File").
    Cdc,
}

/// Which files of a version are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// What it adds and removes, unless it changes no rows.
    Files,
    /// The change data feed: what tells of changed rows, or else what it adds and removes.
    Feed,
}

/// A file that came, went or tells of changed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    pub kind: ChangeKind,
    /// As the log spells it: what file ids are made of.
    pub log_path: String,
    /// Below the table's root, encoded for a URL path.
    pub encoded_path: Vec<u8>,
    /// A whole JSON object.
    pub partition_values_json: Vec<u8>,
    pub size_bytes: u64,
    /// Of an add; of a remove the time of the removal.
    pub time_ms: Option<i64>,
    /// JSON text.
    pub stats: Option<String>,
    pub deletion_vector: Option<OwnedVector>,
    pub base_row_id: Option<i64>,
    pub default_row_commit_version: Option<i64>,
}

/// A deletion vector that keeps its own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedVector {
    is_inline: bool,
    text: Vec<u8>,
    offset: Option<u64>,
    size_bytes: u64,
    cardinality: u64,
}

impl OwnedVector {
    pub fn as_vector(&self) -> DeletionVector<'_> {
        let place = if self.is_inline { Place::Inline(&self.text) } else { Place::File(&self.text) };
        let Self { offset, size_bytes, cardinality, .. } = *self;
        DeletionVector { place, offset, size_bytes, cardinality }
    }
}

impl From<DeletionVector<'_>> for OwnedVector {
    fn from(vector: DeletionVector<'_>) -> Self {
        let (is_inline, text) = match vector.place {
            Place::Inline(text) => (true, text),
            Place::File(text) => (false, text),
        };
        let DeletionVector { offset, size_bytes, cardinality, .. } = vector;
        Self { is_inline, text: text.to_vec(), offset, size_bytes, cardinality }
    }
}

/// A version and when it was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitMark {
    pub version: Version,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}
