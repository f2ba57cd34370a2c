//! Columns that equality deletes compare rows by.
//!
//! Source: the Iceberg table specification, "Equality Delete Files" and "Column Projection".

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::error::{Error, Fault};
use super::identities::Identity;
use super::naming::{NAME_MAPPING, NameMapping};
use crate::deletes::keys::{DAY_NANOS, KeyColumn, Kind, Part};
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::schema::Schema;
use crate::manifest::entry::Entry;
use crate::manifest::partition::{PartitionField, Value};
use crate::scan::datum::Datum;

const MICRO_NANOS: i128 = 1_000;

/// The columns by their ids, with their types.
#[derive(Debug, Default)]
pub(super) struct KeyColumns(HashMap<i32, (KeyColumn, Primitive)>);

/// What values of a column a delete file has.
#[derive(Debug)]
struct Extent {
    id: i32,
    low: Option<Vec<u8>>,
    high: Option<Vec<u8>>,
    has_nulls: bool,
}

/// The keys of a delete file, as far as its manifest tells.
#[derive(Debug)]
pub(super) struct KeyFile {
    /// Of the columns, in order.
    pub(super) ids: Vec<i32>,
    extents: Vec<Extent>,
}

impl KeyFile {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let ids = entry.equality_ids.into_iter().flat_map(|ids| ids.iter().collect::<Vec<_>>());
        let ids: BTreeSet<i32> = ids.filter_map(|id| i32::try_from(id).ok()).collect();
        let extents = ids.iter().map(|&id| Extent {
            id,
            low: entry.lower_bounds.and_then(|bounds| bounds.get(id)).map(<[u8]>::to_vec),
            high: entry.upper_bounds.and_then(|bounds| bounds.get(id)).map(<[u8]>::to_vec),
            has_nulls: may_have_nulls(entry, id),
        });
        Self { extents: extents.collect(), ids: ids.into_iter().collect() }
    }

    /// Whether a data file may have a row with one of the keys, as far as bounds tell.
    pub(super) fn may_match(&self, entry: &Entry<'_>, columns: &KeyColumns) -> bool {
        self.extents.iter().all(|extent| {
            let of = columns.0.get(&extent.id).map(|(_, of)| of);
            of.is_none_or(|of| extent.may_match(entry, of))
        })
    }
}

impl Extent {
    fn may_match(&self, entry: &Entry<'_>, of: &Primitive) -> bool {
        // Bounds say nothing of NaN.
        let is_float = matches!(of, Primitive::Float | Primitive::Double);
        if is_float || (self.has_nulls && may_have_nulls(entry, self.id)) {
            return true;
        }
        let low = entry.lower_bounds.and_then(|bounds| bounds.get(self.id));
        let high = entry.upper_bounds.and_then(|bounds| bounds.get(self.id));
        !is_less(self.high.as_deref(), low, of) && !is_less(high, self.low.as_deref(), of)
    }
}

fn may_have_nulls(entry: &Entry<'_>, id: i32) -> bool {
    entry.null_value_counts.and_then(|counts| counts.get(id)) != Some(0)
}

/// Whether a bound is known to be less than another.
fn is_less(one: Option<&[u8]>, other: Option<&[u8]>, of: &Primitive) -> bool {
    let datum = |bytes: Option<_>| Datum::of_bound(bytes?, of);
    let (Some(one), Some(other)) = (datum(one), datum(other)) else { return false };
    one.compare(&other) == Some(Ordering::Less)
}

