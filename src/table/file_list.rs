//! The files of a version, column by column, in segments.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::deletion_vector::Place;
use super::file::{File, file};
use super::file_list_builder::FileListBuilder;
use super::path_digest::PathDigests;
use super::segment::{LiveRows, PartitionNumber, Segment};
use super::segment_builder::{FilePath, NewFile, StatisticsText};
use crate::encode::url_path::OUTSIDE;
use crate::limits::SEGMENT_FILES_MAX;

/// All files of one table version. Cheap to clone: versions share segments.
#[derive(Debug, Clone, Default)]
pub struct FileList {
    pub(super) segments: Vec<LiveSegment>,
    /// Blocks in each segment and all before it.
    block_ends: Vec<usize>,
}

/// A segment and what of it is alive in this version.
#[derive(Debug, Clone)]
pub(super) struct LiveSegment {
    pub(super) segment: Arc<Segment>,
    /// `None`: all rows.
    pub(super) live: Option<Arc<LiveRows>>,
    pub(super) file_count: usize,
    pub(super) size_bytes: u64,
}

impl LiveSegment {
    fn whole(segment: Segment) -> Self {
        let file_count = segment.row_count();
        let size_bytes = segment.sizes_bytes.iter().fold(0, |sum: u64, &size| sum.saturating_add(size));
        Self { segment: Arc::new(segment), live: None, file_count, size_bytes }
    }

    fn without(&self, removed: &PathDigests) -> Self {
        let mut next = self.clone();
        let mut live: Option<LiveRows> = None;
        for row in self.segment.rows_of(removed) {
            let live = live.get_or_insert_with(|| match &self.live {
                Some(live) => LiveRows::clone(live),
                None => LiveRows::all(self.segment.row_count()),
            });
            if live.remove(row) {
                next.file_count -= 1;
                let size_bytes = self.segment.sizes_bytes.get(row).copied().unwrap_or_default();
                next.size_bytes = next.size_bytes.saturating_sub(size_bytes);
            }
        }
        if let Some(live) = live {
            next.live = Some(Arc::new(live));
        }
        next
    }
}

impl LiveSegment {
    fn outside(&self) -> impl Iterator<Item = &[u8]> {
        let Segment { directories, directory_of, deletion_vectors, .. } = &*self.segment;
        let is_live = |row: usize| self.live.as_ref().is_none_or(|live| live.contains(row));
        let rows = directory_of.iter().enumerate().filter(move |&(row, _)| is_live(row));
        let files = rows.map(|(_, &directory)| directories.encoded.get(usize::from(directory)));
        let with_vector = deletion_vectors.rows().enumerate().filter(move |&(_, row)| is_live(row));
        let vectors =
            with_vector.filter_map(|(position, row)| match deletion_vectors.get(position, row)?.place {
                Place::File(key) => Some(key),
                Place::Inline(_) => None,
            });
        files.chain(vectors).filter(|place| place.starts_with(OUTSIDE))
    }
}

impl FileList {
    /// A list of whole segments.
    pub fn new(segments: Vec<Segment>) -> Self {
        Self::of(segments.into_iter().map(LiveSegment::whole).collect())
    }

    pub(super) fn of(segments: Vec<LiveSegment>) -> Self {
        let mut block_end = 0;
        let block_ends = segments.iter().map(|segment| {
            block_end += segment.segment.block_count();
            block_end
        });
        Self { block_ends: block_ends.collect(), segments }
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
        self.segments.iter().any(|LiveSegment { segment, live, .. }| {
            let is_live = |row| live.as_ref().is_none_or(|live| live.contains(row));
            segment.deletion_vectors.rows().any(is_live)
        })
    }

    /// Where files of the list, or of its deletion vectors, lie that lie outside of the table: each begins with
    /// [`OUTSIDE`] and is encoded for a URL path. Directories end with a slash.
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
        self.segments.iter().map(of).sum()
    }

    /// The segments behind the list, dead rows included.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().map(|segment| &*segment.segment)
    }

    /// Blocks of at most `limits::STATS_BLOCK_FILES` files, in the order in which files are listed.
    pub fn block_count(&self) -> usize {
        self.block_ends.last().copied().unwrap_or_default()
    }

    /// The segment of block `index` with its number, and the block's number in it.
    pub(super) fn place_of(&self, index: usize) -> Option<(usize, &LiveSegment, usize)> {
        let number = self.block_ends.partition_point(|&end| end <= index);
        let before = number.checked_sub(1).and_then(|before| self.block_ends.get(before)).copied();
        Some((number, self.segments.get(number)?, index - before.unwrap_or_default()))
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

    /// The next version's list: this one without the `settled` files, and with the `added` ones.
    ///
    /// Segments are shared. Small ones at the end, and those that are mostly dead, are merged into the new
    /// one, so that a table of many small commits has a logarithmic number of them. `write_partition` is as for
    /// [`FileListBuilder::finish`]; it also gets JSON objects that are finished, and has to copy them.
    #[must_use]
    pub fn successor(
        &self,
        settled: &PathDigests,
        mut added: FileListBuilder,
        write_partition: &mut dyn FnMut(&[u8], &mut Vec<u8>),
    ) -> Self {
        let mut kept: Vec<_> = self.segments.iter().map(|segment| segment.without(settled)).collect();
        kept.retain(|segment| segment.file_count > 0);
        let mut block = Block::default();
        while let Some(last) = kept.pop_if(|last| {
            let files_added = added.file_count();
            let is_small = last.file_count <= 2 * files_added;
            let is_sparse = last.file_count < last.segment.row_count() / 4;
            (is_small || is_sparse) && last.file_count + files_added <= SEGMENT_FILES_MAX
        }) {
            last.copy_into(&mut added, &mut block);
        }
        kept.extend(added.finish(write_partition).into_iter().map(LiveSegment::whole));
        Self::of(kept)
    }
}

