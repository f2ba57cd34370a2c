//! Rows of a segment in the order of pages.

use std::sync::OnceLock;

use super::digests::Digests;
use super::numbers::Times;
use super::path_digest::PathDigest;

/// A place in the order of pages, right after a file. It must not be shown to anybody: it holds a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PagePosition {
    pub(super) modification_time_ms: i64,
    pub(super) digest: PathDigest,
}

impl PagePosition {
    /// Of a row with its time and its digest.
    pub(super) fn of((times, digests): (&Times, &Digests), row: usize) -> Option<Self> {
        Some(Self { modification_time_ms: times.get(row)?, digest: digests.get(row)? })
    }
}

/// These rows in the order of pages.
pub(super) fn sorted(columns: (&Times, &Digests), rows: impl Iterator<Item = u16>) -> Vec<u16> {
    let place = |row: u16| Some((PagePosition::of(columns, usize::from(row))?, row));
    let mut places: Vec<_> = rows.filter_map(place).collect();
    places.sort_unstable();
    places.into_iter().map(|(_, row)| row).collect()
}

/// All rows of a segment in the order of pages, two bytes each, once a page was asked for.
#[derive(Debug, Default)]
pub(crate) struct PageOrder {
    rows: OnceLock<Box<[u16]>>,
}

impl PageOrder {
    pub(super) fn rows(&self, columns: (&Times, &Digests)) -> &[u16] {
        let all = || (0..=u16::MAX).take(columns.1.len());
        self.rows.get_or_init(|| sorted(columns, all()).into())
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.rows.get().map_or(0, |rows| size_of_val::<[u16]>(rows))
    }
}
