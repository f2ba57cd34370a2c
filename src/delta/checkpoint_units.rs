//! Decodes the files of a checkpoint side by side.
//!
//! The rows of all files, one file after the other, are cut into units of about one segment, wherever row groups begin
//! and end: some writers put a million rows into one. Threads take the units in their order, each makes a list of its
//! own, and the lists are put together in the order of the units. So the result does not depend on who was faster.
//! A unit that begins within a row group passes over the pages before it without unpacking them.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::action::{Act, Action};
use super::checkpoint::CheckpointReader;
use super::error::Error;
use super::live_files::{Found, Judge, LiveFiles};
use super::replay::Replay;
use crate::limits::{CHECKPOINT_UNIT_ROWS, CHECKPOINT_UNITS_OF_GROUP};
use crate::side_by_side::Helpers;

/// A file of rows, cheap to clone.
trait Rows: Clone {
    fn row_count(&self) -> usize;
    /// Rows of the largest row group.
    fn group_row_count_max(&self) -> usize;
}

impl Rows for CheckpointReader {
    fn row_count(&self) -> usize {
        self.row_count()
    }

    fn group_row_count_max(&self) -> usize {
        self.group_row_count_max()
    }
}

/// Rows that one thread decodes: files, and which of their rows.
type Unit<F> = Vec<(F, Range<usize>)>;

/// Cuts files into units.
struct Units<F, I> {
    files: I,
    /// What is left of the file that is being cut.
    rest: Option<(F, Range<usize>)>,
}

impl<F: Rows, I: Iterator<Item = Result<F, Error>>> Units<F, I> {
    /// What is left of the file that is being cut, or the next one; `None` after the last.
    fn next_rows(&mut self) -> Result<Option<(F, Range<usize>)>, Error> {
        if let Some(rest) = self.rest.take() {
            return Ok(Some(rest));
        }
        let file = self.files.next().transpose()?;
        Ok(file.map(|file| {
            let rows = 0..file.row_count();
            (file, rows)
        }))
    }

    /// The next unit; empty after the last.
    fn next_unit(&mut self) -> Result<Unit<F>, Error> {
        let (mut unit, mut row_count) = (Vec::new(), 0);
        while let Some((file, rows)) = self.next_rows()? {
            let room = unit_rows(file.group_row_count_max()).saturating_sub(row_count);
            if room == 0 {
                self.rest = Some((file, rows));
                break;
            }
            let end = rows.start.saturating_add(room).min(rows.end);
            if end < rows.end {
                self.rest = Some((file.clone(), end..rows.end));
            }
            row_count += end - rows.start;
            unit.push((file, rows.start..end));
        }
        Ok(unit)
    }
}

impl<F: Rows, I: Iterator<Item = Result<F, Error>>> Iterator for Units<F, I> {
    type Item = Result<Unit<F>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_unit().map(|unit| (!unit.is_empty()).then_some(unit)).transpose()
    }
}

fn read(unit: &Unit<CheckpointReader>, act: &mut Act<'_>) -> Result<(), Error> {
    unit.iter().try_for_each(|(reader, rows)| reader.read_adds(rows.clone(), act))
}

/// Rows in a unit of a file whose largest row group has `group_rows` rows: whole segments, and so many that the way to
/// the last unit of a group does not become the work.
fn unit_rows(group_rows: usize) -> usize {
    group_rows
        .div_ceil(CHECKPOINT_UNITS_OF_GROUP)
        .next_multiple_of(CHECKPOINT_UNIT_ROWS)
        .max(CHECKPOINT_UNIT_ROWS)
}

/// Puts the adds of the files into `replay`, in their order.
///
/// # Errors
/// The one that comes first in that order.
pub(super) fn read_adds(
    readers: impl Iterator<Item = Result<CheckpointReader, Error>> + Send,
    replay: &mut Replay,
) -> Result<(), Error> {
    let mut units = Units { files: readers, rest: None }.peekable();
    let Some(first) = units.next().transpose()? else { return Ok(()) };
    if units.peek().is_none() {
        return read(&first, &mut |action| replay.act_of_checkpoint(action));
    }
    let work = Work::new(first, units);
    let judge = replay.judge();
    let helpers = Helpers::take(usize::MAX);
    std::thread::scope(|scope| {
        for number in 0..helpers.count() {
            let name = format!("checkpoint-{number}");
            // Without a helper the work takes longer.
            let _ = std::thread::Builder::new().name(name).spawn_scoped(scope, || work.run(judge));
        }
        work.run(judge);
    });
    drop(helpers);
    work.finish()?.into_iter().for_each(|files| replay.append(files));
    Ok(())
}