impl KeyColumns {
    /// The columns of these ids, which a table may have dropped since.
    ///
    /// # Errors
    /// [`Fault::EqualityDeletes`]: one of them is not known, or its values are not comparable.
    pub(super) fn of(metadata: &TableMetadata, ids: &BTreeSet<i32>) -> Result<Self, Error> {
        let mapping = metadata.properties().get(NAME_MAPPING).and_then(|text| NameMapping::parse(text));
        let schemas: Vec<&Arc<Schema>> =
            metadata.current_schema().into_iter().chain(metadata.schemas().iter().rev()).collect();
        let mut columns = HashMap::new();
        for schema in schemas {
            if columns.len() == ids.len() {
                break;
            }
            let index = schema.index().map_err(|source| Error::Schema { id: schema.id, source })?;
            for &id in ids {
                let Some(place) = index.find(id).filter(|_| !columns.contains_key(&id)) else { continue };
                let of = place.field_type.as_primitive().map(|of| of.primitive().clone());
                let kind = of.as_ref().and_then(kind_of);
                let (Some(of), Some(kind)) = (of, kind) else { return Err(Fault::EqualityDeletes.into()) };
                let own = schema.fields.iter().find(|field| field.id == id).map(|field| field.name.clone());
                let names = mapping.as_ref().map_or_else(Vec::new, |mapping| mapping.names(id).to_vec());
                let names = if mapping.is_some() { names } else { own.into_iter().collect() };
                let default = place.field.and_then(|field| field.initial_default.as_ref());
                let has_default = default.is_some_and(|value| !value.is_null());
                columns.insert(id, (KeyColumn { id, names, kind, has_default }, of));
            }
        }
        if columns.len() < ids.len() { Err(Fault::EqualityDeletes.into()) } else { Ok(Self(columns)) }
    }

    /// Those of a delete file; `None`: it has none.
    pub(super) fn columns(&self, ids: &[i32]) -> Option<Arc<[KeyColumn]>> {
        let columns = ids.iter().map(|id| self.0.get(id).map(|(column, _)| column.clone()));
        columns.collect::<Option<Vec<_>>>().filter(|columns| !columns.is_empty()).map(Into::into)
    }

    /// The values that a partition gives to the columns, by their ids.
    pub(super) fn constants(
        &self,
        identities: &[Identity],
        fields: &[PartitionField],
        tuple: &[Value<'_>],
    ) -> Result<Vec<(i32, Part)>, Fault> {
        let mut constants = Vec::new();
        for Identity { at, column_id } in identities {
            let Some((_, of)) = self.0.get(column_id) else { continue };
            let (Some(field), Some(value)) = (fields.get(*at), tuple.get(*at)) else { continue };
            let part = match (value, Datum::of_partition(value, field.kind, of)) {
                (Value::Null, _) => Part::null(),
                (_, Some(datum)) => part_of(&datum, of),
                (_, None) => return Err(Fault::EqualityDeletes),
            };
            constants.push((*column_id, part));
        }
        Ok(constants)
    }
}

fn kind_of(of: &Primitive) -> Option<Kind> {
    Some(match of {
        Primitive::Boolean => Kind::Boolean,
        Primitive::Int | Primitive::Long => Kind::Whole,
        Primitive::Float | Primitive::Double => Kind::Float,
        Primitive::Decimal { scale, .. } => Kind::Decimal { scale: *scale },
        Primitive::Date => Kind::Date,
        Primitive::Time => Kind::Time,
        Primitive::Timestamp | Primitive::Timestamptz => Kind::Moment { is_nanos: false },
        Primitive::TimestampNs | Primitive::TimestamptzNs => Kind::Moment { is_nanos: true },
        Primitive::String | Primitive::Uuid | Primitive::Fixed(_) | Primitive::Binary => Kind::Bytes,
        Primitive::Unknown
        | Primitive::Variant
        | Primitive::Geometry { .. }
        | Primitive::Geography { .. } => return None,
    })
}

fn part_of(datum: &Datum<'_>, of: &Primitive) -> Part {
    let unit = match of {
        Primitive::Date => DAY_NANOS,
        Primitive::Time | Primitive::Timestamp | Primitive::Timestamptz => MICRO_NANOS,
        Primitive::Boolean
        | Primitive::Int
        | Primitive::Long
        | Primitive::Float
        | Primitive::Double
        | Primitive::Decimal { .. }
        | Primitive::TimestampNs
        | Primitive::TimestamptzNs
        | Primitive::String
        | Primitive::Uuid
        | Primitive::Fixed(_)
        | Primitive::Binary
        | Primitive::Unknown
        | Primitive::Variant
        | Primitive::Geometry { .. }
        | Primitive::Geography { .. } => 1,
    };
    match datum {
        Datum::Boolean(value) => Part::boolean(*value),
        // No value of 64 bits overflows, and decimals have no unit.
        Datum::Number(value) => Part::number(value.saturating_mul(unit)),
        Datum::Float(value) => Part::float(*value),
        Datum::Bytes(value) => Part::bytes(value),
    }
}
