//! Escaped statistics in compressed blocks.

use std::ops::Range;

use zstd::zstd_safe::{CParameter, ParamSwitch, compress_bound};

use crate::limits::{STATS_BLOCK_BYTES_MAX, STATS_BLOCK_FILES, STATS_BLOCK_FILES_MIN};

/// Speed before ratio: level 3 costs three times the time and saves nothing on statistics.
const STATISTICS_ZSTD_LEVEL: i32 = 1;

/// Statistics repeat long texts, the names of all columns, and differ in short ones. So matches are long, fewer places are
/// tried, and a small table that stays in the cache finds them; what does not match is worth a code of its own. All
/// together that takes a fifth less time to pack and a quarter less to unpack, and 7 % less memory.
const STATISTICS_ZSTD_PARAMETERS: [CParameter; 4] = [
    CParameter::MinMatch(7),
    CParameter::HashLog(12),
    CParameter::TargetLength(2),
    CParameter::LiteralCompressionMode(ParamSwitch::Enable),
];

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
    pub(crate) fn rows(&self, index: usize) -> Range<usize> {
        let end = |index: usize| self.blocks.get(index).map_or(0, |block| block.row_end as usize);
        let start = index.checked_sub(1).map_or(0, end);
        start..end(index).max(start)
    }

    /// The block of a row; behind the last row, how many blocks there are.
    pub(crate) fn block_of(&self, row: usize) -> usize {
        self.blocks.partition_point(|block| block.row_end as usize <= row)
    }

    /// The packed bytes of block `index`, and how many bytes they unpack to.
    pub(crate) fn packed(&self, index: usize) -> (&[u8], usize) {
        let start = index.checked_sub(1).and_then(|before| self.blocks.get(before));
        let start = start.map_or(0, |block| block.compressed_end);
        let Some(block) = self.blocks.get(index) else { return (&[], 0) };
        (self.compressed.get(start..block.compressed_end).unwrap_or_default(), block.unpacked_bytes)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.compressed.capacity() + self.blocks.capacity() * size_of::<StatisticsBlock>()
    }
}

/// Packs statistics, block by block.
pub(crate) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    /// Scratch: lengths, then texts.
    unpacked: Vec<u8>,
    /// Scratch: one block.
    packed: Vec<u8>,
    /// Scratch: all blocks.
    compressed: Vec<u8>,
}

impl Packer {
    pub(crate) fn new() -> Self {
        let mut compressor = zstd::bulk::Compressor::new(STATISTICS_ZSTD_LEVEL).unwrap_or_default();
        for parameter in STATISTICS_ZSTD_PARAMETERS {
            let is_set = compressor.set_parameter(parameter);
            assert!(is_set.is_ok(), "the parameters are within their bounds");
        }
        Self { compressor, unpacked: Vec::new(), packed: Vec::new(), compressed: Vec::new() }
    }

    /// Packs the texts of rows, of which those with one partition's values are neighbours.
    pub(crate) fn pack(&mut self, texts: &[&[u8]], partition_sizes: &[usize]) -> Statistics {
        let mut blocks = Vec::new();
        self.compressed.clear();
        let (mut start, mut end, mut bytes) = (0, 0, 0);
        for size in partition_sizes {
            let partition_end = end + size;
            for text in texts.get(end..partition_end).unwrap_or_default() {
                if end - start >= STATS_BLOCK_FILES || bytes >= STATS_BLOCK_BYTES_MAX {
                    self.pack_block(texts, start..end, &mut blocks);
                    (start, bytes) = (end, 0);
                }
                end += 1;
                bytes += text.len();
            }
            if end - start >= STATS_BLOCK_FILES_MIN {
                self.pack_block(texts, start..end, &mut blocks);
                (start, bytes) = (end, 0);
            }
        }
        self.pack_block(texts, start..end, &mut blocks);
        blocks.shrink_to_fit();
        Statistics { blocks, compressed: self.compressed.clone() }
    }

    fn pack_block(&mut self, texts: &[&[u8]], rows: Range<usize>, blocks: &mut Vec<StatisticsBlock>) {
        let texts = texts.get(rows.clone()).unwrap_or_default();
        if texts.is_empty() {
            return;
        }
        self.unpacked.clear();
        for text in texts {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            self.unpacked.extend_from_slice(&length.to_le_bytes());
        }
        for text in texts {
            self.unpacked.extend_from_slice(text);
        }
        self.packed.clear();
        self.packed.reserve(compress_bound(self.unpacked.len()));
        let packed = self.compressor.compress_to_buffer(&self.unpacked, &mut self.packed);
        assert!(packed.is_ok(), "packing bytes in memory fails only without memory");
        self.compressed.extend_from_slice(&self.packed);
        blocks.push(StatisticsBlock {
            row_end: u32::try_from(rows.end).unwrap_or(u32::MAX),
            compressed_end: self.compressed.len(),
            unpacked_bytes: self.unpacked.len(),
        });
    }
}
