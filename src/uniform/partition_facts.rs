//! What partition values say of columns, as facts behind partition values.
//!
//! Files hold all columns, so readers are told no partitions. But a query is: each value of a spec's field bounds the column
//! that it was made of, or names the bucket that all its values hash to. What readers see as statistics stays what the
//! writer wrote.
//!
//! Source: Iceberg specification, "Partition Transforms".

use chrono::NaiveDate;

use super::history::History;
use super::identities::{Identity, Only};
use super::partition_columns::{self, PartitionColumns};
use super::statistics::{Columns, Nulls, Said};
use super::values::Form;
use crate::encode::json::unescape_into;
use crate::iceberg::partition_spec::PartitionSpec;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::schema_index::SchemaIndex;
use crate::iceberg::transform::Transform;
use crate::limits::uniform::{PARTITION_FACT_BYTES_MAX, TUPLES_BYTES_MAX};
use crate::manifest::partition::{Kind, PartitionField, Value};
use crate::scan::datum::{DAY_MICROS, Datum};
use crate::scan::transform::HOUR_MICROS;
use crate::table::dictionary::{DictionaryBuilder, Strings};
use crate::table::partition_text::push_fact;

/// The fields of a spec that say something of columns.
#[derive(Debug)]
pub(super) struct FactSpec {
    pub(super) spec_id: i32,
    /// How many fields the spec has.
    pub(super) width: usize,
    pub(super) fields: Vec<FactField>,
}

#[derive(Debug)]
pub(super) struct FactField {
    id: i32,
    name: String,
    /// Its place in the spec.
    pub(super) at: usize,
    pub(super) transform: Transform,
    /// The column's number among those that have statistics, how its bounds are spelt, and its type.
    pub(super) column: usize,
    pub(super) form: Form,
    pub(super) source: Primitive,
}

impl FactSpec {
    pub(super) fn of(
        spec: &PartitionSpec,
        columns: &Columns,
        (index, history): (&SchemaIndex<'_>, &History<'_>),
    ) -> Self {
        let fields = spec.fields.iter().enumerate().filter_map(|(at, field)| {
            let &[source_id] = field.source_ids() else { return None };
            let place = index.find(source_id).filter(|place| field.transform.takes(place.field_type))?;
            let source = place.field_type.as_primitive()?.primitive().clone();
            let types = history.other_types(source_id, place.field_type);
            // A day and its first moment hash to two buckets.
            let was_date =
                types.iter().any(|of| of.as_primitive().is_some_and(|of| *of.primitive() == Primitive::Date));
            let is_silent = match field.transform {
                Transform::Void | Transform::Unknown(_) => true,
                Transform::Bucket(_) => was_date,
                Transform::Identity
                | Transform::Truncate(_)
                | Transform::Year
                | Transform::Month
                | Transform::Day
                | Transform::Hour => false,
            };
            let (column, form) = columns.find(source_id).filter(|_| !is_silent)?;
            let (name, transform) = (field.name.clone(), field.transform.clone());
            Some(FactField { id: field.id, name, at, transform, column, form, source })
        });
        Self { spec_id: spec.id, width: spec.fields.len(), fields: fields.collect() }
    }
}

/// What tuples are told by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'t> {
    pub(super) specs: &'t [FactSpec],
    pub(super) columns: &'t Columns,
    pub(super) partitions: &'t PartitionColumns,
}

/// Partition tuples told as texts, each once.
#[derive(Debug)]
pub(super) struct Tuples<'t> {
    telling: Telling<'t>,
    known: DictionaryBuilder,
    /// By the number of the tuple; empty for one that cannot be told.
    texts: Strings,
    /// Scratch: what tells a tuple from others, and a text.
    key: Vec<u8>,
    text: Vec<u8>,
}

/// The fields of a spec in the tuples of one manifest.
#[derive(Debug, Default)]
pub(super) struct Places<'t> {
    fields: Vec<(usize, Kind, &'t FactField)>,
    columns: partition_columns::Places,
    /// What tells it from other manifests' tuples.
    form: String,
}

impl<'t> Tuples<'t> {
    pub(super) fn new(telling: Telling<'t>) -> Self {
        let (known, texts) = (DictionaryBuilder::default(), Strings::default());
        Self { telling, known, texts, key: Vec::new(), text: Vec::new() }
    }

