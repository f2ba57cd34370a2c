//! The files of a version, column by column, in segments.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::file::{File, Spelling, file};
use super::kept_parts::KeptParts;
use super::live_rows::LiveRows;
use super::live_segment::LiveSegment;
use super::names::Names;
use super::partition_values::{Numbering, PartitionValues};
use super::segment::{PartitionNumber, Segment};

/// All files of one table version. Cheap to clone: versions share segments.
#[derive(Debug, Clone, Default)]
pub struct FileList {
    pub(super) segments: Vec<LiveSegment>,
    /// Blocks in each segment and all before it.
    block_ends: Vec<usize>,
    pub(super) values: Arc<PartitionValues>,
    pub(super) kept_parts: Arc<KeptParts<Self>>,
}

impl FileList {
    /// A list of whole segments.
    pub fn new(segments: Vec<Segment>) -> Self {
        let mut numbering = Numbering::after(Arc::default(), None);
        let whole = |segment| LiveSegment::whole(segment, &mut numbering);
        let segments = segments.into_iter().map(whole).collect();
        Self::of(segments, numbering.finish())
    }

    /// A list of segments whose partition values have these numbers.
    pub(super) fn of(segments: Vec<LiveSegment>, values: Arc<PartitionValues>) -> Self {
        let mut block_end = 0;
        let block_ends = segments.iter().map(|segment| {
            block_end += segment.segment.block_count();
            block_end
        });
        Self { block_ends: block_ends.collect(), segments, values, kept_parts: Arc::default() }
    }

    pub fn file_count(&self) -> u64 {
        self.segments.iter().map(|segment| segment.file_count as u64).sum()
    }

    /// Sum of the files' sizes.
    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().fold(0, |sum: u64, segment| sum.saturating_add(segment.size_bytes))
    }

    /// Whether rows of any file are deleted.
    pub fn has_deletion_vectors(&self) -> bool {
        self.segments.iter().any(|segment| segment.vector_count > 0)
    }

    /// Where files of the list, or of its deletion vectors, lie that lie outside of the table: each begins with
    /// [`OUTSIDE`](crate::encode::url_path::OUTSIDE) and is encoded for a URL path. Directories end with a slash.
    pub fn outside(&self) -> BTreeSet<&[u8]> {
        self.segments
            .iter()
            .filter(|segment| segment.segment.has_outside)
            .flat_map(LiveSegment::outside)
            .collect()
    }

    /// Bytes of memory behind the list; what it shares with other versions is counted in full.
    pub fn memory_bytes(&self) -> usize {
        let of = |segment: &LiveSegment| {
            let live = segment.live.as_ref().map_or(0, |live| live.memory_bytes());
            segment.segment.memory_bytes() + live + size_of::<LiveSegment>() + size_of::<usize>()
        };
        self.segments.iter().map(of).sum::<usize>() + self.values_memory_bytes()
    }

    /// The segments behind the list, dead rows included.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().map(|segment| &*segment.segment)
    }

    /// Blocks of at most `limits::STATS_BLOCK_FILES` files, in the order in which files are listed.
    pub fn block_count(&self) -> usize {
        self.block_ends.last().copied().unwrap_or_default()
    }

    /// The first block of segment `number`, or how many blocks there are.
    pub(super) fn first_block(&self, number: usize) -> usize {
        let before = number.checked_sub(1).and_then(|before| self.block_ends.get(before)).copied();
        before.unwrap_or_default()
    }

    /// The segment of block `index` with its number, and the block's number in it.
    pub(super) fn place_of(&self, index: usize) -> Option<(usize, &LiveSegment, usize)> {
        let number = self.block_ends.partition_point(|&end| end <= index);
        Some((number, self.segments.get(number)?, index - self.first_block(number)))
    }

    /// Unpacks block `index` into `block`, which keeps its buffers from call to call.
    pub fn read_block<'a>(&'a self, index: usize, block: &'a mut Block) -> BlockFiles<'a> {
        match self.place_of(index) {
            Some((number, segment, index)) => BlockFiles::new(segment, number, index, block),
            None => BlockFiles::empty(),
        }
    }

    /// The files of block `index` from `row` on, a row of its segment; `block` must have read that block last.
    pub fn reopen_block<'a>(&'a self, index: usize, row: usize, block: &'a Block) -> BlockFiles<'a> {
        match self.place_of(index) {
            Some((number, segment, index)) => BlockFiles::open(segment, number, index, block).skip_to(row),
            None => BlockFiles::empty(),
        }
    }
}

