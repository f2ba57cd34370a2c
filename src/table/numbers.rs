//! Numbers of rows in as few bits as they need.

use super::column_file::{Column, ColumnReader, ColumnWriter, Error, check};

/// Widest distance that eight bytes hold wherever it begins within a byte; wider ones begin with a byte.
const ODD_BITS_MAX: u8 = 57;

/// Bytes behind the last distance, so that each is read as eight bytes.
const PADDING: usize = 7;

/// Numbers by row, each kept as its distance from the smallest in the bits of the largest distance. Equal numbers
/// take no memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    base: u64,
    /// Of each distance; 0 to 57, or 64.
    bits: u8,
    count: u32,
    /// Distances from the lowest bit up, then padding; empty if they take no bits.
    distances: Vec<u8>,
}

impl Numbers {
    /// Packs `numbers`, of which there are fewer than 2³².
    pub(crate) fn pack(numbers: &[u64]) -> Self {
        let base = numbers.iter().copied().min().unwrap_or_default();
        let widest = numbers.iter().copied().max().unwrap_or_default() - base;
        let needed = u8::try_from(64 - widest.leading_zeros()).unwrap_or(64);
        let bits = if needed > ODD_BITS_MAX { 64 } else { needed };
        let count = u32::try_from(numbers.len());
        assert!(count.is_ok(), "a segment has at most 65,536 rows");
        let mut packed = Self { base, bits, count: count.unwrap_or_default(), distances: Vec::new() };
        if bits > 0 {
            packed.distances = vec![0; (numbers.len() * usize::from(bits)).div_ceil(8) + PADDING];
            for (row, number) in numbers.iter().enumerate() {
                packed.put(row, number - base);
            }
        }
        packed
    }

    fn put(&mut self, row: usize, distance: u64) {
        let bit = row * usize::from(self.bits);
        let place = self.distances.get_mut(bit / 8..).and_then(|bytes| bytes.first_chunk_mut());
        if let Some(bytes) = place {
            let word = u64::from_le_bytes(*bytes) | distance << (bit % 8);
            *bytes = word.to_le_bytes();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether each number is below `bound`.
    pub(crate) fn are_below(&self, bound: usize) -> bool {
        let most = u64::MAX.checked_shr(64 - u32::from(self.bits)).unwrap_or(0);
        let bound = bound as u64;
        self.base.saturating_add(most) < bound || self.iter().all(|number| number < bound)
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<u64> {
        if row >= self.len() {
            return None;
        }
        if self.bits == 0 {
            return Some(self.base);
        }
        let bit = row * usize::from(self.bits);
        let word = u64::from_le_bytes(*self.distances.get(bit / 8..)?.first_chunk()?) >> (bit % 8);
        let mask = u64::MAX >> (64 - u32::from(self.bits));
        // The sum was a number that went in; of foreign bytes it may be any.
        Some(self.base.wrapping_add(word & mask))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        (0..self.len()).map(|row| self.get(row).unwrap_or_default())
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.distances.capacity()
    }
}

impl Column for Numbers {
    fn write(&self, out: &mut ColumnWriter<'_>) -> std::io::Result<()> {
        [self.base, u64::from(self.bits), u64::from(self.count)]
            .into_iter()
            .try_for_each(|number| out.number(number))?;
        out.array(&self.distances)
    }

    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        let base = input.number()?;
        let (bits, count) = (u8::try_from(input.number()?), u32::try_from(input.number()?));
        let (Ok(bits), Ok(count)) = (bits, count) else { return Err(Error::Damaged("numbers are too wide")) };
        let distances: Vec<u8> = input.array()?;
        check(bits <= ODD_BITS_MAX || bits == 64, "numbers are too wide")?;
        let packed_bytes = (u64::from(count) * u64::from(bits)).div_ceil(8);
        let needed = if bits == 0 { 0 } else { packed_bytes + PADDING as u64 };
        check(distances.len() as u64 == needed, "numbers are missing")?;
        Ok(Self { base, bits, count, distances })
    }
}

/// Numbers that rows may lack.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct OptionalNumbers {
    /// What is subtracted from each number, so that 0 is left for none.
    offset: u64,
    numbers: Numbers,
}

/// Stands for a missing number while numbers are gathered; the number itself is none that any file has.
pub(crate) const MISSING: u64 = u64::MAX;

impl OptionalNumbers {
    /// Packs numbers of which some are [`MISSING`].
    pub(crate) fn pack(numbers: &[u64]) -> Self {
        let known = numbers.iter().copied().filter(|&number| number != MISSING);
        let Some(smallest) = known.min() else {
            return Self { offset: 0, numbers: Numbers::pack(&vec![0; numbers.len()]) };
        };
        let shifted = |&number: &u64| if number == MISSING { 0 } else { number - smallest + 1 };
        let shifted: Vec<u64> = numbers.iter().map(shifted).collect();
        Self { offset: smallest, numbers: Numbers::pack(&shifted) }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<u64> {
        let above = self.numbers.get(row)?.checked_sub(1)?;
        Some(self.offset.wrapping_add(above))
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.numbers.memory_bytes()
    }
}

impl Column for OptionalNumbers {
    fn write(&self, out: &mut ColumnWriter<'_>) -> std::io::Result<()> {
        out.number(self.offset)?;
        self.numbers.write(out)
    }

    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        Ok(Self { offset: input.number()?, numbers: Numbers::read(input)? })
    }
}

/// Times by row, in milliseconds since the Unix epoch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    numbers: Numbers,
}

