//! Casts in SQL hints.

use super::expression::{Constant, Operand, Type};

/// The type that a cast names, in lower case and without blanks.
pub(super) fn type_of(name: &str) -> Type {
    match name {
        "boolean" => Type::Boolean,
        "tinyint" | "byte" => Type::Integer { bytes: 1 },
        "smallint" | "short" => Type::Integer { bytes: 2 },
        "int" | "integer" => Type::Integer { bytes: 4 },
        "bigint" | "long" => Type::Integer { bytes: 8 },
        "float" | "real" => Type::Float,
        "double" => Type::Double,
        "string" => Type::Text,
        "date" => Type::Date,
        "timestamp" | "timestamp_ltz" => Type::Timestamp,
        "timestamp_ntz" => Type::TimestampNtz,
        _ => Type::parse_decimal(name).unwrap_or(Type::Opaque),
    }
}

/// The operand after a cast; unknown if the cast may change it.
pub(super) fn cast_operand(operand: Operand, target: Type) -> Operand {
    match operand {
        Operand::Column { name, cast: None } => Operand::Column { name, cast: Some(target) },
        Operand::Constant(constant) => {
            cast_constant(constant, target).map_or(Operand::Unknown, Operand::Constant)
        }
        Operand::Column { cast: Some(_), .. } | Operand::Unknown => Operand::Unknown,
    }
}

/// Casts that keep what is written.
fn cast_constant(constant: Constant, target: Type) -> Option<Constant> {
    match (constant, target) {
        (Constant::Null, _) => Some(Constant::Null),
        (Constant::Text(text), Type::Text) => Some(Constant::Text(text)),
        (Constant::Text(text) | Constant::Date(text), Type::Date) => Some(Constant::Date(text)),
        (Constant::Text(text) | Constant::Timestamp(text), Type::Timestamp) => {
            Some(Constant::Timestamp(text))
        }
        (Constant::Text(text) | Constant::TimestampNtz(text), Type::TimestampNtz) => {
            Some(Constant::TimestampNtz(text))
        }
        (Constant::Boolean(value), Type::Boolean) => Some(Constant::Boolean(value)),
        (Constant::Number(text), Type::Integer { bytes }) => {
            let number: i64 = text.parse().ok()?;
            let beyond = number >> (u32::from(bytes) * 8 - 1);
            (beyond == 0 || beyond == -1).then_some(Constant::Number(text))
        }
        // The exponent keeps it from being taken for an integer.
        (Constant::Number(text), Type::Float | Type::Double) if !text.contains('E') => {
            Some(Constant::Number(text + "E0"))
        }
        (Constant::Number(text) | Constant::Text(text), Type::Float | Type::Double) => {
            Some(Constant::Number(text))
        }
        (Constant::Number(text), Type::Decimal { scale, .. }) => {
            let fraction_digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            (fraction_digits <= usize::from(scale) && !text.contains('E')).then_some(Constant::Number(text))
        }
        _ => None,
    }
}
