//! Escaped statistics in compressed blocks.

use crate::limits::{STATS_BLOCK_BYTES_MAX, STATS_BLOCK_FILES};

/// Speed before ratio: level 3 costs three times the time and saves nothing on statistics.
const STATISTICS_ZSTD_LEVEL: i32 = 1;

/// The statistics of a segment. A block unpacks to one little-endian `u32` of length for each of its rows, then the texts.
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

    pub(crate) fn shrink(&mut self) {
        self.blocks.shrink_to_fit();
        self.compressed.shrink_to_fit();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.compressed.capacity() + self.blocks.capacity() * size_of::<StatisticsBlock>()
    }
}

/// Packs statistics, block by block.
pub(crate) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    lengths: Vec<u8>,
    texts: Vec<u8>,
    /// Scratch: lengths, then texts.
    unpacked: Vec<u8>,
}

impl Packer {
    pub(crate) fn new() -> Self {
        let compressor = zstd::bulk::Compressor::new(STATISTICS_ZSTD_LEVEL);
        let compressor = compressor.unwrap_or_default();
        Self { compressor, lengths: Vec::new(), texts: Vec::new(), unpacked: Vec::new() }
    }

    /// Appends the next row's statistics, which `write` appends to its argument.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.texts.len();
        write(&mut self.texts);
        let length = u32::try_from(self.texts.len() - start).unwrap_or(u32::MAX);
        self.lengths.extend_from_slice(&length.to_le_bytes());
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lengths.len() >= STATS_BLOCK_FILES * 4 || self.texts.len() >= STATS_BLOCK_BYTES_MAX
    }

    /// Closes the block that is being filled, if it has any row; it ends before `row_end`.
    pub(crate) fn pack(&mut self, row_end: usize, statistics: &mut Statistics) {
        if self.lengths.is_empty() {
            return;
        }
        self.unpacked.clear();
        self.unpacked.extend_from_slice(&self.lengths);
        self.unpacked.extend_from_slice(&self.texts);
        let compressed = &mut statistics.compressed;
        let packed = self.compressor.compress(&self.unpacked);
        assert!(packed.is_ok(), "packing bytes in memory fails only without memory");
        compressed.extend_from_slice(&packed.unwrap_or_default());
        let compressed_end = compressed.len();
        let unpacked_bytes = self.unpacked.len();
        let row_end = u32::try_from(row_end).unwrap_or(u32::MAX);
        statistics.blocks.push(StatisticsBlock { row_end, compressed_end, unpacked_bytes });
        self.lengths.clear();
        self.texts.clear();
    }
}
