//! Parts of a file list: by partition values, and page by page.
//!
//! A list that was rebuilt after a restart has the same files in another order, so a page cannot be a range of rows.
//! Pages follow an order of their own: by the time in the log, then by the digest of the file's identity. Files of one
//! commit have about one time and lie side by side, so that a page touches few blocks. Within a page the files
//! come in the order of the list.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::file_list::FileList;
use super::live_rows::LiveRows;
use super::live_segment::{LiveSegment, live_vectors};
pub use super::page_order::PagePosition;
use super::page_rows::{PageRows, place_before};
use super::partition_values::ValueId;
use super::path_digest::PathDigest;

/// Files that the search for enough rows begins with.
const FIRST_FILES: usize = 256;

impl PagePosition {
    pub fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let fields = self.modification_time_ms.to_le_bytes().into_iter().chain(self.digest.0.to_le_bytes());
        bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The position that `to_bytes` wrote; `None` if these are not 24 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (time, digest) = bytes.split_first_chunk()?;
        let digest = PathDigest(u128::from_le_bytes(digest.try_into().ok()?));
        Some(Self { modification_time_ms: i64::from_le_bytes(*time), digest })
    }
}

/// A live row and its place in the order of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    position: PagePosition,
    segment: usize,
    row: usize,
}

impl FileList {
    /// The files whose partition values, a JSON object each, `keep` takes; it is asked once for each distinct value
    /// that the list numbers. Segments that are kept or left out as a whole cost no look at their files.
    #[must_use]
    pub fn of_partitions(&self, keep: &mut dyn FnMut(&[u8]) -> bool) -> Self {
        let mut known: Vec<Option<bool>> = vec![None; self.values.len()];
        let mut is_kept = |(id, json): (&ValueId, &[u8])| {
            let Some(known) = id.listed().and_then(|number| known.get_mut(number)) else { return keep(json) };
            *known.get_or_insert_with(|| keep(json))
        };
        let segments = self.segments.iter().filter_map(|segment| {
            let values = segment.value_ids.iter().zip(segment.segment.partitions.iter());
            let kept: Vec<bool> = values.map(&mut is_kept).collect();
            if !kept.contains(&true) {
                return None;
            }
            if !kept.contains(&false) {
                return Some(segment.clone());
            }
            let numbers = (0..=u16::MAX).zip(kept).filter(|&(_, is_kept)| is_kept);
            let rows = numbers.flat_map(|(number, _)| segment.segment.partitions.rows(number));
            Some(segment.only(rows.filter(|&row| segment.is_live(row))))
        });
        let segments = segments.filter(|segment| segment.file_count > 0).collect();
        Self::of(segments, Arc::clone(&self.values))
    }

    /// The part of the list that answers `question`, which says all that `make` depends on beside the list. It is
    /// made once, as long as not too many others are asked, and leaves with the list.
    #[must_use]
    pub fn kept_part(&self, question: &str, make: impl FnOnce() -> Self) -> Self {
        self.kept_parts.get_or_make(question, make)
    }

    /// The first `files_max` files after `after`, and where they end if more follow.
    pub fn page(&self, after: Option<PagePosition>, files_max: usize) -> (Self, Option<PagePosition>) {
        let (rows, has_more) = self.first_rows(after, files_max);
        let end = rows.last().map(|row| row.position).or(after);
        (self.only(&rows), end.filter(|_| has_more))
    }

    /// The first files, in the order of pages, that have `rows_wanted` counted rows together; all files if they
    /// have fewer. The same files whenever this version is asked.
    #[must_use]
    pub fn with_rows(&self, rows_wanted: u64) -> Self {
        let mut files_max = FIRST_FILES;
        loop {
            let (mut rows, has_more) = self.first_rows(None, files_max);
            let mut missing = rows_wanted;
            let enough = rows.iter().position(|row| {
                let is_enough = missing == 0;
                missing = missing.saturating_sub(self.counted_rows(row));
                is_enough
            });
            if enough.is_some() || missing == 0 || !has_more {
                rows.truncate(enough.unwrap_or(rows.len()));
                return self.only(&rows);
            }
            files_max = files_max.saturating_mul(4);
        }
    }

    fn counted_rows(&self, row: &Place) -> u64 {
        let Some(LiveSegment { segment, .. }) = self.segments.get(row.segment) else { return 0 };
        let count = segment.record_counts.get(row.row);
        let vectors = &segment.deletion_vectors;
        let vector = vectors.get(vectors.position(row.row), row.row);
        let deleted = vector.map_or(0, |vector| vector.cardinality);
        count.map_or(0, |count| count.saturating_sub(deleted))
    }

