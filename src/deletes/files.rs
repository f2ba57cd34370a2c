//! Delete files and data files, as manifests tell of them.

use std::sync::Arc;

use super::keys::{KeyColumn, Part};
use crate::storage::Buckets;

/// Where delete files are read from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub buckets: &'a Buckets,
    pub bucket: &'a str,
}

/// A file of position deletes or of equality deletes, or a deletion vector in a Puffin file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteFile {
    /// As the manifest has it, for messages.
    pub path: String,
    /// In the bucket.
    pub key: String,
    /// As the manifest has it: `PARQUET`, `puffin`.
    pub format: String,
    pub record_count: u64,
    /// Where the vector lies in a Puffin file.
    pub content_offset: Option<i64>,
    pub content_size_bytes: Option<i64>,
    /// The only data file that it names, if the manifest tells.
    pub only: Option<String>,
    /// What it deletes, if it holds keys instead of positions.
    pub equality: Option<Equality>,
}

/// A data file some of whose rows may be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// As the manifest has it: delete files name it so.
    pub path: String,
    pub row_count: u64,
    /// The delete files that apply to it, by their numbers.
    pub deletes: Vec<usize>,
    /// How keys are looked for in it; `None`: they are not.
    pub scan: Option<Scan>,
}

/// What an equality delete file deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equality {
    /// What its keys are made of, in the order of their ids.
    pub columns: Arc<[KeyColumn]>,
    /// Files of which partition it applies to, by a number; those of one number apply to the same files, if they are older.
    pub scope: usize,
    pub sequence_number: i64,
}

/// A data file in which keys are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// In the bucket.
    pub key: String,
    pub sequence_number: i64,
    /// Bytes of its key columns, packed, about.
    pub size_bytes: u64,
    /// Values of columns that the file may lack, by id.
    pub constants: Vec<(i32, Part)>,
}

impl Scan {
    /// The value in all rows of a file that lacks a column ("Column Projection").
    pub(super) fn absent(&self, column: &KeyColumn) -> Option<Part> {
        let constant = self.constants.iter().find(|(id, _)| *id == column.id).map(|(_, part)| part.clone());
        constant.or_else(|| (!column.has_default).then(Part::null))
    }
}
