//! Statistics of a file as domains of its columns.
//!
//! Writers cut long strings and timestamps, count rows that a deletion vector hides, and leave out what they like.
//! Bounds stay bounds under all of that; whatever is missing, malformed or contradicts itself says nothing.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::domain::{Domain, Value};
use super::expression::Type;
use super::facts::{Facts, Found, Spelling, StatisticsColumn};
use super::moment::{CUT_MICROS_MAX, ZONE_MICROS_MAX, parse_date, parse_timestamp};

/// Shorter texts were not cut by any known writer; Iceberg's cut at 16 characters, Delta's at 32.
const CUT_TEXT_CHARS_MIN: usize = 16;
/// A cut upper bound may end in half a character and in one that sorts last.
const DOUBTFUL_CHARS: usize = 2;
/// Before 1900, calendars and time zones of writers and readers differ.
const DOUBTFUL_DAYS: i64 = -25_567;
const DOUBTFUL_MICROS: i64 = DOUBTFUL_DAYS * 86_400_000_000;

/// The domains of `columns` in a file with these statistics, in their order.
pub(super) fn domains<'a>(columns: &[StatisticsColumn], stats: &'a str) -> Vec<Domain<'a>> {
    let facts = Facts::read(columns, stats);
    let domain = |(column, found): (&StatisticsColumn, &Found<'a>)| domain(column, found, facts.records);
    columns.iter().zip(&facts.found).map(domain).collect()
}

/// What a column can hold in a file of which this is said.
pub(super) fn domain<'a>(
    column: &StatisticsColumn,
    found: &Found<'a>,
    records: Option<Spelling<'a>>,
) -> Domain<'a> {
    let data_type = column.data_type;
    let count = |spelling: Spelling<'_>| spelling.token().parse::<u64>().ok();
    let (nulls, record_count) = (found.nulls.and_then(count), records.and_then(count));
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
        bucket: None,
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

fn bound(value: Spelling<'_>, data_type: Type, side: Side) -> Option<Value<'_>> {
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

fn plain(value: Spelling<'_>, data_type: Type) -> Option<Value<'_>> {
    let raw = value.token();
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
            let text = value.text().unwrap_or(Cow::Borrowed(raw));
            text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float)
        }
        Type::Text => value.text().map(Value::Text),
        Type::Date | Type::Timestamp | Type::TimestampNtz | Type::Opaque => None,
    }
}

/// Infinity is a word in JSON; a number that is too large for its type is a mistake.
fn floating(value: Spelling<'_>, parse: fn(&str) -> Option<f64>) -> Option<Value<'_>> {
    match value {
        Spelling::Json("\"Infinity\"") | Spelling::Plain("Infinity") => Some(Value::Float(f64::INFINITY)),
        Spelling::Json("\"-Infinity\"") | Spelling::Plain("-Infinity") => {
            Some(Value::Float(f64::NEG_INFINITY))
        }
        Spelling::Json(raw) => parse(raw).filter(|number| number.is_finite()).map(Value::Float),
        Spelling::Plain(_) => None,
    }
}

fn date(value: Spelling<'_>) -> Option<i64> {
    parse_date(&value.text()?)
}

/// Microseconds, and how far the true bound may lie beyond them.
fn timestamp(value: Spelling<'_>, data_type: Type) -> Option<(i64, i64)> {
    let moment = parse_timestamp(&value.text()?)?;
    let cut = if moment.may_be_cut { CUT_MICROS_MAX } else { 0 };
    let zone = if data_type == Type::Timestamp && !moment.has_zone { ZONE_MICROS_MAX } else { 0 };
    Some((moment.micros, cut + zone))
}
