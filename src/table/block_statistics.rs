//! Statistics of a list's blocks, as text and as bounds.

use std::sync::Arc;

use super::bounds_column::BoundsColumn;
use super::file_list::{Block, FileList};

impl FileList {
    /// Where block `index` stands: its segment, and its number in that.
    pub fn place_of_block(&self, index: usize) -> Option<(usize, usize)> {
        self.place_of(index).map(|(segment, _, block)| (segment, block))
    }

    /// The column of that name which segment `segment` keeps, made now if need be. A column that others have pushed out goes on
    /// for whoever holds it.
    pub fn bounds_column(&self, segment: usize, name: &str) -> Option<Arc<BoundsColumn>> {
        let segment = &self.segments.get(segment)?.segment;
        Some(segment.bounds.column(name, segment.row_count(), segment.block_count()))
    }

    /// The first row of block `index`, a row of its segment.
    pub fn first_row(&self, index: usize) -> usize {
        self.place_of(index).map_or(0, |(_, live, block)| live.segment.statistics.rows(block).start)
    }

    /// The escaped statistics of all rows of block `index`, dead ones too. Unpacks the block into `block`.
    pub fn block_statistics<'b>(&self, index: usize, block: &'b mut Block) -> impl Iterator<Item = &'b [u8]> {
        let place = self.place_of(index);
        if let Some((_, live, number)) = place {
            block.unpack_statistics(&live.segment, number);
        }
        let (lengths, mut texts) = if place.is_some() { block.statistics() } else { Default::default() };
        lengths.as_chunks().0.iter().map_while(move |length| {
            let (text, rest) = texts.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            texts = rest;
            Some(text)
        })
    }
}