/// Reusable buffers for one unpacked block.
#[derive(Default)]
pub struct Block {
    /// Lengths of statistics, then the statistics.
    unpacked: Vec<u8>,
    /// How much of `unpacked` are lengths.
    lengths_bytes: usize,
    names: BlockNames,
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("bytes", &self.unpacked.len()).finish_non_exhaustive()
    }
}

impl Block {
    fn unpack(&mut self, segment: &Segment, index: usize, rows: std::ops::Range<usize>) {
        self.unpack_statistics(segment, index);
        self.names.unpack(&segment.names, rows);
    }

    pub(super) fn unpack_statistics(&mut self, segment: &Segment, index: usize) {
        let (packed, unpacked_bytes) = segment.statistics.packed(index);
        self.unpacked.clear();
        self.unpacked.reserve(unpacked_bytes);
        let decompressor =
            self.decompressor.get_or_insert_with(|| zstd::bulk::Decompressor::new().unwrap_or_default());
        let unpacked = decompressor.decompress_to_buffer(packed, &mut self.unpacked);
        assert!(
            matches!(unpacked, Ok(count) if count == unpacked_bytes),
            "a block unpacks to what was packed"
        );
        self.lengths_bytes = segment.statistics.rows(index).len() * size_of::<u32>();
    }

    /// Exchanges what unpacks, which takes some 100 kB: blocks that are kept need none of their own.
    pub(super) fn swap_decompressor(&mut self, other: &mut Option<zstd::bulk::Decompressor<'static>>) {
        std::mem::swap(&mut self.decompressor, other);
    }

    /// Bytes of memory that the buffers hold.
    pub(super) fn memory_bytes(&self) -> usize {
        let names = self.names.text.capacity() + self.names.ends.capacity() * size_of::<usize>();
        self.unpacked.capacity() + names
    }

    /// The lengths and texts of the block's statistics.
    pub(super) fn statistics(&self) -> (&[u8], &[u8]) {
        self.unpacked.split_at_checked(self.lengths_bytes).unwrap_or_default()
    }
}

/// The names of a block's files.
#[derive(Default)]
struct BlockNames {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl BlockNames {
    fn unpack(&mut self, names: &Names, rows: std::ops::Range<usize>) {
        self.text.clear();
        self.ends.clear();
        for row in rows {
            names.push(row, &mut self.text);
            self.ends.push(self.text.len());
        }
    }

    fn all(&self) -> NamesLeft<'_> {
        NamesLeft { text: &self.text, start: 0, ends: &self.ends }
    }
}

/// Names that a walk through a block has yet to pass.
#[derive(Debug, Default)]
struct NamesLeft<'a> {
    text: &'a [u8],
    start: usize,
    ends: &'a [usize],
}

impl<'a> NamesLeft<'a> {
    fn take(&mut self) -> Option<&'a [u8]> {
        let (&end, ends) = self.ends.split_first()?;
        let name = self.text.get(self.start..end)?;
        (self.start, self.ends) = (end, ends);
        Some(name)
    }

    /// Passes `count` names.
    fn skip(&mut self, count: usize) {
        if let Some((passed, ends)) = self.ends.split_at_checked(count) {
            self.start = passed.last().copied().unwrap_or(self.start);
            self.ends = ends;
        }
    }
}

/// The live files of one unpacked block.
#[derive(Debug)]
pub struct BlockFiles<'a> {
    segment: Option<&'a Segment>,
    segment_number: usize,
    live: Option<&'a LiveRows>,
    rows: std::ops::Range<usize>,
    /// Little-endian `u32` of the remaining rows.
    lengths: &'a [u8],
    /// The remaining rows' statistics.
    texts: &'a [u8],
    names: NamesLeft<'a>,
    /// Number of the last file's partition values.
    partition: u16,
    /// Position of the next row that has an encoded name of its own.
    encoded_name: usize,
    /// Position of the next row that has a deletion vector.
    deletion_vector: usize,
}