    /// For a manifest of this spec.
    pub(super) fn places(
        &self,
        spec_id: i32,
        identities: &[Identity],
        fields: &[PartitionField],
    ) -> Places<'t> {
        let spec = self.telling.specs.iter().find(|spec| spec.spec_id == spec_id);
        let place = |(at, field): (usize, &PartitionField)| {
            let known = spec?.fields.iter().find(|known| field.is_of_spec(known.id, &known.name))?;
            Some((at, field.kind, known))
        };
        let columns = self.telling.partitions.places(identities, fields);
        let fields: Vec<_> = fields.iter().enumerate().filter_map(place).collect();
        let kinds: Vec<_> = fields.iter().map(|(at, kind, field)| (at, kind, field.id)).collect();
        Places { form: format!("{spec_id} {kinds:?} {columns:?}"), fields, columns }
    }

    /// The text of a file's partition values; `None` if Delta cannot say them.
    pub(super) fn text(&mut self, places: &Places<'_>, tuple: &[Value<'_>]) -> Option<&[u8]> {
        if places.fields.is_empty() && places.columns.is_empty() {
            return Some(b"{}");
        }
        self.key.clear();
        self.key.extend_from_slice(places.form.as_bytes());
        let of_columns = places.columns.iter().flatten().map(|(at, _)| at);
        for at in places.fields.iter().map(|(at, _, _)| at).chain(of_columns) {
            push_key(tuple.get(*at), &mut self.key);
        }
        if self.known.byte_count() + self.texts.byte_count() > TUPLES_BYTES_MAX {
            (self.known, self.texts) = (DictionaryBuilder::default(), Strings::default());
        }
        let (number, is_new) = self.known.intern(&self.key);
        if is_new {
            self.tell(places, tuple);
            self.texts.push(&self.text);
        }
        Some(self.texts.get(number as usize)).filter(|text| !text.is_empty())
    }

    /// Makes the text of a tuple.
    fn tell(&mut self, places: &Places<'_>, tuple: &[Value<'_>]) {
        self.text.clear();
        if self.telling.partitions.write(&places.columns, tuple, &mut self.text).is_none() {
            self.text.clear();
            return;
        }
        for (at, kind, field) in &places.fields {
            let said = tuple.get(*at).and_then(|value| field.said(value, *kind));
            if let Some(said) = said {
                push(&mut self.text, &self.telling.columns.fact(field.column, &said));
            }
        }
    }
}

/// Appends a fact that is escaped as statistics are.
pub(super) fn push(text: &mut Vec<u8>, escaped: &[u8]) {
    let mut fact = Vec::with_capacity(escaped.len());
    unescape_into(escaped, &mut fact);
    if fact.len() <= PARTITION_FACT_BYTES_MAX {
        push_fact(text, &fact);
    }
}

/// Appends what tells a value from others.
fn push_key(value: Option<&Value<'_>>, key: &mut Vec<u8>) {
    let mut put = |kind: u8, bytes: &[u8]| {
        key.push(kind);
        key.extend_from_slice(&bytes.len().to_le_bytes());
        key.extend_from_slice(bytes);
    };
    match value {
        None | Some(Value::Unread) => put(0, &[]),
        Some(Value::Null) => put(1, &[]),
        Some(Value::Boolean(value)) => put(2, &[u8::from(*value)]),
        Some(Value::Int(value)) => put(3, &value.to_le_bytes()),
        Some(Value::Long(value)) => put(4, &value.to_le_bytes()),
        Some(Value::Float(value)) => put(5, &value.to_le_bytes()),
        Some(Value::Double(value)) => put(6, &value.to_le_bytes()),
        Some(Value::Text(value)) => put(7, value.as_bytes()),
        Some(Value::Bytes(value)) => put(8, value),
    }
}