impl Times {
    pub(crate) fn pack(times_ms: &[i64]) -> Self {
        let numbers: Vec<u64> = times_ms.iter().copied().map(ordered).collect();
        Self { numbers: Numbers::pack(&numbers) }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<i64> {
        self.numbers.get(row).map(|number| (number ^ SIGN).cast_signed())
    }

    /// A time that no other lies before.
    pub(crate) fn earliest(&self) -> i64 {
        (self.numbers.base ^ SIGN).cast_signed()
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.numbers.memory_bytes()
    }
}

impl Column for Times {
    fn write(&self, out: &mut ColumnWriter<'_>) -> std::io::Result<()> {
        self.numbers.write(out)
    }

    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        Ok(Self { numbers: Numbers::read(input)? })
    }
}

const SIGN: u64 = 1 << 63;

/// A number that is larger exactly when the time is later.
fn ordered(time_ms: i64) -> u64 {
    time_ms.cast_unsigned() ^ SIGN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_numbers_and_none_at_all_take_no_memory() {
        assert_eq!(Numbers::pack(&[7; 1000]).memory_bytes(), 0);
        assert_eq!(OptionalNumbers::pack(&[MISSING; 1000]).memory_bytes(), 0);
        assert_eq!(OptionalNumbers::pack(&[3; 1000]).memory_bytes(), 0);
        assert_eq!(Times::pack(&[-3; 1000]).get(999), Some(-3));
        assert_eq!(Numbers::default().get(0), None);
    }

    #[test]
    fn a_thousand_small_distances_take_a_thousand_times_their_bits() {
        let numbers: Vec<u64> = (0..1000).map(|number| u64::MAX - number).collect();
        assert_eq!(Numbers::pack(&numbers).memory_bytes(), 1000 * 10 / 8 + PADDING);
    }

    /// Numbers of which the highest has about as many bits as `bits` says.
    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        (0_u32..64, any::<u64>()).prop_flat_map(|(shift, base)| {
            let number = any::<u64>().prop_map(move |number| base.wrapping_add(number >> shift));
            proptest::collection::vec(number, 0..200)
        })
    }

    proptest! {
        #[test]
        fn numbers_come_out_as_they_went_in(numbers in numbers()) {
            let packed = Numbers::pack(&numbers);
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), numbers.clone());
            prop_assert_eq!((packed.len(), packed.get(numbers.len())), (numbers.len(), None));
            let times: Vec<i64> = numbers.iter().map(|number| number.cast_signed()).collect();
            let packed = Times::pack(&times);
            prop_assert!((0..times.len()).all(|row| packed.get(row) == Some(times[row])));
        }

        #[test]
        fn missing_numbers_stay_missing(numbers in numbers(), missing in proptest::collection::vec(0_usize..200, 0..9)) {
            let mut numbers = numbers;
            for row in missing {
                if let Some(number) = numbers.get_mut(row) {
                    *number = MISSING;
                }
            }
            let packed = OptionalNumbers::pack(&numbers);
            let expected = numbers.iter().map(|&number| (number != MISSING).then_some(number));
            prop_assert!(expected.enumerate().all(|(row, number)| packed.get(row) == number));
        }
    }
}
