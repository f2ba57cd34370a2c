//! Partition values of a list's blocks, without unpacking anything.

use std::sync::Arc;

use super::file_list::FileList;
use super::live_segment::LiveSegment;
use super::partition_values::ValueId;
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

    /// A walk through the partition values of a segment, from block `index` on; `None` if there is no such block.
    pub fn walk_partitions(&self, index: usize) -> Option<PartitionWalk<'_>> {
        let (segment, live, block) = self.place_of(index)?;
        let row = live.segment.statistics.rows(block).start;
        let number = live.segment.partitions.number_of(row);
        Some(PartitionWalk { live, segment, first_block: index - block, number, row })
    }

    /// Distinct partition values that the list numbers.
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// Bytes of memory behind the numbers of partition values.
    pub fn values_memory_bytes(&self) -> usize {
        let mut last: Option<&Arc<[ValueId]>> = None;
        let ids = self.segments.iter().map(|segment| {
            let ids = &segment.value_ids;
            let is_shared = last.replace(ids).is_some_and(|last| Arc::ptr_eq(last, ids));
            if is_shared { 0 } else { size_of_val::<[ValueId]>(ids) }
        });
        ids.sum::<usize>() + self.values.memory_bytes()
    }

    /// The numbers in the list of a segment's partition values, by their numbers in the segment.
    pub fn value_ids(&self, segment: usize) -> Arc<[ValueId]> {
        self.segments.get(segment).map_or_else(Arc::default, |live| Arc::clone(&live.value_ids))
    }

    /// The text of partition values (see `partition_text`); empty if there are none of that number.
    pub fn partition_text(&self, partition: PartitionNumber) -> &[u8] {
        let segment = self.segments.get(partition.segment);
        segment.map_or(&[], |live| live.segment.partitions.text(partition.number))
    }
}

/// Goes from the files of some partition values to those of the next.
#[derive(Debug)]
pub struct PartitionWalk<'a> {
    live: &'a LiveSegment,
    segment: usize,
    /// Of the segment.
    first_block: usize,
    number: u16,
    /// The first row that has the values and is not passed.
    row: usize,
}

impl PartitionWalk<'_> {
    /// The values; `None` behind the last row.
    pub fn partition(&self) -> Option<PartitionNumber> {
        let is_row = self.row < self.live.segment.row_count();
        is_row.then_some(PartitionNumber { segment: self.segment, number: self.number })
    }

    /// Passes the files that have the values.
    pub fn pass(&mut self) {
        self.row = self.live.segment.partitions.row_end(self.number);
        self.number = self.number.saturating_add(1);
    }

    /// The block of the first file that was not passed; behind the last row, the first of the next segment.
    pub fn block(&self) -> usize {
        self.first_block + self.live.segment.statistics.block_of(self.row)
    }
}
