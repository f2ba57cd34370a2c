//! Partition transforms, applied to single values.

use chrono::{DateTime, Datelike};

use super::datum::{DAY_MICROS, Datum};
use crate::encode::bucket as buckets;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::transform::Transform;

pub const HOUR_MICROS: i128 = 3_600_000_000;

/// The type of partition values; `None` for a transform that is not known.
pub fn result_type(transform: &Transform, source: &Primitive) -> Option<Primitive> {
    Some(match transform {
        Transform::Identity | Transform::Truncate(_) => source.clone(),
        Transform::Bucket(_) | Transform::Year | Transform::Month | Transform::Day | Transform::Hour => {
            Primitive::Int
        }
        Transform::Void | Transform::Unknown(_) => return None,
    })
}

/// The partition value of a value of the type `source`; `None` where the specification gives none.
pub fn apply(transform: &Transform, value: &Datum<'_>, source: &Primitive) -> Option<Datum<'static>> {
    Some(match transform {
        Transform::Identity => owned(value),
        Transform::Bucket(count) => Datum::Number(bucket(value, source, *count)?),
        Transform::Truncate(width) => truncate(value, source, *width)?,
        Transform::Year => Datum::Number(months(value, source)?.div_euclid(12)),
        Transform::Month => Datum::Number(months(value, source)?),
        Transform::Day if *source == Primitive::Date => Datum::Number(number(value)?),
        Transform::Day => Datum::Number(micros(value, source)?.div_euclid(DAY_MICROS)),
        Transform::Hour => Datum::Number(micros(value, source)?.div_euclid(HOUR_MICROS)),
        Transform::Void | Transform::Unknown(_) => return None,
    })
}

pub(super) fn owned(value: &Datum<'_>) -> Datum<'static> {
    match value {
        Datum::Boolean(value) => Datum::Boolean(*value),
        Datum::Number(value) => Datum::Number(*value),
        Datum::Float(value) => Datum::Float(*value),
        Datum::Bytes(value) => Datum::Bytes(value.to_vec().into()),
    }
}

fn number(value: &Datum<'_>) -> Option<i128> {
    if let Datum::Number(number) = value { Some(*number) } else { None }
}

/// Of a timestamp, since the epoch.
fn micros(value: &Datum<'_>, source: &Primitive) -> Option<i128> {
    if matches!(source, Primitive::Timestamp | Primitive::Timestamptz) {
        return number(value);
    }
    let is_nanos = matches!(source, Primitive::TimestampNs | Primitive::TimestamptzNs);
    is_nanos.then(|| number(value)).flatten().map(|nanos| nanos.div_euclid(1_000))
}

/// Since January 1970.
fn months(value: &Datum<'_>, source: &Primitive) -> Option<i128> {
    let seconds = if *source == Primitive::Date {
        number(value)?.checked_mul(86_400)?
    } else {
        micros(value, source)?.div_euclid(1_000_000)
    };
    let date = DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)?;
    Some((i128::from(date.year()) - 1970) * 12 + i128::from(date.month0()))
}

/// "Bucket Transform Details".
fn bucket(value: &Datum<'_>, source: &Primitive, count: u32) -> Option<i128> {
    let hash = match (value, source) {
        (Datum::Number(number), Primitive::Decimal { .. }) => buckets::of_unscaled(*number),
        (Datum::Number(_), Primitive::TimestampNs | Primitive::TimestamptzNs) => {
            buckets::of_number(i64::try_from(micros(value, source)?).ok()?)
        }
        (Datum::Number(number), _) => buckets::of_number(i64::try_from(*number).ok()?),
        (Datum::Bytes(bytes), _) => buckets::of_bytes(bytes),
        (Datum::Boolean(_) | Datum::Float(_), _) => return None,
    };
    buckets::number(hash, count).map(i128::from)
}

/// "Truncate Transform Details".
fn truncate(value: &Datum<'_>, source: &Primitive, width: u32) -> Option<Datum<'static>> {
    Some(match (value, source) {
        (Datum::Number(number), _) => {
            Datum::Number(number.checked_sub(number.checked_rem_euclid(width.into())?)?)
        }
        (Datum::Bytes(bytes), Primitive::String) => Datum::Bytes(prefix(bytes, width).to_vec().into()),
        (Datum::Bytes(bytes), _) => {
            let length = usize::try_from(width).unwrap_or(usize::MAX).min(bytes.len());
            Datum::Bytes(bytes.get(..length)?.to_vec().into())
        }
        (Datum::Boolean(_) | Datum::Float(_), _) => return None,
    })
}

/// The first characters of a text.
fn prefix(text: &[u8], characters: u32) -> &[u8] {
    let mut starts = text.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80).map(|(at, _)| at);
    let end = starts.nth(usize::try_from(characters).unwrap_or(usize::MAX));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// How many characters a text has.
pub(super) fn character_count(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::iceberg::primitive::PrimitiveType;

    fn of(transform: &str, value: &Json, name: &str) -> Option<Datum<'static>> {
        let source = PrimitiveType::parse(name).unwrap().primitive().clone();
        let value = Datum::of_json(value, &source).unwrap();
        apply(&Transform::parse(transform).unwrap(), &value, &source)
    }

    #[test]
    fn hashes_are_those_of_the_specification() {
        let hashed = |value: Json, name: &str| {
            let source = PrimitiveType::parse(name).unwrap().primitive().clone();
            bucket(&Datum::of_json(&value, &source).unwrap(), &source, 1 << 31).unwrap()
        };
        for (value, name, hash) in [
            (json!(34), "int", 2_017_239_379_i32),
            (json!(34), "long", 2_017_239_379),
            (json!("14.20"), "decimal(9,2)", -500_754_589),
            (json!("2017-11-16"), "date", -653_330_422),
            (json!("22:31:08"), "time", -662_762_989),
            (json!("2017-11-16T22:31:08"), "timestamp", -2_047_944_441),
            (json!("2017-11-16T14:31:08-08:00"), "timestamptz", -2_047_944_441),
            (json!("2017-11-16T22:31:08.000001"), "timestamp", -1_207_196_810),
            (json!("2017-11-16T22:31:08.000001001"), "timestamp_ns", -1_207_196_810),
            (json!("iceberg"), "string", 1_210_000_089),
            (json!("f79c3e09-677c-4bbd-a479-3f349cb785e7"), "uuid", 1_488_055_340),
            (json!("00010203"), "fixed[4]", -188_683_207),
            (json!("00010203"), "binary", -188_683_207),
        ] {
            assert_eq!(hashed(value, name), i128::from(hash & i32::MAX), "{name}");
        }
    }

    #[test]
    fn values_are_cut_as_in_the_specification() {
        let text = |text: &str| Some(Datum::Bytes(text.as_bytes().to_vec().into()));
        assert_eq!(of("truncate[10]", &json!(1), "int"), Some(Datum::Number(0)));
        assert_eq!(of("truncate[10]", &json!(-1), "long"), Some(Datum::Number(-10)));
        assert_eq!(of("truncate[50]", &json!("10.65"), "decimal(9,2)"), Some(Datum::Number(1050)));
        assert_eq!(of("truncate[3]", &json!("iceberg"), "string"), text("ice"));
        assert_eq!(of("truncate[2]", &json!("äöü"), "string"), text("äö"));
        assert_eq!(of("truncate[9]", &json!("äöü"), "string"), text("äöü"));
        assert_eq!(
            of("truncate[3]", &json!("0102030405"), "binary"),
            Some(Datum::Bytes(vec![1, 2, 3].into()))
        );
    }

    #[test]
    fn times_are_counted_from_1970() {
        for (transform, value, name, count) in [
            ("year", "2018-05-13", "date", 48),
            ("month", "2018-05-13", "date", 580),
            ("day", "1970-01-02", "date", 1),
            ("day", "1969-12-31T23:59:59.999999", "timestamp", -1),
            ("hour", "1970-01-01T10:01:00", "timestamp", 10),
            ("hour", "1969-12-31T23:00:00+00:00", "timestamptz", -1),
            ("year", "1969-12-31T23:59:59.999999999", "timestamp_ns", -1),
            ("month", "1969-12-31", "date", -1),
        ] {
            assert_eq!(of(transform, &json!(value), name), Some(Datum::Number(count)), "{transform} {value}");
        }
        assert_eq!(of("void", &json!(1), "int"), None);
        assert_eq!(of("zorder(a)", &json!(1), "int"), None);
    }
}
