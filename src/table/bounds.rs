//! Bounds of a column, kept small, for a block of files.
//!
//! Values come as numbers of the same order. A block keeps them as codes of one or two bytes: their distance from a
//! base, in steps of a power of two. So a code stands for a range of numbers, and a comparison has two answers: which
//! files it holds for perhaps, and for which surely. Both follow from one threshold among the codes.

use super::row_mask::RowMask;

/// What a column can hold within one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileBounds {
    /// No value lies below; `None` if that is not known.
    pub low: Option<i64>,
    /// No value lies above; `None` if that is not known.
    pub high: Option<i64>,
    pub can_be_null: bool,
    pub can_be_value: bool,
}

impl FileBounds {
    /// What a column can hold within two files.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        let both = |one: Option<i64>, two: Option<i64>, pick: fn(i64, i64) -> i64| Some(pick(one?, two?));
        Self {
            low: both(self.low, other.low, i64::min),
            high: both(self.high, other.high, i64::max),
            can_be_null: self.can_be_null || other.can_be_null,
            can_be_value: self.can_be_value || other.can_be_value,
        }
    }
}

/// How sure an answer about a file has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Files of which it is true, and some others.
    Perhaps,
    /// Only files of which it is true.
    Surely,
}

/// The bounds of one column in the files of a block, by row.
#[derive(Debug)]
pub struct BlockBounds {
    low: Edge,
    /// Turned about, so that the greatest value is the least number.
    high: Edge,
    can_be_null: Flags,
    can_be_value: Flags,
}

impl BlockBounds {
    pub fn of(files: &[FileBounds]) -> Self {
        Self {
            low: Edge::of(files.iter().map(|file| file.low)),
            high: Edge::of(files.iter().map(|file| file.high.map(|high| !high))),
            can_be_null: Flags::of(files.iter().map(|file| file.can_be_null)),
            can_be_value: Flags::of(files.iter().map(|file| file.can_be_value)),
        }
    }

    /// The files whose lower bound is at most `number`, or not known. `None` is less than every number.
    pub fn low_at_most(&self, number: Option<i64>, certainty: Certainty) -> RowMask {
        self.low.at_most(number, certainty)
    }

    /// The files whose upper bound is at least `number`, or not known. `None` is greater than every number.
    pub fn high_at_least(&self, number: Option<i64>, certainty: Certainty) -> RowMask {
        self.high.at_most(number.map(|number| !number), certainty)
    }

    /// The files in which the column can be null.
    pub fn can_be_null(&self) -> RowMask {
        self.can_be_null.mask()
    }

    /// The files in which the column can be something else.
    pub fn can_be_value(&self) -> RowMask {
        self.can_be_value.mask()
    }

    /// What the column can hold within all files of the block.
    pub fn joined(&self) -> FileBounds {
        FileBounds {
            low: self.low.least(),
            high: self.high.least().map(|high| !high),
            can_be_null: self.can_be_null.mask() != RowMask::None,
            can_be_value: self.can_be_value.mask() != RowMask::None,
        }
    }

    /// Bytes of memory behind the bounds themselves.
    pub fn memory_bytes(&self) -> usize {
        let flags = self.can_be_null.memory_bytes() + self.can_be_value.memory_bytes();
        self.low.memory_bytes() + self.high.memory_bytes() + flags
    }
}

/// Numbers of which only one thing is asked: which are at most so large.
#[derive(Debug)]
struct Edge {
    /// The least and the greatest number that is known; the other way round if none is.
    min: i64,
    max: i64,
    has_unknown: bool,
    /// Where code 1 begins; smaller numbers have it too.
    base: i64,
    /// How many low bits of the distance from the base are dropped.
    shift: u32,
    codes: Codes,
}

/// 0 stands for what is not known.
#[derive(Debug)]
enum Codes {
    Same(u16),
    Narrow(Box<[u8]>),
    Wide(Box<[u16]>),
}

/// Codes of the numbers that are known.
const NARROW_CODES: u64 = u8::MAX as u64;
const WIDE_CODES: u64 = u16::MAX as u64;

/// Numbers that may lie outside of the codes on each side, as a part of all: some writers have values that stand for
/// "never", and these must not make the steps coarse for all others.
const OUTSIDE_PART: usize = 16;
/// Bits of the steps that must be won by that.
const OUTSIDE_BITS: u32 = 4;

