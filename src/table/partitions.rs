//! Partition values of a segment, and the rows that have them.

use std::ops::Range;

use super::column_file::{Column, ColumnReader, ColumnWriter, Error, check};
use super::dictionary::Strings;
use super::partition_text;

/// Distinct partition values by number. Rows stand in the order of the numbers, so that those with the same values are
/// neighbours.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    /// Finished texts: JSON objects, and facts behind (see `partition_text`).
    values: Strings,
    /// Whether there are facts behind any.
    has_facts: bool,
    /// First row after those with the values of each number; ascending.
    row_ends: Vec<u32>,
}

impl Partitions {
    /// As many rows of each number as `row_counts` says, and their values.
    pub(crate) fn new(values: Strings, row_counts: impl Iterator<Item = usize>) -> Self {
        let mut row_end = 0;
        let row_ends = row_counts.map(|count| {
            row_end += u32::try_from(count).unwrap_or(u32::MAX);
            row_end
        });
        let has_facts = values.iter().any(partition_text::has_facts);
        Self { row_ends: row_ends.collect(), has_facts, values }
    }

    /// The JSON object of a number; empty if there is none.
    pub(crate) fn json(&self, number: u16) -> &[u8] {
        self.json_of(self.text(number))
    }

    /// The JSON objects of all numbers, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(|text| self.json_of(text))
    }

    fn json_of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        if self.has_facts { partition_text::json(text) } else { text }
    }

    /// The whole text of a number; empty if there is none.
    pub(crate) fn text(&self, number: u16) -> &[u8] {
        self.values.get(usize::from(number))
    }

    /// First row after those with the values of this number and all before.
    pub(crate) fn row_end(&self, number: u16) -> usize {
        self.row_ends.get(usize::from(number)).map_or(0, |&end| end as usize)
    }

    /// The rows that have the values of this number.
    pub(crate) fn rows(&self, number: u16) -> Range<usize> {
        number.checked_sub(1).map_or(0, |before| self.row_end(before))..self.row_end(number)
    }

    /// The number of a row's values; of one behind the last row, that of none.
    pub(crate) fn number_of(&self, row: usize) -> u16 {
        let number = self.row_ends.partition_point(|&end| end as usize <= row);
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    /// Replaces each text by what `write` appends for it.
    pub(crate) fn rewrite(&mut self, write: &mut dyn FnMut(&[u8], &mut Vec<u8>)) {
        let mut values = Strings::default();
        for value in self.values.iter() {
            values.push_with(|out| write(value, out));
        }
        values.shrink();
        self.has_facts = values.iter().any(partition_text::has_facts);
        self.values = values;
    }

    /// The texts by number.
    pub(crate) fn values(&self) -> &Strings {
        &self.values
    }

    pub(crate) fn row_count(&self) -> usize {
        self.row_ends.last().map_or(0, |&end| end as usize)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.values.memory_bytes() + self.row_ends.capacity() * size_of::<u32>()
    }
}

impl Column for Partitions {
    fn write(&self, out: &mut ColumnWriter<'_>) -> std::io::Result<()> {
        self.values.write(out)?;
        out.array(&self.row_ends)
    }

    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        let mut partitions =
            Self { values: Strings::read(input)?, row_ends: input.array()?, has_facts: false };
        partitions.has_facts = partitions.values.iter().any(partition_text::has_facts);
        check(partitions.values.len() == partitions.row_ends.len(), "a partition has no values")?;
        check(partitions.row_ends.is_sorted(), "a partition begins before the one in front")?;
        Ok(partitions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_numbers_find_each_other() {
        let mut values = Strings::default();
        for value in ["a", "b", "c"] {
            values.push(value.as_bytes());
        }
        let partitions = Partitions::new(values, [2, 1, 4].into_iter());
        let numbers: Vec<_> = (0..8).map(|row| partitions.number_of(row)).collect();
        assert_eq!(numbers, [0, 0, 1, 2, 2, 2, 2, 3]);
        assert_eq!([0, 1, 2, 3].map(|number| partitions.rows(number).len()), [2, 1, 4, 0]);
        assert_eq!((partitions.rows(2), partitions.json(2), partitions.json(3)), (3..7, &b"c"[..], &b""[..]));
        assert_eq!(Partitions::default().number_of(0), 0);
    }
}
