//! Files of a scan as the specification writes them: `ContentFile`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Value as Json, json};

use crate::iceberg::partition_spec::{PartitionField as SpecField, PartitionSpec};
use crate::iceberg::primitive::Primitive;
use crate::iceberg::schema::Schema;
use crate::iceberg::transform::Transform;
use crate::manifest::columns::{Bounds, Counts};
use crate::manifest::entry::{Entry, FileContent};
use crate::manifest::partition::{Kind, PartitionField, Value};

/// Writes the files of one manifest.
pub(super) struct FileWriter<'s> {
    spec_id: i32,
    /// For each field of the spec where it stands in a tuple, and of which kind it is.
    places: Vec<Option<(usize, Kind)>>,
    stats: &'s BTreeSet<i32>,
}

impl<'s> FileWriter<'s> {
    pub(super) fn new(
        (spec_id, spec): (i32, Option<&PartitionSpec>),
        sources: &BTreeMap<i32, Kind>,
        fields: &[PartitionField],
        stats: &'s BTreeSet<i32>,
    ) -> Self {
        let place = |of_spec: &SpecField| {
            let is_it = |field: &PartitionField| field.is_of_spec(of_spec.id, &of_spec.name);
            let (at, field) = fields.iter().enumerate().find(|(_, field)| is_it(field))?;
            Some((at, kind(of_spec, field.kind, sources)))
        };
        let places = match spec {
            Some(spec) => spec.fields.iter().map(place).collect(),
            None => fields.iter().enumerate().map(|(at, field)| Some((at, field.kind))).collect(),
        };
        Self { spec_id, places, stats }
    }

    pub(super) fn write(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        let content = match entry.content {
            FileContent::Data => "data",
            FileContent::PositionDeletes => "position-deletes",
            FileContent::EqualityDeletes => "equality-deletes",
        };
        let value = |place: &Option<(usize, Kind)>| {
            place
                .and_then(|(at, kind)| Some(value_json(entry.partition.get(at)?, kind)))
                .unwrap_or(Json::Null)
        };
        let mut file = json!({
            "content": content,
            "file-path": entry.file_path,
            "file-format": entry.file_format.to_ascii_lowercase(),
            "spec-id": self.spec_id,
            "partition": self.places.iter().map(value).collect::<Vec<_>>(),
            "file-size-in-bytes": entry.file_size_bytes,
            "record-count": entry.record_count,
        });
        let mut put = |name: &str, value: Option<Json>| {
            if let (Some(value), Json::Object(fields)) = (value, &mut file) {
                fields.insert(name.to_owned(), value);
            }
        };
        put("key-metadata", entry.key_metadata.map(hex));
        put("split-offsets", entry.split_offsets.map(|offsets| offsets.iter().collect::<Vec<_>>().into()));
        put("sort-order-id", entry.sort_order_id.map(Json::from));
        if entry.content == FileContent::Data {
            put("first-row-id", entry.first_row_id.map(Json::from));
            put("column-sizes", self.counts(entry.column_sizes));
            put("value-counts", self.counts(entry.value_counts));
            put("null-value-counts", self.counts(entry.null_value_counts));
            put("nan-value-counts", self.counts(entry.nan_value_counts));
            put("lower-bounds", self.bounds(entry.lower_bounds));
            put("upper-bounds", self.bounds(entry.upper_bounds));
        } else {
            put("equality-ids", entry.equality_ids.map(|ids| ids.iter().collect::<Vec<_>>().into()));
            put("referenced-data-file", entry.referenced_data_file.map(Json::from));
            put("content-offset", entry.content_offset.map(Json::from));
            put("content-size-in-bytes", entry.content_size_bytes.map(Json::from));
        }
        // Values of our own make are always written.
        let _ = serde_json::to_writer(out, &file);
    }

    fn counts(&self, counts: Option<Counts<'_>>) -> Option<Json> {
        self.map(counts?.iter().map(|(column, count)| (column, count.into())))
    }

