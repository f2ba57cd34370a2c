//! Files in, a whole list out: segment after segment.

use super::segment::Segment;
use super::segment_builder::{NewFile, SealedSegment, SegmentBuilder};

/// Collects the files of a list.
#[derive(Debug, Default)]
pub struct FileListBuilder {
    full: Vec<SealedSegment>,
    current: SegmentBuilder,
}

impl FileListBuilder {
    pub fn push(&mut self, file: &NewFile<'_>) {
        if self.current.is_full() {
            self.full.push(self.current.seal());
        }
        self.current.push(file);
    }

    /// Takes what has been collected; the builder goes on with the same buffers.
    pub fn take(&mut self) -> Vec<SealedSegment> {
        if self.current.row_count() > 0 {
            self.full.push(self.current.seal());
        }
        std::mem::take(&mut self.full)
    }

    /// Appends the files that another builder has collected; they begin a new segment.
    pub fn append(&mut self, mut later: Vec<SealedSegment>) {
        self.full = self.take();
        self.full.append(&mut later);
    }

    pub fn is_empty(&self) -> bool {
        self.file_count() == 0
    }

    pub fn file_count(&self) -> usize {
        self.full.iter().map(SealedSegment::row_count).sum::<usize>() + self.current.row_count()
    }

    /// The finished segments, in the order of the files. `write_partition` appends the JSON object for what
    /// `NewFile::partition_values` held; it is called once for each distinct value of a segment.
    pub fn finish(mut self, write_partition: &mut dyn FnMut(&[u8], &mut Vec<u8>)) -> Vec<Segment> {
        self.take().into_iter().map(|segment| segment.finish(write_partition)).collect()
    }
}
