//! Which manifests and files of a table may hold a wanted row.

use std::collections::BTreeMap;

use super::datum::Datum;
use super::predicate::{Predicate, Range, Test};
use super::projection::project;
use crate::iceberg::partition_spec::PartitionSpec;
use crate::iceberg::primitive::Primitive;
use crate::manifest::columns::Counts;
use crate::manifest::entry::Entry;
use crate::manifest::manifest_list::{FieldSummary, ManifestFile};
use crate::manifest::partition::{Kind, PartitionField, Value};

/// A filter, ready for every partition spec of its table.
#[derive(Debug)]
pub struct Filter {
    predicate: Predicate,
    specs: BTreeMap<i32, SpecFilter>,
}

#[derive(Debug)]
struct SpecFilter {
    projected: Predicate,
    /// The ids and names of the spec's fields, in their order.
    fields: Vec<(i32, String)>,
}

/// Where the fields of a spec stand in the tuples of one manifest.
#[derive(Debug)]
pub struct TupleFilter<'f> {
    filter: &'f Filter,
    projected: &'f Predicate,
    /// For each field of the spec.
    places: Vec<Option<(usize, Kind)>>,
}

impl Filter {
    pub fn new(predicate: Predicate, specs: &[PartitionSpec]) -> Self {
        let of_spec = |spec: &PartitionSpec| SpecFilter {
            projected: project(&predicate, spec),
            fields: spec.fields.iter().map(|field| (field.id, field.name.clone())).collect(),
        };
        let specs = specs.iter().map(|spec| (spec.id, of_spec(spec))).collect();
        Self { predicate, specs }
    }

    /// Whether a manifest may list a file with a wanted row.
    pub fn may_match_manifest(&self, file: &ManifestFile<'_>) -> bool {
        let (Some(spec), Some(summaries)) = (self.specs.get(&file.partition_spec_id), &file.partitions)
        else {
            return true;
        };
        let summaries: Vec<FieldSummary<'_>> = summaries.iter().take(spec.fields.len()).collect();
        spec.projected.may_match(&mut |test| {
            let summary = usize::try_from(test.at).ok().and_then(|at| summaries.get(at));
            summary.map_or(Range::ANY, |summary| of_summary(summary, test))
        })
    }

    /// The filter for the files of one manifest.
    pub fn of_manifest(&self, spec_id: i32, fields: &[PartitionField]) -> TupleFilter<'_> {
        let Some(spec) = self.specs.get(&spec_id) else {
            return TupleFilter { filter: self, projected: &Predicate::True, places: Vec::new() };
        };
        let place = |(id, name): &(i32, String)| {
            let found = fields.iter().enumerate().find(|(_, field)| field.is_of_spec(*id, name));
            found.map(|(at, field)| (at, field.kind))
        };
        let places = spec.fields.iter().map(place).collect();
        TupleFilter { filter: self, projected: &spec.projected, places }
    }
}

impl TupleFilter<'_> {
    /// Whether the partition of a file may hold a wanted row.
    pub fn may_match_partition(&self, tuple: &[Value<'_>]) -> bool {
        self.projected.may_match(&mut |test| {
            let place = usize::try_from(test.at).ok().and_then(|at| self.places.get(at).copied().flatten());
            let value = place.and_then(|(at, kind)| Some((tuple.get(at)?, kind)));
            value.map_or(Range::ANY, |(value, kind)| of_value(value, kind, test))
        })
    }

    /// Whether a data file may hold a wanted row.
    pub fn may_match(&self, entry: &Entry<'_>) -> bool {
        self.may_match_partition(&entry.partition)
            && self.filter.predicate.may_match(&mut |test| of_file(entry, test))
    }
}

/// Both bounds, or none where one of them is no number.
fn bounds<'a>(low: Option<Datum<'a>>, high: Option<Datum<'a>>) -> (Option<Datum<'a>>, Option<Datum<'a>>) {
    if low.as_ref().is_some_and(Datum::is_nan) || high.as_ref().is_some_and(Datum::is_nan) {
        (None, None)
    } else {
        (low, high)
    }
}

fn has_nans(test: &Test) -> bool {
    matches!(test.of, Primitive::Float | Primitive::Double)
}

fn of_summary<'a>(summary: &FieldSummary<'a>, test: &Test) -> Range<'a> {
    let bound = |bytes: Option<&'a [u8]>| bytes.and_then(|bytes| Datum::of_bound(bytes, &test.of));
    let (low, high) = bounds(bound(summary.lower_bound), bound(summary.upper_bound));
    // Without a bound there is no value, if it is known that nulls and NaNs are all there is.
    let has_value = summary.lower_bound.is_some() || summary.upper_bound.is_some();
    let can_be_nan = has_nans(test) && summary.contains_nan != Some(false);
    let can_be_value = has_value || !summary.contains_null;
    Range {
        low,
        high,
        can_be_null: summary.contains_null,
        can_be_nan,
        can_be_value: can_be_value || can_be_nan,
    }
}

fn of_value<'a>(value: &Value<'a>, kind: Kind, test: &Test) -> Range<'a> {
    if *value == Value::Null {
        return Range { low: None, high: None, can_be_null: true, can_be_nan: false, can_be_value: false };
    }
    match Datum::of_partition(value, kind, &test.of) {
        None => Range { can_be_null: false, ..Range::ANY },
        Some(value) if value.is_nan() => {
            Range { low: None, high: None, can_be_null: false, can_be_nan: true, can_be_value: false }
        }
        Some(value) => Range {
            low: Some(value.clone()),
            high: Some(value),
            can_be_null: false,
            can_be_nan: false,
            can_be_value: true,
        },
    }
}

/// What statistics of a file say of a column.
fn of_file<'a>(entry: &Entry<'a>, test: &Test) -> Range<'a> {
    let count = |counts: Option<Counts<'a>>| counts?.get(test.at);
    let values = count(entry.value_counts);
    let nulls = count(entry.null_value_counts);
    let nans = count(entry.nan_value_counts);
    let low = entry.lower_bounds.and_then(|bounds| Datum::of_bound(bounds.get(test.at)?, &test.of));
    let high = entry.upper_bounds.and_then(|bounds| Datum::of_bound(bounds.get(test.at)?, &test.of));
    let (low, high) = bounds(low, high);
    let others = values.and_then(|values| values.checked_sub(nulls?)?.checked_sub(nans.unwrap_or(0)));
    Range {
        can_be_null: nulls != Some(0),
        can_be_nan: has_nans(test) && nans != Some(0),
        can_be_value: low.is_some() || high.is_some() || others != Some(0),
        low,
        high,
    }
}
