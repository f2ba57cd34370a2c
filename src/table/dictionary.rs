//! Byte strings in one arena, and each string only once.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::column_file::{Column, ColumnReader, ColumnWriter, Error, check};

/// Byte strings by number, in one arena.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<u32>,
}

impl Strings {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// The string with this number; empty if there is none.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }

    pub(crate) fn push(&mut self, string: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(string));
    }

    /// Appends the string that `write` adds to the arena; it must only append.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        assert!(end < u32::MAX, "the builder closes a segment long before its arena holds 4 GiB");
        self.ends.push(end);
    }

    /// Whether each string is UTF-8.
    pub(crate) fn is_text(&self) -> bool {
        let is_text = |text: &str| self.ends.iter().all(|&end| text.is_char_boundary(end as usize));
        self.bytes.is_ascii() || std::str::from_utf8(&self.bytes).is_ok_and(is_text)
    }

    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>()
    }
}

impl Column for Strings {
    fn write(&self, out: &mut ColumnWriter<'_>) -> std::io::Result<()> {
        out.array(&self.bytes)?;
        out.array(&self.ends)
    }

    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        let strings = Self { bytes: input.array()?, ends: input.array()? };
        check(strings.ends.is_sorted(), "a string ends before it begins")?;
        let end = strings.ends.last().map_or(0, |&end| end as usize);
        check(end == strings.bytes.len(), "the last string ends elsewhere")?;
        Ok(strings)
    }
}

/// Finds the number of a string, or gives it the next one.
#[derive(Debug, Clone, Default)]
pub(crate) struct DictionaryBuilder {
    strings: Strings,
    numbers: HashTable<(u32, u32)>,
    last: u32,
}

impl DictionaryBuilder {
    pub(crate) fn len(&self) -> usize {
        self.strings.len()
    }

    /// The string with this number; empty if there is none.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        self.strings.get(index)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.strings.memory_bytes() + self.numbers.allocation_size()
    }

    pub(crate) fn byte_count(&self) -> usize {
        self.strings.byte_count()
    }

    /// The number of `string`, and whether it is new.
    pub(crate) fn intern(&mut self, string: &[u8]) -> (u32, bool) {
        let known = self.strings.len();
        let number = self.intern_within(string, usize::MAX).unwrap_or(u32::MAX);
        (number, self.strings.len() > known)
    }

    /// The number of `string`, unless it is new and `count_max` strings are known.
    pub(crate) fn intern_within(&mut self, string: &[u8], count_max: usize) -> Option<u32> {
        // Files of one directory or partition mostly come together.
        if self.strings.len() > 0 && self.strings.get(self.last as usize) == string {
            return Some(self.last);
        }
        let hash = xxh3_64(string);
        if let Some(number) = self.find(hash, string) {
            self.last = number;
            return Some(number);
        }
        (self.strings.len() < count_max).then(|| self.append(hash, string))
    }

    /// The number of `string`, if it is known.
    pub(crate) fn number_of(&self, string: &[u8]) -> Option<u32> {
        self.find(xxh3_64(string), string)
    }

    fn find(&self, hash: u64, string: &[u8]) -> Option<u32> {
        let tag = (hash >> 32) as u32;
        let strings = &self.strings;
        let found = self
            .numbers
            .find(hash, |&(other, number)| other == tag && strings.get(number as usize) == string);
        found.map(|&(_, number)| number)
    }

    fn append(&mut self, hash: u64, string: &[u8]) -> u32 {
        let number = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        let strings = &mut self.strings;
        strings.push(string);
        let entry = ((hash >> 32) as u32, number);
        self.numbers.insert_unique(hash, entry, |&(_, other)| xxh3_64(strings.get(other as usize)));
        self.last = number;
        number
    }

    pub(crate) fn finish(self) -> Strings {
        let mut strings = self.strings;
        strings.shrink();
        strings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_a_number_and_keep_their_bytes() {
        let mut dictionary = DictionaryBuilder::default();
        let mut numbers = Vec::new();
        for round in 0..2 {
            for value in 0..5_000_u32 {
                let (number, new) = dictionary.intern(format!("v={value}/").as_bytes());
                assert_eq!(new, round == 0);
                numbers.push(number);
            }
        }
        assert_eq!(numbers[..5_000], numbers[5_000..]);
        assert_eq!(dictionary.intern(b""), (5_000, true));
        let strings = dictionary.finish();
        assert_eq!(strings.get(4_321), b"v=4321/");
        assert_eq!(strings.get(5_000), b"");
        assert_eq!(strings.len(), 5_001);
    }
}
