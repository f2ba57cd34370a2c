//! JSON commits: pieces of a file in, actions out.

use simd_json::{Buffers, Tape};

use super::action::{Act, Action};
use super::commit_reduce::reduce;
use super::error::{Error, LineFault};
use super::partition::TupleBuilder;
use super::{commit_line, commit_scan};
use crate::limits::COMMIT_LINE_BYTES_MAX;

/// Splits commits into lines and parses them; its buffers serve one commit after the other.
pub(super) struct CommitParser {
    buffers: Buffers,
    tape: Tape<'static>,
    /// A copy of the line, because the parser unescapes in place.
    scratch: Vec<u8>,
    tuple: TupleBuilder,
    /// The beginning of a line whose end is in the next piece.
    carry: Vec<u8>,
    file: String,
    line_number: u64,
}

impl Default for CommitParser {
    fn default() -> Self {
        Self {
            buffers: Buffers::default(),
            tape: Tape(Vec::new()),
            scratch: Vec::new(),
            tuple: TupleBuilder::default(),
            carry: Vec::new(),
            file: String::new(),
            line_number: 0,
        }
    }
}

impl CommitParser {
    /// Begins the commit that messages call `file`.
    pub(super) fn start(&mut self, file: &str) {
        file.clone_into(&mut self.file);
        self.carry.clear();
        self.line_number = 0;
    }

    /// Takes the next piece of the commit.
    ///
    /// # Errors
    /// [`Error::Line`].
    pub(super) fn feed(&mut self, piece: &[u8], act: &mut Act<'_>) -> Result<(), Error> {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = tail.get(1..).unwrap_or_default();
            if self.carry.is_empty() {
                self.parse_line(head, act)?;
            } else {
                self.keep(head)?;
                let line = std::mem::take(&mut self.carry);
                self.parse_line(&line, act)?;
            }
        }
        self.keep(rest)
    }

    /// Ends the commit, whose last line may lack its line feed.
    ///
    /// # Errors
    /// As for `feed`.
    pub(super) fn finish(&mut self, act: &mut Act<'_>) -> Result<(), Error> {
        let line = std::mem::take(&mut self.carry);
        self.parse_line(&line, act)
    }

    fn keep(&mut self, head: &[u8]) -> Result<(), Error> {
        if self.carry.len() + head.len() > COMMIT_LINE_BYTES_MAX {
            self.line_number += 1;
            return Err(self.fault(LineFault::TooLong));
        }
        self.carry.extend_from_slice(head);
        Ok(())
    }

    fn fault(&self, source: LineFault) -> Error {
        Error::Line { file: self.file.clone(), line: self.line_number, source }
    }

    fn parse_line(&mut self, line: &[u8], act: &mut Act<'_>) -> Result<(), Error> {
        self.line_number += 1;
        if line.len() > COMMIT_LINE_BYTES_MAX {
            return Err(self.fault(LineFault::TooLong));
        }
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(line).ok();
        if let Some(add) = text.and_then(|text| commit_scan::scan(text, &mut self.tuple)) {
            act(Action::Add(add));
            return Ok(());
        }
        self.parse_any(line, act).map_err(|fault| self.fault(fault))
    }

    fn parse_any(&mut self, line: &[u8], act: &mut Act<'_>) -> Result<(), LineFault> {
        let read = self.parse(line, act);
        if let Err(LineFault::NotJson(_)) = read {
            // A number beyond 64 bits in a field that nobody reads is no reason to refuse the table.
            return reduce(line).map_err(LineFault::NotJson).and_then(|reduced| self.parse(&reduced, act));
        }
        read
    }

    fn parse(&mut self, line: &[u8], act: &mut Act<'_>) -> Result<(), LineFault> {
        self.scratch.clear();
        self.scratch.extend_from_slice(line);
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let read = match simd_json::fill_tape(&mut self.scratch, &mut self.buffers, &mut tape) {
            Ok(()) => commit_line::read(tape.as_value(), &mut self.tuple, act),
            Err(error) => Err(LineFault::NotJson(error.to_string())),
        };
        self.tape = tape.reset();
        read
    }
}

#[cfg(test)]
mod tests;
