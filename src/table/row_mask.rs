//! Some rows of a block.

use std::ops::{BitAnd, BitOr, Range};

/// Some rows of a block; mostly all or none, which costs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowMask {
    None,
    All,
    /// 1 for each row that is meant, else 0: bytes are compared and joined many at once.
    Rows(Vec<u8>),
}

impl RowMask {
    pub fn of(is_meant: bool) -> Self {
        if is_meant { Self::All } else { Self::None }
    }

    /// Whether row `row` of the block is meant.
    pub fn contains(&self, row: usize) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Rows(rows) => rows.get(row) == Some(&1),
        }
    }

    /// Whether one of `rows` is meant; these must be rows of the block.
    pub fn has_any(&self, rows: Range<usize>) -> bool {
        match self {
            Self::None => false,
            Self::All => !rows.is_empty(),
            Self::Rows(all) => all.get(rows).is_some_and(|rows| rows.contains(&1)),
        }
    }
}

impl BitAnd for RowMask {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::All, rows) | (rows, Self::All) => rows,
            (Self::Rows(mut rows), Self::Rows(others)) => {
                rows.iter_mut().zip(others).for_each(|(row, other)| *row &= other);
                Self::Rows(rows)
            }
        }
    }
}

impl BitOr for RowMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::None, rows) | (rows, Self::None) => rows,
            (Self::Rows(mut rows), Self::Rows(others)) => {
                rows.iter_mut().zip(others).for_each(|(row, other)| *row |= other);
                Self::Rows(rows)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask() -> impl Strategy<Value = RowMask> {
        let rows = proptest::collection::vec(0..2_u8, 9).prop_map(RowMask::Rows);
        prop_oneof![1 => Just(RowMask::None), 1 => Just(RowMask::All), 4 => rows]
    }

    proptest! {
        #[test]
        fn masks_are_joined_row_by_row(one in mask(), two in mask(), start in 0..9_usize, count in 0..9_usize) {
            let (and, or) = (one.clone() & two.clone(), one.clone() | two.clone());
            for row in 0..9 {
                prop_assert_eq!(and.contains(row), one.contains(row) && two.contains(row));
                prop_assert_eq!(or.contains(row), one.contains(row) || two.contains(row));
            }
            let rows = start..(start + count).min(9);
            prop_assert_eq!(one.has_any(rows.clone()), rows.into_iter().any(|row| one.contains(row)));
        }
    }
}
