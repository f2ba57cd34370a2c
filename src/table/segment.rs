//! At most 65,536 files, column by column, never changed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bounds_column::BoundsColumns;
use super::deletion_vector::DeletionVectors;
use super::dictionary::Strings;
use super::digests::Digests;
use super::names::Names;
use super::numbers::{Numbers, OptionalNumbers, Times};
use super::page_order::PageOrder;
use super::partitions::Partitions;
use super::statistics::Statistics;

/// At most `limits::SEGMENT_FILES_MAX` files, column by column.
///
/// Versions of a table share segments; which rows are alive in a version is the file list's to know.
#[derive(Default)]
pub struct Segment {
    pub(crate) identity: Identity,
    pub(crate) directories: Directories,
    pub(crate) directory_of: Numbers,
    /// Names as the log spells them.
    pub(crate) names: Names,
    pub(crate) encoded_names: EncodedNames,
    pub(crate) sizes_bytes: Numbers,
    pub(crate) modification_times_ms: Times,
    pub(crate) record_counts: OptionalNumbers,
    /// Rows stand in the order of their partition values.
    pub(crate) partitions: Partitions,
    pub(crate) digests: Digests,
    pub(crate) statistics: Statistics,
    pub(crate) deletion_vectors: DeletionVectors,
    pub(crate) base_row_ids: OptionalNumbers,
    pub(crate) default_row_commit_versions: OptionalNumbers,
    /// Whether a file, or the file of a deletion vector, lies outside of the table.
    pub(crate) has_outside: bool,
    /// Digest of the file that holds the segment, once there is one.
    pub kept_as: OnceLock<u128>,
    /// Bounds of columns, made for those that queries ask for.
    pub(crate) bounds: BoundsColumns,
    pub(crate) page_order: PageOrder,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment").field("rows", &self.row_count()).finish_non_exhaustive()
    }
}

/// The number of a segment, which no other of the process ever had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity(u64);

impl Default for Identity {
    /// The next number.
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Equal for files of a list that share their partition values; they are numbered anew in each segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionNumber {
    pub segment: usize,
    pub number: u16,
}

/// The directories of a segment in both spellings.
#[derive(Debug, Default)]
pub(crate) struct Directories {
    /// As the log spells them.
    pub(crate) log: Strings,
    /// As a URL path spells them, under the same numbers.
    pub(crate) encoded: Strings,
}

/// Encoded names of the rows whose name the log spells differently.
#[derive(Debug, Default)]
pub(crate) struct EncodedNames {
    /// Ascending.
    pub(crate) rows: Vec<u16>,
    pub(crate) names: Strings,
}

impl Segment {
    /// Files in the segment, dead ones too.
    pub fn row_count(&self) -> usize {
        self.digests.len()
    }

    pub(crate) fn block_count(&self) -> usize {
        self.statistics.blocks.len()
    }

    /// Bytes of memory behind each column, by the column's name.
    pub fn memory_by_column(&self) -> [(&'static str, usize); 14] {
        let row_memory = |width: usize, capacity: usize| width * capacity;
        [
            (
                "directories",
                self.directories.log.memory_bytes()
                    + self.directories.encoded.memory_bytes()
                    + self.directory_of.memory_bytes(),
            ),
            ("names", self.names.memory_bytes()),
            (
                "encoded names",
                self.encoded_names.names.memory_bytes() + row_memory(2, self.encoded_names.rows.capacity()),
            ),
            ("sizes", self.sizes_bytes.memory_bytes()),
            ("modification times", self.modification_times_ms.memory_bytes()),
            ("record counts", self.record_counts.memory_bytes()),
            ("partitions", self.partitions.memory_bytes()),
            ("deletion vectors", self.deletion_vectors.memory_bytes()),
            ("base row ids", self.base_row_ids.memory_bytes()),
            ("default row commit versions", self.default_row_commit_versions.memory_bytes()),
            ("path digests", self.digests.memory_bytes()),
            ("statistics", self.statistics.memory_bytes()),
            ("bounds", self.bounds.memory_bytes()),
            ("order of pages", self.page_order.memory_bytes()),
        ]
    }

    /// Bytes of memory that the segment holds.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.memory_by_column().iter().map(|&(_, bytes)| bytes).sum::<usize>()
    }
}
