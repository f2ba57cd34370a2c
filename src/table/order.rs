//! Rows of a segment in order: by partition, then as they came.
//!
//! A checkpoint names files in no order. Where those of one partition stand together, a query for it unpacks one or two
//! small blocks of a segment and not nearly all of them.

use super::dictionary::Strings;

/// Which row comes when.
#[derive(Debug)]
pub(crate) struct Order {
    /// The row, as it came, of each place.
    rows: Vec<u16>,
    /// How many rows have the partition values of each number, in the new order of numbers.
    pub(crate) partition_sizes: Vec<usize>,
}

impl Order {
    /// The order of rows with these numbers of partition values, and the values in that order. Values that no row has
    /// get no rows.
    pub(crate) fn by_partition(partition_of: &[u16], values: &Strings) -> (Self, Strings) {
        let mut numbers: Vec<usize> = (0..values.len()).collect();
        numbers.sort_unstable_by_key(|&number| values.get(number));
        let mut sorted = Strings::default();
        for &number in &numbers {
            sorted.push(values.get(number));
        }
        let mut sizes = vec![0; values.len()];
        for &number in partition_of {
            if let Some(size) = sizes.get_mut(usize::from(number)) {
                *size += 1;
            }
        }
        let partition_sizes = numbers.iter().filter_map(|&number| sizes.get(number).copied()).collect();
        // From here on the place of the next row of each number.
        let mut place = 0;
        for &number in &numbers {
            if let Some(size) = sizes.get_mut(number) {
                place += std::mem::replace(size, place);
            }
        }
        let mut rows = vec![0; partition_of.len()];
        for (row, &number) in (0..=u16::MAX).zip(partition_of) {
            let Some(next) = sizes.get_mut(usize::from(number)) else { continue };
            if let Some(place) = rows.get_mut(*next) {
                *place = row;
            }
            *next += 1;
        }
        (Self { rows, partition_sizes }, sorted)
    }

    /// The rows as they came, in the new order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().map(|&row| usize::from(row))
    }

    /// A column in the new order; what it lacks at its end is left out or `T`'s default.
    pub(crate) fn arrange<T: Copy + Default>(&self, column: &[T]) -> Vec<T> {
        self.rows().map(|row| column.get(row).copied().unwrap_or_default()).collect()
    }

    /// The rows of a column that not all rows have, in the new order: their new rows, and where each stood in the column.
    pub(crate) fn arrange_sparse(&self, rows: &[u16]) -> Vec<(u16, usize)> {
        if rows.is_empty() {
            return Vec::new();
        }
        let mut positions = vec![None; self.rows.len()];
        for (position, &row) in rows.iter().enumerate() {
            if let Some(of_row) = positions.get_mut(usize::from(row)) {
                *of_row = Some(position);
            }
        }
        let with_row = (0..=u16::MAX).zip(self.rows());
        with_row.filter_map(|(place, row)| Some((place, positions.get(row).copied()??))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_sorted_by_value_and_then_as_they_came(
            texts in proptest::collection::vec("[a-c]{0,2}", 0..300),
            sparse in proptest::collection::btree_set(0_u16..300, 0..20),
        ) {
            let mut dictionary = crate::table::dictionary::DictionaryBuilder::default();
            let numbers: Vec<u16> =
                texts.iter().map(|text| u16::try_from(dictionary.intern(text.as_bytes()).0).unwrap()).collect();
            let (order, values) = Order::by_partition(&numbers, &dictionary.finish());
            let mut expected: Vec<(String, usize)> = texts.iter().cloned().zip(0..).collect();
            expected.sort();
            let found: Vec<(String, usize)> = order.rows().map(|row| (texts[row].clone(), row)).collect();
            prop_assert_eq!(&found, &expected);
            let runs = values.iter().zip(&order.partition_sizes);
            let of_runs: Vec<&[u8]> = runs.flat_map(|(value, &size)| vec![value; size]).collect();
            prop_assert!(of_runs.into_iter().eq(expected.iter().map(|(text, _)| text.as_bytes())));
            prop_assert_eq!(
                order.arrange(&(0..texts.len()).collect::<Vec<_>>()),
                order.rows().collect::<Vec<_>>()
            );
            let sparse: Vec<u16> = sparse.into_iter().filter(|&row| usize::from(row) < texts.len()).collect();
            let arranged = order.arrange_sparse(&sparse);
            prop_assert_eq!(arranged.len(), sparse.len());
            prop_assert!(arranged.is_sorted());
            for (place, position) in arranged {
                prop_assert_eq!(order.rows().nth(usize::from(place)), Some(usize::from(sparse[position])));
            }
        }
    }
}
