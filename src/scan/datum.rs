//! Values of columns that can be put in order.

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::iceberg::primitive::Primitive;
use crate::manifest::partition::{Kind, Value};

pub const DAY_MICROS: i128 = 86_400_000_000;

/// A value of a known type; two of one type compare.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum<'a> {
    Boolean(bool),
    /// Whole numbers, days, times, timestamps in the column's unit, decimals without their point.
    Number(i128),
    Float(f64),
    /// Texts, binaries and UUIDs.
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Datum<'a> {
    /// Which is less; `None` for NaN and for values of two kinds. Both zeros are equal.
    pub fn compare(&self, other: &Datum<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(left), Datum::Boolean(right)) => Some(left.cmp(right)),
            (Self::Number(left), Datum::Number(right)) => Some(left.cmp(right)),
            (Self::Float(left), Datum::Float(right)) => left.partial_cmp(right),
            (Self::Bytes(left), Datum::Bytes(right)) => Some(left.as_ref().cmp(right.as_ref())),
            _ => None,
        }
    }

    pub fn is_nan(&self) -> bool {
        matches!(self, Self::Float(value) if value.is_nan())
    }

    /// Zeros that are equal, but stand in an order for some writers.
    pub fn is_float_zero(&self) -> bool {
        matches!(self, Self::Float(0.0))
    }

    /// A bound of a column ("Binary single-value serialization"), also one that was written before the column's type was
    /// widened. `None` for what cannot be compared: bounds of UUIDs were put in two different orders.
    pub fn of_bound(bytes: &'a [u8], of: &Primitive) -> Option<Self> {
        Some(match of {
            Primitive::Boolean => Self::Boolean(*bytes.first().filter(|_| bytes.len() == 1)? != 0),
            Primitive::Int | Primitive::Long | Primitive::Date | Primitive::Time => {
                Self::Number(whole(bytes)?)
            }
            Primitive::Timestamp | Primitive::Timestamptz => Self::Number(moment(bytes, DAY_MICROS)?),
            Primitive::TimestampNs | Primitive::TimestamptzNs => {
                Self::Number(moment(bytes, 1_000 * DAY_MICROS)?)
            }
            Primitive::Float | Primitive::Double => Self::Float(match bytes.len() {
                4 => f32::from_le_bytes(bytes.try_into().ok()?).into(),
                _ => f64::from_le_bytes(bytes.try_into().ok()?),
            }),
            Primitive::Decimal { .. } => Self::Number(unscaled(bytes)?),
            Primitive::String | Primitive::Binary | Primitive::Fixed(_) => Self::Bytes(bytes.into()),
            Primitive::Uuid
            | Primitive::Unknown
            | Primitive::Variant
            | Primitive::Geometry { .. }
            | Primitive::Geography { .. } => return None,
        })
    }

    /// A partition value as a value of the type `of`; `None` for null and for what is not understood.
    pub fn of_partition(value: &Value<'a>, kind: Kind, of: &Primitive) -> Option<Self> {
        let is_number = matches!(of, Primitive::Int | Primitive::Long | Primitive::Date | Primitive::Time);
        Some(match (value, of) {
            (Value::Boolean(value), Primitive::Boolean) => Self::Boolean(*value),
            (Value::Int(value), _) if is_number => Self::Number((*value).into()),
            (Value::Long(value), _) if is_number => Self::Number((*value).into()),
            (_, Primitive::Timestamp | Primitive::Timestamptz) => match (value, kind) {
                (Value::Long(value), Kind::Timestamp { .. } | Kind::Long) => Self::Number((*value).into()),
                (Value::Int(days), Kind::Date) => Self::Number(i128::from(*days) * DAY_MICROS),
                _ => return None,
            },
            (_, Primitive::TimestampNs | Primitive::TimestamptzNs) => match (value, kind) {
                (Value::Long(value), Kind::TimestampNs { .. } | Kind::Long) => Self::Number((*value).into()),
                (Value::Int(days), Kind::Date) => Self::Number(i128::from(*days) * DAY_MICROS * 1_000),
                _ => return None,
            },
            (Value::Float(value), Primitive::Float | Primitive::Double) => Self::Float((*value).into()),
            (Value::Double(value), Primitive::Float | Primitive::Double) => Self::Float(*value),
            (Value::Text(value), Primitive::String) => Self::Bytes(value.as_bytes().into()),
            (Value::Bytes(value), Primitive::Decimal { .. }) => Self::Number(unscaled(value)?),
            (Value::Bytes(value), Primitive::Binary | Primitive::Fixed(_) | Primitive::Uuid) => {
                Self::Bytes((*value).into())
            }
            _ => return None,
        })
    }

    /// A value of an expression ("JSON single-value serialization"); `None` for what is none of the type.
    pub fn of_json(value: &Json, of: &Primitive) -> Option<Datum<'static>> {
        Some(match of {
            Primitive::Boolean => Datum::Boolean(value.as_bool()?),
            Primitive::Int | Primitive::Long => Datum::Number(value.as_i64()?.into()),
            // What a writer rounded is compared with what was rounded.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a value of a float column has so many digits"
            )]
            Primitive::Float => Datum::Float(f64::from(finite(value)? as f32)),
            Primitive::Double => Datum::Float(finite(value)?),
            Primitive::Decimal { scale, .. } => Datum::Number(decimal(value, *scale)?),
            Primitive::Date => Datum::Number(match value.as_str() {
                Some(text) => days(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?),
                None => value.as_i64()?.into(),
            }),
            Primitive::Time => Datum::Number(match value.as_str() {
                Some(text) => time_micros(NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok()?)?,
                None => value.as_i64()?.into(),
            }),
            Primitive::Timestamp | Primitive::Timestamptz => Datum::Number(match value.as_str() {
                Some(text) => exact(nanos(text)?, 1_000)?,
                None => value.as_i64()?.into(),
            }),
            Primitive::TimestampNs | Primitive::TimestamptzNs => Datum::Number(match value.as_str() {
                Some(text) => nanos(text)?,
                None => value.as_i64()?.into(),
            }),
            Primitive::String => Datum::Bytes(value.as_str()?.as_bytes().to_vec().into()),
            Primitive::Uuid => {
                Datum::Bytes(Uuid::try_parse(value.as_str()?).ok()?.as_bytes().to_vec().into())
            }
            Primitive::Fixed(_) | Primitive::Binary => {
                Datum::Bytes(hex::decode(value.as_str()?).ok()?.into())
            }
            Primitive::Unknown
            | Primitive::Variant
            | Primitive::Geometry { .. }
            | Primitive::Geography { .. } => return None,
        })
    }
}

