//! File names, the usual ones in binary.
//!
//! Writers name a file by a number and a UUID, and all files of a table alike:
//!
//! ```text
//! part-00017-3f2c8a10-77aa-4c1e-9d5b-0b6f5a1c2d3e.c000.snappy.parquet
//! │head│num│ │               id                 ││       tail       │
//! ```
//!
//! So a name is a template (head, digits of the number, middle, tail), a number and 16 bytes. What does not come out
//! byte for byte from that is kept as text.

use super::column_file::{Column, ColumnReader, ColumnWriter, Error, check};
use super::dictionary::{DictionaryBuilder, Strings};
use super::numbers::Numbers;
use super::order::Order;
use crate::limits::NAME_TEMPLATES_MAX;
use crate::sigv4::hexadecimal::write_hex;

/// Bytes of a UUID's text, and where its dashes stand.
const ID_TEXT_BYTES: usize = 36;
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// Where the digits of each byte of a UUID stand in its text.
const BYTE_PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// Digits of a number that surely fits 64 bits.
const NUMBER_DIGITS_MAX: usize = 19;

/// Names by row.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Each as [`Template::write`] writes it.
    templates: Strings,
    /// Of a row, the template's number and one; 0 for a name that is text.
    template_of: Numbers,
    /// Of a row: the number in its name, or that of its text.
    numbers: Numbers,
    /// Empty if no row has one.
    ids: Vec<[u8; 16]>,
    texts: Strings,
}

impl Names {
    /// Appends the name of `row`.
    pub(crate) fn push(&self, row: usize, out: &mut Vec<u8>) {
        let number = self.numbers.get(row).unwrap_or_default();
        let template = self.template_of.get(row).unwrap_or_default();
        let Some(template) = template.checked_sub(1) else {
            out.extend_from_slice(self.texts.get(usize::try_from(number).unwrap_or(usize::MAX)));
            return;
        };
        let template = self.templates.get(usize::try_from(template).unwrap_or(usize::MAX));
        if let Some(id) = self.ids.get(row) {
            push_usual(template, number, id, out);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.template_of.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.templates.memory_bytes()
            + self.template_of.memory_bytes()
            + self.numbers.memory_bytes()
            + self.ids.capacity() * size_of::<[u8; 16]>()
            + self.texts.memory_bytes()
    }
}

impl Column for Names {
    fn write(&self, out: &mut ColumnWriter<'_>) -> std::io::Result<()> {
        self.templates.write(out)?;
        self.template_of.write(out)?;
        self.numbers.write(out)?;
        out.array(&self.ids)?;
        self.texts.write(out)
    }

    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error> {
        let names = Self {
            templates: Strings::read(input)?,
            template_of: Numbers::read(input)?,
            numbers: Numbers::read(input)?,
            ids: input.array()?,
            texts: Strings::read(input)?,
        };
        let Self { templates, template_of, numbers, ids, texts } = &names;
        let row_count = template_of.len();
        check(numbers.len() == row_count && ids.len() <= row_count, "names lack something")?;
        check(template_of.are_below(templates.len() + 1), "a name has no template")?;
        check(texts.is_text(), "a name is no text")?;
        Ok(names)
    }
}

/// What names have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Template<'a> {
    head: &'a [u8],
    /// Digits of the number behind the head, leading zeros included.
    digits: u8,
    middle: &'a [u8],
    /// What follows the UUID.
    tail: &'a [u8],
}

impl Template<'_> {
    /// Appends where number, its end and UUID stand in a name, 8 bits each, and a name with neither.
    fn write(&self, out: &mut Vec<u8>) {
        let number = self.head.len();
        let number_end = number + usize::from(self.digits);
        let places = [number, number_end, number_end + self.middle.len()];
        out.extend(places.map(|place| u8::try_from(place).unwrap_or(u8::MAX)));
        out.extend_from_slice(self.head);
        out.resize(out.len() + usize::from(self.digits), b'0');
        out.extend_from_slice(self.middle);
        out.extend_from_slice(&[b'-'; ID_TEXT_BYTES]);
        out.extend_from_slice(self.tail);
    }
}

/// Appends a name that [`Template::write`] left a template for.
#[inline]
fn push_usual(template: &[u8], mut number: u64, id: &[u8; 16], out: &mut Vec<u8>) {
    let Some((&[first, end, id_at], text)) = template.split_first_chunk() else { return };
    let start = out.len();
    out.extend_from_slice(text);
    let Some(name) = out.get_mut(start..) else { return };
    for digit in name.get_mut(usize::from(first)..usize::from(end)).unwrap_or_default().iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    if let Some(place) = name.get_mut(usize::from(id_at)..).and_then(|rest| rest.first_chunk_mut()) {
        *place = id_text(id);
    }
}

