//! What tells a block of files apart from every other block.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use super::file_list::FileList;
use super::live_rows::LiveRows;
use super::segment::Identity;

/// Equal for blocks that hold the same live files with the same columns, in whatever version of a table they are. Blocks of
/// two versions are equal until a file of the block is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockKey {
    pub packed: PackedKey,
    /// Digest of the live rows; 0: all.
    live: u128,
}

/// Names a block whatever of it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PackedKey {
    segment: Identity,
    /// Its number in the segment.
    block: usize,
}

impl PackedKey {
    /// Whether its segment begins with it.
    pub fn is_first(self) -> bool {
        self.block == 0
    }
}

impl FileList {
    /// The key of block `index`; `None` if no file of it is alive.
    pub fn block_key(&self, index: usize) -> Option<BlockKey> {
        let (_, segment, block) = self.place_of(index)?;
        let rows = segment.segment.statistics.rows(block);
        let live = match &segment.live {
            Some(live) => digest(live, rows)?,
            None => 0,
        };
        Some(BlockKey { packed: PackedKey { segment: segment.segment.identity, block }, live })
    }
}

/// The digest of some live rows, 0 if all of them are alive; `None` if none is.
fn digest(live: &LiveRows, rows: Range<usize>) -> Option<u128> {
    let (mut live_count, row_count) = (0, rows.len());
    let mut hash = Xxh3::new();
    for word in live.words_of(rows) {
        live_count += word.count_ones() as usize;
        hash.update(&word.to_le_bytes());
    }
    match live_count {
        0 => None,
        count if count == row_count => Some(0),
        _ => Some(hash.digest128()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digests_tell_live_rows_apart_and_look_at_no_others(
            dead in proptest::collection::btree_set(0_usize..300, 0..20),
            more in 0_usize..300,
            start in 0_usize..150,
            length in 1_usize..150,
        ) {
            let rows = start..start + length;
            let mut live = LiveRows::all(300);
            for &row in &dead {
                live.remove(row);
            }
            let dead_inside = dead.iter().filter(|row| rows.contains(row)).count();
            let before = digest(&live, rows.clone());
            prop_assert_eq!(before == Some(0), dead_inside == 0);
            prop_assert_eq!(before.is_none(), dead_inside == length);
            prop_assert_eq!(live.words_of(rows.clone()).map(u64::count_ones).sum::<u32>() as usize, length - dead_inside);
            let changes = live.remove(more) && rows.contains(&more);
            prop_assert_eq!(digest(&live, rows) != before, changes);
        }
    }
}
