//! What a manifest list says of the columns of a manifest.
//!
//! The bounds of partition values bound the columns that they were made of: what the least value says is the lower bound, what
//! the greatest says the upper one. It is told as facts of one partition are, so that a query is asked of both alike.
//!
//! Source: Iceberg specification, "Manifest Lists" (`field_summary`).

use super::list::{Manifest, Summary};
use super::partition_facts::{self, FactField, FactSpec};
use super::statistics::{Columns, Nulls, Said};
use crate::iceberg::primitive::Primitive;
use crate::iceberg::transform::Transform;
use crate::manifest::partition::{Kind, Value};

/// The facts of a manifest, as the text of a partition; empty where nothing is known.
pub(super) fn text(manifest: &Manifest, specs: &[FactSpec], columns: &Columns) -> Vec<u8> {
    let mut text = Vec::new();
    let spec = specs.iter().find(|spec| spec.spec_id == manifest.spec_id);
    let Some(spec) = spec.filter(|spec| spec.width == manifest.summaries.len()) else { return text };
    for field in &spec.fields {
        if let Some(said) = manifest.summaries.get(field.at).and_then(|summary| said(field, summary)) {
            partition_facts::push(&mut text, &columns.fact(field.column, &said));
        }
    }
    text
}

/// What the summary of a field says of its column; `None` if that is nothing.
fn said(field: &FactField, summary: &Summary) -> Option<Said> {
    // Where NaN is told apart from other values, and how it is ordered, differs between writers and readers.
    if field.form.has_nans() && summary.may_have_nans {
        return None;
    }
    let bounds = summary.bounds.as_ref()?;
    let of = |bound| {
        let (value, kind) = value(field, bound)?;
        field.said(&value, kind)
    };
    let (low, high) = (of(&bounds.low)?, of(&bounds.high)?);
    let prefix = low.prefix.as_ref().filter(|prefix| high.prefix.as_ref() == Some(*prefix)).cloned();
    Some(Said {
        nulls: if summary.has_nulls { Nulls::Unknown } else { Nulls::None },
        // What begins with a text is not below it, but may be above.
        low: low.low.or_else(|| low.prefix.map(String::into_bytes)),
        high: high.high,
        prefix,
        bucket: low.bucket.filter(|_| low.bucket == high.bucket),
    })
}

/// A bound as the partition value that it is ("Binary single-value serialization"). Its length tells the type that the column
/// had when it was written.
fn value<'b>(field: &FactField, bound: &'b [u8]) -> Option<(Value<'b>, Kind)> {
    let int = || Some(Value::Int(i32::from_le_bytes(bound.try_into().ok()?)));
    let long = || Some(Value::Long(i64::from_le_bytes(bound.try_into().ok()?)));
    let whole = || int().or_else(long);
    if !matches!(field.transform, Transform::Identity | Transform::Truncate(_)) {
        return Some((int()?, Kind::Int));
    }
    Some(match field.source {
        Primitive::Boolean => {
            (Value::Boolean(*bound.first().filter(|_| bound.len() == 1)? != 0), Kind::Boolean)
        }
        Primitive::Int => (whole()?, Kind::Int),
        Primitive::Long => (whole()?, Kind::Long),
        Primitive::Date => (int()?, Kind::Date),
        Primitive::Timestamp | Primitive::Timestamptz => match int() {
            Some(days) => (days, Kind::Date),
            None => (long()?, Kind::Timestamp { is_utc: field.source == Primitive::Timestamptz }),
        },
        Primitive::Float | Primitive::Double => match bound.len() {
            4 => (Value::Float(f32::from_le_bytes(bound.try_into().ok()?)), Kind::Float),
            _ => (Value::Double(f64::from_le_bytes(bound.try_into().ok()?)), Kind::Double),
        },
        Primitive::String => (Value::Text(std::str::from_utf8(bound).ok()?), Kind::Text),
        Primitive::Decimal { precision, scale } => (Value::Bytes(bound), Kind::Decimal { precision, scale }),
        Primitive::Time
        | Primitive::TimestampNs
        | Primitive::TimestamptzNs
        | Primitive::Uuid
        | Primitive::Fixed(_)
        | Primitive::Binary
        | Primitive::Unknown
        | Primitive::Variant
        | Primitive::Geometry { .. }
        | Primitive::Geography { .. } => return None,
    })
}
