//! Constants of hints as values of the columns they are compared with.

use super::domain::{Decimal, Literal, Value};
use super::expression::{Constant, Type};
use super::moment::{CUT_MICROS_MAX, Moment, ZONE_MICROS_MAX, parse_date, parse_timestamp};

/// Decimal digits that a double keeps apart.
const DOUBLE_DIGITS: usize = 15;
/// How far a double may lie from a decimal with more digits, as a part of it; writers round more than once.
const DOUBLE_ERROR: f64 = 2e-15;

/// The constant as values of a column of type `data_type` are compared with it; `None` if that cannot be known.
///
/// Null is not for here: nothing compares with it.
pub(super) fn literal(constant: &Constant, data_type: Type) -> Option<Literal> {
    match (data_type, constant) {
        (Type::Boolean, Constant::Boolean(value)) => Some(Literal::exact(Value::Integer(i64::from(*value)))),
        (Type::Integer { .. }, Constant::Number(text) | Constant::Text(text)) => {
            Some(Literal::exact(Value::Integer(text.trim_ascii().parse().ok()?)))
        }
        (Type::Float | Type::Double, Constant::Number(text) | Constant::Text(text)) => floating(text),
        (Type::Decimal { precision, .. }, Constant::Number(text)) => decimal(text, precision),
        (Type::Text, Constant::Text(text)) => Some(Literal::exact(Value::Text(text.clone().into()))),
        (Type::Date, Constant::Date(text) | Constant::Text(text)) => {
            Some(Literal::exact(Value::Integer(parse_date(text)?)))
        }
        (Type::Timestamp, Constant::Timestamp(text) | Constant::Text(text) | Constant::Date(text)) => {
            timestamp(parse_timestamp(text)?)
        }
        (Type::TimestampNtz, Constant::TimestampNtz(text) | Constant::Text(text)) => {
            let moment = parse_timestamp(text)?;
            (!moment.has_zone).then(|| Literal::exact(Value::Integer(moment.micros)))
        }
        _ => None,
    }
}

/// Whether the client meant a float or a double is not always to be seen, so it is both.
fn floating(text: &str) -> Option<Literal> {
    let double = text.trim_ascii().parse::<f64>().ok().filter(|number| !number.is_nan())?;
    let float = f64::from(text.trim_ascii().parse::<f32>().ok()?);
    let (low, high) = (Value::Float(double.min(float)), Value::Float(double.max(float)));
    Some(Literal { low, high, decimal: None })
}

fn decimal(text: &str, precision: u8) -> Option<Literal> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits <= DOUBLE_DIGITS && usize::from(precision) <= DOUBLE_DIGITS {
        return Some(Literal { decimal: Decimal::parse(text), ..Literal::exact(Value::Float(number)) });
    }
    let error = number.abs() * DOUBLE_ERROR;
    let (low, high) = (Value::Float(number - error), Value::Float(number + error));
    Some(Literal { low, high, decimal: Decimal::parse(text) })
}

/// Spark cuts timestamps of hints to milliseconds, and prints them in a time zone that it does not name.
fn timestamp(moment: Moment) -> Option<Literal> {
    let doubt = if moment.has_zone { 0 } else { ZONE_MICROS_MAX };
    let (before, after) = match moment.may_be_cut {
        // Division in Java rounds times before 1970 up, to 1970 itself at most.
        true if moment.micros <= 0 => (CUT_MICROS_MAX, CUT_MICROS_MAX),
        true => (0, CUT_MICROS_MAX),
        false => (0, 0),
    };
    Some(Literal {
        low: Value::Integer(moment.micros.checked_sub(doubt + before)?),
        high: Value::Integer(moment.micros.checked_add(doubt + after)?),
        decimal: None,
    })
}
