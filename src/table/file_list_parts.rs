//! A list taken apart, and put together again.

use std::sync::Arc;

use super::column_file::{Error, check};
use super::file_list::FileList;
use super::live_rows::LiveRows;
use super::live_segment::{LiveSegment, live_vectors};
use super::partition_values::Numbering;
use super::segment::Segment;

/// A segment and what of it is alive in a list.
#[derive(Debug, Clone)]
pub struct Part {
    pub segment: Arc<Segment>,
    /// A bit for each row; `None`: all are alive.
    pub live: Option<Vec<u64>>,
    /// Sum of the live files' sizes.
    pub size_bytes: u64,
}

impl Part {
    /// A segment of which all rows are alive.
    pub fn whole(segment: Segment) -> Self {
        let size_bytes = segment.sizes_bytes.iter().fold(0, u64::saturating_add);
        Self { segment: Arc::new(segment), live: None, size_bytes }
    }
}

impl FileList {
    /// What the list consists of, in its order.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.segments.iter().map(|segment| Part {
            segment: Arc::clone(&segment.segment),
            live: segment.live.as_ref().map(|live| live.words().to_vec()),
            size_bytes: segment.size_bytes,
        })
    }

    /// The list of these parts.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the bits of a part are not those of its rows.
    pub fn of_parts(parts: impl IntoIterator<Item = Part>) -> Result<Self, Error> {
        let mut numbering = Numbering::after(Arc::default(), None);
        let segments = parts.into_iter().map(|Part { segment, live, size_bytes }| {
            let row_count = segment.row_count();
            let live = live.map(|words| {
                let live = LiveRows::of_words(words, row_count);
                live.map(Arc::new).ok_or(Error::Damaged("the live rows are of another segment"))
            });
            let live = live.transpose()?;
            let file_count = live.as_ref().map_or(row_count, |live| live.count());
            check(file_count > 0, "a segment has no live rows")?;
            let vector_count = live_vectors(&segment, live.as_deref());
            let value_ids = numbering.number(segment.partitions.values());
            Ok(LiveSegment { segment, live, file_count, size_bytes, vector_count, value_ids })
        });
        let segments = segments.collect::<Result<_, Error>>()?;
        Ok(Self::of(segments, numbering.finish()))
    }
}
