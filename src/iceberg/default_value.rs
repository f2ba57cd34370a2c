//! Default values of fields: whether their JSON is of the field's type.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::Value;

use super::primitive::Primitive;
use super::types::Type;

/// Whether `value` is what the specification's "JSON single-value serialization" makes of a value of this type.
pub(super) fn fits(field_type: &Type, value: &Value) -> bool {
    if value.is_null() {
        return true;
    }
    match field_type {
        Type::Primitive(primitive) => fits_primitive(primitive.primitive(), value),
        Type::Struct(parts) => value.as_object().is_some_and(|object| {
            parts.fields.iter().all(|field| {
                object.get(&field.id.to_string()).is_none_or(|value| fits(&field.field_type, value))
            })
        }),
        Type::List(list) => {
            value.as_array().is_some_and(|elements| elements.iter().all(|value| fits(&list.element, value)))
        }
        Type::Map(map) => {
            let side = |name: &str| value.get(name).and_then(Value::as_array);
            let (Some(keys), Some(values)) = (side("keys"), side("values")) else { return false };
            keys.len() == values.len()
                && keys.iter().all(|key| !key.is_null() && fits(&map.key, key))
                && values.iter().all(|value| fits(&map.value, value))
        }
    }
}

fn fits_primitive(primitive: &Primitive, value: &Value) -> bool {
    let text = || value.as_str();
    match primitive {
        Primitive::Boolean => value.is_boolean(),
        Primitive::Int => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Primitive::Long => value.is_i64(),
        Primitive::Float | Primitive::Double => value.is_number(),
        Primitive::Decimal { precision, scale } => {
            text().is_some_and(|text| is_decimal(text, *precision, *scale))
        }
        Primitive::Date => text().is_some_and(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()),
        Primitive::Time => text().is_some_and(|text| NaiveTime::parse_from_str(text, "%H:%M:%S%.f").is_ok()),
        Primitive::Timestamp | Primitive::TimestampNs => {
            text().is_some_and(|text| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok())
        }
        Primitive::Timestamptz | Primitive::TimestamptzNs => text().is_some_and(|text| {
            DateTime::parse_from_rfc3339(text).is_ok_and(|time| time.offset().local_minus_utc() == 0)
        }),
        Primitive::String => value.is_string(),
        Primitive::Uuid => text().is_some_and(|text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()),
        Primitive::Fixed(length) => {
            text().is_some_and(|text| text.len() as u64 == 2 * u64::from(*length) && is_hexadecimal(text))
        }
        Primitive::Binary => text().is_some_and(|text| text.len().is_multiple_of(2) && is_hexadecimal(text)),
        // Their default is always null.
        Primitive::Unknown
        | Primitive::Variant
        | Primitive::Geometry { .. }
        | Primitive::Geography { .. } => false,
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Digits with as many of them after the point as the scale says. Exponents, which some writers use, are let pass.
fn is_decimal(text: &str, precision: u32, scale: u32) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some((digits, exponent)) = unsigned.split_once(['e', 'E']) {
        return digits.parse::<f64>().is_ok() && exponent.parse::<i32>().is_ok();
    }
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let significant = whole.trim_start_matches('0').len() + part.len();
    !unsigned.is_empty()
        && unsigned != "."
        && are_digits(whole)
        && are_digits(part)
        && part.len() == scale as usize
        && significant <= precision.max(scale) as usize
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits_type(field_type: Value, value: &Value) -> bool {
        fits(&serde_json::from_value(field_type).unwrap(), value)
    }

    #[test]
    fn values_of_their_type_fit_and_others_do_not() {
        for (name, right, wrong) in [
            ("boolean", json!(true), json!("true")),
            ("int", json!(-5), json!(3_000_000_000_i64)),
            ("long", json!(3_000_000_000_i64), json!(1.5)),
            ("float", json!(1), json!("1")),
            ("double", json!(1.5), json!(true)),
            ("decimal(4,2)", json!("-12.34"), json!("12.345")),
            ("decimal(4,2)", json!("0.10"), json!("123.45")),
            ("decimal(2,-0)", json!(null), json!(1)),
            ("date", json!("2024-02-29"), json!("2023-02-29")),
            ("time", json!("10:20:30.123456"), json!("25:00:00")),
            ("timestamp", json!("2024-01-01T10:20:30.000001"), json!("2024-01-01 10:20:30")),
            ("timestamp_ns", json!("2024-01-01T10:20:30.000000001"), json!(0)),
            ("timestamptz", json!("2024-01-01T10:20:30+00:00"), json!("2024-01-01T10:20:30+01:00")),
            ("timestamptz_ns", json!("2024-01-01T10:20:30.5Z"), json!("2024-01-01T10:20:30")),
            ("string", json!("é"), json!(1)),
            (
                "uuid",
                json!("f79c3e09-677c-4bbd-a479-3f349cb785e7"),
                json!("f79c3e09677c4bbda4793f349cb785e7"),
            ),
            ("fixed[2]", json!("00fF"), json!("00f")),
            ("binary", json!("00ff"), json!("0g")),
            ("unknown", json!(null), json!(1)),
            ("variant", json!(null), json!({})),
            ("geometry", json!(null), json!("POINT (1 1)")),
        ] {
            let name = if name == "decimal(2,-0)" { "decimal(2,0)" } else { name };
            assert!(fits_type(json!(name), &right), "{name} {right}");
            assert!(!fits_type(json!(name), &wrong), "{name} {wrong}");
        }
    }

    #[test]
    fn parts_of_nested_values_are_looked_at() {
        let list = json!({"type": "list", "element-id": 1, "element": "int", "element-required": true});
        assert!(fits_type(list.clone(), &json!([1, 2])));
        assert!(!fits_type(list, &json!([1, "2"])));
        let map = json!({"type": "map", "key-id": 1, "key": "string", "value-id": 2, "value": "int", "value-required": true});
        assert!(fits_type(map.clone(), &json!({"keys": ["a"], "values": [1]})));
        assert!(!fits_type(map, &json!({"keys": ["a"], "values": []})));
        let parts =
            json!({"type": "struct", "fields": [{"id": 7, "name": "a", "required": true, "type": "int"}]});
        assert!(fits_type(parts.clone(), &json!({"7": 1})));
        assert!(!fits_type(parts, &json!({"7": "x"})));
    }
}