    /// Bounds in their serialized form, which clients take whatever the type of the column has become.
    fn bounds(&self, bounds: Option<Bounds<'_>>) -> Option<Json> {
        self.map(bounds?.iter().map(|(column, bound)| (column, hex(bound))))
    }

    /// `CountMap` and `ValueMap`, of the columns that were asked for.
    fn map(&self, pairs: impl Iterator<Item = (i32, Json)>) -> Option<Json> {
        if self.stats.is_empty() {
            return None;
        }
        let wanted = pairs.filter(|(column, _)| self.stats.contains(column));
        let (keys, values): (Vec<i32>, Vec<Json>) = wanted.unzip();
        Some(json!({"keys": keys, "values": values}))
    }
}

fn hex(bytes: &[u8]) -> Json {
    hex::encode_upper(bytes).into()
}

/// The type that clients make of a transform, which may be another than the file has.
fn kind(field: &SpecField, written: Kind, sources: &BTreeMap<i32, Kind>) -> Kind {
    match field.transform {
        Transform::Day => Kind::Date,
        Transform::Bucket(_) | Transform::Year | Transform::Month | Transform::Hour => Kind::Int,
        Transform::Identity | Transform::Truncate(_) => {
            let source = field.source_ids().first().copied();
            source.and_then(|source| sources.get(&source).copied()).unwrap_or(written)
        }
        Transform::Void | Transform::Unknown(_) => written,
    }
}

/// The types of the columns that specs are made of, each in the newest schema that has it.
pub(super) fn source_kinds(specs: &[PartitionSpec], schemas: &[Arc<Schema>]) -> BTreeMap<i32, Kind> {
    let fields = specs.iter().flat_map(|spec| &spec.fields);
    let sources: BTreeSet<i32> = fields.flat_map(|field| field.source_ids().iter().copied()).collect();
    let mut kinds = BTreeMap::new();
    for schema in schemas.iter().rev() {
        let Ok(index) = schema.index() else { continue };
        for source in &sources {
            let primitive = index.find(*source).and_then(|place| place.field_type.as_primitive());
            if let Some(kind) = primitive.and_then(|primitive| kind_of(primitive.primitive())) {
                kinds.entry(*source).or_insert(kind);
            }
        }
    }
    kinds
}

fn kind_of(primitive: &Primitive) -> Option<Kind> {
    Some(match primitive {
        Primitive::Boolean => Kind::Boolean,
        Primitive::Int => Kind::Int,
        Primitive::Long => Kind::Long,
        Primitive::Float => Kind::Float,
        Primitive::Double => Kind::Double,
        Primitive::Decimal { precision, scale } => Kind::Decimal { precision: *precision, scale: *scale },
        Primitive::Date => Kind::Date,
        Primitive::Time => Kind::Time,
        Primitive::Timestamp => Kind::Timestamp { is_utc: false },
        Primitive::Timestamptz => Kind::Timestamp { is_utc: true },
        Primitive::TimestampNs => Kind::TimestampNs { is_utc: false },
        Primitive::TimestamptzNs => Kind::TimestampNs { is_utc: true },
        Primitive::String => Kind::Text,
        Primitive::Uuid => Kind::Uuid,
        Primitive::Fixed(_) => Kind::Fixed,
        Primitive::Binary => Kind::Binary,
        Primitive::Unknown
        | Primitive::Variant
        | Primitive::Geometry { .. }
        | Primitive::Geography { .. } => {
            return None;
        }
    })
}

/// "JSON single-value serialization".
fn value_json(value: &Value<'_>, kind: Kind) -> Json {
    match *value {
        Value::Null | Value::Unread => Json::Null,
        Value::Boolean(value) => value.into(),
        Value::Int(days) if kind == Kind::Date => date(days.into()).unwrap_or_else(|| days.into()),
        Value::Int(value) => value.into(),
        Value::Long(value) => moment(value, kind).unwrap_or_else(|| value.into()),
        Value::Float(value) => number(value.into()),
        Value::Double(value) => number(value),
        Value::Text(value) => value.into(),
        Value::Bytes(bytes) => bytes_json(bytes, kind),
    }
}

