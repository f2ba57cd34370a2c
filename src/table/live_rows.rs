//! Which rows of a segment are alive in one version.

/// A bit for each row of a segment.
#[derive(Debug, Clone)]
pub(crate) struct LiveRows {
    words: Vec<u64>,
}

impl LiveRows {
    pub(crate) fn all(row_count: usize) -> Self {
        let mut words = vec![u64::MAX; row_count / 64];
        if !row_count.is_multiple_of(64) {
            words.push((1 << (row_count % 64)) - 1);
        }
        Self { words }
    }

    pub(crate) fn none(row_count: usize) -> Self {
        Self { words: vec![0; row_count.div_ceil(64)] }
    }

    pub(crate) fn insert(&mut self, row: usize) {
        if let Some(word) = self.words.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// The live rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = u16> {
        self.words.iter().zip((0..=u16::MAX).step_by(64)).flat_map(|(&word, first)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = u16::try_from(left.trailing_zeros()).ok().filter(|_| left != 0)?;
                left &= left - 1;
                Some(first | bit)
            })
        })
    }

    /// Whether one of `rows` is alive.
    pub(crate) fn has_any(&self, rows: std::ops::Range<usize>) -> bool {
        let words = self.words.get(rows.start / 64..rows.end.div_ceil(64)).unwrap_or_default();
        words.iter().any(|word| *word != 0) && rows.into_iter().any(|row| self.contains(row))
    }

    /// 64 rows at a time, a bit each; those that are not among `rows` are cleared.
    pub(crate) fn words_of(&self, rows: std::ops::Range<usize>) -> impl Iterator<Item = u64> {
        let words = self.words.get(rows.start / 64..rows.end.div_ceil(64)).unwrap_or_default();
        words.iter().zip(rows.start / 64..).map(move |(word, number)| {
            let first = number * 64;
            let before = rows.start.saturating_sub(first).min(63);
            let after = (first + 64).saturating_sub(rows.end).min(63);
            word & u64::MAX << before & u64::MAX >> after
        })
    }

    pub(crate) fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Whether the row was alive until now.
    pub(crate) fn remove(&mut self, row: usize) -> bool {
        let Some(word) = self.words.get_mut(row / 64) else { return false };
        let bit = 1 << (row % 64);
        let was_alive = *word & bit != 0;
        *word &= !bit;
        was_alive
    }

    /// A bit for each row.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Made of what [`LiveRows::words`] gave; `None` if these are not the bits of `row_count` rows.
    pub(crate) fn of_words(words: Vec<u64>, row_count: usize) -> Option<Self> {
        let is_whole = words.len() == row_count.div_ceil(64);
        let excess = words.last().map_or(0, |last| last >> (row_count % 64));
        (is_whole && (row_count.is_multiple_of(64) || excess == 0)).then_some(Self { words })
    }

    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}