trait Readers: Iterator<Item = Result<CheckpointReader, Error>> {}

impl<I: Iterator<Item = Result<CheckpointReader, Error>>> Readers for I {}

/// What the threads share.
struct Work<I: Readers> {
    state: Mutex<State<I>>,
}

struct State<I: Readers> {
    first: Option<Unit<CheckpointReader>>,
    units: Peekable<Units<CheckpointReader, I>>,
    /// The number of the next unit.
    number: usize,
    /// Results by number, in the order in which they came.
    done: Vec<(usize, Result<Found, Error>)>,
    has_failed: bool,
}

impl<I: Readers> Work<I> {
    fn new(first: Unit<CheckpointReader>, units: Peekable<Units<CheckpointReader, I>>) -> Self {
        let state = State { first: Some(first), units, number: 0, done: Vec::new(), has_failed: false };
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State<I>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decodes units until none is left.
    fn run(&self, judge: Judge<'_>) {
        let mut files = LiveFiles::default();
        loop {
            // Opening the next file under the lock keeps the order; it reads no more than a footer.
            let Some((number, unit)) = self.state().next() else { return };
            let mut act = |action: Action<'_>| {
                if let Action::Add(add) = action {
                    judge.add(&add, &mut files);
                }
            };
            let read = unit.and_then(|unit| read(&unit, &mut act));
            let found = files.take();
            let result = read.map(|()| found);
            let mut state = self.state();
            // Those that were taken before are read to their end, so that the first error is always the same.
            state.has_failed |= result.is_err();
            state.done.push((number, result));
        }
    }

    /// The files by unit.
    fn finish(self) -> Result<Vec<Found>, Error> {
        let mut done = self.state.into_inner().unwrap_or_else(PoisonError::into_inner).done;
        done.sort_unstable_by_key(|&(number, _)| number);
        done.into_iter().map(|(_, files)| files).collect()
    }
}

impl<I: Readers> State<I> {
    fn next(&mut self) -> Option<(usize, Result<Unit<CheckpointReader>, Error>)> {
        if self.has_failed {
            return None;
        }
        let unit = self.first.take().map(Ok).or_else(|| self.units.next())?;
        self.number += 1;
        Some((self.number, unit))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    struct File {
        number: usize,
        groups: Vec<usize>,
    }

    impl Rows for File {
        fn row_count(&self) -> usize {
            self.groups.iter().sum()
        }

        fn group_row_count_max(&self) -> usize {
            self.groups.iter().copied().max().unwrap_or(0)
        }
    }

    proptest! {
        #[test]
        fn each_row_is_in_one_unit_in_its_order(
            files in prop::collection::vec(prop::collection::vec(0_usize..1_500_000, 0..4), 0..6),
        ) {
            let files: Vec<_> =
                files.into_iter().enumerate().map(|(number, groups)| File { number, groups }).collect();
            let units = Units { files: files.iter().cloned().map(Ok), rest: None };
            let units: Vec<_> = units.collect::<Result<_, _>>().unwrap();
            let mut ends = vec![0; files.len()];
            let mut last = 0;
            for (file, rows) in units.iter().flatten() {
                prop_assert!(file.number >= last, "files come one after the other");
                prop_assert_eq!(ends[file.number], rows.start);
                (last, ends[file.number]) = (file.number, rows.end);
            }
            prop_assert_eq!(ends, files.iter().map(Rows::row_count).collect::<Vec<_>>());
            let sizes = units.iter().map(|unit| unit.iter().map(|(_, rows)| rows.len()).sum::<usize>());
            let sizes: Vec<_> = sizes.collect();
            let whole = &sizes[..sizes.len().saturating_sub(1)];
            prop_assert!(whole.iter().all(|&size| size >= CHECKPOINT_UNIT_ROWS), "{:?}", sizes);
        }
    }

    #[test]
    fn no_row_group_is_cut_into_more_units_than_allowed() {
        for rows in [0, 1, 65_536, 65_537, 1_000_000, 10_000_000] {
            let size = unit_rows(rows);
            assert!(
                rows.div_ceil(size) <= CHECKPOINT_UNITS_OF_GROUP && size.is_multiple_of(CHECKPOINT_UNIT_ROWS)
            );
        }
        assert_eq!(unit_rows(500_000), CHECKPOINT_UNIT_ROWS);
    }
}
