//! The next version's list, from the one before.

use std::collections::HashMap;
use std::sync::Arc;

use super::deletion_vector::{DeletionVector, Place};
use super::file_list::{Block, BlockFiles, FileList};
use super::file_list_builder::FileListBuilder;
use super::live_rows::LiveRows;
use super::live_segment::LiveSegment;
use super::partition_values::Numbering;
use super::path_digest::{PathDigest, PathDigests};
use super::segment_builder::{FilePath, NewFile, StatisticsText};
use crate::limits::MERGED_FILES_MAX;

impl FileList {
    /// The next version's list: this one without the `settled` files, and with the `added` ones.
    ///
    /// Segments are shared, and files are found by their digests, so that a commit costs the same however large the table
    /// is. Small segments at the end, and those that are mostly dead, are merged into the new one: of many
    /// small commits there are a logarithmic number of segments with up to `limits::MERGED_FILES_MAX` files. `write_partition` is as for
    /// [`FileListBuilder::finish`]; it also gets texts that are finished, and has to copy them.
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
            (is_small || is_sparse) && last.file_count + files_added <= MERGED_FILES_MAX
        }) {
            last.copy_into(&mut added, &mut block, &HashMap::new());
        }
        let last = kept.last().map(|segment| Arc::clone(&segment.value_ids));
        let mut numbering = Numbering::after(Arc::clone(&self.values), last);
        let whole = |segment| LiveSegment::whole(segment, &mut numbering);
        kept.extend(added.finish(write_partition).into_iter().map(whole));
        Self::of(kept, numbering.finish())
    }

    /// The same files, some of which have a deletion vector now; they are found by the digests of their keys alone.
    ///
    /// Segments are shared but for these files, which leave theirs.
    #[must_use]
    pub fn with_vectors(&self, vectors: &HashMap<PathDigest, DeletionVector<'_>>) -> Self {
        let mut settled = PathDigests::default();
        for &digest in vectors.keys() {
            settled.insert(digest);
        }
        let mut added = FileListBuilder::default();
        let mut block = Block::default();
        for segment in &self.segments {
            let mut live = LiveRows::none(segment.segment.row_count());
            let rows = segment.segment.digests.rows_of(&settled).into_iter();
            rows.filter(|&row| segment.is_live(row)).for_each(|row| live.insert(row));
            let leaving = LiveSegment { live: Some(Arc::new(live)), ..segment.clone() };
            leaving.copy_into(&mut added, &mut block, vectors);
        }
        self.successor(&settled, added, &mut |values, out| out.extend_from_slice(values))
    }
}

/// Deletion vectors by the digests of their files.
pub(super) type Vectors<'a> = HashMap<PathDigest, DeletionVector<'a>>;

impl LiveSegment {
    fn without(&self, removed: &PathDigests) -> Self {
        let mut next = self.clone();
        let mut live: Option<LiveRows> = None;
        for row in self.segment.digests.rows_of(removed) {
            let live = live.get_or_insert_with(|| match &self.live {
                Some(live) => LiveRows::clone(live),
                None => LiveRows::all(self.segment.row_count()),
            });
            if live.remove(row) {
                next.file_count -= 1;
                let size_bytes = self.segment.sizes_bytes.get(row).unwrap_or_default();
                next.size_bytes = next.size_bytes.saturating_sub(size_bytes);
                let vectors = &self.segment.deletion_vectors;
                let has_vector = vectors.get(vectors.position(row), row).is_some();
                next.vector_count -= usize::from(has_vector);
            }
        }
        if let Some(live) = live {
            next.live = Some(Arc::new(live));
        }
        next
    }

    /// Appends the live files, those in `vectors` with their vector.
    fn copy_into(&self, builder: &mut FileListBuilder, block: &mut Block, vectors: &Vectors<'_>) {
        let mut key = Vec::new();
        for index in 0..self.segment.block_count() {
            let mut files = BlockFiles::new(self, 0, index, block);
            while let Some((row, file)) = files.next_row() {
                let log = [file.log_directory, file.log_name].concat();
                key.clear();
                key.extend(percent_encoding::percent_decode(file.encoded_directory));
                let key_directory_bytes = key.len();
                key.extend(percent_encoding::percent_decode(file.encoded_name));
                let Some(digest) = self.segment.digests.get(row) else { continue };
                let (digest, deletion_vector) = match vectors.get(&digest) {
                    Some(vector) => (with_vector(&key, vector), Some(*vector)),
                    None => (digest, file.deletion_vector),
                };
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
                    partition_values: file.partition_text,
                    statistics: StatisticsText::Escaped(file.stats_escaped),
                    record_count: file.record_count,
                    deletion_vector,
                    row_ids: file.row_ids,
                });
            }
        }
    }
}

/// The digest of a file and the vector over it.
fn with_vector(key: &[u8], vector: &DeletionVector<'_>) -> PathDigest {
    let (Place::Inline(place) | Place::File(place)) = vector.place;
    PathDigest::with_deletion_vector(key, place)
}
