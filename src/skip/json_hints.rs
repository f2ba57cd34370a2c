//! `jsonPredicateHints`: a tree of operations as JSON text.

use simd_json::prelude::*;
use simd_json::tape::{Object, Value};

use super::domain::Operator;
use super::expression::{ColumnName, Constant, Expression, Operand, Type};
use crate::limits::{HINT_BYTES_MAX, HINT_DEPTH_MAX};

/// Reads a hint (Delta Sharing, "JSON predicates for Filtering"); `None` if it is too long or no JSON object.
///
/// Operations that are not understood, or lie too deep, become [`Expression::Unknown`] where they stand.
pub(super) fn parse(text: &str) -> Option<Expression> {
    if text.len() > HINT_BYTES_MAX {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    let tape = simd_json::to_tape(&mut bytes).ok()?;
    let root = tape.as_value();
    root.as_object()?;
    Some(expression(root, HINT_DEPTH_MAX))
}

fn expression(value: Value<'_, '_>, depth: usize) -> Expression {
    let Some(depth) = depth.checked_sub(1) else { return Expression::Unknown };
    let Some(object) = value.as_object() else { return Expression::Unknown };
    let name = text_of(&object, "op").unwrap_or_default().to_ascii_lowercase();
    let conditions =
        || children(&object).into_iter().map(|child| expression(child, depth)).collect::<Vec<_>>();
    let compare = |operator| {
        let [left, right] = children(&object)[..] else { return Expression::Unknown };
        comparison(operator, left, right)
    };
    match name.as_str() {
        "and" | "or" if children(&object).is_empty() => Expression::Unknown,
        "and" => Expression::All(conditions()),
        "or" => Expression::Any(conditions()),
        "not" => match children(&object)[..] {
            [child] => Expression::Not(Box::new(expression(child, depth))),
            _ => Expression::Unknown,
        },
        "isnull" => match children(&object)[..] {
            [child] => Expression::IsNull(operand(child).0),
            _ => Expression::Unknown,
        },
        "column" | "literal" => Expression::Holds(operand(value).0),
        "equal" | "=" | "==" => compare(Operator::Equal),
        "lessthan" | "<" => compare(Operator::Less),
        "lessthanorequal" | "<=" => compare(Operator::LessOrEqual),
        "greaterthan" | ">" => compare(Operator::Greater),
        "greaterthanorequal" | ">=" => compare(Operator::GreaterOrEqual),
        _ => Expression::Unknown,
    }
}

/// Both sides have to be of one type; a side that does not say has that of the other.
fn comparison(operator: Operator, left: Value<'_, '_>, right: Value<'_, '_>) -> Expression {
    let ((mut left, left_type), (mut right, right_type)) = (operand(left), operand(right));
    if let (Some(left), Some(right)) = (left_type, right_type)
        && left != right
    {
        return Expression::Unknown;
    }
    for side in [&mut left, &mut right] {
        if let Operand::Column { cast, .. } = side {
            *cast = left_type.or(right_type);
        }
    }
    Expression::Compare { operator, left, right }
}

/// A leaf and its `valueType`.
fn operand(value: Value<'_, '_>) -> (Operand, Option<Type>) {
    let Some(object) = value.as_object() else { return (Operand::Unknown, None) };
    let value_type = object.get("valueType").map(|_| value_type(&object));
    let operand = match text_of(&object, "op").unwrap_or_default().to_ascii_lowercase().as_str() {
        "column" => match text_of(&object, "name") {
            Some(name) => Operand::Column { name: ColumnName::Dotted(name.to_owned()), cast: value_type },
            None => Operand::Unknown,
        },
        "literal" => constant(&object, value_type).map_or(Operand::Unknown, Operand::Constant),
        _ => Operand::Unknown,
    };
    (operand, value_type)
}

fn value_type(object: &Object<'_, '_>) -> Type {
    match text_of(object, "valueType").unwrap_or_default().to_ascii_lowercase().as_str() {
        "bool" | "boolean" => Type::Boolean,
        "int" | "integer" => Type::Integer { bytes: 4 },
        "long" | "bigint" => Type::Integer { bytes: 8 },
        "string" => Type::Text,
        "date" => Type::Date,
        "float" => Type::Float,
        "double" => Type::Double,
        "timestamp" => Type::Timestamp,
        _ => Type::Opaque,
    }
}

fn constant(object: &Object<'_, '_>, value_type: Option<Type>) -> Option<Constant> {
    let value = object.get("value")?;
    let text = match (value.as_str(), value.as_i64(), value.as_bool()) {
        (Some(text), _, _) => text.to_owned(),
        (_, Some(number), _) => number.to_string(),
        (_, _, Some(boolean)) => boolean.to_string(),
        _ => return None,
    };
    match value_type? {
        Type::Boolean if text.eq_ignore_ascii_case("true") => Some(Constant::Boolean(true)),
        Type::Boolean if text.eq_ignore_ascii_case("false") => Some(Constant::Boolean(false)),
        Type::Integer { .. } | Type::Float | Type::Double => Some(Constant::Number(text)),
        Type::Text => Some(Constant::Text(text)),
        Type::Date => Some(Constant::Date(text)),
        Type::Timestamp => Some(Constant::Timestamp(text)),
        Type::Boolean | Type::Decimal { .. } | Type::TimestampNtz | Type::Opaque => None,
    }
}

fn text_of<'i>(object: &Object<'_, 'i>, name: &str) -> Option<&'i str> {
    object.get(name)?.into_string()
}

fn children<'t, 'i>(object: &Object<'t, 'i>) -> Vec<Value<'t, 'i>> {
    let array = object.get("children").and_then(|children| children.as_array());
    array.map(|array| array.iter().collect()).unwrap_or_default()
}
