//! The answer to a query, rendered as the client takes it.
//!
//! A whole list is made of runs, whose bytes depend on their files and on the bucket of time only: they are taken from the
//! finished ones, or rendered and kept. What a question chooses is rendered for it alone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use tokio::task::coop;

use super::access::Access;
use super::finished::{FinishedRuns, Run, RunKey};
use super::packing::{Packing, Piece};
use super::render::{EndTokens, LineWriter};
use super::run::{Bounds, Choice, Place, push_run};
use crate::clock::Clock;
use crate::http::body::BodyError;
use crate::http::buffer::Buffer;
use crate::http::coding::Coding;
use crate::limits::{
    CHUNK_BYTES, EMPTY_BLOCKS_PER_TURN, FINISHED_BYTES_PER_UNIT, FIRST_RUN_BYTES, PRUNED_MICROS_MAX,
    RENDERED_RUN_UNITS, RUN_BYTES_MAX, RUN_FILES_MAX,
};
use crate::skip::pruner::{Pruner, Sought};
use crate::table::file_list::FileList;
use crate::table::snapshot::Version;

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
    pub coding: Coding,
    pub finished: Arc<FinishedRuns>,
    pub clock: Clock,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Files,
    End,
    Over,
}

/// A body of NDJSON. Each step hands on one run, so a slow client costs one run of memory, and the place where to go on.
pub struct Listing {
    parts: ListingParts,
    stage: Stage,
    place: Place,
    packing: Packing,
    access: Access,
    /// What the last step cost, in units of the turn that a task has at its core (tokio: 128).
    debt: usize,
}

impl Listing {
    pub fn new(parts: ListingParts, access: Access) -> Self {
        Self {
            stage: Stage::Head,
            place: Place::default(),
            packing: Packing::new(parts.coding),
            debt: 0,
            parts,
            access,
        }
    }

    /// The next chunk; `None` after the last one. It is empty where there was nothing to render for a while, so that
    /// others have their turn.
    pub fn next_chunk(&mut self) -> Option<Bytes> {
        let chunk = match self.stage {
            Stage::Head => {
                self.stage = Stage::Files;
                let mut head = Buffer::take();
                head.bytes_mut().append(&mut self.parts.head);
                self.packing.push(head)
            }
            Stage::Files => {
                self.parts.lines.refresh(self.parts.clock.now_ms());
                match (&self.parts.pruner, self.parts.row_limit) {
                    (None, None) => self.next_run(),
                    _ => self.next_chosen(),
                }
            }
            Stage::End => {
                self.stage = Stage::Over;
                self.access.finish();
                let mut end = Buffer::take();
                if let Some(tokens) = &self.parts.end {
                    self.parts.lines.push_end(tokens, end.bytes_mut());
                }
                self.packing.end(end)
            }
            Stage::Over => return None,
        };
        self.access.sent(chunk.len());
        Some(chunk)
    }

    /// The next run of the whole list.
    fn next_run(&mut self) -> Bytes {
        for _ in 0..EMPTY_BLOCKS_PER_TURN {
            if self.place.block >= self.parts.files.block_count() {
                self.stage = Stage::End;
                return Bytes::new();
            }
            let Some(block) = self.parts.files.block_key(self.place.block) else {
                self.go_on(None);
                continue;
            };
            let scope = self.parts.lines.scope();
            let key = RunKey { scope, block, row: self.place.row, coding: self.packing.coding() };
            let run = match self.parts.finished.get(&key) {
                Some(run) => {
                    self.debt = run.piece.bytes.len().div_ceil(FINISHED_BYTES_PER_UNIT);
                    run
                }
                None => self.render(key),
            };
            self.go_on(run.next_row);
            self.access.files += run.files;
            if run.files > 0 {
                self.packing.join(&run.piece);
                return run.piece.bytes;
            }
        }
        self.debt = RENDERED_RUN_UNITS;
        Bytes::new()
    }

