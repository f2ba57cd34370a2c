//! Which rows of a file are deleted, and where that is written.

use super::column_file::{Column, ColumnReader, ColumnWriter, Error, check};
use super::dictionary::Strings;

/// The deleted rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletionVector<'a> {
    pub place: Place<'a>,
    /// Where it begins in its file, in bytes; `None` for a file that is this vector alone, and inline.
    pub offset: Option<u64>,
    pub size_bytes: u64,
    /// Rows that are deleted.
    pub cardinality: u64,
}

/// Where a deletion vector lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// In the list itself: its text as the log has it, escaped as the inside of a JSON string.
    Inline(&'a [u8]),
    /// In a file below the table's root: its key, encoded for a URL path.
    File(&'a [u8]),
}

/// The deletion vectors of a segment; few files have one.
#[derive(Debug, Default)]
pub(crate) struct DeletionVectors {
    /// Ascending.
    rows: Vec<u16>,
    places: Strings,
    facts: Vec<Facts>,
}

#[derive(Debug, Clone, Copy)]
struct Facts {
    is_inline: bool,
    offset: Option<u64>,
    size_bytes: u64,
    cardinality: u64,
}

impl DeletionVectors {
    /// Appends the vector of a row, which is later than all that have one.
    pub(crate) fn push(&mut self, row: u16, vector: &DeletionVector<'_>) {
        let (is_inline, place) = match vector.place {
            Place::Inline(text) => (true, text),
            Place::File(key) => (false, key),
        };
        let DeletionVector { offset, size_bytes, cardinality, .. } = *vector;
        self.rows.push(row);
        self.places.push(place);
        self.facts.push(Facts { is_inline, offset, size_bytes, cardinality });
    }

    /// The rows that have a vector, ascending.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().map(|&row| usize::from(row))
    }

    /// Where in the column the first vector of `row` or a later one stands.
    pub(crate) fn position(&self, row: usize) -> usize {
        self.rows.partition_point(|&with| usize::from(with) < row)
    }

    /// The vector at `position`, if it is that of `row`.
    pub(crate) fn get(&self, position: usize, row: usize) -> Option<DeletionVector<'_>> {
        if usize::from(*self.rows.get(position)?) != row {
            return None;
        }
        let Facts { is_inline, offset, size_bytes, cardinality } = *self.facts.get(position)?;
        let place = self.places.get(position);
        let place = if is_inline { Place::Inline(place) } else { Place::File(place) };
        Some(DeletionVector { place, offset, size_bytes, cardinality })
    }

    /// The numbers of the rows that have a vector.
    pub(crate) fn with_vector(&self) -> &[u16] {
        &self.rows
    }

    pub(crate) fn places(&self) -> &Strings {
        &self.places
    }

    pub(crate) fn byte_count(&self) -> usize {
        self.places.byte_count()
    }

    /// The same vectors for other rows: of each, the row and where the vector stands in this column. Ascending.
    pub(crate) fn arranged(&self, rows: &[(u16, usize)]) -> Self {
        let mut arranged = Self::default();
        for &(row, position) in rows {
            if let Some(&facts) = self.facts.get(position) {
                arranged.rows.push(row);
                arranged.places.push(self.places.get(position));
                arranged.facts.push(facts);
            }
        }
        arranged.shrink();
        arranged
    }

    /// The rows that have a vector, as numbers of a segment.
    pub(crate) fn row_numbers(&self) -> &[u16] {
        &self.rows
    }

    fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.places.shrink();
        self.facts.shrink_to_fit();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let facts = self.facts.capacity() * size_of::<Facts>();
        self.rows.capacity() * size_of::<u16>() + self.places.memory_bytes() + facts
    }
}

const IS_INLINE: u8 = 1;
const HAS_OFFSET: u8 = 2;

impl Column for DeletionVectors {
    fn write(&self, out: &mut ColumnWriter<'_>) -> std::io::Result<()> {
        let flags = |facts: &Facts| {
            let offset = if facts.offset.is_some() { HAS_OFFSET } else { 0 };
            offset | if facts.is_inline { IS_INLINE } else { 0 }
        };
        let numbers = |facts: &Facts| [facts.offset.unwrap_or(0), facts.size_bytes, facts.cardinality];
        out.array(&self.rows)?;
        self.places.write(out)?;
        out.array(&self.facts.iter().map(flags).collect::<Vec<_>>())?;
        out.array(&self.facts.iter().flat_map(numbers).collect::<Vec<_>>())
    }

    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        let rows: Vec<u16> = input.array()?;
        let places = Strings::read(input)?;
        let (flags, numbers): (Vec<u8>, Vec<u64>) = (input.array()?, input.array()?);
        let (numbers, rest) = numbers.as_chunks();
        let counts = [places.len(), flags.len(), numbers.len()];
        check(rest.is_empty() && counts == [rows.len(); 3], "deletion vectors lack something")?;
        let facts = flags.iter().zip(numbers).map(|(flags, &[offset, size_bytes, cardinality])| Facts {
            is_inline: flags & IS_INLINE != 0,
            offset: (flags & HAS_OFFSET != 0).then_some(offset),
            size_bytes,
            cardinality,
        });
        Ok(Self { facts: facts.collect(), rows, places })
    }
}
