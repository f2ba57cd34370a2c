//! Types without parts, by the names that the specification gives them.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Largest precision of a decimal (Iceberg specification, "Primitive Types").
const PRECISION_MAX: u32 = 38;

/// Ways to draw the edges of a geography (Iceberg specification, "Primitive Types").
const EDGE_ALGORITHMS: [&str; 5] = ["spherical", "vincenty", "thomas", "andoyer", "karney"];

/// What a value without parts is. `Variant` is no primitive type of the specification, but is written like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Primitive {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Decimal {
        precision: u32,
        scale: u32,
    },
    Date,
    Time,
    Timestamp,
    Timestamptz,
    TimestampNs,
    TimestamptzNs,
    String,
    Uuid,
    /// With its length in bytes.
    Fixed(u32),
    Binary,
    Unknown,
    Variant,
    /// With its coordinate reference system in lower case, if it is not the default one.
    Geometry {
        crs: Option<String>,
    },
    Geography {
        crs: Option<String>,
        edges: Option<String>,
    },
}

/// The name is none of the specification's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is not a type")]
pub struct UnknownName {
    pub name: String,
}

/// A primitive type and its name as it was written: `decimal(9,2)` stays without its space.
#[derive(Debug, Clone)]
pub struct PrimitiveType {
    primitive: Primitive,
    name: Box<str>,
}

impl PrimitiveType {
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        let primitive = parse(name).ok_or_else(|| UnknownName { name: name.to_owned() })?;
        Ok(Self { primitive, name: name.into() })
    }

    pub fn primitive(&self) -> &Primitive {
        &self.primitive
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Two names of the same type are the same.
impl PartialEq for PrimitiveType {
    fn eq(&self, other: &Self) -> bool {
        self.primitive == other.primitive
    }
}

impl fmt::Display for PrimitiveType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl Serialize for PrimitiveType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for PrimitiveType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&name).map_err(D::Error::custom)
    }
}

impl Primitive {
    /// The format version from which on tables may have such columns.
    pub fn min_format_version(&self) -> u8 {
        match self {
            Self::TimestampNs
            | Self::TimestamptzNs
            | Self::Unknown
            | Self::Variant
            | Self::Geometry { .. }
            | Self::Geography { .. } => 3,
            Self::Boolean
            | Self::Int
            | Self::Long
            | Self::Float
            | Self::Double
            | Self::Decimal { .. }
            | Self::Date
            | Self::Time
            | Self::Timestamp
            | Self::Timestamptz
            | Self::String
            | Self::Uuid
            | Self::Fixed(_)
            | Self::Binary => 1,
        }
    }
}

fn parse(name: &str) -> Option<Primitive> {
    let lower = name.to_ascii_lowercase();
    Some(match lower.as_str() {
        "boolean" => Primitive::Boolean,
        "int" => Primitive::Int,
        "long" => Primitive::Long,
        "float" => Primitive::Float,
        "double" => Primitive::Double,
        "date" => Primitive::Date,
        "time" => Primitive::Time,
        "timestamp" => Primitive::Timestamp,
        "timestamptz" => Primitive::Timestamptz,
        "timestamp_ns" => Primitive::TimestampNs,
        "timestamptz_ns" => Primitive::TimestamptzNs,
        "string" => Primitive::String,
        "uuid" => Primitive::Uuid,
        "binary" => Primitive::Binary,
        "unknown" => Primitive::Unknown,
        "variant" => Primitive::Variant,
        _ => return parse_with_parameters(&lower),
    })
}

fn parse_with_parameters(lower: &str) -> Option<Primitive> {
    let (head, parameters) = match lower.split_once(['(', '[']) {
        Some((head, rest)) => (head, Some(rest)),
        None => (lower, None),
    };
    match (head.trim_end(), parameters) {
        ("fixed", Some(rest)) if lower.contains('[') => {
            let length = rest.strip_suffix(']')?.trim();
            Some(Primitive::Fixed(number(length)?))
        }
        ("decimal", Some(rest)) => {
            let (precision, scale) = rest.strip_suffix(')')?.split_once(',')?;
            let (precision, scale) = (number(precision.trim())?, number(scale.trim())?);
            (precision <= PRECISION_MAX).then_some(Primitive::Decimal { precision, scale })
        }
        ("geometry", None) => Some(Primitive::Geometry { crs: None }),
        ("geometry", Some(rest)) => Some(Primitive::Geometry { crs: Some(crs(rest.strip_suffix(')')?)?) }),
        ("geography", None) => Some(Primitive::Geography { crs: None, edges: None }),
        ("geography", Some(rest)) => {
            let rest = rest.strip_suffix(')')?;
            let (system, edges) = match rest.split_once(',') {
                Some((system, edges)) => (system, Some(edges.trim().to_owned())),
                None => (rest, None),
            };
            let known = edges.as_deref().is_none_or(|edges| EDGE_ALGORITHMS.contains(&edges));
            known.then_some(Primitive::Geography { crs: Some(crs(system)?), edges })
        }
        _ => None,
    }
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn crs(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && !text.contains(')')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn primitive(name: &str) -> Option<Primitive> {
        PrimitiveType::parse(name).ok().map(|parsed| parsed.primitive)
    }

    #[test]
    fn every_type_of_the_specification_is_known_and_keeps_its_name() {
        for name in [
            "boolean",
            "int",
            "long",
            "float",
            "double",
            "decimal(9,2)",
            "decimal(38, 38)",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "timestamp_ns",
            "timestamptz_ns",
            "string",
            "uuid",
            "fixed[16]",
            "binary",
            "unknown",
            "variant",
            "geometry",
            "geometry(srid:4326)",
            "geography",
            "geography(OGC:CRS84, karney)",
            "geography(srid:4326)",
        ] {
            let parsed = PrimitiveType::parse(name).unwrap();
            assert_eq!(serde_json::to_value(&parsed).unwrap(), name);
            let is_new = parsed.primitive.min_format_version() == 3;
            let has_new_name = ["ns", "unknown", "variant", "geo"].iter().any(|word| name.contains(word));
            assert_eq!(is_new, has_new_name, "{name}");
        }
    }

    #[test]
    fn spaces_and_case_do_not_make_another_type() {
        assert_eq!(PrimitiveType::parse("decimal(9, 2)"), PrimitiveType::parse("DECIMAL( 9,2 )"));
        assert_eq!(primitive("fixed[ 3 ]"), Some(Primitive::Fixed(3)));
        assert_eq!(PrimitiveType::parse("geometry(OGC:CRS84)"), PrimitiveType::parse("geometry(ogc:crs84)"));
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "str",
            "decimal",
            "decimal(39,2)",
            "decimal(9)",
            "decimal(9,-2)",
            "decimal(9,2",
            "fixed[]",
            "fixed[+3]",
            "fixed[99999999999]",
            "fixed(3)",
            "geometry()",
            "geography(a, wrong)",
            "struct",
        ] {
            assert_eq!(primitive(name), None, "{name}");
        }
    }
}
