//! Adds as writers usually spell them, read without a parser.
//!
//! Nearly all lines of a large commit are adds whose fields hold plain text. Such a line is walked through once, its
//! statistics stay escaped as they are, and nothing is copied. Any other line, be it right, strange or broken, is left to
//! the parser: both make the same of a line that both read.

use super::action::{Add, Stats};
use super::partition::TupleBuilder;
use crate::limits::STATS_BYTES_MAX;
use crate::table::segment_builder::RowIds;

/// What has been found of an add.
#[derive(Default)]
struct Fields<'a> {
    path: Option<&'a str>,
    size_bytes: Option<i64>,
    modification_time_ms: Option<i64>,
    stats: Option<&'a str>,
    has_partition_values: bool,
    has_data_change: bool,
}

/// Reads a line that is a usual add; its partition values go into `tuple`. `None`: the parser has to look.
pub(super) fn scan<'a>(line: &'a str, tuple: &'a mut TupleBuilder) -> Option<Add<'a>> {
    tuple.clear();
    let mut rest = line.strip_prefix("{\"add\":{\"")?;
    let mut fields = Fields::default();
    loop {
        let (name, value) = rest.split_once("\":")?;
        let after = fields.read(name, value, tuple)?;
        if let Some(next) = after.strip_prefix(",\"") {
            rest = next;
        } else if matches!(after, "}}" | "}}\r") {
            break;
        } else {
            return None;
        }
    }
    Some(Add {
        path: fields.path?,
        partition_values: tuple.as_bytes(),
        size_bytes: u64::try_from(fields.size_bytes?).ok()?,
        modification_time_ms: fields.modification_time_ms?,
        stats: fields.stats.map(Stats::Escaped),
        deletion_vector: None,
        row_ids: RowIds::default(),
    })
}

impl<'a> Fields<'a> {
    /// Takes a field, once; returns what follows its value.
    fn read(&mut self, name: &str, value: &'a str, tuple: &mut TupleBuilder) -> Option<&'a str> {
        let (is_known, after) = match name {
            "path" => {
                let (text, after) = plain_text(value)?;
                (self.path.replace(text).is_some(), after)
            }
            "partitionValues" => {
                let after = partition_values(value, tuple)?;
                (std::mem::replace(&mut self.has_partition_values, true), after)
            }
            "size" => {
                let (number, after) = integer(value)?;
                (self.size_bytes.replace(number).is_some(), after)
            }
            "modificationTime" => {
                let (number, after) = integer(value)?;
                (self.modification_time_ms.replace(number).is_some(), after)
            }
            "dataChange" => {
                let after = value.strip_prefix("true").or_else(|| value.strip_prefix("false"))?;
                (std::mem::replace(&mut self.has_data_change, true), after)
            }
            "stats" => {
                let (text, after) = quoted_object(value)?;
                (self.stats.replace(text).is_some(), after)
            }
            _ => return None,
        };
        (!is_known).then_some(after)
    }
}

/// A string without escapes and control characters, and what follows it.
fn plain_text(value: &str) -> Option<(&str, &str)> {
    let text = value.strip_prefix('"')?;
    let end = memchr::memchr2(b'"', b'\\', text.as_bytes())?;
    let (text, after) = text.split_at_checked(end)?;
    let has_control = text.bytes().any(|byte| byte < 0x20);
    let after = after.strip_prefix('"')?;
    (!has_control).then_some((text, after))
}

/// A JSON object in a string whose only escapes are those of quotes, as it is, and what follows it. Other characters
/// that we would escape ourselves are not taken, so that the text is what `encode::json` would write.
fn quoted_object(value: &str) -> Option<(&str, &str)> {
    let text = value.strip_prefix("\"")?;
    if !text.starts_with('{') {
        return None;
    }
    let end = memchr::memmem::find(text.as_bytes(), b"}\"")? + 1;
    let (text, after) = text.split_at_checked(end)?;
    let bytes = text.as_bytes();
    // No branch for each byte: whole vectors are compared.
    let wrong = bytes.iter().zip(bytes.iter().skip(1)).fold(0, |wrong, (&byte, &next)| {
        let is_rare = byte < 0x20 || byte == 0x7F || byte == 0xC2 || byte == 0xE2;
        wrong | u8::from(is_rare) | u8::from((byte == b'\\') != (next == b'"'))
    });
    if wrong != 0 || text.len() > STATS_BYTES_MAX {
        return None;
    }
    Some((text, after.strip_prefix('"')?))
}

/// An integer of at most 18 digits, and what follows it.
fn integer(value: &str) -> Option<(i64, &str)> {
    let end = value.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (digits, after) = value.split_at_checked(end)?;
    let is_plain = (1..=18).contains(&end) && (end == 1 || !digits.starts_with('0'));
    let ends = after.starts_with([',', '}']);
    if is_plain && ends { Some((digits.parse().ok()?, after)) } else { None }
}

/// Reads an object of plain strings and nulls into `tuple`, and returns what follows it.
fn partition_values<'a>(value: &'a str, tuple: &mut TupleBuilder) -> Option<&'a str> {
    let mut rest = value.strip_prefix('{')?;
    if let Some(after) = rest.strip_prefix('}') {
        return Some(after);
    }
    loop {
        let (column, after) = plain_text(rest)?;
        let value = after.strip_prefix(':')?;
        let (value, after) = match value.strip_prefix("null") {
            Some(after) => (None, after),
            None => plain_text(value).map(|(value, after)| (Some(value), after))?,
        };
        tuple.push(column, value).ok()?;
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.strip_prefix('}'),
        }
    }
}
