//! One entry of a manifest: a file, and what became of it.

use super::columns::{Bounds, Counts, Numbers};
use super::fault::Fault;
use super::partition::Value;

/// Whether a file was there before, was added, or was deleted by the manifest's snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Existing,
    Added,
    Deleted,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileContent {
    Data,
    PositionDeletes,
    EqualityDeletes,
}

/// An entry and its file ("Manifest Entry Fields" of the Iceberg specification), with what it inherits from its manifest.
/// It borrows from the bytes of the manifest, and is told anew for each file.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    pub status: Status,
    pub snapshot_id: Option<i64>,
    /// `None` for deleted files only.
    pub sequence_number: Option<i64>,
    pub file_sequence_number: Option<i64>,
    pub content: FileContent,
    pub file_path: &'a str,
    /// As it was written: `PARQUET`, `parquet`.
    pub file_format: &'a str,
    /// One value for each field of the manifest's partition type.
    pub partition: Vec<Value<'a>>,
    pub record_count: i64,
    pub file_size_bytes: i64,
    pub column_sizes: Option<Counts<'a>>,
    pub value_counts: Option<Counts<'a>>,
    pub null_value_counts: Option<Counts<'a>>,
    pub nan_value_counts: Option<Counts<'a>>,
    pub lower_bounds: Option<Bounds<'a>>,
    pub upper_bounds: Option<Bounds<'a>>,
    pub key_metadata: Option<&'a [u8]>,
    pub split_offsets: Option<Numbers<'a>>,
    pub equality_ids: Option<Numbers<'a>>,
    pub sort_order_id: Option<i32>,
    pub first_row_id: Option<i64>,
    pub referenced_data_file: Option<&'a str>,
    pub content_offset: Option<i64>,
    pub content_size_bytes: Option<i64>,
}

/// What entries inherit from the list that their manifest stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Inherited {
    pub snapshot_id: Option<i64>,
    /// 0 where there is no list.
    pub sequence_number: i64,
    /// Of the first row without a row id; `None` for manifests of deletes, and before version 3.
    pub first_row_id: Option<i64>,
}

impl Inherited {
    /// Completes an entry ("Sequence Number Inheritance", "First Row ID Inheritance").
    pub(super) fn give(&mut self, entry: &mut Entry<'_>) -> Result<(), Fault> {
        entry.snapshot_id = entry.snapshot_id.or(self.snapshot_id);
        // Manifests of version 1 have no such numbers, and stand in lists with the number 0.
        if entry.status == Status::Added || self.sequence_number == 0 {
            entry.sequence_number = entry.sequence_number.or(Some(self.sequence_number));
            entry.file_sequence_number = entry.file_sequence_number.or(Some(self.sequence_number));
        }
        if entry.status == Status::Deleted {
            return Ok(());
        }
        if entry.sequence_number.is_none() {
            return Err(Fault::Sequence);
        }
        match self.first_row_id {
            // Rows have ids only where the manifest was given some, whatever its entries say.
            None => entry.first_row_id = None,
            Some(next) if entry.first_row_id.is_none() => {
                entry.first_row_id = Some(next);
                self.first_row_id = Some(next.checked_add(entry.record_count).ok_or(Fault::Number)?);
            }
            Some(_) => {}
        }
        Ok(())
    }
}

impl Entry<'_> {
    pub(super) fn empty() -> Self {
        Self {
            status: Status::Existing,
            snapshot_id: None,
            sequence_number: None,
            file_sequence_number: None,
            content: FileContent::Data,
            file_path: "",
            file_format: "",
            partition: Vec::new(),
            record_count: 0,
            file_size_bytes: 0,
            column_sizes: None,
            value_counts: None,
            null_value_counts: None,
            nan_value_counts: None,
            lower_bounds: None,
            upper_bounds: None,
            key_metadata: None,
            split_offsets: None,
            equality_ids: None,
            sort_order_id: None,
            first_row_id: None,
            referenced_data_file: None,
            content_offset: None,
            content_size_bytes: None,
        }
    }

    /// As before the first field was read; the room for partition values stays.
    #[inline]
    pub(super) fn clear(&mut self) {
        let mut partition = std::mem::take(&mut self.partition);
        partition.clear();
        *self = Self { partition, ..Self::empty() };
    }

    pub fn is_live(&self) -> bool {
        self.status != Status::Deleted
    }
}
