//! Typed columns of a checkpoint, as the text that commits have.
//!
//! Writers may keep statistics in `add.stats_parsed` instead of `add.stats` ("Checkpoint Schema"). The types of
//! the columns say how values are written ("Per-file Statistics"): dates and timestamps as text, decimals as numbers.
//! A value whose type has no statistics is left out, as null is: statistics are optional. Partition values are
//! written alike ("Partition Value Serialization"), but for times without a zone.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DecimalType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray, StructArray};
use arrow_schema::{DataType, TimeUnit};
use chrono::DateTime;

use crate::encode::json;

const DAY_SECONDS: i64 = 86_400;
const NANOS_PER_MICRO: i64 = 1_000;

/// The column `add.stats_parsed` or `add.partitionValues_parsed`.
pub(super) struct ParsedValues<'a> {
    root: Struct<'a>,
}

struct Struct<'a> {
    array: &'a StructArray,
    /// Each name as JSON, with its colon.
    fields: Vec<(Vec<u8>, Node<'a>)>,
}

enum Node<'a> {
    Struct(Struct<'a>),
    /// Writes the value of a row that is not null; `false` if JSON has none for it.
    Value(&'a ArrayRef, Box<Write<'a>>),
}

type Write<'a> = dyn Fn(usize, &mut Vec<u8>) -> bool + 'a;

impl<'a> ParsedValues<'a> {
    /// `None` if the column is no struct.
    pub(super) fn new(array: &'a ArrayRef) -> Option<Self> {
        Some(Self { root: Struct::new(array.as_struct_opt()?) })
    }

    /// Makes `out` the JSON of a row; `false` if the row has no statistics.
    pub(super) fn write(&self, row: usize, out: &mut String) -> bool {
        let mut bytes = std::mem::take(out).into_bytes();
        bytes.clear();
        let is_there = self.root.write(row, &mut bytes) && bytes != b"{}";
        // All that is written is text already.
        *out = String::from_utf8(bytes).unwrap_or_default();
        is_there
    }
}

impl ParsedValues<'_> {
    /// The columns of a row with their values as text; null where there is none, or a type has no text.
    pub(super) fn texts(&self, row: usize) -> impl Iterator<Item = (&str, Option<String>)> {
        let names = self.root.array.fields().iter().zip(self.root.array.columns());
        names.map(move |(field, column)| (field.name().as_str(), text_of(column, row)))
    }
}

/// A value as partition values have it.
fn text_of(column: &ArrayRef, row: usize) -> Option<String> {
    let mut json = Vec::new();
    if !Node::new(column)?.write(row, &mut json) {
        return None;
    }
    // Numbers and booleans are their own text.
    let text = if json.starts_with(b"\"") {
        serde_json::from_slice(&json).ok()?
    } else {
        String::from_utf8(json).ok()?
    };
    let is_time = matches!(column.data_type(), DataType::Timestamp(..));
    Some(if is_time && !text.ends_with('Z') { text.replace('T', " ") } else { text })
}

impl<'a> Struct<'a> {
    fn new(array: &'a StructArray) -> Self {
        let fields = array.fields().iter().zip(array.columns()).filter_map(|(field, column)| {
            let mut name = Vec::new();
            json::string_into(field.name(), &mut name);
            name.push(b':');
            Some((name, Node::new(column)?))
        });
        Self { array, fields: fields.collect() }
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) -> bool {
        if !self.array.is_valid(row) {
            return false;
        }
        out.push(b'{');
        for (name, node) in &self.fields {
            let before = out.len();
            if !out.ends_with(b"{") {
                out.push(b',');
            }
            out.extend_from_slice(name);
            if !node.write(row, out) {
                out.truncate(before);
            }
        }
        out.push(b'}');
        true
    }
}

impl<'a> Node<'a> {
    fn new(array: &'a ArrayRef) -> Option<Self> {
        if let Some(array) = array.as_struct_opt() {
            return Some(Self::Struct(Struct::new(array)));
        }
        Some(Self::Value(array, number(array).or_else(|| text(array)).or_else(|| time(array))?))
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Struct(node) => node.write(row, out),
            Self::Value(array, write) => array.is_valid(row) && write(row, out),
        }
    }
}

fn number(array: &ArrayRef) -> Option<Box<Write<'_>>> {
    integers::<Int64Type>(array)
        .or_else(|| integers::<Int32Type>(array))
        .or_else(|| integers::<Int16Type>(array))
        .or_else(|| integers::<Int8Type>(array))
        .or_else(|| floats::<Float64Type>(array))
        .or_else(|| floats::<Float32Type>(array))
        .or_else(|| decimals(array))
}

fn integers<T: ArrowPrimitiveType<Native: std::fmt::Display>>(array: &ArrayRef) -> Option<Box<Write<'_>>> {
    let array: &PrimitiveArray<T> = array.as_primitive_opt()?;
    Some(Box::new(|row, out| put(out, &array.value(row).to_string())))
}

