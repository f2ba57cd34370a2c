//! Statistics of a file as domains of its columns.
//!
//! Writers cut long strings and timestamps, count rows that a deletion vector hides, and leave out what they like.
//! Bounds stay bounds under all of that; whatever is missing, malformed or contradicts itself says nothing.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::domain::{Domain, Value};
use super::expression::Type;
use super::moment::{CUT_MICROS_MAX, ZONE_MICROS_MAX, parse_date, parse_timestamp};

/// Shorter texts were not cut by any known writer; Iceberg's cut at 16 characters, Delta's at 32.
const CUT_TEXT_CHARS_MIN: usize = 16;
/// A cut upper bound may end in half a character and in one that sorts last.
const DOUBTFUL_CHARS: usize = 2;
/// Before 1900, calendars and time zones of writers and readers differ.
const DOUBTFUL_DAYS: i64 = -25_567;
const DOUBTFUL_MICROS: i64 = DOUBTFUL_DAYS * 86_400_000_000;

/// A column that a predicate asks statistics for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatisticsColumn {
    /// Physical names, from the top.
    pub(super) path: Vec<String>,
    pub(super) data_type: Type,
}

/// The domains of `columns` in a file with these statistics, in their order.
pub(super) fn domains<'a>(columns: &[StatisticsColumn], stats: &'a str) -> Vec<Domain<'a>> {
    let mut found = vec![Found::default(); columns.len()];
    let mut record_count = None;
    let is_read = each_field(stats, |name, value| {
        let slot: Slot<'a> = match name {
            "numRecords" => {
                record_count = value.get().parse::<u64>().ok();
                return;
            }
            "minValues" => |found| &mut found.low,
            "maxValues" => |found| &mut found.high,
            "nullCount" => |found| &mut found.nulls,
            _ => return,
        };
        Collector { columns, slot }.collect(&mut found, value, Level { depth: 0, among: u64::MAX });
    });
    let known = found.into_iter().map(|found| if is_read { found } else { Found::default() });
    known.zip(columns).map(|(found, column)| domain(&found, column.data_type, record_count)).collect()
}

#[derive(Clone, Copy, Default)]
struct Found<'a> {
    low: Option<&'a RawValue>,
    high: Option<&'a RawValue>,
    nulls: Option<&'a RawValue>,
}

/// Picks one of what is found.
type Slot<'a> = for<'f> fn(&'f mut Found<'a>) -> &'f mut Option<&'a RawValue>;

struct Collector<'c, 'a> {
    columns: &'c [StatisticsColumn],
    slot: Slot<'a>,
}

/// How deep an object lies, and which columns have the path that led to it: bit `n` stands for column `n`.
#[derive(Clone, Copy)]
struct Level {
    depth: usize,
    among: u64,
}

impl<'a> Collector<'_, 'a> {
    /// Puts what `object` has at the columns' paths into their slots.
    fn collect(&self, found: &mut [Found<'a>], object: &'a RawValue, Level { depth, among }: Level) {
        each_field(object.get(), |name, value| {
            let mut inside = 0_u64;
            for (number, (column, found)) in self.columns.iter().zip(found.iter_mut()).enumerate() {
                let is_here =
                    among >> number & 1 == 1 && column.path.get(depth).is_some_and(|part| part == name);
                if is_here && column.path.len() == depth + 1 {
                    *(self.slot)(found) = Some(value);
                } else if is_here {
                    inside |= 1 << number;
                }
            }
            if inside != 0 {
                self.collect(found, value, Level { depth: depth + 1, among: inside });
            }
        });
    }
}

fn domain<'a>(found: &Found<'a>, data_type: Type, record_count: Option<u64>) -> Domain<'a> {
    let nulls = found.nulls.and_then(|nulls| nulls.get().parse::<u64>().ok());
    let records = record_count.filter(|&records| records > 0 && nulls.is_none_or(|nulls| nulls <= records));
    let is_sane = record_count.is_none() || records.is_some();
    let mut low = found.low.and_then(|low| bound(low, data_type, Side::Low));
    let mut high = found.high.and_then(|high| bound(high, data_type, Side::High));
    if let (Some(one), Some(two)) = (&low, &high)
        && one.compare(two) == Some(Ordering::Greater)
    {
        (low, high) = (None, None);
    }
    let is_cut = matches!(&high, Some(Value::Text(text)) if text.chars().count() >= CUT_TEXT_CHARS_MIN);
    Domain {
        can_be_null: !(is_sane && nulls == Some(0)),
        can_be_value: !(is_sane && nulls.is_some() && nulls == records),
        low,
        high: high.map(|high| if is_cut { without_doubtful_end(high) } else { high }),
        high_is_prefix: is_cut,
        // Writers that copy bounds from Parquet leave NaN out of them.
        can_be_nan: matches!(data_type, Type::Float | Type::Double | Type::Opaque),
    }
}