impl FactField {
    /// What a partition value says; `None` if that is nothing.
    pub(super) fn said(&self, value: &Value<'_>, kind: Kind) -> Option<Said> {
        if *value == Value::Null {
            return Some(Said { nulls: Nulls::All, ..Said::default() });
        }
        let number = if let Value::Int(number) = value { Some(i128::from(*number)) } else { None };
        match self.transform {
            Transform::Identity => {
                Datum::of_partition(value, kind, &self.source)?;
                let only = Only::of(Some(value));
                let bound = || only.bound().map(<[u8]>::to_vec);
                Some(Said { low: bound(), high: bound(), ..Said::default() })
            }
            Transform::Bucket(count) => {
                let number = u32::try_from(number?).ok().filter(|number| *number < count)?;
                Some(Said { bucket: Some((count, number)), ..Said::default() })
            }
            Transform::Truncate(width) => match Datum::of_partition(value, kind, &self.source)? {
                Datum::Number(low) => self.between(multiples(low, width)?),
                Datum::Bytes(text) if self.form == Form::Text => {
                    beginning(std::str::from_utf8(&text).ok()?, width)
                }
                Datum::Boolean(_) | Datum::Float(_) | Datum::Bytes(_) => Some(Said::default()),
            },
            Transform::Year | Transform::Month | Transform::Day | Transform::Hour => {
                self.between(self.moments(number?)?)
            }
            Transform::Void | Transform::Unknown(_) => None,
        }
    }

    /// All values lie between these two, or are one of them.
    fn between(&self, (low, high): (i128, i128)) -> Option<Said> {
        Some(Said { low: Some(self.bound(low)?), high: Some(self.bound(high)?), ..Said::default() })
    }

    /// A number as a bound of the column; what its type cannot hold is its last.
    fn bound(&self, number: i128) -> Option<Vec<u8>> {
        let long = || i64::try_from(number.clamp(i64::MIN.into(), i64::MAX.into())).ok();
        let int = || i32::try_from(number.clamp(i32::MIN.into(), i32::MAX.into())).ok();
        match self.form {
            Form::Integer | Form::Date => int().map(|number| number.to_le_bytes().to_vec()),
            Form::Long | Form::Timestamp { .. } => long().map(|number| number.to_le_bytes().to_vec()),
            Form::Decimal { .. } => Some(number.to_be_bytes().to_vec()),
            Form::Boolean | Form::Float | Form::Double | Form::Text | Form::None => None,
        }
    }

    /// The first and the last moment, or day, of a unit of time counted from 1970.
    fn moments(&self, unit: i128) -> Option<(i128, i128)> {
        let is_date = self.form == Form::Date;
        let start = |unit: i128| match self.transform {
            Transform::Year => month_start(unit.checked_mul(12)?, is_date),
            Transform::Month => month_start(unit, is_date),
            Transform::Day => unit.checked_mul(if is_date { 1 } else { DAY_MICROS }),
            Transform::Hour if is_date => None,
            Transform::Hour => unit.checked_mul(HOUR_MICROS),
            Transform::Identity
            | Transform::Bucket(_)
            | Transform::Truncate(_)
            | Transform::Void
            | Transform::Unknown(_) => None,
        };
        // Old writers cut times before 1970 to the next unit above instead of the one below (see `scan::projection`).
        let may_be_next = unit <= 0 && !(is_date && self.transform == Transform::Day);
        let first = if may_be_next { unit - 1 } else { unit };
        Some((start(first)?, start(unit + 1)? - 1))
    }
}

/// The day or the microsecond in which a month begins, counted from January 1970.
fn month_start(month: i128, is_date: bool) -> Option<i128> {
    let year = i32::try_from(month.div_euclid(12)).ok()?.checked_add(1970)?;
    let date = NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).ok()? + 1, 1)?;
    let days = i128::from(date.signed_duration_since(NaiveDate::default()).num_days());
    Some(if is_date { days } else { days * DAY_MICROS })
}

/// Numbers that are cut to `low`. Writers whose numbers ran over have values that are no multiples.
fn multiples(low: i128, width: u32) -> Option<(i128, i128)> {
    let is_multiple = low.checked_rem_euclid(width.into())? == 0;
    is_multiple.then_some((low, low + i128::from(width) - 1))
}

/// Texts that are cut to `text`. One that is shorter, however its characters are counted, was not cut.
fn beginning(text: &str, width: u32) -> Option<Said> {
    let units = u32::try_from(text.encode_utf16().count()).ok()?;
    if units >= width {
        return Some(Said { prefix: Some(text.to_owned()), ..Said::default() });
    }
    let bound = || Some(text.as_bytes().to_vec());
    Some(Said { low: bound(), high: bound(), ..Said::default() })
}

#[cfg(test)]
mod tests;