impl<'a> BlockFiles<'a> {
    pub(super) fn empty() -> Self {
        Self {
            segment: None,
            segment_number: 0,
            live: None,
            rows: 0..0,
            lengths: &[],
            texts: &[],
            names: NamesLeft::default(),
            partition: 0,
            encoded_name: 0,
            deletion_vector: 0,
        }
    }

    pub(super) fn new(
        segment: &'a LiveSegment,
        segment_number: usize,
        index: usize,
        block: &'a mut Block,
    ) -> Self {
        let statistics = &segment.segment.statistics;
        let rows = statistics.rows(index);
        if segment.live.as_deref().is_some_and(|live| !live.has_any(rows.clone())) {
            return Self::empty();
        }
        block.unpack(&segment.segment, index, rows);
        Self::open(segment, segment_number, index, block)
    }

    /// The files of a block that is unpacked already.
    fn open(segment: &'a LiveSegment, segment_number: usize, index: usize, block: &'a Block) -> Self {
        let (lengths, texts) = block.statistics();
        let files = Self {
            segment: Some(&segment.segment),
            segment_number,
            live: segment.live.as_deref(),
            rows: segment.segment.statistics.rows(index),
            names: block.names.all(),
            partition: 0,
            lengths,
            texts,
            encoded_name: 0,
            deletion_vector: 0,
        };
        files.seek(&segment.segment)
    }

    /// The files from `row` on, a row of the segment.
    fn skip_to(mut self, row: usize) -> Self {
        let Some(segment) = self.segment else { return self };
        let passed = row.clamp(self.rows.start, self.rows.end) - self.rows.start;
        let (passed_lengths, lengths) =
            self.lengths.split_at_checked(passed * size_of::<u32>()).unwrap_or_default();
        let (passed_lengths, _) = passed_lengths.as_chunks();
        let texts_bytes: usize =
            passed_lengths.iter().map(|length| u32::from_le_bytes(*length) as usize).sum();
        self.lengths = lengths;
        self.texts = self.texts.get(texts_bytes..).unwrap_or_default();
        self.names.skip(passed);
        self.rows.start += passed;
        self.seek(segment)
    }

    /// Finds what only some rows have, from the next row on.
    fn seek(mut self, segment: &Segment) -> Self {
        self.partition = segment.partitions.number_of(self.rows.start);
        let encoded_rows = &segment.encoded_names.rows;
        self.encoded_name = encoded_rows.partition_point(|&row| usize::from(row) < self.rows.start);
        self.deletion_vector = segment.deletion_vectors.position(self.rows.start);
        self
    }

    /// The row after the last file that was taken, for [`FileList::reopen_block`]; `None` if no row is left.
    pub fn row(&self) -> Option<usize> {
        (!self.rows.is_empty()).then_some(self.rows.start)
    }

    /// The next live file and its row in the segment.
    pub(super) fn next_row(&mut self) -> Option<(usize, File<'a>)> {
        let segment = self.segment?;
        loop {
            let row = self.rows.next()?;
            let (length, lengths) = self.lengths.split_first_chunk()?;
            let (stats_escaped, texts) = self.texts.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            self.lengths = lengths;
            self.texts = texts;
            let name = Spelling { log: self.names.take()?, encoded: self.take_encoded_name(segment, row) };
            let deletion_vector = segment.deletion_vectors.get(self.deletion_vector, row);
            self.deletion_vector += usize::from(deletion_vector.is_some());
            if self.live.is_none_or(|live| live.contains(row)) {
                if row >= segment.partitions.row_end(self.partition) {
                    self.partition = segment.partitions.number_of(row);
                }
                let partition = PartitionNumber { segment: self.segment_number, number: self.partition };
                let file = file(segment, row, partition, name)?;
                return Some((row, File { stats_escaped, deletion_vector, ..file }));
            }
        }
    }

    fn take_encoded_name(&mut self, segment: &'a Segment, row: usize) -> Option<&'a [u8]> {
        let names = &segment.encoded_names;
        let next = names.rows.get(self.encoded_name)?;
        if usize::from(*next) != row {
            return None;
        }
        self.encoded_name += 1;
        Some(names.names.get(self.encoded_name - 1))
    }
}

impl<'a> Iterator for BlockFiles<'a> {
    type Item = File<'a>;

    fn next(&mut self) -> Option<File<'a>> {
        self.next_row().map(|(_, file)| file)
    }
}

#[cfg(test)]
mod tests;
