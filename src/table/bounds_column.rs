//! Columns of bounds that a segment keeps, made when first asked for.
//!
//! A column is made block by block, by whichever core asks first; two that ask at once may both make a block, and the
//! first wins. Columns belong to the segment, so versions that share it share them. The least recently used
//! leave when a segment has too many.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;

use super::bounds::{BlockBounds, FileBounds};
use crate::limits::{SEGMENT_BOUNDS_BYTES_MIN, SEGMENT_BOUNDS_FILE_BYTES_MAX};

/// What a column takes for a file while it is made: two codes.
const FILE_BYTES: usize = 4;

/// The bounds of one column in the files of a segment.
#[derive(Debug)]
pub struct BoundsColumn {
    /// What tells it apart from the others.
    name: Box<str>,
    blocks: Box<[OnceLock<BlockBounds>]>,
    missing_count: AtomicUsize,
    /// A block of one file that stands for all.
    joined: OnceLock<BlockBounds>,
    bytes: AtomicUsize,
    last_use: AtomicU64,
}

impl BoundsColumn {
    fn new(name: &str, block_count: usize) -> Self {
        Self {
            name: name.into(),
            blocks: (0..block_count).map(|_| OnceLock::new()).collect(),
            missing_count: AtomicUsize::new(block_count),
            joined: OnceLock::new(),
            bytes: AtomicUsize::new(name.len() + block_count * size_of::<OnceLock<BlockBounds>>()),
            last_use: AtomicU64::new(0),
        }
    }

    /// The bounds in block `index` of the segment, if they were made.
    pub fn block(&self, index: usize) -> Option<&BlockBounds> {
        self.blocks.get(index)?.get()
    }

    /// Keeps the bounds of a block, for all of its rows in their order.
    pub fn keep(&self, index: usize, files: &[FileBounds]) {
        let Some(block) = self.blocks.get(index) else { return };
        let bounds = BlockBounds::of(files);
        let bytes = bounds.memory_bytes();
        if block.set(bounds).is_err() {
            return;
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.missing_count.fetch_sub(1, Ordering::AcqRel) == 1 {
            let all = self.blocks.iter().filter_map(|block| Some(block.get()?.joined()));
            let joined = all.reduce(FileBounds::joined);
            // Another may only have set the same.
            let _ = self.joined.set(BlockBounds::of(joined.as_slice()));
        }
    }

    /// The bounds of the whole segment as those of one file; `None` until all blocks are made.
    pub fn joined(&self) -> Option<&BlockBounds> {
        self.joined.get()
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.load(Ordering::Relaxed)
    }
}

/// The columns of one segment.
#[derive(Debug, Default)]
pub(crate) struct BoundsColumns {
    columns: ArcSwap<Vec<Arc<BoundsColumn>>>,
    uses: AtomicU64,
}

impl BoundsColumns {
    pub(crate) fn column(&self, name: &str, row_count: usize, block_count: usize) -> Arc<BoundsColumn> {
        let now = self.uses.fetch_add(1, Ordering::Relaxed);
        let find = |columns: &[Arc<BoundsColumn>]| {
            columns.iter().find(|column| &*column.name == name).map(Arc::clone)
        };
        let column = find(&self.columns.load()).unwrap_or_else(|| {
            let new = Arc::new(BoundsColumn::new(name, block_count));
            self.columns.rcu(|columns| {
                let mut next = Vec::clone(columns);
                if find(columns).is_none() {
                    make_room(&mut next, row_count);
                    next.push(Arc::clone(&new));
                }
                next
            });
            find(&self.columns.load()).unwrap_or(new)
        });
        column.last_use.store(now, Ordering::Relaxed);
        column
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let columns = self.columns.load();
        columns.iter().map(|column| column.memory_bytes() + size_of::<Arc<BoundsColumn>>()).sum()
    }
}

/// Lets columns go until there is room for one more.
fn make_room(columns: &mut Vec<Arc<BoundsColumn>>, row_count: usize) {
    let bytes_max = (SEGMENT_BOUNDS_FILE_BYTES_MAX * row_count).max(SEGMENT_BOUNDS_BYTES_MIN);
    let expected = |column: &Arc<BoundsColumn>| column.memory_bytes().max(FILE_BYTES * row_count);
    while columns.iter().map(expected).sum::<usize>() + FILE_BYTES * row_count > bytes_max {
        let last_use = |(_, column): &(usize, &Arc<BoundsColumn>)| column.last_use.load(Ordering::Relaxed);
        let Some((oldest, _)) = columns.iter().enumerate().min_by_key(last_use) else { return };
        columns.swap_remove(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: usize = 10_000;

    fn files(low: i64) -> Vec<FileBounds> {
        let file =
            |row| FileBounds { low: Some(row), high: Some(row), can_be_null: false, can_be_value: true };
        (low..low + 1_000).map(|row| file(row * 1_000)).collect()
    }

    #[test]
    fn a_column_is_found_again_and_joined_when_all_blocks_are_made() {
        let columns = BoundsColumns::default();
        let column = columns.column("a", ROWS, 2);
        column.keep(1, &files(5));
        assert!(column.joined().is_none() && column.block(0).is_none() && column.block(2).is_none());
        let before = columns.memory_bytes();
        let again = columns.column("a", ROWS, 2);
        assert!(Arc::ptr_eq(&column, &again));
        again.keep(0, &files(-7));
        again.keep(0, &files(-9));
        assert_eq!(column.joined().unwrap().joined().low, Some(-7_000));
        assert_eq!(columns.memory_bytes(), before + 4_000);
        assert!(!Arc::ptr_eq(&column, &columns.column("b", ROWS, 2)));
    }

    #[test]
    fn the_columns_of_a_segment_stay_within_their_bytes() {
        let columns = BoundsColumns::default();
        let fill = |name: &str| {
            let column = columns.column(name, ROWS, 10);
            (0..10).for_each(|block| column.keep(block, &files(0)));
        };
        let kept = |name: &str| columns.columns.load().iter().any(|column| &*column.name == name);
        for number in 0..50 {
            fill("used");
            fill(&number.to_string());
            let slack = 10 * size_of::<BoundsColumn>() + 10 * 10 * size_of::<OnceLock<BlockBounds>>();
            assert!(columns.memory_bytes() <= SEGMENT_BOUNDS_FILE_BYTES_MAX * ROWS + slack);
        }
        assert!(kept("used") && kept("49") && !kept("0"));
    }
}
