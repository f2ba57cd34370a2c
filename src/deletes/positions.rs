//! Deleted rows of one file, as the set of their positions.
//!
//! Iceberg and Delta write such a set alike: the portable format of Roaring bitmaps, in its extension for 64 bits.

use std::io;

use roaring::{RoaringBitmap, RoaringTreemap};

use crate::encode::z85;
use crate::table::deletion_vector::{DeletionVector, Place};

/// What both formats write before the bitmaps: Delta's number 1681511377, low byte first.
pub(super) const MAGIC: [u8; 4] = [0xD1, 0xD3, 0x39, 0x64];

/// The upper half of the largest position: positions have 63 bits.
const HIGH_MAX: u32 = i32::MAX as u32;

/// Why bytes are no set of positions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("its bitmaps end too early")]
    Short,
    #[error("its bitmaps are not in order, or beyond 63 bits")]
    Order,
    #[error("a bitmap of it is broken ({0})")]
    Bitmap(String),
    #[error("something stands behind its bitmaps")]
    Rest,
}

/// Positions of rows in one file, the first of which is 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Positions {
    rows: RoaringTreemap,
}

/// A deletion vector as Delta carries it in a line: without a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineVector {
    /// In base 85; no character of it is escaped in JSON.
    pub text: String,
    /// Before it was made text.
    pub size_bytes: u64,
    /// Rows that are deleted.
    pub cardinality: u64,
}

impl InlineVector {
    /// As files in a snapshot have it.
    pub fn as_vector(&self) -> DeletionVector<'_> {
        let Self { size_bytes, cardinality, .. } = *self;
        DeletionVector { place: Place::Inline(self.text.as_bytes()), offset: None, size_bytes, cardinality }
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(Fault::Short)?;
    *bytes = rest;
    Ok(*taken)
}

impl Positions {
    /// Reads the portable format ("Extension for 64-bit implementations" of the Roaring format).
    ///
    /// # Errors
    /// [`Fault`], on any bytes; never a panic. Takes no more memory than some times the length of the bytes.
    pub fn parse(mut bytes: &[u8]) -> Result<Self, Fault> {
        let count = u64::from_le_bytes(take(&mut bytes)?);
        let mut bitmaps: Vec<(u32, RoaringBitmap)> = Vec::new();
        let mut smallest = 0;
        for _ in 0..count {
            let high = u32::from_le_bytes(take(&mut bytes)?);
            if high < smallest || high > HIGH_MAX {
                return Err(Fault::Order);
            }
            smallest = high + 1;
            let bitmap = RoaringBitmap::deserialize_from(&mut bytes);
            let is_short = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
            let bitmap = bitmap.map_err(|error| {
                if is_short(&error) { Fault::Short } else { Fault::Bitmap(error.to_string()) }
            })?;
            // Writers that keep bitmaps in an array write those between, too.
            if !bitmap.is_empty() {
                bitmaps.push((high, bitmap));
            }
        }
        if !bytes.is_empty() {
            return Err(Fault::Rest);
        }
        Ok(Self { rows: RoaringTreemap::from_bitmaps(bitmaps) })
    }

    /// Adds rows, which are best in ascending order.
    pub(super) fn add(&mut self, rows: &[u64]) {
        if let Err(unsorted) = self.rows.append(rows.iter().copied()) {
            let from = usize::try_from(unsorted.valid_until()).unwrap_or(0);
            self.rows.extend(rows.get(from..).unwrap_or(rows).iter().copied());
        }
    }

    /// Adds the rows of another set that a file of `row_count` rows has; there is nothing else to delete.
    pub(super) fn merge(&mut self, other: &Self, row_count: u64) {
        if other.rows.max().is_some_and(|last| last >= row_count) {
            let mut rows = other.rows.clone();
            rows.remove_range(row_count..);
            self.rows |= rows;
        } else {
            self.rows |= &other.rows;
        }
    }

    /// Makes it as small as the format allows.
    pub(super) fn pack(&mut self) {
        self.rows.optimize();
    }

    /// Rows in it.
    pub fn count(&self) -> u64 {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows.iter()
    }

    /// Bytes of the portable format, which are about those in memory.
    pub fn size_bytes(&self) -> usize {
        self.rows.serialized_size()
    }

