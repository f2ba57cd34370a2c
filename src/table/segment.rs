//! At most 65,536 files, column by column, never changed.

use std::sync::atomic::{AtomicU64, Ordering};

use super::deletion_vector::DeletionVectors;
use super::dictionary::Strings;
use super::path_digest::PathDigests;
use super::row_ids::Numbers;

/// Stands for "not known" in the column of record counts.
pub(crate) const NO_RECORD_COUNT: u64 = u64::MAX;

/// At most `limits::SEGMENT_FILES_MAX` files, column by column.
///
/// Versions of a table share segments; which rows are alive in a version is the file list's to know.
#[derive(Default)]
pub struct Segment {
    pub(crate) identity: Identity,
    pub(crate) directories: Directories,
    pub(crate) directory_of: Vec<u16>,
    /// Names as the log spells them.
    pub(crate) names: Strings,
    pub(crate) encoded_names: EncodedNames,
    pub(crate) sizes_bytes: Vec<u64>,
    pub(crate) modification_times_ms: Vec<i64>,
    pub(crate) record_counts: Vec<u64>,
    /// Partition values as finished JSON objects.
    pub(crate) partitions: Strings,
    pub(crate) partition_of: Vec<u16>,
    pub(crate) digests: Vec<super::path_digest::PathDigest>,
    pub(crate) statistics: Statistics,
    pub(crate) deletion_vectors: DeletionVectors,
    pub(crate) base_row_ids: Numbers,
    pub(crate) default_row_commit_versions: Numbers,
    /// Whether a file, or the file of a deletion vector, lies outside of the table.
    pub(crate) has_outside: bool,
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

/// Escaped statistics in compressed blocks.
///
/// A block unpacks to one little-endian `u32` of length for each of its rows, then the texts.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) blocks: Vec<StatisticsBlock>,
    pub(crate) compressed: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct StatisticsBlock {
    /// First row after the block.
    pub(crate) row_end: u32,
    /// Where the block ends among the compressed bytes.
    pub(crate) compressed_end: usize,
    pub(crate) unpacked_bytes: usize,
}

impl Segment {
    /// Files in the segment, dead ones too.
    pub fn row_count(&self) -> usize {
        self.sizes_bytes.len()
    }

    pub(crate) fn block_count(&self) -> usize {
        self.statistics.blocks.len()
    }

    /// Bytes of memory behind each column, by the column's name.
    pub fn memory_by_column(&self) -> [(&'static str, usize); 12] {
        let row_memory = |width: usize, capacity: usize| width * capacity;
        [
            (
                "directories",
                self.directories.log.memory_bytes()
                    + self.directories.encoded.memory_bytes()
                    + row_memory(2, self.directory_of.capacity()),
            ),
            ("names", self.names.memory_bytes()),
            (
                "encoded names",
                self.encoded_names.names.memory_bytes() + row_memory(2, self.encoded_names.rows.capacity()),
            ),
            ("sizes", row_memory(8, self.sizes_bytes.capacity())),
            ("modification times", row_memory(8, self.modification_times_ms.capacity())),
            ("record counts", row_memory(8, self.record_counts.capacity())),
            ("partitions", self.partitions.memory_bytes() + row_memory(2, self.partition_of.capacity())),
            ("deletion vectors", self.deletion_vectors.memory_bytes()),
            ("base row ids", self.base_row_ids.memory_bytes()),
            ("default row commit versions", self.default_row_commit_versions.memory_bytes()),
            ("path digests", row_memory(16, self.digests.capacity())),
            (
                "statistics",
                self.statistics.compressed.capacity()
                    + row_memory(size_of::<StatisticsBlock>(), self.statistics.blocks.capacity()),
            ),
        ]
    }

    /// Bytes of memory that the segment holds.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.memory_by_column().iter().map(|&(_, bytes)| bytes).sum::<usize>()
    }

    /// The rows whose file is among `digests`, ascending.
    pub(crate) fn rows_of<'a>(&'a self, digests: &'a PathDigests) -> impl Iterator<Item = usize> + 'a {
        let rows = self.digests.iter().enumerate();
        rows.filter(|&(_, digest)| digests.contains(*digest)).map(|(row, _)| row)
    }
}

impl Statistics {
    /// The rows of block `index`.
    pub(crate) fn rows(&self, index: usize) -> std::ops::Range<usize> {
        let end = |index: usize| self.blocks.get(index).map_or(0, |block| block.row_end as usize);
        let start = index.checked_sub(1).map_or(0, end);
        start..end(index).max(start)
    }

    /// The packed bytes of block `index`, and how many bytes they unpack to.
    pub(crate) fn packed(&self, index: usize) -> (&[u8], usize) {
        let start = index.checked_sub(1).and_then(|before| self.blocks.get(before));
        let start = start.map_or(0, |block| block.compressed_end);
        let Some(block) = self.blocks.get(index) else { return (&[], 0) };
        (self.compressed.get(start..block.compressed_end).unwrap_or_default(), block.unpacked_bytes)
    }
}

/// Which rows of a segment are alive in one version.
#[derive(Debug, Clone)]
pub(crate) struct LiveRows {
    words: Vec<u64>,
}

impl LiveRows {
    pub(crate) fn all(row_count: usize) -> Self {
        let mut words = vec![u64::MAX; row_count / 64];
        if !row_count.is_multiple_of(64) {
            words.push((1 << (row_count % 64)) - 1);
        }
        Self { words }
    }

    pub(crate) fn none(row_count: usize) -> Self {
        Self { words: vec![0; row_count.div_ceil(64)] }
    }

    pub(crate) fn insert(&mut self, row: usize) {
        if let Some(word) = self.words.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// Whether one of `rows` is alive.
    pub(crate) fn has_any(&self, rows: std::ops::Range<usize>) -> bool {
        let words = self.words.get(rows.start / 64..rows.end.div_ceil(64)).unwrap_or_default();
        words.iter().any(|word| *word != 0) && rows.into_iter().any(|row| self.contains(row))
    }

    /// 64 rows at a time, a bit each; those that are not among `rows` are cleared.
    pub(crate) fn words_of(&self, rows: std::ops::Range<usize>) -> impl Iterator<Item = u64> {
        let words = self.words.get(rows.start / 64..rows.end.div_ceil(64)).unwrap_or_default();
        words.iter().zip(rows.start / 64..).map(move |(word, number)| {
            let first = number * 64;
            let before = rows.start.saturating_sub(first).min(63);
            let after = (first + 64).saturating_sub(rows.end).min(63);
            word & u64::MAX << before & u64::MAX >> after
        })
    }

    pub(crate) fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Whether the row was alive until now.
    pub(crate) fn remove(&mut self, row: usize) -> bool {
        let Some(word) = self.words.get_mut(row / 64) else { return false };
        let bit = 1 << (row % 64);
        let was_alive = *word & bit != 0;
        *word &= !bit;
        was_alive
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}