fn whole(bytes: &[u8]) -> Option<i128> {
    Some(match bytes.len() {
        4 => i32::from_le_bytes(bytes.try_into().ok()?).into(),
        _ => i64::from_le_bytes(bytes.try_into().ok()?).into(),
    })
}

/// A timestamp, or a date that became one.
fn moment(bytes: &[u8], day: i128) -> Option<i128> {
    let number = whole(bytes)?;
    if bytes.len() == 4 { number.checked_mul(day) } else { Some(number) }
}

/// The highest byte first, with its sign.
pub fn unscaled(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let mut wide = [if first >= 0x80 { 0xFF } else { 0 }; 16];
    let start = wide.len().checked_sub(bytes.len())?;
    wide.get_mut(start..)?.copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

fn finite(value: &Json) -> Option<f64> {
    value.as_f64().filter(|value| value.is_finite())
}

/// `14.20`, `2E+20`: exact in the column's scale, or none.
fn decimal(value: &Json, scale: u32) -> Option<i128> {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let number: i128 = all.parse().ok()?;
    let point = i64::try_from(fraction.len()).ok()?.checked_sub(exponent.parse::<i64>().ok()?)?;
    let shift = i64::from(scale).checked_sub(point)?;
    let power = 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    if shift >= 0 { number.checked_mul(power) } else { exact(number, power) }
}

/// The quotient, if nothing is left over.
fn exact(number: i128, by: i128) -> Option<i128> {
    (number.checked_rem(by)? == 0).then(|| number.checked_div(by)).flatten()
}

fn days(date: NaiveDate) -> i128 {
    i128::from(date.signed_duration_since(NaiveDate::default()).num_days())
}

fn time_micros(time: NaiveTime) -> Option<i128> {
    exact(time.signed_duration_since(NaiveTime::MIN).num_nanoseconds()?.into(), 1_000)
}

/// Nanoseconds since the epoch, of a timestamp with an offset or without.
fn nanos(text: &str) -> Option<i128> {
    let moment = match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => moment.to_utc(),
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc(),
    };
    Some(i128::from(moment.timestamp()) * 1_000_000_000 + i128::from(moment.timestamp_subsec_nanos()))
}
