//! Ids of rows, where a table tracks its rows.

const NONE: u64 = u64::MAX;

/// A number for some rows of a segment; it takes no memory while no row has one.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// As long as the last row that has a number.
    numbers: Vec<u64>,
}

impl Numbers {
    /// Sets the number of `row`, which is later than all before.
    pub(crate) fn push(&mut self, row: usize, number: Option<u64>) {
        if let Some(number) = number {
            self.numbers.resize(row, NONE);
            self.numbers.push(number);
        }
    }

    pub(crate) fn get(&self, row: usize) -> Option<u64> {
        self.numbers.get(row).copied().filter(|&number| number != NONE)
    }

    pub(crate) fn shrink(&mut self) {
        self.numbers.shrink_to_fit();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_number_have_none() {
        let mut numbers = Numbers::default();
        for (row, number) in [None, Some(7), None, None, Some(0), None].into_iter().enumerate() {
            numbers.push(row, number);
        }
        let found: Vec<_> = (0..7).map(|row| numbers.get(row)).collect();
        assert_eq!(found, [None, Some(7), None, None, Some(0), None, None]);
        assert_eq!(Numbers::default().memory_bytes(), 0);
    }
}
