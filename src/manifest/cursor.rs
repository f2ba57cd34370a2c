//! Values of Avro's binary encoding, one behind the other.
//!
//! Numbers are written seven bits to a byte, the lowest first, and the highest bit says that more follow; the sign stands
//! in the lowest bit ("Primitive Types" of the Avro specification).

use super::fault::Fault;

/// The highest bit of each byte: set, the number goes on.
const GOES_ON: u64 = 0x8080_8080_8080_8080;

/// Bytes of the longest number.
const NUMBER_BYTES_MAX: usize = 10;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[cfg(test)]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was read since `before`, a copy of this cursor.
    pub(super) fn since(&self, before: &Self) -> &'a [u8] {
        let read = before.rest.len().saturating_sub(self.rest.len());
        before.rest.get(..read).unwrap_or_default()
    }

    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, Fault> {
        match self.rest {
            [first, rest @ ..] if *first < 0x80 => {
                self.rest = rest;
                Ok(signed(u64::from(*first)))
            }
            [first, second, rest @ ..] if *second < 0x80 => {
                self.rest = rest;
                Ok(signed(u64::from(*first & 0x7F) | (u64::from(*second) << 7)))
            }
            _ => self.wide_long(),
        }
    }

    /// A number of three bytes or more.
    #[inline]
    fn wide_long(&mut self) -> Result<i64, Fault> {
        let Some((word, stops)) = self.word() else { return self.slow_long() };
        // The bytes up to the first one that does not go on, then their bits moved together.
        let bits = word & (stops ^ (stops - 1)) & !GOES_ON;
        let bits = ((bits & 0x7F00_7F00_7F00_7F00) >> 1) | (bits & 0x007F_007F_007F_007F);
        let bits = ((bits & 0x3FFF_0000_3FFF_0000) >> 2) | (bits & 0x0000_3FFF_0000_3FFF);
        let bits = ((bits & 0x0FFF_FFFF_0000_0000) >> 4) | (bits & 0x0000_0000_0FFF_FFFF);
        self.advance(length(stops))?;
        Ok(signed(bits))
    }

    /// The next eight bytes, and where in them numbers end; `None` if there are fewer, or none ends in them.
    #[inline]
    fn word(&self) -> Option<(u64, u64)> {
        let word = u64::from_le_bytes(*self.rest.first_chunk::<8>()?);
        let stops = !word & GOES_ON;
        (stops != 0).then_some((word, stops))
    }

    #[inline(never)]
    fn slow_long(&mut self) -> Result<i64, Fault> {
        let mut value = 0_u64;
        for (count, byte) in self.rest.iter().take(NUMBER_BYTES_MAX).enumerate() {
            let bits = u64::from(byte & 0x7F);
            let shift = 7 * u32::try_from(count).unwrap_or(u32::MAX);
            // Bits above the highest are lost, as other readers lose them: there are files with such numbers.
            value |= bits << shift;
            if byte & 0x80 == 0 {
                self.advance(count + 1)?;
                return Ok(signed(value));
            }
        }
        Err(if self.rest.len() < NUMBER_BYTES_MAX { Fault::Ended } else { Fault::Number })
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, Fault> {
        i32::try_from(self.long()?).map_err(|_| Fault::Number)
    }

    #[inline]
    pub(super) fn skip_number(&mut self) -> Result<(), Fault> {
        if let [first, rest @ ..] = self.rest
            && *first < 0x80
        {
            self.rest = rest;
            return Ok(());
        }
        match self.word() {
            Some((_, stops)) => self.advance(length(stops)),
            None => self.slow_long().map(drop),
        }
    }

    /// Passes over `count` numbers: where eight bytes hold the ends of fewer, they are passed over at once.
    #[inline]
    pub(super) fn skip_numbers(&mut self, count: usize) -> Result<(), Fault> {
        let (mut left, mut ahead) = (count, *self);
        while let Some((_, stops)) = ahead.word() {
            let ends = stops.count_ones() as usize;
            if ends >= left {
                break;
            }
            left -= ends;
            ahead.advance(8)?;
            *self = ahead;
        }
        // What is left may begin in the middle of a number, of which the end counts.
        (0..left).try_for_each(|_| self.skip_number())
    }

    #[inline]
    pub(super) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Fault::Boolean),
        }
    }

    pub(super) fn float(&mut self) -> Result<f32, Fault> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Fault::Ended)?;
        self.rest = rest;
        Ok(f32::from_le_bytes(*bytes))
    }

    pub(super) fn double(&mut self) -> Result<f64, Fault> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Fault::Ended)?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    /// A length.
    #[inline]
    pub(super) fn length(&mut self) -> Result<usize, Fault> {
        let length = self.long()?;
        if length < 0 {
            return Err(Fault::Negative);
        }
        usize::try_from(length).map_err(|_| Fault::Ended)
    }

    /// Bytes behind their length.
    #[inline]
    pub(super) fn blob(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.length()?;
        self.take(length)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.blob()?).map_err(|_| Fault::Text)
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::Ended)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn advance(&mut self, length: usize) -> Result<(), Fault> {
        self.take(length).map(drop)
    }

    /// How many items the next block of an array or a map has; 0 ends it.
    ///
    /// A negative count is followed by the bytes of the block, which nobody needs who reads every item. Items take at
    /// least a byte each, so that a count is never more than what is left.
    #[inline]
    pub(super) fn items(&mut self) -> Result<usize, Fault> {
        let mut count = self.long()?;
        if count < 0 {
            count = count.checked_neg().ok_or(Fault::Negative)?;
            self.length()?;
        }
        let count = usize::try_from(count).map_err(|_| Fault::Ended)?;
        if count > self.rest.len() { Err(Fault::Ended) } else { Ok(count) }
    }
}

