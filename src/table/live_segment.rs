//! A segment as one version has it.

use std::sync::Arc;

use super::deletion_vector::Place;
use super::live_rows::LiveRows;
use super::partition_values::{Numbering, ValueId};
use super::segment::Segment;
use crate::encode::url_path::OUTSIDE;

/// A segment and what of it is alive in this version.
#[derive(Debug, Clone)]
pub(super) struct LiveSegment {
    pub(super) segment: Arc<Segment>,
    /// `None`: all rows.
    pub(super) live: Option<Arc<LiveRows>>,
    pub(super) file_count: usize,
    pub(super) size_bytes: u64,
    /// Live files that have a deletion vector.
    pub(super) vector_count: usize,
    /// Numbers in the list of the segment's partition values, by their numbers in the segment.
    pub(super) value_ids: Arc<[ValueId]>,
}

impl LiveSegment {
    pub(super) fn whole(segment: Segment, numbering: &mut Numbering) -> Self {
        let file_count = segment.row_count();
        let size_bytes = segment.sizes_bytes.iter().fold(0, u64::saturating_add);
        let vector_count = live_vectors(&segment, None);
        let value_ids = numbering.number(segment.partitions.values());
        Self { segment: Arc::new(segment), live: None, file_count, size_bytes, vector_count, value_ids }
    }

    pub(super) fn is_live(&self, row: usize) -> bool {
        self.live.as_ref().is_none_or(|live| live.contains(row))
    }

    /// See `FileList::outside`.
    pub(super) fn outside(&self) -> impl Iterator<Item = &[u8]> {
        let Segment { directories, directory_of, deletion_vectors, .. } = &*self.segment;
        let is_live = |row: usize| self.is_live(row);
        let mut is_wanted: Vec<bool> =
            directories.encoded.iter().map(|directory| directory.starts_with(OUTSIDE)).collect();
        let rows = directory_of.iter().enumerate().filter(move |&(row, _)| is_live(row));
        let files = rows.filter_map(move |(_, directory)| {
            // Each directory is told once.
            let is_new = is_wanted.get_mut(index_of(directory)).is_some_and(std::mem::take);
            is_new.then(|| directories.encoded.get(index_of(directory)))
        });
        let with_vector = deletion_vectors.rows().enumerate().filter(move |&(_, row)| is_live(row));
        let vectors =
            with_vector.filter_map(|(position, row)| match deletion_vectors.get(position, row)?.place {
                Place::File(key) => Some(key),
                Place::Inline(_) => None,
            });
        files.chain(vectors).filter(|place| place.starts_with(OUTSIDE))
    }
}

/// How many live rows of a segment have a deletion vector.
pub(super) fn live_vectors(segment: &Segment, live: Option<&LiveRows>) -> usize {
    let rows = segment.deletion_vectors.rows();
    rows.filter(|&row| live.is_none_or(|live| live.contains(row))).count()
}

fn index_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
