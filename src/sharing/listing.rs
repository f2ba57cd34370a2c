//! The answer to a query, rendered as the client takes it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;

use super::access::Access;
use super::render::{EndTokens, LineWriter};
use crate::clock::Clock;
use crate::http::body::BodyError;
use crate::limits::{CHUNK_BYTES, FIRST_CHUNK_BYTES, PRUNED_MICROS_MAX};
use crate::skip::pruner::Pruner;
use crate::table::file_list::{Block, FileList};
use crate::table::snapshot::Version;

/// Room beyond a chunk, so that its last lines seldom make it grow.
const CHUNK_SLACK_BYTES: usize = 8 << 10;

/// Files whose lines are written at once.
const FILES_SIDE_BY_SIDE: usize = 4;

/// What a listing is made of.
pub struct ListingParts {
    pub version: Version,
    pub files: FileList,
    /// The protocol and metaData lines.
    pub head: Vec<u8>,
    pub lines: LineWriter,
    /// Leaves out files that hold no wanted row.
    pub pruner: Option<Pruner>,
    /// Rows that are enough.
    pub row_limit: Option<u64>,
    /// What the last line says, if the client asked for one.
    pub end: Option<EndTokens>,
    pub clock: Clock,
}

/// A body of NDJSON. Each poll renders one chunk, so a slow client costs one block and one chunk of memory.
///
/// The first chunk is small: its bytes leave in the same time however large the table is.
pub struct Listing {
    parts: ListingParts,
    next_block: usize,
    block: Block,
    /// The row at which the block in `block` goes on; `None` when it is used up.
    row: Option<usize>,
    rows_wanted: Option<u64>,
    is_started: bool,
    is_finished: bool,
    access: Access,
}

impl Listing {
    pub fn new(parts: ListingParts, access: Access) -> Self {
        let rows_wanted = parts.row_limit;
        Self {
            parts,
            next_block: 0,
            block: Block::default(),
            row: None,
            rows_wanted,
            is_started: false,
            is_finished: false,
            access,
        }
    }

    /// The next chunk; `None` after the last one. It is empty where many files in a row were left out, so that
    /// others have their turn.
    pub fn next_chunk(&mut self) -> Option<Vec<u8>> {
        if self.is_finished {
            return None;
        }
        let chunk_bytes = if self.is_started { CHUNK_BYTES } else { FIRST_CHUNK_BYTES };
        let mut out = Vec::with_capacity(chunk_bytes + CHUNK_SLACK_BYTES);
        if !self.is_started {
            self.is_started = true;
            out.append(&mut self.parts.head);
        }
        self.parts.lines.refresh(self.parts.clock.now_ms());
        let micros_max = self.pruned_micros() + PRUNED_MICROS_MAX;
        while out.len() < chunk_bytes && !self.is_finished && self.pruned_micros() < micros_max {
            if !self.push_files(chunk_bytes, &mut out) {
                self.is_finished = true;
                if let Some(tokens) = &self.parts.end {
                    self.parts.lines.push_end(tokens, &mut out);
                }
            }
        }
        self.access.sent(out.len());
        if self.is_finished {
            self.access.finish();
        }
        Some(out)
    }

    fn pruned_micros(&self) -> usize {
        self.parts.pruner.as_ref().map_or(0, Pruner::work_micros)
    }

    /// Renders files of one block until the chunk is full; `false` when there are no more to render.
    fn push_files(&mut self, chunk_bytes: usize, out: &mut Vec<u8>) -> bool {
        if self.rows_wanted == Some(0) {
            return false;
        }
        let files = &self.parts.files;
        let mut rest = match self.row {
            Some(row) => files.reopen_block(self.next_block.saturating_sub(1), row, &self.block),
            None if self.next_block < files.block_count() => {
                let index = self.next_block;
                self.next_block += 1;
                let pruner = self.parts.pruner.as_mut();
                if pruner.is_some_and(|pruner| !pruner.may_match_block(files, index)) {
                    return true;
                }
                files.read_block(index, &mut self.block)
            }
            None => return false,
        };
        let mut waiting = Vec::with_capacity(FILES_SIDE_BY_SIDE);
        for file in rest.by_ref() {
            if self.parts.pruner.as_mut().is_some_and(|pruner| !pruner.may_match(&file)) {
                continue;
            }
            if let Some(rows) = &mut self.rows_wanted {
                // A file whose rows were not counted may be empty.
                *rows = rows.saturating_sub(file.live_row_count().unwrap_or_default());
            }
            self.access.files += 1;
            waiting.push(file);
            if self.rows_wanted == Some(0) {
                break;
            }
            if waiting.len() == FILES_SIDE_BY_SIDE {
                self.parts.lines.push_files(&waiting, out);
                waiting.clear();
                if out.len() >= chunk_bytes {
                    self.row = Some(rest.row());
                    return true;
                }
            }
        }
        self.parts.lines.push_files(&waiting, out);
        self.row = None;
        true
    }
}

impl http_body::Body for Listing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.next_chunk() {
            Some(chunk) if !chunk.is_empty() => Poll::Ready(Some(Ok(Frame::data(Bytes::from(chunk))))),
            Some(_) if !self.is_finished => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::STATS_BLOCK_FILES;
    use crate::sharing::capabilities::Format;
    use crate::sharing::fixture;
    use crate::skip::hints::Hints;
    use crate::skip::predicate::Predicate;