/// Bytes up to the first that does not go on.
#[inline]
fn length(stops: u64) -> usize {
    // At most 64.
    stops.trailing_zeros().div_ceil(8) as usize
}

#[inline]
fn signed(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::encode;
    use super::*;

    #[test]
    fn numbers_are_those_of_the_specification() {
        let examples: [(i64, &[u8]); 7] = [
            (0, &[0]),
            (-1, &[1]),
            (1, &[2]),
            (-2, &[3]),
            (-64, &[0x7F]),
            (64, &[0x80, 1]),
            (8192, &[0x80, 0x80, 1]),
        ];
        for (number, bytes) in examples {
            assert_eq!(Cursor::new(bytes).long(), Ok(number));
            let mut written = Vec::new();
            encode::long(&mut written, number);
            assert_eq!(written, bytes);
        }
    }

    #[test]
    fn numbers_that_end_nowhere_are_refused() {
        assert_eq!(Cursor::new(&[]).long(), Err(Fault::Ended));
        assert_eq!(Cursor::new(&[0x80; 9]).long(), Err(Fault::Ended));
        assert_eq!(Cursor::new(&[0x80; 12]).long(), Err(Fault::Number));
        let mut above = vec![0xFF; 9];
        above.push(3);
        assert_eq!(Cursor::new(&above).long(), Ok(i64::MIN));
        assert_eq!(Cursor::new(&[1]).length(), Err(Fault::Negative));
        assert_eq!(Cursor::new(&[2, 1]).take(3), Err(Fault::Ended));
        assert_eq!(Cursor::new(&[2]).boolean(), Err(Fault::Boolean));
    }

    #[test]
    fn a_count_of_more_items_than_bytes_is_refused() {
        assert_eq!(Cursor::new(&[4, 0, 0]).items(), Ok(2));
        assert_eq!(Cursor::new(&[3, 4, 0, 0]).items(), Ok(2));
        assert_eq!(Cursor::new(&[4, 0]).items(), Err(Fault::Ended));
        let mut least = Vec::new();
        encode::long(&mut least, i64::MIN);
        assert_eq!(Cursor::new(&least).items(), Err(Fault::Negative));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(number: i64, short in -9000_i64..9000, behind: Vec<u8>) {
            for number in [number, short, number >> 17, number >> 33, number >> 48] {
                let mut bytes = Vec::new();
                encode::long(&mut bytes, number);
                bytes.extend(&behind);
                let mut cursor = Cursor::new(&bytes);
                prop_assert_eq!(cursor.long(), Ok(number));
                prop_assert_eq!(cursor.rest(), &behind);
                let mut cursor = Cursor::new(&bytes);
                prop_assert_eq!(cursor.skip_number(), Ok(()));
                prop_assert_eq!(cursor.rest(), &behind);
            }
        }

        #[test]
        fn foreign_bytes_are_read_and_skipped_alike(bytes: Vec<u8>) {
            let (mut read, mut skipped) = (Cursor::new(&bytes), Cursor::new(&bytes));
            let number = read.long();
            prop_assert_eq!(number.map(drop), skipped.skip_number());
            prop_assert!(number.is_err() || read.rest() == skipped.rest());
        }
    }
}
