//! One file of a list, as its reader sees it.

use super::deletion_vector::DeletionVector;
use super::segment::{PartitionNumber, Segment};
use super::segment_builder::RowIds;

/// One file as the renderer sees it. Every slice is UTF-8; "encoded" means ready for a URL path
/// (RFC 3986: unreserved characters and `/` as they are, all else percent-encoded with capital hex digits).
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its row in its segment.
    pub row: usize,
    /// Directory below the table root as the log spells it, with its last `/`; empty for files at the root.
    pub log_directory: &'a [u8],
    /// File name as the log spells it. `log_directory` + `log_name` is the path that file ids are made of.
    pub log_name: &'a [u8],
    /// The same directory, percent-decoded once and encoded for a URL path.
    pub encoded_directory: &'a [u8],
    /// The same name, percent-decoded once and encoded for a URL path.
    pub encoded_name: &'a [u8],
    pub size_bytes: u64,
    pub modification_time_ms: i64,
    /// A whole JSON object, `{"date":"2024-01-01","n":null}`, safe to write into a line.
    pub partition_values_json: &'a [u8],
    /// The same, and facts behind (see `partition_text`).
    pub partition_text: &'a [u8],
    pub partition: PartitionNumber,
    /// The statistics' JSON text, escaped as the inside of a JSON string; empty when the log has none.
    pub stats_escaped: &'a [u8],
    /// Rows in the file, deleted ones too.
    pub record_count: Option<u64>,
    pub deletion_vector: Option<DeletionVector<'a>>,
    pub row_ids: RowIds,
}

impl File<'_> {
    /// Rows that a reader finds: those of the file without the deleted ones.
    pub fn live_row_count(&self) -> Option<u64> {
        let deleted = self.deletion_vector.map_or(0, |vector| vector.cardinality);
        self.record_count.map(|count| count.saturating_sub(deleted))
    }
}

/// How the name of a file is spelt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelling<'a> {
    pub(super) log: &'a [u8],
    /// `None`: as in the log.
    pub(super) encoded: Option<&'a [u8]>,
}

/// The file of a row, without what only a walk through the segment finds.
pub(super) fn file<'a>(
    segment: &'a Segment,
    row: usize,
    partition: PartitionNumber,
    name: Spelling<'a>,
) -> Option<File<'a>> {
    let directory = usize::try_from(segment.directory_of.get(row)?).ok()?;
    Some(File {
        row,
        log_directory: segment.directories.log.get(directory),
        log_name: name.log,
        encoded_directory: segment.directories.encoded.get(directory),
        encoded_name: name.encoded.unwrap_or(name.log),
        size_bytes: segment.sizes_bytes.get(row)?,
        modification_time_ms: segment.modification_times_ms.get(row)?,
        partition_values_json: segment.partitions.json(partition.number),
        partition_text: segment.partitions.text(partition.number),
        partition,
        stats_escaped: &[],
        record_count: segment.record_counts.get(row),
        deletion_vector: None,
        row_ids: RowIds {
            base: segment.base_row_ids.get(row),
            default_commit_version: segment.default_row_commit_versions.get(row),
        },
    })
}
