//! Which rows of a file are deleted, and where that is written.

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

    pub(crate) fn byte_count(&self) -> usize {
        self.places.byte_count()
    }

    pub(crate) fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.places.shrink();
        self.facts.shrink_to_fit();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let facts = self.facts.capacity() * size_of::<Facts>();
        self.rows.capacity() * size_of::<u16>() + self.places.memory_bytes() + facts
    }
}