#[inline]
fn id_text(id: &[u8; 16]) -> [u8; ID_TEXT_BYTES] {
    let mut digits = [0; 32];
    write_hex(id, &mut digits);
    let mut text = [b'-'; ID_TEXT_BYTES];
    let (mut rest, mut start) = (&digits[..], 0);
    for end in DASHES.into_iter().chain([ID_TEXT_BYTES]) {
        if let (Some(to), Some((from, after))) =
            (text.get_mut(start..end), rest.split_at_checked(end - start))
        {
            to.copy_from_slice(from);
            rest = after;
        }
        start = end + 1;
    }
    text
}

/// A name that is a template, a number and a UUID.
#[derive(Debug, PartialEq, Eq)]
struct Usual<'a> {
    template: Template<'a>,
    number: u64,
    id: [u8; 16],
}

impl<'a> Usual<'a> {
    /// The parts of a name, if it comes out of them as it is.
    fn of(name: &'a [u8]) -> Option<Self> {
        let last = name.len().checked_sub(ID_TEXT_BYTES)?;
        let (at, id) = (0..=last).find_map(|at| Some((at, id_at(name, at)?)))?;
        let (before, tail) = (name.get(..at)?, name.get(at + ID_TEXT_BYTES..)?);
        let number_end = before.iter().rposition(u8::is_ascii_digit).map_or(0, |last| last + 1);
        let (before, middle) = before.split_at_checked(number_end)?;
        let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (head, digits) = before.split_at_checked(before.len() - digits.min(NUMBER_DIGITS_MAX))?;
        if at > usize::from(u8::MAX) {
            return None;
        }
        let number = digits
            .iter()
            .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))?;
        let digits = u8::try_from(digits.len()).ok()?;
        Some(Self { template: Template { head, digits, middle, tail }, number, id })
    }
}

/// The UUID whose text, in small digits, stands at `at`.
#[inline]
fn id_at(name: &[u8], at: usize) -> Option<[u8; 16]> {
    let text: &[u8; ID_TEXT_BYTES] = name.get(at..)?.first_chunk()?;
    if DASHES.into_iter().any(|dash| text.get(dash) != Some(&b'-')) {
        return None;
    }
    let mut id = [0; 16];
    let mut seen = 0;
    for (byte, place) in id.iter_mut().zip(BYTE_PLACES) {
        let [high, low] =
            text.get(place..).and_then(|digits| digits.first_chunk()).map(|pair| pair.map(digit))?;
        seen |= high | low;
        *byte = high << 4 | low & 15;
    }
    (seen & NO_DIGIT == 0).then_some(id)
}

/// Set in what is no digit.
const NO_DIGIT: u8 = 0x80;