    const NOW_MS: i64 = 1_790_000_123_456;

    fn listing(file_count: usize, row_limit: Option<u64>, with_end: bool) -> Listing {
        let lines = LineWriter::new(fixture::signing(), Format::Parquet, Format::Parquet, NOW_MS);
        let parts = ListingParts {
            version: 7,
            files: fixture::snapshot(file_count).files,
            head: b"head\n".to_vec(),
            lines,
            pruner: None,
            row_limit,
            end: with_end.then(EndTokens::default),
            clock: Clock::fixed(NOW_MS),
        };
        Listing::new(parts, Access::begin("query"))
    }

    fn chunks(mut listing: Listing) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| listing.next_chunk()).collect()
    }

    fn paths(chunks: &[Vec<u8>]) -> Vec<String> {
        let text = String::from_utf8(chunks.concat()).unwrap();
        assert!(text.starts_with("head\n") && text.ends_with('\n') && !text.ends_with("\n\n"));
        let files = text.lines().skip(1).filter(|line| line.starts_with("{\"file\""));
        files.map(|line| line.split_once("part-").unwrap().1[..5].to_owned()).collect()
    }

    #[test]
    fn chunks_are_bounded_and_hold_every_file_once_in_order() {
        let chunks = chunks(listing(5_000, None, false));
        assert!(chunks.len() > 10);
        assert!(chunks[0].len() < FIRST_CHUNK_BYTES + CHUNK_SLACK_BYTES);
        assert!(chunks.iter().all(|chunk| chunk.len() < CHUNK_BYTES + CHUNK_SLACK_BYTES));
        let expected: Vec<String> = (0..5_000).map(|number| format!("{number:05}")).collect();
        assert_eq!(paths(&chunks), expected);
    }

    #[test]
    fn the_same_question_gets_the_same_bytes() {
        assert_eq!(chunks(listing(3_000, None, true)).concat(), chunks(listing(3_000, None, true)).concat());
    }

    #[test]
    fn an_empty_table_has_a_head_and_nothing_else() {
        assert_eq!(chunks(listing(0, None, false)), [b"head\n".to_vec()]);
    }

    #[test]
    fn a_row_limit_stops_after_enough_counted_rows() {
        // Files hold 1, 2, 3, … rows; every fifth has no count.
        for (limit, files) in [(0, 0), (1, 1), (2, 2), (3, 2), (15, 5), (16, 7), (17, 7)] {
            let chunks = chunks(listing(50, Some(limit), false));
            assert_eq!(paths(&chunks).len(), files, "limit {limit}");
        }
        assert_eq!(paths(&chunks(listing(4, Some(1_000), false))).len(), 4);
    }

    fn hinted(file_count: usize, hint: &str) -> Listing {
        let hints = Hints { sql: vec![hint.to_owned()], json: None };
        let predicate = Predicate::compile(&hints, &fixture::snapshot(0).metadata);
        let mut listing = listing(file_count, None, true);
        listing.parts.pruner = Pruner::new(predicate);
        listing
    }

    #[test]
    fn a_hint_leaves_out_files_and_keeps_the_order_of_the_rest() {
        // Every third file is of that day; file n has the id n at least.
        let kept = paths(&chunks(hinted(5_000, "date = '2024-01-02' AND id IS NOT NULL")));
        let expected: Vec<String> =
            (0..5_000).filter(|number| number % 3 == 1).map(|number| format!("{number:05}")).collect();
        assert_eq!(kept, expected);
        assert_eq!(paths(&chunks(hinted(5_000, "nosuch = 1"))).len(), 5_000);
    }

    #[test]
    fn many_refused_files_in_a_row_give_way_to_others_and_end_all_the_same() {
        let never = || {
            let mut listing = hinted(0, "id < 0");
            listing.parts.files = fixture::described(5 * STATS_BLOCK_FILES).files;
            listing
        };
        let chunks = chunks(never());
        assert!(chunks.iter().any(Vec::is_empty));
        assert_eq!(String::from_utf8(chunks.concat()).unwrap().lines().count(), 2);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = http_body_util::BodyExt::collect(never());
        assert_eq!(runtime.block_on(body).unwrap().to_bytes(), chunks.concat());
    }

    #[test]
    fn files_of_refused_partitions_cost_no_turn_of_their_own() {
        let chunks = chunks(hinted(70 * STATS_BLOCK_FILES, "date = 'never'"));
        assert_eq!(chunks.len(), 1);
        assert_eq!(String::from_utf8(chunks.concat()).unwrap().lines().count(), 2);
    }

    #[test]
    fn the_last_line_is_the_end_exactly_when_it_was_asked_for() {
        for (row_limit, files) in [(None, 40), (Some(0), 0), (Some(1), 1)] {
            let text = String::from_utf8(chunks(listing(40, row_limit, true)).concat()).unwrap();
            assert_eq!(text.lines().count(), 1 + files + 1);
            assert!(text.lines().last().unwrap().starts_with("{\"endStreamAction\":{\"minUrlExpiration"));
        }
    }
}
