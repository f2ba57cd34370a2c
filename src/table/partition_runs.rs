//! Partition values of a list's blocks, without unpacking anything.

use super::file_list::FileList;
use super::segment::PartitionNumber;

impl FileList {
    /// Runs of neighbours in block `index` that share their partition values: the number of these, and how many files the run
    /// has, dead ones too. Unpacks nothing.
    pub fn block_runs(&self, index: usize) -> impl Iterator<Item = (PartitionNumber, usize)> {
        self.place_of(index).into_iter().flat_map(|(segment, live, block)| {
            let rows = live.segment.statistics.rows(block);
            let mut numbers = rows.map_while(|row| live.segment.partition_number(row)).peekable();
            std::iter::from_fn(move || {
                let number = numbers.next()?;
                let mut file_count = 1;
                while numbers.next_if_eq(&number).is_some() {
                    file_count += 1;
                }
                Some((PartitionNumber { segment, number }, file_count))
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
        segment.map_or(&[], |live| live.segment.partitions.get(usize::from(partition.number)))
    }
}
