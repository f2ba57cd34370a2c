//! A walk through a segment in the order of pages.

use std::borrow::Cow;

use super::digests::Digests;
use super::live_segment::LiveSegment;
use super::numbers::Times;
use super::page_order::{PagePosition, sorted};
use super::path_digest::PathDigest;

/// One of how many rows has to be alive for a walk through all rows in order to cost less than to sort those that are.
const SPARSE_ROWS: usize = 16;

/// The live files of a segment after a place, in the order of pages.
#[derive(Debug)]
pub(super) struct PageRows<'a> {
    live: &'a LiveSegment,
    rows: Cow<'a, [u16]>,
    /// How many of `rows` are passed.
    passed: usize,
}

impl<'a> PageRows<'a> {
    pub(super) fn after(live: &'a LiveSegment, after: Option<PagePosition>) -> Self {
        let columns = columns(live);
        let is_sparse = live.file_count < live.segment.row_count() / SPARSE_ROWS;
        let rows: Cow<'_, [u16]> = match &live.live {
            Some(alive) if is_sparse => sorted(columns, alive.rows()).into(),
            _ => live.segment.page_order.rows(columns).into(),
        };
        let is_passed = |row: &u16| PagePosition::of(columns, usize::from(*row)) <= after;
        let passed = after.map_or(0, |_| rows.partition_point(is_passed));
        Self { live, rows, passed }
    }
}

impl Iterator for PageRows<'_> {
    type Item = (PagePosition, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = usize::from(*self.rows.get(self.passed)?);
            self.passed += 1;
            if self.live.is_live(row) {
                return Some((PagePosition::of(columns(self.live), row)?, row));
            }
        }
    }
}

/// A place in front of all files of a segment; finding it costs nothing.
pub(super) fn place_before(live: &LiveSegment) -> PagePosition {
    let modification_time_ms = live.segment.modification_times_ms.earliest();
    PagePosition { modification_time_ms, digest: PathDigest::default() }
}

fn columns(live: &LiveSegment) -> (&Times, &Digests) {
    (&live.segment.modification_times_ms, &live.segment.digests)
}