fn without_doubtful_end(high: Value<'_>) -> Value<'_> {
    let Value::Text(text) = high else { return high };
    let end = text.char_indices().rev().nth(DOUBTFUL_CHARS - 1).map_or(0, |(end, _)| end);
    Value::Text(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or_default()),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    })
}

/// Which bound a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

fn bound(value: &RawValue, data_type: Type, side: Side) -> Option<Value<'_>> {
    let (number, doubt) = match data_type {
        Type::Date => (date(value).filter(|&days| days >= DOUBTFUL_DAYS)?, 0),
        Type::Timestamp | Type::TimestampNtz => {
            timestamp(value, data_type).filter(|&(micros, _)| micros >= DOUBTFUL_MICROS)?
        }
        Type::Boolean
        | Type::Integer { .. }
        | Type::Float
        | Type::Double
        | Type::Decimal { .. }
        | Type::Text
        | Type::Opaque => return plain(value, data_type),
    };
    Some(Value::Integer(match side {
        Side::Low => number.saturating_sub(doubt),
        Side::High => number.saturating_add(doubt),
    }))
}

fn plain(value: &RawValue, data_type: Type) -> Option<Value<'_>> {
    let raw = value.get();
    match data_type {
        Type::Boolean => match raw {
            "true" => Some(Value::Integer(1)),
            "false" => Some(Value::Integer(0)),
            _ => None,
        },
        Type::Integer { .. } => raw.parse().ok().map(Value::Integer),
        Type::Float => floating(value, |text| text.parse::<f32>().ok().map(f64::from)),
        Type::Double => floating(value, |text| text.parse::<f64>().ok()),
        Type::Decimal { .. } => {
            let text = text(value).unwrap_or(Cow::Borrowed(raw));
            text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float)
        }
        Type::Text => text(value).map(Value::Text),
        Type::Date | Type::Timestamp | Type::TimestampNtz | Type::Opaque => None,
    }
}

/// Infinity is a word in JSON; a number that is too large for its type is a mistake.
fn floating(value: &RawValue, parse: fn(&str) -> Option<f64>) -> Option<Value<'_>> {
    match value.get() {
        "\"Infinity\"" => Some(Value::Float(f64::INFINITY)),
        "\"-Infinity\"" => Some(Value::Float(f64::NEG_INFINITY)),
        raw => parse(raw).filter(|number| number.is_finite()).map(Value::Float),
    }
}

fn date(value: &RawValue) -> Option<i64> {
    parse_date(&text(value)?)
}

/// Microseconds, and how far the true bound may lie beyond them.
fn timestamp(value: &RawValue, data_type: Type) -> Option<(i64, i64)> {
    let moment = parse_timestamp(&text(value)?)?;
    let cut = if moment.may_be_cut { CUT_MICROS_MAX } else { 0 };
    let zone = if data_type == Type::Timestamp && !moment.has_zone { ZONE_MICROS_MAX } else { 0 };
    Some((moment.micros, cut + zone))
}

/// A JSON string; half a surrogate pair makes it none.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(value.get()).ok().map(|text| text.0)
}

/// Calls `visit` for each field of a JSON object; false if the text is no object, whatever was visited.
pub(super) fn each_field<'a>(text: &'a str, visit: impl FnMut(&str, &'a RawValue)) -> bool {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let is_object = deserializer.deserialize_map(Fields(visit)).is_ok();
    is_object && deserializer.end().is_ok()
}

struct Fields<F>(F);

impl<'a, F: FnMut(&str, &'a RawValue)> Visitor<'a> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<Text<'a>, &'a RawValue>()? {
            (self.0)(&name.0, value);
        }
        Ok(())
    }
}