impl Edge {
    fn of(numbers: impl Iterator<Item = Option<i64>> + Clone) -> Self {
        let mut known: Vec<i64> = numbers.clone().flatten().collect();
        let min = known.iter().copied().min().unwrap_or(i64::MAX);
        let max = known.iter().copied().max().unwrap_or(i64::MIN);
        let has_unknown = numbers.clone().any(|number| number.is_none());
        let edge = |base, shift, codes| Self { min, max, has_unknown, base, shift, codes };
        if known.is_empty() {
            return edge(0, 0, Codes::Same(0));
        }
        if min == max && !has_unknown {
            return edge(min, 0, Codes::Same(1));
        }
        if min.abs_diff(max) < NARROW_CODES {
            let code = |number: i64| u8::try_from(min.abs_diff(number) + 1).unwrap_or(u8::MAX);
            let codes = numbers.map(|number| number.map_or(0, code)).collect();
            return edge(min, 0, Codes::Narrow(codes));
        }
        let (base, shift) = frame(&mut known, min, max);
        let codes = numbers.map(|number| number.map_or(0, |number| wide_code(number, base, shift))).collect();
        edge(base, shift, Codes::Wide(codes))
    }

    /// The least number, or `None` if some are not known.
    fn least(&self) -> Option<i64> {
        (!self.has_unknown).then_some(self.min)
    }

    fn at_most(&self, number: Option<i64>, certainty: Certainty) -> RowMask {
        let threshold = match number {
            Some(number) if number >= self.max => return RowMask::All,
            Some(number) if number >= self.min => self.threshold(number, certainty),
            _ => 0,
        };
        if threshold == 0 && !self.has_unknown {
            return RowMask::None;
        }
        match &self.codes {
            Codes::Same(code) => RowMask::of(*code <= threshold),
            Codes::Narrow(codes) => {
                let threshold = u8::try_from(threshold).unwrap_or(u8::MAX);
                RowMask::Rows(codes.iter().map(|&code| u8::from(code <= threshold)).collect())
            }
            Codes::Wide(codes) => {
                RowMask::Rows(codes.iter().map(|&code| u8::from(code <= threshold)).collect())
            }
        }
    }

    /// The greatest code that is meant by "at most `number`", which lies among the numbers.
    fn threshold(&self, number: i64, certainty: Certainty) -> u16 {
        let code = wide_code(number, self.base, self.shift);
        let is_exact = self.shift == 0 && number >= self.base && u64::from(code) < WIDE_CODES;
        match certainty {
            Certainty::Surely if !is_exact => code - 1,
            Certainty::Perhaps | Certainty::Surely => code,
        }
    }

    fn memory_bytes(&self) -> usize {
        match &self.codes {
            Codes::Same(_) => 0,
            Codes::Narrow(codes) => codes.len(),
            Codes::Wide(codes) => codes.len() * size_of::<u16>(),
        }
    }
}

/// 1 at the base and below it, then one more with each step.
fn wide_code(number: i64, base: i64, shift: u32) -> u16 {
    let steps = if number <= base { 0 } else { base.abs_diff(number) >> shift };
    u16::try_from(steps.min(WIDE_CODES - 1) + 1).unwrap_or(u16::MAX)
}

/// The base and the steps of codes for these numbers.
fn frame(known: &mut [i64], min: i64, max: i64) -> (i64, u32) {
    let shift_of = |distance: u64| (u64::BITS - distance.leading_zeros()).saturating_sub(u16::BITS);
    let (whole, outside) = (shift_of(min.abs_diff(max)), known.len() / OUTSIDE_PART);
    if whole >= OUTSIDE_BITS && outside > 0 {
        let first = *known.select_nth_unstable(outside).1;
        let last = known.len() - 1 - outside;
        let last = *known.select_nth_unstable(last).1;
        // As far again as numbers that lie evenly would reach, and more.
        let beyond = first.abs_diff(last) / 4;
        let (first, last) = (first.saturating_sub_unsigned(beyond), last.saturating_add_unsigned(beyond));
        let inner = shift_of(first.abs_diff(last));
        if inner + OUTSIDE_BITS <= whole {
            return (first, inner);
        }
    }
    (min, whole)
}

/// A bit for each row.
#[derive(Debug)]
enum Flags {
    None,
    All,
    Rows(Box<[u8]>),
}

impl Flags {
    fn of(flags: impl Iterator<Item = bool> + Clone) -> Self {
        if flags.clone().all(|flag| flag) {
            return Self::All;
        }
        if !flags.clone().any(|flag| flag) {
            return Self::None;
        }
        let mut bytes = Vec::new();
        for (row, flag) in flags.enumerate() {
            if row % 8 == 0 {
                bytes.push(0);
            }
            if let Some(byte) = bytes.last_mut() {
                *byte |= u8::from(flag) << (row % 8);
            }
        }
        Self::Rows(bytes.into_boxed_slice())
    }

