//! Digests of a segment's files, and which row has a digest.
//!
//! A commit removes few files of a table. To find them among all files must cost no look at each, so every segment
//! keeps its rows sorted by the upper bits of their digests: a little over two bytes a file.

use super::path_digest::{PathDigest, PathDigests};

/// Rows in one bucket of the index, about.
const BUCKET_ROWS: usize = 16;

/// How many rows cost as much to look at, one after the other, as one digest to find.
const ROWS_OF_LOOKUP: usize = 64;

/// The digests of the rows of a segment.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    by_row: Vec<PathDigest>,
    /// Rows by the bucket of their digest.
    rows: Vec<u16>,
    /// Where each bucket ends in `rows`; there are as many as a power of two.
    bucket_ends: Vec<u32>,
}

impl Digests {
    /// Of at most 65,536 rows.
    pub(crate) fn new(by_row: Vec<PathDigest>) -> Self {
        let bucket_count = (by_row.len() / BUCKET_ROWS).max(1).next_power_of_two();
        let mut digests = Self { by_row, rows: Vec::new(), bucket_ends: vec![0; bucket_count] };
        digests.rows = vec![0; digests.by_row.len()];
        for &digest in &digests.by_row {
            let bucket = bucket_of(digest, bucket_count);
            if let Some(end) = digests.bucket_ends.get_mut(bucket) {
                *end += 1;
            }
        }
        // Sums first, which are the ends; then each row takes the place before its bucket's end, from the last row on.
        let mut sum = 0;
        for end in &mut digests.bucket_ends {
            sum += *end;
            *end = sum;
        }
        let mut next = digests.bucket_ends.clone();
        for (row, &digest) in (0..=u16::MAX).zip(&digests.by_row) {
            let Some(place) = next.get_mut(bucket_of(digest, bucket_count)) else { continue };
            *place -= 1;
            if let Some(of_place) = digests.rows.get_mut(*place as usize) {
                *of_place = row;
            }
        }
        digests
    }

    /// The digests of all rows.
    pub(crate) fn by_row(&self) -> &[PathDigest] {
        &self.by_row
    }

    pub(crate) fn len(&self) -> usize {
        self.by_row.len()
    }

    pub(crate) fn get(&self, row: usize) -> Option<PathDigest> {
        self.by_row.get(row).copied()
    }

    /// The rows whose digest is among `wanted`. Costs a few steps for each wanted digest, or for each row where that is less.
    pub(crate) fn rows_of(&self, wanted: &PathDigests) -> Vec<usize> {
        if wanted.len().saturating_mul(ROWS_OF_LOOKUP) >= self.len() {
            let rows = self.by_row.iter().enumerate();
            return rows.filter(|&(_, &digest)| wanted.contains(digest)).map(|(row, _)| row).collect();
        }
        wanted.iter().flat_map(|digest| self.rows_with(digest)).collect()
    }

    fn rows_with(&self, digest: PathDigest) -> impl Iterator<Item = usize> {
        let bucket = bucket_of(digest, self.bucket_ends.len());
        let end = |bucket: usize| self.bucket_ends.get(bucket).map_or(0, |&end| end as usize);
        let start = bucket.checked_sub(1).map_or(0, end);
        let rows = self.rows.get(start..end(bucket)).unwrap_or_default();
        let rows = rows.iter().map(|&row| usize::from(row));
        rows.filter(move |&row| self.get(row) == Some(digest))
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.by_row.capacity() * size_of::<PathDigest>()
            + self.rows.capacity() * size_of::<u16>()
            + self.bucket_ends.capacity() * size_of::<u32>()
    }
}

/// The bucket of a digest, of a power of two of them.
fn bucket_of(digest: PathDigest, bucket_count: usize) -> usize {
    let bits = bucket_count.trailing_zeros();
    usize::try_from(digest.0.checked_shr(u128::BITS - bits).unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_rows_of_few_and_of_many_digests_are_found(
            count in 0_usize..3000,
            wanted in proptest::collection::btree_set(0_usize..4000, 0..80),
        ) {
            let digest = |number: usize| PathDigest::of(&number.to_le_bytes());
            let digests = Digests::new((0..count).map(digest).collect());
            prop_assert_eq!(digests.rows.iter().collect::<BTreeSet<_>>().len(), count);
            let mut set = PathDigests::default();
            for &number in &wanted {
                set.insert(digest(number));
            }
            let mut found = digests.rows_of(&set);
            found.sort_unstable();
            prop_assert_eq!(found, wanted.into_iter().filter(|&row| row < count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_digest_that_two_rows_have_is_found_twice() {
        let digest = |number: usize| PathDigest::of(&(number % 600).to_le_bytes());
        let digests = Digests::new((0..1200).map(digest).collect());
        let mut set = PathDigests::default();
        set.insert(digest(5));
        let mut found = digests.rows_of(&set);
        found.sort_unstable();
        assert_eq!(found, [5, 605]);
    }
}
