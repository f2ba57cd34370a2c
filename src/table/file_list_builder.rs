//! Files in, a whole list out: segment after segment.

use super::segment::Segment;
use super::segment_builder::{NewFile, SegmentBuilder};

/// Collects the files of a list.
#[derive(Debug, Default)]
pub struct FileListBuilder {
    full: Vec<SegmentBuilder>,
    current: SegmentBuilder,
}

impl FileListBuilder {
    pub fn push(&mut self, file: &NewFile<'_>) {
        if self.current.is_full() {
            self.full.push(std::mem::take(&mut self.current));
        }
        self.current.push(file);
    }

    pub fn is_empty(&self) -> bool {
        self.file_count() == 0
    }

    pub fn file_count(&self) -> usize {
        self.full.iter().chain([&self.current]).map(SegmentBuilder::row_count).sum()
    }

    /// The finished segments, in the order of the files. `write_partition` appends the JSON object for what
    /// `NewFile::partition_values` held; it is called once for each distinct value of a segment.
    pub fn finish(self, write_partition: &mut dyn FnMut(&[u8], &mut Vec<u8>)) -> Vec<Segment> {
        let builders = self.full.into_iter().chain([self.current]);
        builders
            .filter(|builder| builder.row_count() > 0)
            .map(|builder| builder.finish(write_partition))
            .collect()
    }
}
