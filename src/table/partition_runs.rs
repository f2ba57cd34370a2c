//! Partition values of a list's blocks, without unpacking anything.

use super::file_list::FileList;
use super::segment::PartitionNumber;

impl FileList {
    /// Runs of neighbours in block `index` that share their partition values: the number of these, and how many files the run
    /// has, dead ones too. Unpacks nothing.
    pub fn block_runs(&self, index: usize) -> impl Iterator<Item = (PartitionNumber, usize)> {
        self.place_of(index).into_iter().flat_map(|(segment, live, block)| {
            let partitions = &live.segment.partitions;
            let mut rows = live.segment.statistics.rows(block);
            let mut number = partitions.number_of(rows.start);
            std::iter::from_fn(move || {
                let end = partitions.row_end(number).min(rows.end);
                let run = (PartitionNumber { segment, number }, end.checked_sub(rows.start)?);
                rows.start = end;
                number = number.saturating_add(1);
                (run.1 > 0).then_some(run)
            })
        })
    }

    /// The segment of block `index`, and how many distinct partition values it has: their numbers are all below.
    pub fn partitions_around(&self, index: usize) -> Option<(usize, usize)> {
        self.place_of(index).map(|(segment, live, _)| (segment, live.segment.partitions.len()))
    }

    /// The JSON object of partition values; empty if there are none of that number.
    pub fn partition_values_json(&self, partition: PartitionNumber) -> &[u8] {
        let segment = self.segments.get(partition.segment);
        segment.map_or(&[], |live| live.segment.partitions.json(partition.number))
    }
}