    /// Up to `files_max` rows after `after`, in the order of pages, and whether more follow. Costs a few steps for each segment
    /// and for each row that it returns, but for what a segment sorts once.
    fn first_rows(&self, after: Option<PagePosition>, files_max: usize) -> (Vec<Place>, bool) {
        let mut found = Vec::new();
        let mut rests: Vec<Option<PageRows<'_>>> = Vec::new();
        rests.resize_with(self.segments.len(), || None);
        // The next row of each segment; of one that was not looked at, a place before all rows.
        let mut next: BinaryHeap<Reverse<Place>> =
            self.segments.iter().enumerate().map(first_place).collect();
        while let Some(Reverse(place)) = next.pop() {
            let Some((segment, rest)) = self.segments.get(place.segment).zip(rests.get_mut(place.segment))
            else {
                continue;
            };
            if rest.is_some() {
                if found.len() == files_max {
                    return (found, true);
                }
                found.push(place);
            }
            let rest = rest.get_or_insert_with(|| PageRows::after(segment, after));
            next.extend(rest.next().map(|(position, row)| Reverse(Place { position, row, ..place })));
        }
        (found, false)
    }

    fn only(&self, rows: &[Place]) -> Self {
        let mut of_segment: Vec<Vec<usize>> = vec![Vec::new(); self.segments.len()];
        for row in rows {
            if let Some(of_segment) = of_segment.get_mut(row.segment) {
                of_segment.push(row.row);
            }
        }
        let segments = self.segments.iter().zip(of_segment).filter(|(_, rows)| !rows.is_empty());
        let segments = segments.map(|(segment, rows)| segment.only(rows.into_iter())).collect();
        Self::of(segments, Arc::clone(&self.values))
    }
}

/// Where the rows of a segment begin at the earliest.
fn first_place((segment, live): (usize, &LiveSegment)) -> Reverse<Place> {
    Reverse(Place { position: place_before(live), segment, row: 0 })
}