/// The value of a small hexadecimal digit.
#[inline]
fn digit(byte: u8) -> u8 {
    let (number, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
    let letter = if letter < 6 { letter + 10 } else { NO_DIGIT };
    if number < 10 { number } else { letter }
}

/// Collects names.
#[derive(Debug, Default)]
pub(crate) struct NamesBuilder {
    templates: DictionaryBuilder,
    template_of: Vec<u64>,
    numbers: Vec<u64>,
    ids: Vec<[u8; 16]>,
    texts: Strings,
    /// Scratch for a template.
    template: Vec<u8>,
}

impl NamesBuilder {
    pub(crate) fn push(&mut self, name: &[u8]) {
        let (template, number) = if let Some((template, Usual { number, id, .. })) = self.intern(name) {
            self.ids.resize(self.numbers.len(), [0; 16]);
            self.ids.push(id);
            (u64::from(template) + 1, number)
        } else {
            self.texts.push(name);
            (0, self.texts.len() as u64 - 1)
        };
        self.template_of.push(template);
        self.numbers.push(number);
    }

    /// The parts of a name with the number of its template, which there may be no room for.
    fn intern<'a>(&mut self, name: &'a [u8]) -> Option<(u32, Usual<'a>)> {
        let usual = Usual::of(name)?;
        self.template.clear();
        usual.template.write(&mut self.template);
        let number = self.templates.intern_within(&self.template, NAME_TEMPLATES_MAX)?;
        Some((number, usual))
    }

    /// Bytes of text.
    pub(crate) fn byte_count(&self) -> usize {
        self.texts.byte_count() + self.templates.byte_count()
    }

    /// The names in another order of rows.
    pub(crate) fn finish(mut self, order: &Order) -> Names {
        self.texts.shrink();
        Names {
            templates: self.templates.finish(),
            template_of: Numbers::pack(&order.arrange(&self.template_of)),
            numbers: Numbers::pack(&order.arrange(&self.numbers)),
            ids: if self.ids.is_empty() { Vec::new() } else { order.arrange(&self.ids) },
            texts: self.texts,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "3f2c8a10-77aa-4c1e-9d5b-0b6f5a1c2d3e";

    fn names<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Names {
        let mut builder = NamesBuilder::default();
        names.into_iter().for_each(|name| builder.push(name));
        let numbers = vec![0; builder.numbers.len()];
        let mut partitions = DictionaryBuilder::default();
        partitions.intern(b"{}");
        builder.finish(&Order::by_partition(&numbers, &partitions.finish()).0)
    }

    fn read(names: &Names, row: usize) -> Vec<u8> {
        let mut name = b"before ".to_vec();
        names.push(row, &mut name);
        name.split_off(7)
    }

    #[test]
    fn names_as_writers_make_them_are_binary() {
        let usual = [
            format!("part-00017-{ID}.c000.snappy.parquet"),
            format!("part-00017-{ID}-c000.snappy.parquet"),
            format!("part-123456-{ID}-c000.zstd.parquet"),
            format!("part-00000-{ID}_00042.c001.gz.parquet"),
            format!("20231011_123456_00012_ab3de_{ID}"),
            format!("{ID}.parquet"),
            format!("cdc-00000-{ID}.c000.snappy.parquet"),
            format!("part-1234567890123456789012345-{ID}"),
            ID.to_owned(),
        ];
        let names = names(usual.iter().map(String::as_bytes));
        assert_eq!(names.texts.len(), 0);
        for (row, name) in usual.iter().enumerate() {
            assert_eq!(String::from_utf8(read(&names, row)).unwrap(), *name);
        }
    }

    #[test]
    fn other_names_are_text() {
        let capital = ID.to_uppercase();
        let huge = format!("part-99999999999999999999-{ID}");
        let dashless = ID.replace('-', "_");
        let head = "x".repeat(256) + ID;
        let other = ["", "a.parquet", "part-00000-1", &capital, &capital[..35], &ID[1..], &dashless, &head];
        let names = names(other.into_iter().chain([huge.as_str()]).map(str::as_bytes));
        assert_eq!((names.texts.len(), names.ids.len()), (other.len(), other.len() + 1));
        for (row, name) in other.iter().chain([&huge.as_str()]).enumerate() {
            assert_eq!(String::from_utf8(read(&names, row)).unwrap(), **name);
        }
        assert_eq!(read(&names, 99), b"");
    }

    #[test]
    fn a_usual_name_takes_its_id_and_the_bits_of_its_number() {
        let all: Vec<String> =
            (0..4096).map(|number| format!("part-{number:05}-{ID}.c000.parquet")).collect();
        let names = names(all.iter().map(String::as_bytes));
        assert!(names.memory_bytes() < 4096 * (16 + 2), "{}", names.memory_bytes());
    }

    #[test]
    fn more_templates_than_there_is_room_for_are_text() {
        let all: Vec<String> =
            (0..NAME_TEMPLATES_MAX + 2).map(|number| format!("{number}x{ID}.{number}")).collect();
        let names = names(all.iter().map(String::as_bytes));
        assert_eq!(names.texts.len(), 2);
        assert!((0..all.len()).all(|row| read(&names, row) == all[row].as_bytes()));
    }

    proptest! {
        #[test]
        fn names_come_out_byte_for_byte(
            all in proptest::collection::vec(
                prop_oneof![
                    "[a-z-]{0,9}[0-9]{0,21}[-_.]{0,2}[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89a-f][0-9a-f]{3}-[0-9a-f]{12}[a-z0-9.-]{0,20}",
                    "[0-9A-Fa-f-]{30,80}",
                    ".{0,60}",
                ],
                1..40,
            ),
        ) {
            let names = names(all.iter().map(String::as_bytes));
            for (row, name) in all.iter().enumerate() {
                prop_assert_eq!(read(&names, row), name.as_bytes());
            }
        }
    }
}