    fn render(&mut self, key: RunKey) -> Run {
        self.debt = RENDERED_RUN_UNITS;
        let is_first = key.block.packed.is_first() && key.row == 0;
        let bounds =
            Bounds { files: RUN_FILES_MAX, bytes: if is_first { FIRST_RUN_BYTES } else { RUN_BYTES_MAX } };
        let mut plain = Buffer::take();
        let list = (&self.parts.files, self.place);
        let pushed = push_run(list, bounds, &mut self.parts.lines, plain.bytes_mut(), |_| Choice::Take);
        let is_kept = self.parts.finished.is_on();
        let piece = if is_kept { Piece::to_keep(key.coding, &plain) } else { Piece::of(key.coding, plain) };
        let run = Run { piece, files: pushed.files, next_row: pushed.next_row };
        if is_kept {
            self.parts.finished.keep(key, run.clone());
        }
        run
    }

    /// The next chunk of what the question chooses.
    fn next_chosen(&mut self) -> Bytes {
        self.debt = RENDERED_RUN_UNITS;
        let mut out = Buffer::take();
        let chunk_bytes = if self.access.files == 0 { FIRST_RUN_BYTES } else { CHUNK_BYTES };
        let micros_max = self.pruned_micros() + PRUNED_MICROS_MAX;
        while out.as_ref().len() < chunk_bytes && self.pruned_micros() < micros_max {
            if !self.push_chosen(chunk_bytes, out.bytes_mut()) {
                self.stage = Stage::End;
                break;
            }
        }
        if out.as_ref().is_empty() {
            return Bytes::new();
        }
        self.packing.push(out)
    }

    fn pruned_micros(&self) -> usize {
        self.parts.pruner.as_ref().map_or(0, Pruner::work_micros)
    }

    /// Renders chosen files of one block until the chunk is full; `false` when there are no more to render.
    fn push_chosen(&mut self, chunk_bytes: usize, out: &mut Vec<u8>) -> bool {
        let ListingParts { files, lines, pruner, row_limit, .. } = &mut self.parts;
        if *row_limit == Some(0) || self.place.block >= files.block_count() {
            return false;
        }
        let is_begun = self.place.row > 0;
        if let Some(pruner) = pruner.as_mut().filter(|_| !is_begun) {
            let (block, is_found) = match pruner.seek(files, self.place.block) {
                Sought::At(block) => (block, true),
                Sought::Before(block) => (block, false),
            };
            self.place = Place { block, row: 0 };
            if !is_found {
                return true;
            }
        }
        let bounds = Bounds { files: usize::MAX, bytes: chunk_bytes };
        let pushed = push_run((files, self.place), bounds, lines, out, |file| {
            if pruner.as_mut().is_some_and(|pruner| !pruner.may_match(file)) {
                return Choice::Leave;
            }
            if let Some(rows) = row_limit {
                // A file whose rows were not counted may be empty.
                *rows = rows.saturating_sub(file.live_row_count().unwrap_or_default());
                if *rows == 0 {
                    return Choice::TakeLast;
                }
            }
            Choice::Take
        });
        self.access.files += pushed.files;
        self.go_on(pushed.next_row);
        true
    }

    /// Goes to a row of the same block, or to the next block.
    fn go_on(&mut self, next_row: Option<usize>) {
        self.place = match next_row {
            Some(row) => Place { row, ..self.place },
            None => Place { block: self.place.block + 1, row: 0 },
        };
    }
}

impl http_body::Body for Listing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            while let Some(left) = self.debt.checked_sub(1) {
                // Whoever asks again before the others had their turn gets nothing: one unit stays to be paid.
                let unit = coop::poll_proceed(context).map(|unit| unit.made_progress());
                self.debt = if unit.is_ready() { left } else { 1 };
                ready!(unit);
            }
            match self.next_chunk() {
                Some(chunk) if chunk.is_empty() => {}
                Some(chunk) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stage == Stage::Over
    }
}

#[cfg(test)]
mod tests;