fn floats<T: ArrowPrimitiveType<Native: Into<f64> + serde::Serialize>>(
    array: &ArrayRef,
) -> Option<Box<Write<'_>>> {
    let array: &PrimitiveArray<T> = array.as_primitive_opt()?;
    Some(Box::new(|row, out| {
        let value = array.value(row);
        let number: f64 = value.into();
        if number.is_finite() {
            return serde_json::to_writer(out, &value).is_ok();
        }
        // Delta's own writer, like all of Spark, has these as text.
        let positive = if number.is_nan() { "\"NaN\"" } else { "\"Infinity\"" };
        put(out, if number < 0.0 { "\"-Infinity\"" } else { positive })
    }))
}

fn decimals(array: &ArrayRef) -> Option<Box<Write<'_>>> {
    let array: &PrimitiveArray<Decimal128Type> = array.as_primitive_opt()?;
    let (precision, scale) = (array.precision(), array.scale());
    Some(Box::new(move |row, out| {
        put(out, &Decimal128Type::format_decimal(array.value(row), precision, scale))
    }))
}

fn text(array: &ArrayRef) -> Option<Box<Write<'_>>> {
    if let Some(array) = array.as_boolean_opt() {
        return Some(Box::new(|row, out| put(out, if array.value(row) { "true" } else { "false" })));
    }
    let array = array.as_string_opt::<i32>()?;
    Some(Box::new(|row, out| {
        json::string_into(array.value(row), out);
        true
    }))
}

fn time(array: &ArrayRef) -> Option<Box<Write<'_>>> {
    if let Some(array) = array.as_primitive_opt::<Date32Type>() {
        return Some(Box::new(|row, out| date(i64::from(array.value(row)), out)));
    }
    // Without a zone it is a timestamp_ntz; but Spark's oldest encoding (INT96) has no zone either.
    let has_zone = matches!(
        array.data_type(),
        DataType::Timestamp(TimeUnit::Nanosecond, _) | DataType::Timestamp(_, Some(_))
    );
    let zone = if has_zone { "Z" } else { "" };
    let micros = timestamps::<TimestampMicrosecondType>(array, Some, zone);
    micros
        .or_else(|| timestamps::<TimestampMillisecondType>(array, |value| value.checked_mul(1_000), zone))
        .or_else(|| {
            timestamps::<TimestampNanosecondType>(
                array,
                |value| Some(value.div_euclid(NANOS_PER_MICRO)),
                zone,
            )
        })
}

fn timestamps<'a, T: ArrowPrimitiveType<Native = i64>>(
    array: &'a ArrayRef,
    micros: impl Fn(i64) -> Option<i64> + 'a,
    zone: &'static str,
) -> Option<Box<Write<'a>>> {
    let array: &PrimitiveArray<T> = array.as_primitive_opt()?;
    Some(Box::new(move |row, out| {
        let Some(micros) = micros(array.value(row)) else { return false };
        let Some(time) = DateTime::from_timestamp_micros(micros) else { return false };
        // Milliseconds are what writers keep; what is finer is not lost.
        let format = if micros % 1_000 == 0 { "%Y-%m-%dT%H:%M:%S%.3f" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
        put(out, &format!("\"{}{zone}\"", time.format(format)))
    }))
}

fn date(days: i64, out: &mut Vec<u8>) -> bool {
    let time = days.checked_mul(DAY_SECONDS).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.is_some_and(|time| put(out, &format!("\"{}\"", time.format("%Y-%m-%d"))))
}