    /// The vector of these rows; `None` where there are none ("Deletion Vector Format" of Delta).
    pub(super) fn into_inline(mut self) -> io::Result<Option<InlineVector>> {
        if self.is_empty() {
            return Ok(None);
        }
        self.pack();
        let mut bytes = Vec::with_capacity(MAGIC.len() + self.size_bytes());
        bytes.extend(MAGIC);
        self.rows.serialize_into(&mut bytes)?;
        let size_bytes = bytes.len() as u64;
        Ok(Some(InlineVector { text: z85::encode(&bytes), size_bytes, cardinality: self.count() }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::deletes::fixture::{naive, rows};

    fn decoded(vector: &InlineVector) -> BTreeSet<u64> {
        let mut bytes = z85::decode(vector.text.as_bytes()).unwrap();
        bytes.truncate(usize::try_from(vector.size_bytes).unwrap());
        assert_eq!(bytes[..4], MAGIC);
        naive(&bytes[4..])
    }

    #[test]
    fn the_example_of_the_kernel_is_written() {
        let mut positions = Positions::default();
        positions.add(&[3, 4, 7, 11, 18, 29]);
        let vector = positions.into_inline().unwrap().unwrap();
        assert_eq!(vector.text, "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L");
        assert_eq!((vector.size_bytes, vector.cardinality), (44, 6));
        let told = vector.as_vector();
        assert_eq!(told.place, Place::Inline(vector.text.as_bytes()));
        assert_eq!((told.offset, told.size_bytes, told.cardinality), (None, 44, 6));
    }

    #[test]
    fn no_rows_make_no_vector() {
        assert_eq!(Positions::default().into_inline().unwrap(), None);
        let mut beyond = Positions::default();
        beyond.add(&[7, 8]);
        let mut positions = Positions::default();
        positions.merge(&beyond, 7);
        assert!(positions.is_empty());
    }

    #[test]
    fn bitmaps_have_to_be_in_order_and_complete() {
        let bitmap = |high: u32, rows: &[u32]| {
            let mut bytes = high.to_le_bytes().to_vec();
            rows.iter().copied().collect::<RoaringBitmap>().serialize_into(&mut bytes).unwrap();
            bytes
        };
        let parse = |parts: &[Vec<u8>]| {
            Positions::parse(&[&(parts.len() as u64).to_le_bytes()[..], &parts.concat()].concat())
        };
        let found = parse(&[bitmap(0, &[1]), bitmap(1, &[]), bitmap(3, &[2])]).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), [1, 3 << 32 | 2]);
        assert_eq!(parse(&[bitmap(3, &[1]), bitmap(0, &[2])]), Err(Fault::Order));
        assert_eq!(parse(&[bitmap(3, &[1]), bitmap(3, &[2])]), Err(Fault::Order));
        assert_eq!(parse(&[bitmap(1 << 31, &[1])]), Err(Fault::Order));
        assert_eq!(parse(&[bitmap(0, &[1]), vec![]]), Err(Fault::Short));
        assert_eq!(Positions::parse(&[0; 9]), Err(Fault::Rest));
        assert_eq!(Positions::parse(b""), Err(Fault::Short));
        assert!(matches!(parse(&[b"0000????".to_vec()]), Err(Fault::Bitmap(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_was_added_is_in_the_vector(parts in prop::collection::vec(rows(), 1..3), row_count in any::<u32>()) {
            let row_count = u64::from(row_count) << 3;
            let mut positions = Positions::default();
            let mut wanted = BTreeSet::new();
            for rows in &parts {
                let mut part = Positions::default();
                part.add(rows);
                prop_assert_eq!(part.iter().collect::<BTreeSet<_>>(), rows.iter().copied().collect());
                wanted.extend(rows.iter().filter(|row| **row < row_count));
                positions.merge(&part, row_count);
            }
            prop_assert_eq!(positions.count(), wanted.len() as u64);
            let vector = positions.into_inline().unwrap();
            prop_assert_eq!(vector.as_ref().map_or(0, |vector| vector.cardinality), wanted.len() as u64);
            prop_assert_eq!(vector.as_ref().map(decoded).unwrap_or_default(), wanted);
        }

        #[test]
        fn garbage_is_refused_or_read_as_the_other_reader_does(
            rows in rows(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut bytes = Vec::new();
            rows.into_iter().collect::<RoaringTreemap>().serialize_into(&mut bytes).unwrap();
            prop_assert_eq!(Positions::parse(&bytes).unwrap().iter().collect::<BTreeSet<_>>(), naive(&bytes));
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(positions) = Positions::parse(&bytes) {
                prop_assert_eq!(positions.iter().count() as u64, positions.count());
            }
            bytes.truncate(at);
            prop_assert!(Positions::parse(&bytes).is_err());
        }
    }
}