impl LiveSegment {
    /// The same segment with these of its live rows.
    fn only(&self, rows: impl Iterator<Item = usize>) -> Self {
        let mut live = LiveRows::none(self.segment.row_count());
        let (mut file_count, mut size_bytes) = (0, 0_u64);
        for row in rows {
            live.insert(row);
            file_count += 1;
            let size = self.segment.sizes_bytes.get(row).unwrap_or_default();
            size_bytes = size_bytes.saturating_add(size);
        }
        let vector_count = live_vectors(&self.segment, Some(&live));
        let segment = Arc::clone(&self.segment);
        let value_ids = Arc::clone(&self.value_ids);
        Self { segment, live: Some(Arc::new(live)), file_count, size_bytes, vector_count, value_ids }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::table::file_list::Block;
    use crate::table::file_list_builder::FileListBuilder;
    use crate::table::path_digest::PathDigests;
    use crate::table::segment_builder::{FilePath, NewFile, RowIds, StatisticsText};

    fn builder(numbers: impl Iterator<Item = usize>) -> FileListBuilder {
        let mut builder = FileListBuilder::default();
        for number in numbers {
            let path = format!("part-{number:05}");
            builder.push(&NewFile {
                path: FilePath::plain(&path),
                digest: PathDigest::of(path.as_bytes()),
                size_bytes: 10,
                modification_time_ms: i64::try_from(number / 7).unwrap(),
                partition_values: format!(r#"{{"p":"{}"}}"#, number % 5).as_bytes(),
                statistics: StatisticsText::Absent,
                record_count: (number % 3 > 0).then_some(2),
                deletion_vector: None,
                row_ids: RowIds::default(),
            });
        }
        builder
    }

    fn copy(json: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(json);
    }

    fn list(numbers: impl Iterator<Item = usize>) -> FileList {
        FileList::new(builder(numbers).finish(&mut copy))
    }

    fn names(list: &FileList) -> BTreeSet<String> {
        let mut block = Block::default();
        let mut names = BTreeSet::new();
        for index in 0..list.block_count() {
            for file in list.read_block(index, &mut block) {
                assert!(names.insert(String::from_utf8(file.log_name.to_vec()).unwrap()));
            }
        }
        assert_eq!(names.len() as u64, list.file_count());
        assert_eq!(names.len() as u64 * 10, list.size_bytes());
        names
    }

    #[test]
    fn pages_of_two_orders_of_one_list_go_together() {
        let forward = list(0..3000);
        let backward = list((0..3000).rev());
        let (mut seen, mut after, mut turn) = (BTreeSet::new(), None, 0);
        loop {
            let list = if turn % 2 == 0 { &forward } else { &backward };
            let (page, end) = list.page(after, 701);
            let of_page = names(&page);
            assert!(of_page.len() == 701 || end.is_none());
            assert!(of_page.iter().all(|name| seen.insert(name.clone())), "a file came twice");
            turn += 1;
            after = end.map(|end| PagePosition::from_bytes(&end.to_bytes()).unwrap());
            if after.is_none() {
                break;
            }
        }
        assert_eq!((seen.len(), turn), (3000, 5));
        assert_eq!(forward.page(None, 3000).1, None, "nothing follows a page that is just full");
    }

    proptest! {
        #[test]
        fn pages_are_pieces_of_all_files_in_order(
            counts in proptest::collection::vec((1..200_usize, 0..30_usize), 1..6),
            partition in 0..6_usize,
            (removed_step, files_max) in (2..60_usize, 1..90_usize),
        ) {
            let mut files = FileList::default();
            let mut first = 0;
            for (count, from_earlier) in counts {
                let mut removed = PathDigests::default();
                for number in (0..first).skip(from_earlier).step_by(removed_step) {
                    removed.insert(PathDigest::of(format!("part-{number:05}").as_bytes()));
                }
                files = files.successor(&removed, builder(first..first + count), &mut copy);
                first += count;
            }
            if partition < 5 {
                let wanted = format!(r#"{{"p":"{partition}"}}"#);
                files = files.of_partitions(&mut |json| json == wanted.as_bytes());
            }
            let mut expected: Vec<(i64, PathDigest, String)> = names(&files).into_iter().map(|name| {
                let number: usize = name[5..].parse().unwrap();
                (i64::try_from(number / 7).unwrap(), PathDigest::of(name.as_bytes()), name)
            }).collect();
            expected.sort();
            let mut after = None;
            for piece in expected.chunks(files_max) {
                let (page, end) = files.page(after, files_max);
                prop_assert_eq!(names(&page), piece.iter().map(|(_, _, name)| name.clone()).collect());
                let is_last = piece.last() == expected.last();
                prop_assert_eq!(end.is_none(), is_last);
                after = end;
            }
            prop_assert_eq!(files.page(None, 0).1, None);
        }
    }

    #[test]
    fn dead_files_are_on_no_page() {
        let mut settled = PathDigests::default();
        (0..100).for_each(|number| {
            settled.insert(PathDigest::of(format!("part-{number:05}").as_bytes()));
        });
        let list = list(0..300).successor(&settled, builder(300..310), &mut copy);
        let (page, end) = list.page(None, 1000);
        assert_eq!((names(&page), end), (names(&list), None));
        assert_eq!(page.file_count(), 210);
    }

    #[test]
    fn partitions_are_asked_once_each() {
        let list = list(0..2000);
        let mut asked = 0;
        let kept = list.of_partitions(&mut |json| {
            asked += 1;
            json == br#"{"p":"3"}"#
        });
        assert_eq!((asked, kept.file_count()), (5, 400));
        assert!(names(&kept).contains("part-00003"));
        let page = kept.page(None, 5).0;
        assert_eq!(page.of_partitions(&mut |_| false).file_count(), 0);
    }

    #[test]
    fn rows_are_counted_in_the_order_of_pages() {
        let (forward, backward) = (list(0..3000), list((0..3000).rev()));
        for rows in [0, 1, 2, 3, 50, 1001, 3999, 4000, 4001, u64::MAX] {
            let part = forward.with_rows(rows);
            assert_eq!(names(&part), names(&backward.with_rows(rows)), "{rows}");
            let counted = part.file_count();
            let (first, _) = forward.page(None, usize::try_from(counted).unwrap());
            assert_eq!(names(&part), names(&first), "{rows}");
        }
        assert_eq!(forward.with_rows(0).file_count(), 0);
        assert_eq!(forward.with_rows(4001).file_count(), 3000);
    }

    #[test]
    fn other_bytes_are_no_position() {
        assert_eq!(PagePosition::from_bytes(&[0; 23]), None);
        assert_eq!(PagePosition::from_bytes(&[0; 25]), None);
    }
}
