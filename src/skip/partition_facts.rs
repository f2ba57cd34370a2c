//! Facts about all rows of a partition, as domains of columns.
//!
//! Facts stand behind partition values (see `table::partition_text`). Many partitions share one, so each is read once.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::domain::{Bucket, Domain, Value};
use super::expression::Type;
use super::facts::{Facts, Spelling, StatisticsColumn, section};
use super::statistics::domain;
use crate::table::dictionary::DictionaryBuilder;
use crate::table::partition_text;

/// Facts that were read, as far as a predicate asks for their columns.
#[derive(Debug, Default)]
pub(super) struct KnownFacts {
    texts: DictionaryBuilder,
    /// By the number of the text: the numbers of columns, and what they can hold.
    domains: Vec<Vec<(usize, Domain<'static>)>>,
}

impl KnownFacts {
    /// What `columns` can hold in a partition with this text; empty if nothing is known of any.
    pub(super) fn domains(&mut self, columns: &[StatisticsColumn], text: &[u8]) -> Vec<Domain<'static>> {
        let mut all = Vec::new();
        for fact in partition_text::facts(text) {
            let (number, is_new) = self.texts.intern(fact);
            if is_new {
                self.domains.push(read(columns, fact));
            }
            for (column, domain) in self.domains.get(number as usize).into_iter().flatten() {
                all.resize(columns.len(), Domain::ANY);
                if let Some(slot) = all.get_mut(*column) {
                    *slot = both(slot, domain);
                }
            }
        }
        all
    }

    pub(super) fn byte_count(&self) -> usize {
        self.texts.byte_count()
    }
}

/// What a fact says; nothing if it is not understood.
fn read(columns: &[StatisticsColumn], fact: &[u8]) -> Vec<(usize, Domain<'static>)> {
    let Ok(text) = std::str::from_utf8(fact) else { return Vec::new() };
    let facts = Facts::read(columns, text);
    if !facts.is_read {
        return Vec::new();
    }
    let (prefixes, buckets) = (section(columns, text, "prefixes"), section(columns, text, "buckets"));
    let mut read = Vec::new();
    let beside = prefixes.into_iter().zip(buckets);
    for (number, ((column, found), (prefix, bucket))) in
        columns.iter().zip(&facts.found).zip(beside).enumerate()
    {
        let is_said = [found.low, found.high, found.nulls, prefix, bucket].iter().any(Option::is_some);
        if is_said {
            let known = owned(domain(column, found, facts.records));
            let known = with_prefix(known, column.data_type, prefix);
            read.push((number, Domain { bucket: bucket_of(bucket, column.data_type), ..known }));
        }
    }
    read
}

fn with_prefix(known: Domain<'static>, of: Type, prefix: Option<Spelling<'_>>) -> Domain<'static> {
    let prefix = prefix.filter(|_| of == Type::Text).and_then(Spelling::text);
    let Some(prefix) = prefix else { return known };
    let bound = || Some(Value::Text(Cow::Owned(prefix.clone().into_owned())));
    Domain { low: bound(), high: bound(), high_is_prefix: true, ..known }
}

fn bucket_of(bucket: Option<Spelling<'_>>, of: Type) -> Option<Bucket> {
    let [count, number] = serde_json::from_str::<[u32; 2]>(bucket?.token()).ok()?;
    let scale = match of {
        Type::Decimal { scale, .. } => Some(scale),
        Type::Boolean | Type::Float | Type::Double | Type::Opaque => return None,
        Type::Integer { .. } | Type::Text | Type::Date | Type::Timestamp | Type::TimestampNtz => None,
    };
    Some(Bucket { count, number, scale })
}

/// What is in both domains; where one bound is as good as the other, either.
fn both(one: &Domain<'static>, other: &Domain<'static>) -> Domain<'static> {
    let is_tighter = |bound: &Option<Value<'_>>, than: &Option<Value<'_>>, order| match (bound, than) {
        (Some(bound), Some(than)) => bound.compare(than) == Some(order),
        (Some(_), None) => true,
        (None, _) => false,
    };
    let low = if is_tighter(&other.low, &one.low, Ordering::Greater) { other } else { one };
    let high = if is_tighter(&other.high, &one.high, Ordering::Less) { other } else { one };
    Domain {
        can_be_null: one.can_be_null && other.can_be_null,
        can_be_value: one.can_be_value && other.can_be_value,
        low: low.low.clone(),
        high: high.high.clone(),
        high_is_prefix: high.high_is_prefix,
        can_be_nan: one.can_be_nan && other.can_be_nan,
        bucket: one.bucket.or(other.bucket),
    }
}

fn owned(domain: Domain<'_>) -> Domain<'static> {
    let owned = |value: Value<'_>| match value {
        Value::Integer(number) => Value::Integer(number),
        Value::Float(number) => Value::Float(number),
        Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
    };
    let Domain { can_be_null, can_be_value, low, high, high_is_prefix, can_be_nan, bucket } = domain;
    let (low, high) = (low.map(owned), high.map(owned));
    Domain { can_be_null, can_be_value, low, high, high_is_prefix, can_be_nan, bucket }
}