fn put(out: &mut Vec<u8>, text: &str) -> bool {
    out.extend_from_slice(text.as_bytes());
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
        Int64Array, StringArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    };
    use arrow_buffer::NullBuffer;
    use arrow_schema::Field;

    use super::*;

    fn structs(fields: Vec<(&str, ArrayRef)>, valid: Option<&[bool]>) -> ArrayRef {
        let (fields, columns): (Vec<_>, Vec<_>) = fields
            .into_iter()
            .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
            .unzip();
        Arc::new(StructArray::new(fields.into(), columns, valid.map(NullBuffer::from)))
    }

    fn texts(array: &ArrayRef) -> Vec<Option<String>> {
        let parsed = ParsedValues::new(array).unwrap();
        let mut out = "left over".to_owned();
        (0..array.len()).map(|row| parsed.write(row, &mut out).then(|| out.clone())).collect()
    }

    /// The JSON of a column with one value.
    fn value(array: impl Array + 'static) -> String {
        let text = texts(&structs(vec![("v", Arc::new(array))], None)).remove(0).unwrap_or_default();
        text.strip_prefix("{\"v\":").and_then(|text| text.strip_suffix('}')).unwrap_or(&text).to_owned()
    }

    #[test]
    fn statistics_come_out_as_commits_have_them() {
        let columns = |numbers: [Option<i64>; 3], names: [Option<&str>; 3]| {
            let id: ArrayRef = Arc::new(Int64Array::from(numbers.to_vec()));
            let name: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
            structs(vec![("id", id), ("in", structs(vec![("na\"me", name)], None))], None)
        };
        let stats = structs(
            vec![
                ("numRecords", Arc::new(Int64Array::from(vec![Some(3), Some(0), None])) as ArrayRef),
                ("minValues", columns([Some(-1), None, None], [Some("a\n"), None, None])),
                ("nullCount", columns([Some(0), Some(7), None], [None, None, None])),
                ("tightBounds", Arc::new(BooleanArray::from(vec![Some(true), None, None]))),
            ],
            Some(&[true, true, false]),
        );
        assert_eq!(
            texts(&stats),
            [
                Some(
                    concat!(
                        r#"{"numRecords":3,"minValues":{"id":-1,"in":{"na\"me":"a\n"}},"#,
                        r#""nullCount":{"id":0,"in":{}},"tightBounds":true}"#
                    )
                    .to_owned()
                ),
                Some(r#"{"numRecords":0,"minValues":{"in":{}},"nullCount":{"id":7,"in":{}}}"#.to_owned()),
                None,
            ]
        );
    }

    #[test]
    fn each_type_is_written_as_delta_writes_it() {
        assert_eq!(value(Date32Array::from(vec![19_723])), r#""2024-01-01""#);
        assert_eq!(value(Date32Array::from(vec![-719_528])), r#""0000-01-01""#);
        assert_eq!(value(Decimal128Array::from(vec![-5]).with_precision_and_scale(10, 2).unwrap()), "-0.05");
        assert_eq!(value(Decimal128Array::from(vec![7]).with_precision_and_scale(38, 0).unwrap()), "7");
        assert_eq!(value(Float64Array::from(vec![1.5])), "1.5");
        assert_eq!(value(Float32Array::from(vec![0.1])), "0.1");
        assert_eq!(value(Float64Array::from(vec![f64::NAN])), r#""NaN""#);
        assert_eq!(value(Float64Array::from(vec![f64::NEG_INFINITY])), r#""-Infinity""#);
        assert_eq!(value(Int32Array::from(vec![i32::MIN])), "-2147483648");
        assert_eq!(value(BinaryArray::from(vec![b"x".as_slice()])), "");
    }

    #[test]
    fn timestamps_keep_their_zone_and_all_their_digits() {
        let micros = |value: i64| TimestampMicrosecondArray::from(vec![value]);
        assert_eq!(value(micros(1_500_000).with_timezone("UTC")), r#""1970-01-01T00:00:01.500Z""#);
        assert_eq!(value(micros(-1).with_timezone("UTC")), r#""1969-12-31T23:59:59.999999Z""#);
        assert_eq!(value(micros(0)), r#""1970-01-01T00:00:00.000""#);
        assert_eq!(value(TimestampNanosecondArray::from(vec![1_000_000])), r#""1970-01-01T00:00:00.001Z""#);
        assert_eq!(value(micros(i64::MAX).with_timezone("UTC")), "", "beyond the calendar");
    }

    #[test]
    fn partition_values_are_text_whatever_their_type() {
        let decimal = Decimal128Array::from(vec![-5, 0]).with_precision_and_scale(10, 2).unwrap();
        let micros = || TimestampMicrosecondArray::from(vec![Some(1_500), None]);
        let values = structs(
            vec![
                ("s", Arc::new(StringArray::from(vec![Some("a\"T"), None])) as ArrayRef),
                ("n", Arc::new(Int64Array::from(vec![Some(-7), None]))),
                ("b", Arc::new(BooleanArray::from(vec![Some(true), None]))),
                ("d", Arc::new(Date32Array::from(vec![Some(19_723), None]))),
                ("p", Arc::new(decimal)),
                ("ts", Arc::new(micros().with_timezone("UTC"))),
                ("ntz", Arc::new(micros())),
            ],
            None,
        );
        let parsed = ParsedValues::new(&values).unwrap();
        let texts = |row| parsed.texts(row).map(|(_, text)| text.unwrap_or_default()).collect::<Vec<_>>();
        let time = "1970-01-01T00:00:00.001500Z";
        assert_eq!(
            texts(0),
            ["a\"T", "-7", "true", "2024-01-01", "-0.05", time, "1970-01-01 00:00:00.001500"]
        );
        assert_eq!(texts(1), ["", "", "", "", "0.00", "", ""]);
    }

    #[test]
    fn a_row_without_any_statistic_has_none() {
        assert_eq!(
            texts(&structs(vec![("numRecords", Arc::new(Int64Array::from(vec![None])))], None)),
            [None]
        );
        assert!(ParsedValues::new(&(Arc::new(Int64Array::from(vec![1])) as ArrayRef)).is_none());
    }
}
