//! A segment as bytes, and made of them again.

use std::io;

use super::column_file::{Column, ColumnReader, ColumnWriter, Error, are_rows, check};
use super::deletion_vector::DeletionVectors;
use super::dictionary::Strings;
use super::digests::Digests;
use super::names::Names;
use super::numbers::{Numbers, OptionalNumbers, Times};
use super::partitions::Partitions;
use super::path_digest::PathDigest;
use super::segment::{Directories, EncodedNames, Segment};
use super::statistics::{Statistics, StatisticsBlock};
use crate::limits::{SEGMENT_FILES_MAX, STATS_UNPACKED_BYTES_MAX};

impl Segment {
    /// Writes all columns.
    pub fn write(&self, out: &mut ColumnWriter<'_>) -> io::Result<()> {
        out.number(self.row_count() as u64)?;
        out.number(u64::from(self.has_outside))?;
        self.directories.log.write(out)?;
        self.directories.encoded.write(out)?;
        self.directory_of.write(out)?;
        self.names.write(out)?;
        out.array(&self.encoded_names.rows)?;
        self.encoded_names.names.write(out)?;
        self.sizes_bytes.write(out)?;
        self.modification_times_ms.write(out)?;
        self.record_counts.write(out)?;
        self.partitions.write(out)?;
        out.array(&self.digests.by_row().iter().map(|digest| digest.0).collect::<Vec<_>>())?;
        self.statistics.write(out)?;
        self.deletion_vectors.write(out)?;
        self.base_row_ids.write(out)?;
        self.default_row_commit_versions.write(out)
    }

    /// Reads what [`Segment::write`] wrote.
    ///
    /// # Errors
    /// [`Error::Damaged`] unless every later read of the segment is in bounds. Whether the bytes are those that were
    /// written, only their digest says.
    pub fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        let row_count = usize::try_from(input.number()?).unwrap_or(usize::MAX);
        check(row_count <= SEGMENT_FILES_MAX, "too many rows")?;
        let segment = Self {
            has_outside: input.number()? != 0,
            directories: Directories { log: Strings::read(input)?, encoded: Strings::read(input)? },
            directory_of: Numbers::read(input)?,
            names: Names::read(input)?,
            encoded_names: EncodedNames { rows: input.array()?, names: Strings::read(input)? },
            sizes_bytes: Numbers::read(input)?,
            modification_times_ms: Times::read(input)?,
            record_counts: OptionalNumbers::read(input)?,
            partitions: Partitions::read(input)?,
            digests: Digests::new(input.array::<u128>()?.into_iter().map(PathDigest).collect()),
            statistics: Statistics::read(input)?,
            deletion_vectors: DeletionVectors::read(input)?,
            base_row_ids: OptionalNumbers::read(input)?,
            default_row_commit_versions: OptionalNumbers::read(input)?,
            ..Self::default()
        };
        segment.check(row_count)?;
        Ok(segment)
    }

    /// Whether the columns fit each other.
    fn check(&self, row_count: usize) -> Result<(), Error> {
        let lengths = [
            self.directory_of.len(),
            self.names.len(),
            self.sizes_bytes.len(),
            self.modification_times_ms.len(),
            self.record_counts.len(),
            self.partitions.row_count(),
            self.digests.len(),
            self.statistics.row_count(),
            self.base_row_ids.len(),
            self.default_row_commit_versions.len(),
        ];
        check(lengths.into_iter().all(|length| length == row_count), "a column has another length")?;
        let Directories { log, encoded } = &self.directories;
        check(log.len() == encoded.len(), "directories have one spelling only")?;
        check(self.directory_of.are_below(log.len()), "a file lies in no directory")?;
        let EncodedNames { rows, names } = &self.encoded_names;
        check(rows.len() == names.len() && are_rows(rows, row_count), "an encoded name is of no file")?;
        let with_vector = self.deletion_vectors.with_vector();
        check(are_rows(with_vector, row_count), "a deletion vector is of no file")?;
        let texts = [log, encoded, names, self.partitions.values(), self.deletion_vectors.places()];
        check(texts.into_iter().all(Strings::is_text), "a text is none")
    }
}

impl Column for Statistics {
    fn write(&self, out: &mut ColumnWriter<'_>) -> io::Result<()> {
        let numbers = |block: &StatisticsBlock| {
            [u64::from(block.row_end), block.compressed_end as u64, block.unpacked_bytes as u64]
        };
        out.array(&self.blocks.iter().flat_map(numbers).collect::<Vec<_>>())?;
        out.array(&self.compressed)
    }

    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        let numbers: Vec<u64> = input.array()?;
        let (numbers, rest) = numbers.as_chunks();
        check(rest.is_empty(), "a block of statistics lacks something")?;
        let of_numbers = |&[row_end, compressed_end, unpacked_bytes]: &[u64; 3]| {
            Some(StatisticsBlock {
                row_end: u32::try_from(row_end).ok()?,
                compressed_end: usize::try_from(compressed_end).ok()?,
                unpacked_bytes: usize::try_from(unpacked_bytes).ok()?,
            })
        };
        let blocks: Option<Vec<_>> = numbers.iter().map(of_numbers).collect();
        let blocks = blocks.ok_or(Error::Damaged("a block of statistics is too large"))?;
        let statistics = Self { blocks, compressed: input.array()? };
        statistics.check()?;
        Ok(statistics)
    }
}

impl Statistics {
    fn row_count(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.row_end as usize)
    }

    /// Each block begins where the one before ends, and says of itself how much it unpacks to.
    fn check(&self) -> Result<(), Error> {
        let (mut row, mut start) = (0, 0);
        for block in &self.blocks {
            let StatisticsBlock { row_end, compressed_end, unpacked_bytes } = *block;
            let rows = (row_end as usize).saturating_sub(row);
            check(rows > 0, "a block of statistics has no rows")?;
            let packed = self.compressed.get(start..compressed_end);
            let packed = packed.ok_or(Error::Damaged("a block of statistics lies elsewhere"))?;
            let says = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
            let fits =
                unpacked_bytes >= rows * size_of::<u32>() && unpacked_bytes <= STATS_UNPACKED_BYTES_MAX;
            check(fits && says == Some(unpacked_bytes as u64), "a block of statistics has another size")?;
            (row, start) = (row_end as usize, compressed_end);
        }
        check(start == self.compressed.len(), "statistics go on after their last block")
    }
}

#[cfg(test)]
mod tests;
