//! Transforms of columns to partition values and sort keys.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::primitive::Primitive;
use super::types::Type;

/// How a partition value or a sort key is made of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    Identity,
    /// Into so many buckets.
    Bucket(u32),
    /// To so many characters, or to multiples of so much.
    Truncate(u32),
    Year,
    Month,
    Day,
    Hour,
    Void,
    /// Of a later specification; writers that know it may use it.
    Unknown(String),
}

/// The transform has a width that none can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid transform: {text}")]
pub struct WrongWidth {
    pub text: String,
}

impl Transform {
    pub fn parse(text: &str) -> Result<Self, WrongWidth> {
        let lower = text.to_ascii_lowercase();
        Ok(match lower.as_str() {
            "identity" => Self::Identity,
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "void" => Self::Void,
            _ => match with_width(&lower) {
                Some((name, digits)) => {
                    let width = digits.parse::<i32>().ok().and_then(|width| u32::try_from(width).ok());
                    let width = width.filter(|width| *width > 0);
                    let width = width.ok_or_else(|| WrongWidth { text: text.to_owned() })?;
                    if name == "bucket" { Self::Bucket(width) } else { Self::Truncate(width) }
                }
                None => Self::Unknown(text.to_owned()),
            },
        })
    }

    /// Whether it can be made of values of this type.
    pub fn takes(&self, source: &Type) -> bool {
        let Some(primitive) = source.as_primitive() else { return matches!(self, Self::Void) };
        let primitive = primitive.primitive();
        let is_date = matches!(primitive, Primitive::Date);
        let is_timestamp = matches!(
            primitive,
            Primitive::Timestamp | Primitive::Timestamptz | Primitive::TimestampNs | Primitive::TimestamptzNs
        );
        let is_cut = matches!(
            primitive,
            Primitive::Int
                | Primitive::Long
                | Primitive::String
                | Primitive::Binary
                | Primitive::Decimal { .. }
        );
        match self {
            Self::Identity => !matches!(
                primitive,
                Primitive::Variant | Primitive::Geometry { .. } | Primitive::Geography { .. }
            ),
            Self::Bucket(_) => {
                let others = matches!(primitive, Primitive::Time | Primitive::Fixed(_) | Primitive::Uuid);
                is_cut || is_date || is_timestamp || others
            }
            Self::Truncate(_) => is_cut,
            Self::Year | Self::Month | Self::Day => is_date || is_timestamp,
            Self::Hour => is_timestamp,
            Self::Void | Self::Unknown(_) => true,
        }
    }
}

fn with_width(lower: &str) -> Option<(&str, &str)> {
    let (name, rest) = lower.split_once('[')?;
    let digits = rest.strip_suffix(']')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (matches!(name, "bucket" | "truncate") && is_number).then_some((name, digits))
}

impl fmt::Display for Transform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => formatter.write_str("identity"),
            Self::Bucket(count) => write!(formatter, "bucket[{count}]"),
            Self::Truncate(width) => write!(formatter, "truncate[{width}]"),
            Self::Year => formatter.write_str("year"),
            Self::Month => formatter.write_str("month"),
            Self::Day => formatter.write_str("day"),
            Self::Hour => formatter.write_str("hour"),
            Self::Void => formatter.write_str("void"),
            Self::Unknown(text) => formatter.write_str(text),
        }
    }
}

impl Serialize for Transform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Transform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn transforms_are_written_as_the_specification_spells_them() {
        for text in
            ["identity", "bucket[16]", "truncate[3]", "year", "month", "day", "hour", "void", "zorder(a)"]
        {
            assert_eq!(Transform::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Transform::parse("Bucket[16]"), Ok(Transform::Bucket(16)));
        assert_eq!(Transform::parse("bucket[x]"), Ok(Transform::Unknown("bucket[x]".to_owned())));
        assert!(Transform::parse("bucket[0]").is_err());
        assert!(Transform::parse("truncate[99999999999]").is_err());
    }

    #[test]
    fn each_takes_the_types_that_the_specification_lists() {
        let takes = |transform: &str, name: &str| {
            Transform::parse(transform).unwrap().takes(&serde_json::from_value(json!(name)).unwrap())
        };
        for (transform, right, wrong) in [
            ("identity", "double", "variant"),
            ("bucket[2]", "uuid", "double"),
            ("bucket[2]", "timestamptz_ns", "boolean"),
            ("truncate[2]", "decimal(9,2)", "date"),
            ("day", "date", "time"),
            ("hour", "timestamp", "date"),
        ] {
            assert!(takes(transform, right), "{transform} {right}");
            assert!(!takes(transform, wrong), "{transform} {wrong}");
        }
        assert!(takes("void", "variant") && takes("later", "variant"));
        let parts = serde_json::from_value(json!({"type": "struct", "fields": []})).unwrap();
        assert!(!Transform::Identity.takes(&parts) && Transform::Void.takes(&parts));
    }
}