fn bytes_json(bytes: &[u8], kind: Kind) -> Json {
    if let Kind::Decimal { scale, .. } = kind {
        decimal(bytes, scale).map_or(Json::Null, Json::from)
    } else if kind == Kind::Uuid {
        uuid::Uuid::from_slice(bytes).map_or(Json::Null, |uuid| uuid.to_string().into())
    } else {
        hex(bytes)
    }
}

fn number(value: f64) -> Json {
    serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Json::Number)
}

fn date(days: i64) -> Option<Json> {
    let date = DateTime::from_timestamp(days.checked_mul(86_400)?, 0)?;
    Some(date.format("%Y-%m-%d").to_string().into())
}

fn moment(value: i64, kind: Kind) -> Option<Json> {
    let text = |moment: DateTime<chrono::Utc>, format: &str, is_utc: bool| {
        let zone = if is_utc { "+00:00" } else { "" };
        Some(format!("{}{zone}", moment.format(format)).into())
    };
    match kind {
        Kind::Date => date(value),
        Kind::Time => text(DateTime::from_timestamp_micros(value)?, "%H:%M:%S%.6f", false),
        Kind::Timestamp { is_utc } => {
            text(DateTime::from_timestamp_micros(value)?, "%Y-%m-%dT%H:%M:%S%.6f", is_utc)
        }
        Kind::TimestampNs { is_utc } => {
            text(DateTime::from_timestamp_nanos(value), "%Y-%m-%dT%H:%M:%S%.9f", is_utc)
        }
        Kind::Boolean
        | Kind::Int
        | Kind::Long
        | Kind::Float
        | Kind::Double
        | Kind::Text
        | Kind::Uuid
        | Kind::Fixed
        | Kind::Binary
        | Kind::Decimal { .. }
        | Kind::Other => None,
    }
}

/// `14.20`.
fn decimal(bytes: &[u8], scale: u32) -> Option<String> {
    let unscaled = crate::scan::datum::unscaled(bytes)?;
    let scale = usize::try_from(scale).ok()?;
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len().checked_sub(scale)?)?;
    let sign = if unscaled < 0 { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_specification_spells_them() {
        for (value, kind, text) in [
            (Value::Boolean(true), Kind::Boolean, "true"),
            (Value::Int(34), Kind::Int, "34"),
            (Value::Int(17_486), Kind::Date, "\"2017-11-16\""),
            (Value::Long(81_068_123_456), Kind::Time, "\"22:31:08.123456\""),
            (
                Value::Long(1_510_871_468_123_456),
                Kind::Timestamp { is_utc: false },
                "\"2017-11-16T22:31:08.123456\"",
            ),
            (
                Value::Long(1_510_871_468_123_456),
                Kind::Timestamp { is_utc: true },
                "\"2017-11-16T22:31:08.123456+00:00\"",
            ),
            (Value::Long(-1), Kind::TimestampNs { is_utc: false }, "\"1969-12-31T23:59:59.999999999\""),
            (Value::Bytes(&[0x05, 0x8C]), Kind::Decimal { precision: 9, scale: 2 }, "\"14.20\""),
            (Value::Bytes(&[0xFF]), Kind::Decimal { precision: 9, scale: 3 }, "\"-0.001\""),
            (Value::Bytes(&[7]), Kind::Decimal { precision: 9, scale: 0 }, "\"7\""),
            (Value::Bytes(&[0, 0xAB]), Kind::Binary, "\"00AB\""),
            (Value::Double(1.5), Kind::Double, "1.5"),
            (Value::Double(f64::NAN), Kind::Double, "\"NaN\""),
            (Value::Null, Kind::Int, "null"),
        ] {
            assert_eq!(value_json(&value, kind).to_string(), text);
        }
        let uuid = uuid::uuid!("f79c3e09-677c-4bbd-a479-3f349cb785e7");
        assert_eq!(value_json(&Value::Bytes(uuid.as_bytes()), Kind::Uuid), json!(uuid.to_string()));
    }
}