    /// Rows beyond the last are none.
    fn mask(&self) -> RowMask {
        match self {
            Self::None => RowMask::None,
            Self::All => RowMask::All,
            Self::Rows(bytes) => {
                RowMask::Rows(bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)).collect())
            }
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::None | Self::All => 0,
            Self::Rows(bytes) => bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![
            4 => -5..5_i64,
            2 => -200..200_i64,
            2 => -100_000..100_000_i64,
            1 => any::<i64>(),
            1 => proptest::sample::select(vec![i64::MIN, i64::MAX, 0, i64::MIN + 1, i64::MAX - 1]),
        ]
    }

    fn file() -> impl Strategy<Value = FileBounds> {
        let edge = || proptest::option::weighted(0.9, number());
        (edge(), edge(), any::<bool>(), proptest::bool::weighted(0.9)).prop_map(
            |(low, high, can_be_null, can_be_value)| FileBounds { low, high, can_be_null, can_be_value },
        )
    }

    fn files() -> impl Strategy<Value = Vec<FileBounds>> {
        let near =
            (number(), proptest::collection::vec(-40_000..40_000_i64, 1..80)).prop_map(|(base, all)| {
                let file = |offset: i64| {
                    let low = Some(base.saturating_add(offset));
                    FileBounds { low, high: low, can_be_null: false, can_be_value: true }
                };
                all.into_iter().map(file).collect()
            });
        prop_oneof![proptest::collection::vec(file(), 1..80), near]
    }

    proptest! {
        #[test]
        fn what_is_true_is_perhaps_true_and_what_is_surely_true_is_true(
            files in files(),
            other in number(),
            pick in any::<proptest::sample::Index>(),
            nudge in -1..2_i64,
        ) {
            let block = BlockBounds::of(&files);
            let picked = files[pick.index(files.len())].low.map(|low| low.saturating_add(nudge));
            for number in [Some(other), picked, None] {
                let lows = [Certainty::Perhaps, Certainty::Surely].map(|c| block.low_at_most(number, c));
                let highs = [Certainty::Perhaps, Certainty::Surely].map(|c| block.high_at_least(number, c));
                for (row, file) in files.iter().enumerate() {
                    let low = file.low.is_none_or(|low| number.is_some_and(|number| low <= number));
                    let high = file.high.is_none_or(|high| number.is_some_and(|number| high >= number));
                    prop_assert!(lows[0].contains(row) >= low && low >= lows[1].contains(row), "{row} {number:?}");
                    prop_assert!(highs[0].contains(row) >= high && high >= highs[1].contains(row), "{row} {number:?}");
                }
            }
            for (row, file) in files.iter().enumerate() {
                prop_assert_eq!(block.can_be_null().contains(row), file.can_be_null);
                prop_assert_eq!(block.can_be_value().contains(row), file.can_be_value);
            }
            prop_assert_eq!(Some(block.joined()), files.iter().copied().reduce(FileBounds::joined));
        }

        #[test]
        fn small_distances_lose_nothing(
            base in number(),
            offsets in proptest::collection::vec(0..60_000_i64, 2..80),
            pick in any::<proptest::sample::Index>(),
        ) {
            let lows: Vec<i64> = offsets.iter().map(|&offset| base.saturating_add(offset)).collect();
            let file = |&low: &i64| FileBounds { low: Some(low), high: None, can_be_null: true, can_be_value: true };
            let block = BlockBounds::of(&lows.iter().map(file).collect::<Vec<_>>());
            let number = lows[pick.index(lows.len())];
            for certainty in [Certainty::Perhaps, Certainty::Surely] {
                let mask = block.low_at_most(Some(number), certainty);
                let rows: Vec<bool> = (0..lows.len()).map(|row| mask.contains(row)).collect();
                prop_assert_eq!(rows, lows.iter().map(|&low| low <= number).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_value_that_stands_for_never_leaves_the_steps_fine() {
        let at = |row: i64| if row == 7 { i64::MAX } else { row * 1_000_000 };
        let file = |row| FileBounds { low: None, high: Some(at(row)), can_be_null: true, can_be_value: true };
        let block = BlockBounds::of(&(0..1_000).map(file).collect::<Vec<_>>());
        let mask = block.high_at_least(Some(990_000_000), Certainty::Perhaps);
        let rows: Vec<usize> = (0..1_000).filter(|&row| mask.contains(row)).collect();
        assert_eq!(rows, [7].into_iter().chain(990..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn equal_bounds_take_no_memory() {
        let file = FileBounds { low: Some(3), high: Some(9), can_be_null: false, can_be_value: true };
        assert_eq!(BlockBounds::of(&vec![file; 1_000]).memory_bytes(), 0);
    }
}
