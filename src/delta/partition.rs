//! Partition values, kept as the log has them.
//!
//! The columns stand in the newest metadata, which replay may meet after the files. So a file's values travel
//! as a tuple, a mark and then `(length, name, length, value)` for each, and become JSON once per distinct tuple.

use crate::encode::json;
use crate::limits::PARTITION_COLUMNS_MAX;

/// Marks a tuple; finished JSON begins with a brace.
const TUPLE: u8 = 0;
const NULL: u32 = u32::MAX;

/// Why a file's partition values make no tuple.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("partitionValues has '{0}' twice")]
    Twice(String),
    #[error("partitionValues has more than {PARTITION_COLUMNS_MAX} columns")]
    TooMany,
    #[error("partitionValues has text that is too long")]
    TooLong,
}

/// A tuple that is being written; reusable.
#[derive(Debug, Default)]
pub(super) struct TupleBuilder {
    bytes: Vec<u8>,
    count: usize,
}

impl TupleBuilder {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.push(TUPLE);
        self.count = 0;
    }

    /// Appends a value. An empty string means null ("Partition Value Serialization").
    pub(super) fn push(&mut self, column: &str, value: Option<&str>) -> Result<(), Fault> {
        if self.count >= PARTITION_COLUMNS_MAX {
            return Err(Fault::TooMany);
        }
        if Tuple::new(&self.bytes).any(|(other, _)| other == column.as_bytes()) {
            return Err(Fault::Twice(column.to_owned()));
        }
        self.count += 1;
        let value = value.filter(|value| !value.is_empty());
        self.push_text(column)?;
        if let Some(value) = value {
            return self.push_text(value);
        }
        self.bytes.extend_from_slice(&NULL.to_le_bytes());
        Ok(())
    }

    fn push_text(&mut self, text: &str) -> Result<(), Fault> {
        let length = u32::try_from(text.len()).ok().filter(|&length| length < NULL).ok_or(Fault::TooLong)?;
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Names and values of a tuple.
struct Tuple<'a> {
    rest: &'a [u8],
}

impl<'a> Tuple<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes.get(1..).unwrap_or_default() }
    }

    fn length(&mut self) -> Option<u32> {
        let (length, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_le_bytes(*length))
    }

    fn text(&mut self, length: u32) -> Option<&'a [u8]> {
        let (text, rest) = self.rest.split_at_checked(length as usize)?;
        self.rest = rest;
        Some(text)
    }
}

impl<'a> Iterator for Tuple<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let length = self.length()?;
        let column = self.text(length)?;
        let length = self.length()?;
        let value = if length == NULL { None } else { Some(self.text(length)?) };
        Some((column, value))
    }
}

/// Appends the JSON object of a tuple: every partition column, in order. What the tuple does not have is null.
///
/// Finished JSON is copied as it is.
pub(super) fn write_json(tuple: &[u8], columns: &[String], out: &mut Vec<u8>) {
    if tuple.first() != Some(&TUPLE) {
        out.extend_from_slice(tuple);
        return;
    }
    out.push(b'{');
    for (number, column) in columns.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        json::string_into(column, out);
        out.push(b':');
        match value_of(tuple, column) {
            Some(value) => json::string_into(&String::from_utf8_lossy(value), out),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
}

/// Column names are compared as Delta does, without case if there is no exact match.
fn value_of<'a>(tuple: &'a [u8], column: &str) -> Option<&'a [u8]> {
    let exact = Tuple::new(tuple).find(|(name, _)| *name == column.as_bytes());
    let caseless = || {
        let folded = column.to_lowercase();
        Tuple::new(tuple).find(|(name, _)| String::from_utf8_lossy(name).to_lowercase() == folded)
    };
    exact.or_else(caseless)?.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(values: &[(&str, Option<&str>)], columns: &[&str]) -> String {
        let mut tuple = TupleBuilder::default();
        tuple.clear();
        for (column, value) in values {
            tuple.push(column, *value).unwrap();
        }
        let columns: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
        let mut out = Vec::new();
        write_json(tuple.as_bytes(), &columns, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_come_in_the_order_of_the_columns() {
        let values = [("b", Some("2")), ("a", Some("x\"y"))];
        assert_eq!(json(&values, &["a", "b"]), r#"{"a":"x\"y","b":"2"}"#);
        assert_eq!(json(&values, &[]), "{}");
        assert_eq!(json(&[], &[]), "{}");
    }

    #[test]
    fn null_empty_and_absent_values_are_null() {
        assert_eq!(
            json(&[("a", None), ("b", Some(""))], &["a", "b", "c"]),
            r#"{"a":null,"b":null,"c":null}"#
        );
    }

    #[test]
    fn an_exact_name_goes_before_one_of_another_case() {
        assert_eq!(json(&[("part", Some("1"))], &["PART"]), r#"{"PART":"1"}"#);
        assert_eq!(json(&[("a", Some("1")), ("A", Some("2"))], &["A"]), r#"{"A":"2"}"#);
    }

    #[test]
    fn finished_json_is_left_alone() {
        let mut out = Vec::new();
        write_json(b"{\"a\":\"1\"}", &["b".to_owned()], &mut out);
        assert_eq!(out, b"{\"a\":\"1\"}");
    }

    #[test]
    fn a_column_twice_and_too_many_columns_are_faults() {
        let mut tuple = TupleBuilder::default();
        tuple.clear();
        tuple.push("a", None).unwrap();
        assert_eq!(tuple.push("a", Some("1")), Err(Fault::Twice("a".to_owned())));
        let numbers: Vec<_> = (1..PARTITION_COLUMNS_MAX).map(|number| number.to_string()).collect();
        assert!(numbers.iter().all(|number| tuple.push(number, None).is_ok()));
        assert_eq!(tuple.push("b", None), Err(Fault::TooMany));
    }
}