impl LiveSegment {
    fn copy_into(&self, builder: &mut FileListBuilder, block: &mut Block) {
        let mut key = Vec::new();
        for index in 0..self.segment.block_count() {
            let mut files = BlockFiles::new(self, 0, index, block);
            while let Some((row, file)) = files.next_row() {
                let log = [file.log_directory, file.log_name].concat();
                key.clear();
                key.extend(percent_encoding::percent_decode(file.encoded_directory));
                let key_directory_bytes = key.len();
                key.extend(percent_encoding::percent_decode(file.encoded_name));
                let Some(&digest) = self.segment.digests.get(row) else { continue };
                builder.push(&NewFile {
                    path: FilePath {
                        log: &log,
                        log_directory_bytes: file.log_directory.len(),
                        key: &key,
                        key_directory_bytes,
                    },
                    digest,
                    size_bytes: file.size_bytes,
                    modification_time_ms: file.modification_time_ms,
                    partition_values: file.partition_values_json,
                    statistics: StatisticsText::Escaped(file.stats_escaped),
                    record_count: file.record_count,
                    deletion_vector: file.deletion_vector,
                    row_ids: file.row_ids,
                });
            }
        }
    }
}

/// Reusable buffers for one unpacked block.
#[derive(Default)]
pub struct Block {
    unpacked: Vec<u8>,
    /// How much of `unpacked` are lengths; texts follow.
    lengths_bytes: usize,
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block").field("bytes", &self.unpacked.len()).finish_non_exhaustive()
    }
}

impl Block {
    fn unpack(&mut self, packed: &[u8], unpacked_bytes: usize, row_count: usize) {
        self.unpacked.clear();
        self.unpacked.reserve(unpacked_bytes);
        let decompressor =
            self.decompressor.get_or_insert_with(|| zstd::bulk::Decompressor::new().unwrap_or_default());
        let unpacked = decompressor.decompress_to_buffer(packed, &mut self.unpacked);
        assert!(
            matches!(unpacked, Ok(count) if count == unpacked_bytes),
            "a block unpacks to what was packed"
        );
        self.lengths_bytes = row_count * size_of::<u32>();
    }

    /// The block's lengths and texts.
    fn parts(&self) -> (&[u8], &[u8]) {
        self.unpacked.split_at_checked(self.lengths_bytes).unwrap_or_default()
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
    /// Position of the next row that has an encoded name of its own.
    encoded_name: usize,
    /// Position of the next row that has a deletion vector.
    deletion_vector: usize,
}

impl<'a> BlockFiles<'a> {
    fn empty() -> Self {
        Self {
            segment: None,
            segment_number: 0,
            live: None,
            rows: 0..0,
            lengths: &[],
            texts: &[],
            encoded_name: 0,
            deletion_vector: 0,
        }
    }

    fn new(segment: &'a LiveSegment, segment_number: usize, index: usize, block: &'a mut Block) -> Self {
        let statistics = &segment.segment.statistics;
        let rows = statistics.rows(index);
        if segment.live.as_deref().is_some_and(|live| !live.has_any(rows.clone())) {
            return Self::empty();
        }
        let (packed, unpacked_bytes) = statistics.packed(index);
        block.unpack(packed, unpacked_bytes, rows.len());
        Self::open(segment, segment_number, index, block)
    }

    /// The files of a block that is unpacked already.
    fn open(segment: &'a LiveSegment, segment_number: usize, index: usize, block: &'a Block) -> Self {
        let (lengths, texts) = block.parts();
        let files = Self {
            segment: Some(&segment.segment),
            segment_number,
            live: segment.live.as_deref(),
            rows: segment.segment.statistics.rows(index),
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
        self.rows.start += passed;
        self.seek(segment)
    }

    /// Finds what only some rows have, from the next row on.
    fn seek(mut self, segment: &Segment) -> Self {
        let encoded_rows = &segment.encoded_names.rows;
        self.encoded_name = encoded_rows.partition_point(|&row| usize::from(row) < self.rows.start);
        self.deletion_vector = segment.deletion_vectors.position(self.rows.start);
        self
    }

    /// The row after the last file that was taken, for [`FileList::reopen_block`].
    pub fn row(&self) -> usize {
        self.rows.start
    }

    /// The next live file and its row in the segment.
    fn next_row(&mut self) -> Option<(usize, File<'a>)> {
        let segment = self.segment?;
        loop {
            let row = self.rows.next()?;
            let (length, lengths) = self.lengths.split_first_chunk()?;
            let (stats_escaped, texts) = self.texts.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            self.lengths = lengths;
            self.texts = texts;
            let encoded_name = self.take_encoded_name(segment, row);
            let deletion_vector = segment.deletion_vectors.get(self.deletion_vector, row);
            self.deletion_vector += usize::from(deletion_vector.is_some());
            if self.live.is_none_or(|live| live.contains(row)) {
                let partition =
                    PartitionNumber { segment: self.segment_number, number: *segment.partition_of.get(row)? };
                let file = file(segment, row, partition, encoded_name)?;
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
