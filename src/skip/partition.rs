//! Partition values, typed: exact, but for what their text leaves open.

use serde_json::value::RawValue;

use super::domain::{Domain, Value};
use super::expression::{Constant, Type};
use super::facts::each_field;
use super::literal::literal;
use super::moment::{ZONE_MICROS_MAX, parse_timestamp};

/// A partition column that a predicate asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartitionColumn {
    pub(super) physical: String,
    pub(super) logical: String,
    /// What its text is read as.
    pub(super) data_type: Type,
    /// Whether it is text by itself, so that a cast may make null of it.
    pub(super) is_cast: bool,
}

/// The domains of `columns` in a file with these partition values, in their order.
pub(super) fn domains(columns: &[PartitionColumn], partition_values_json: &[u8]) -> Vec<Domain<'static>> {
    let mut domains = vec![None; columns.len()];
    let text = std::str::from_utf8(partition_values_json).unwrap_or_default();
    let is_read = each_field(text, |name, value| {
        for (column, domain) in columns.iter().zip(&mut domains) {
            if name == column.physical || (name == column.logical && domain.is_none()) {
                let read = domain_of(value, column.data_type);
                *domain = Some(Domain { can_be_null: read.can_be_null || column.is_cast, ..read });
            }
        }
    });
    domains.into_iter().map(|domain| domain.filter(|_| is_read).unwrap_or(Domain::ANY)).collect()
}

/// Null and the empty text are null (Delta, "Partition Value Serialization").
fn domain_of(value: &RawValue, data_type: Type) -> Domain<'static> {
    let Ok(text) = serde_json::from_str::<Option<String>>(value.get()) else { return Domain::ANY };
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Domain::NULL };
    let Some((low, high)) = bounds(text, data_type) else { return Domain::ANY };
    Domain {
        can_be_null: false,
        can_be_value: true,
        low: Some(low),
        high: Some(high),
        high_is_prefix: false,
        can_be_nan: false,
        bucket: None,
    }
}

fn bounds(text: String, data_type: Type) -> Option<(Value<'static>, Value<'static>)> {
    let constant = match data_type {
        Type::Boolean if text.eq_ignore_ascii_case("true") => Constant::Boolean(true),
        Type::Boolean if text.eq_ignore_ascii_case("false") => Constant::Boolean(false),
        Type::Timestamp => {
            let moment = parse_timestamp(&text)?;
            // Text without a zone is in that of the writer, or of the reader.
            let doubt = if moment.has_zone { 0 } else { ZONE_MICROS_MAX };
            let low = moment.micros.checked_sub(doubt)?;
            return Some((Value::Integer(low), Value::Integer(moment.micros.checked_add(doubt)?)));
        }
        Type::TimestampNtz => Constant::TimestampNtz(text),
        Type::Date => Constant::Date(text),
        Type::Text => Constant::Text(text),
        Type::Integer { .. } | Type::Float | Type::Double | Type::Decimal { .. } => Constant::Number(text),
        Type::Boolean | Type::Opaque => return None,
    };
    let literal = literal(&constant, data_type)?;
    Some((literal.low, literal.high))
}
