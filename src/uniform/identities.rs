//! Partition values that are the values of a column.
//!
//! Where a table is partitioned by a column itself, all rows of a file have one value in it. That is as good as both
//! bounds where a writer kept none.

use crate::iceberg::partition_spec::PartitionSpec;
use crate::iceberg::transform::Transform;
use crate::manifest::partition::{PartitionField, Value};

/// The fields of a spec that are columns.
#[derive(Debug)]
pub(super) struct Identities {
    spec_id: i32,
    fields: Vec<IdentityField>,
}

#[derive(Debug)]
struct IdentityField {
    id: i32,
    name: String,
    column_id: i32,
}

/// Where in the tuples of a manifest the value of a column stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) at: usize,
    pub(super) column_id: i32,
}

impl Identities {
    pub(super) fn of(spec: &PartitionSpec) -> Self {
        let fields = spec.fields.iter().filter(|field| field.transform == Transform::Identity);
        let fields = fields.filter_map(|field| {
            let column_id = *field.source_ids().first()?;
            Some(IdentityField { id: field.id, name: field.name.clone(), column_id })
        });
        Self { spec_id: spec.id, fields: fields.collect() }
    }

    /// The one of this spec.
    pub(super) fn of_spec(specs: &[Self], spec_id: i32) -> Option<&Self> {
        specs.iter().find(|spec| spec.spec_id == spec_id)
    }

    /// The columns.
    pub(super) fn column_ids(&self) -> impl Iterator<Item = i32> {
        self.fields.iter().map(|field| field.column_id)
    }

    /// The places in tuples of these fields, for a manifest of this spec.
    pub(super) fn places(specs: &[Self], spec_id: i32, fields: &[PartitionField]) -> Vec<Identity> {
        let Some(spec) = Self::of_spec(specs, spec_id) else { return Vec::new() };
        let place = |(at, field): (usize, &PartitionField)| {
            let found = spec.fields.iter().find(|known| field.is_of_spec(known.id, &known.name));
            found.map(|known| Identity { at, column_id: known.column_id })
        };
        fields.iter().enumerate().filter_map(place).collect()
    }
}

/// A partition value as a bound of its column ("Binary single-value serialization").
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Only<'e> {
    Null,
    Number { bytes: [u8; 8], length: usize },
    Bytes(&'e [u8]),
    Unknown,
}

impl<'e> Only<'e> {
    pub(super) fn of(value: Option<&Value<'e>>) -> Self {
        let narrow = |four: [u8; 4]| {
            let mut bytes = [0; 8];
            bytes.iter_mut().zip(four).for_each(|(to, from)| *to = from);
            Self::Number { bytes, length: 4 }
        };
        match value {
            // A bound is never NaN, and what is unequal to itself is no bound.
            Some(Value::Float(value)) if value.is_nan() => Self::Unknown,
            Some(Value::Double(value)) if value.is_nan() => Self::Unknown,
            Some(Value::Null) => Self::Null,
            Some(Value::Boolean(value)) => Self::Bytes(if *value { &[1] } else { &[0] }),
            Some(Value::Int(value)) => narrow(value.to_le_bytes()),
            Some(Value::Float(value)) => narrow(value.to_le_bytes()),
            Some(Value::Long(value)) => Self::Number { bytes: value.to_le_bytes(), length: 8 },
            Some(Value::Double(value)) => Self::Number { bytes: value.to_le_bytes(), length: 8 },
            Some(Value::Text(value)) => Self::Bytes(value.as_bytes()),
            Some(Value::Bytes(value)) => Self::Bytes(value),
            Some(Value::Unread) | None => Self::Unknown,
        }
    }

    /// The bytes of a bound, unless there is no value or nobody knows it.
    pub(super) fn bound(&self) -> Option<&[u8]> {
        match self {
            Self::Number { bytes, length } => bytes.get(..*length),
            Self::Bytes(bytes) => Some(bytes),
            Self::Null | Self::Unknown => None,
        }
    }
}
