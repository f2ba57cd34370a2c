//! The blocks that one core unpacked last.

use super::block_key::PackedKey;
use super::file_list::{Block, BlockFiles, FileList};
use crate::limits::UNPACKED_BYTES_PER_CORE_MAX;

/// Unpacked blocks, so that listings which take turns on a core need not unpack for each turn, and own none.
#[derive(Default)]
pub struct UnpackedBlocks {
    /// The one that was used last stands last.
    kept: Vec<Kept>,
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
}

impl std::fmt::Debug for UnpackedBlocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnpackedBlocks").field("kept", &self.kept).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Kept {
    key: PackedKey,
    block: Block,
}

impl UnpackedBlocks {
    /// The live files of block `index` from `row` of its segment on.
    pub fn files<'a>(&'a mut self, list: &'a FileList, index: usize, row: usize) -> BlockFiles<'a> {
        let key = list.block_key(index).map(|key| key.packed);
        let index = if key.is_some() { index } else { usize::MAX };
        if let Some(key) = key {
            let kept = if let Some(place) = self.kept.iter().position(|kept| kept.key == key) {
                self.kept.remove(place)
            } else {
                let mut block = self.oldest();
                block.swap_decompressor(&mut self.decompressor);
                list.read_block(index, &mut block);
                block.swap_decompressor(&mut self.decompressor);
                Kept { key, block }
            };
            self.kept.push(kept);
        }
        match self.kept.last() {
            Some(kept) => list.reopen_block(index, row, &kept.block),
            None => BlockFiles::empty(),
        }
    }

    /// A block to unpack into: a fresh one while there is room, else that which waited longest.
    fn oldest(&mut self) -> Block {
        let mut oldest = Block::default();
        while self.bytes() > UNPACKED_BYTES_PER_CORE_MAX && !self.kept.is_empty() {
            oldest = self.kept.remove(0).block;
        }
        oldest
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(|kept| kept.block.memory_bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::STATS_BLOCK_FILES;
    use crate::table::file_list_builder::FileListBuilder;
    use crate::table::path_digest::{PathDigest, PathDigests};
    use crate::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};

    fn builder(names: std::ops::Range<usize>, stats_bytes: usize) -> FileListBuilder {
        let mut builder = FileListBuilder::default();
        for number in names {
            let name = format!("part-{number:05}");
            builder.push(&NewFile {
                path: FilePath::plain(&name),
                digest: PathDigest::of(name.as_bytes()),
                size_bytes: 1,
                modification_time_ms: 0,
                partition_values: b"{}",
                statistics: StatisticsText::Raw(&format!("{number:0stats_bytes$}")),
                record_count: None,
                deletion_vector: None,
                row_ids: RowIds::default(),
            });
        }
        builder
    }

    fn list(file_count: usize, stats_bytes: usize) -> FileList {
        FileList::new(
            builder(0..file_count, stats_bytes).finish(&mut |json, out| out.extend_from_slice(json)),
        )
    }

    #[test]
    fn blocks_come_and_go_and_their_files_are_the_same() {
        let list = list(20 * STATS_BLOCK_FILES, 1_000);
        let mut blocks = UnpackedBlocks::default();
        let mut most = 0;
        for turn in 0..200 {
            let index = turn * 7 % list.block_count();
            let (mut block, row) = (Block::default(), turn * 31 % STATS_BLOCK_FILES);
            let mut expected: Vec<_> = list.read_block(index, &mut block).collect();
            let first_row = index * STATS_BLOCK_FILES + row;
            let got: Vec<_> = blocks.files(&list, index, first_row).collect();
            let expected = expected.split_off(row);
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(expected) {
                assert_eq!((got.log_name, got.stats_escaped), (expected.log_name, expected.stats_escaped));
            }
            most = most.max(blocks.bytes());
        }
        assert!(blocks.kept.len() > 1);
        // The newest may stand on top of what is full already.
        assert!(most <= UNPACKED_BYTES_PER_CORE_MAX + 2 * STATS_BLOCK_FILES * 1_004, "{most}");
    }

    #[test]
    fn versions_share_a_block_and_see_their_own_files() {
        let first = list(2 * STATS_BLOCK_FILES, 10);
        let mut removed = PathDigests::default();
        removed.insert(PathDigest::of(b"part-00001"));
        (STATS_BLOCK_FILES..2 * STATS_BLOCK_FILES).for_each(|number| {
            removed.insert(PathDigest::of(format!("part-{number:05}").as_bytes()));
        });
        let second = first.successor(&removed, builder(0..0, 0), &mut |_, _| {});
        let mut blocks = UnpackedBlocks::default();
        assert_eq!(blocks.files(&second, 1, 0).count(), 0, "all of it is dead");
        assert_eq!(blocks.kept.len(), 0);
        assert_eq!(blocks.files(&second, 0, 0).count(), STATS_BLOCK_FILES - 1);
        assert_eq!(blocks.files(&first, 0, 0).count(), STATS_BLOCK_FILES);
        assert_eq!(blocks.files(&first, 1, 0).count(), STATS_BLOCK_FILES);
        assert_eq!(blocks.files(&second, 1, 0).count(), 0);
        assert_eq!(blocks.files(&second, 9, 0).count(), 0);
        assert_eq!(blocks.kept.len(), 2);
    }
}
