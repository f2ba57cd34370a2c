//! What a wanted row fulfils, as far as bounds can tell.
//!
//! There is no "not": it was carried down to the tests. So whatever is made weaker below makes the whole weaker, and a
//! test that is not understood holds of every row.

use std::cmp::Ordering;

use super::datum::Datum;
use crate::iceberg::primitive::Primitive;

#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Of a row nothing is asked, or nothing that is understood.
    True,
    False,
    And(Vec<Self>),
    Or(Vec<Self>),
    Test(Test),
}

/// One question about one column, or about one partition field.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// The id of the column, or the place of the partition field in its spec.
    pub at: i32,
    /// The type of the values.
    pub of: Primitive,
    pub op: Op,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    IsNull,
    NotNull,
    IsNan,
    /// Null is no NaN.
    NotNan,
    Less(Datum<'static>),
    LessOrEqual(Datum<'static>),
    Greater(Datum<'static>),
    GreaterOrEqual(Datum<'static>),
    In(Vec<Datum<'static>>),
    /// True of null.
    NotIn(Vec<Datum<'static>>),
    StartsWith(Vec<u8>),
    /// True of null.
    NotStartsWith(Vec<u8>),
}

/// What values can be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Range<'a> {
    /// No value lies below; `None` if that is not known.
    pub low: Option<Datum<'a>>,
    pub high: Option<Datum<'a>>,
    pub can_be_null: bool,
    pub can_be_nan: bool,
    /// Whether there can be anything else.
    pub can_be_value: bool,
}

impl Range<'_> {
    /// Nothing is known.
    pub const ANY: Self =
        Self { low: None, high: None, can_be_null: true, can_be_nan: true, can_be_value: true };
}

impl Predicate {
    pub fn and(parts: Vec<Self>) -> Self {
        let mut kept: Vec<Self> = parts.into_iter().filter(|part| *part != Self::True).collect();
        if kept.contains(&Self::False) {
            return Self::False;
        }
        match kept.len() {
            0 => Self::True,
            1 => kept.remove(0),
            _ => Self::And(kept),
        }
    }

    pub fn or(parts: Vec<Self>) -> Self {
        let mut kept: Vec<Self> = parts.into_iter().filter(|part| *part != Self::False).collect();
        if kept.contains(&Self::True) {
            return Self::True;
        }
        match kept.len() {
            0 => Self::False,
            1 => kept.remove(0),
            _ => Self::Or(kept),
        }
    }

    /// Whether a row of the ranges can fulfil it.
    pub fn may_match<'a>(&self, range: &mut impl FnMut(&Test) -> Range<'a>) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::And(parts) => parts.iter().all(|part| part.may_match(range)),
            Self::Or(parts) => parts.iter().any(|part| part.may_match(range)),
            Self::Test(test) => test.op.may_match(&range(test)),
        }
    }

    /// Each test replaced by what `put` makes of it.
    #[must_use]
    pub fn map(&self, put: &mut impl FnMut(&Test) -> Self) -> Self {
        match self {
            Self::True => Self::True,
            Self::False => Self::False,
            Self::And(parts) => Self::and(parts.iter().map(|part| part.map(put)).collect()),
            Self::Or(parts) => Self::or(parts.iter().map(|part| part.map(put)).collect()),
            Self::Test(test) => put(test),
        }
    }
}

impl Op {
    /// Whether a value of the range can pass.
    pub fn may_match(&self, range: &Range<'_>) -> bool {
        match self {
            Self::IsNull => range.can_be_null,
            Self::NotNull => range.can_be_value || range.can_be_nan,
            Self::IsNan => range.can_be_nan,
            Self::NotNan => range.can_be_value || range.can_be_null,
            Self::Less(to) => range.can_be_value && low_is(range, to, Ordering::Less),
            Self::LessOrEqual(to) => range.can_be_value && low_is(range, to, Ordering::Equal),
            Self::Greater(to) => range.can_be_value && high_is(range, to, Ordering::Greater),
            Self::GreaterOrEqual(to) => range.can_be_value && high_is(range, to, Ordering::Equal),
            Self::In(values) => {
                let is_inside = |to: &Datum<'_>| {
                    low_is(range, to, Ordering::Equal) && high_is(range, to, Ordering::Equal)
                };
                range.can_be_value && values.iter().any(is_inside)
            }
            Self::NotIn(values) => {
                range.can_be_null
                    || range.can_be_nan
                    || range.can_be_value && !only_value_is_in(range, values)
            }
            Self::StartsWith(prefix) => range.can_be_value && may_start_with(range, prefix),
            Self::NotStartsWith(prefix) => {
                range.can_be_null || range.can_be_value && !all_start_with(range, prefix)
            }
        }
    }
}

/// Whether the lower bound is less than `to`, or as good where `wanted` is equal.
fn low_is(range: &Range<'_>, to: &Datum<'_>, wanted: Ordering) -> bool {
    let Some(order) = range.low.as_ref().and_then(|low| low.compare(to)) else { return true };
    order == Ordering::Less || order == Ordering::Equal && (wanted == Ordering::Equal || to.is_float_zero())
}

fn high_is(range: &Range<'_>, to: &Datum<'_>, wanted: Ordering) -> bool {
    let Some(order) = range.high.as_ref().and_then(|high| high.compare(to)) else { return true };
    order == Ordering::Greater
        || order == Ordering::Equal && (wanted == Ordering::Equal || to.is_float_zero())
}

/// Whether there is one value only, and it is one of `values`. Bounds that were cut are never equal, unless both are whole.
fn only_value_is_in(range: &Range<'_>, values: &[Datum<'static>]) -> bool {
    let (Some(low), Some(high)) = (&range.low, &range.high) else { return false };
    let is_one = low.compare(high) == Some(Ordering::Equal) && !low.is_float_zero();
    is_one && values.iter().any(|value| value.compare(low) == Some(Ordering::Equal))
}

/// Texts that begin with `prefix` lie between it and the next text as long.
fn may_start_with(range: &Range<'_>, prefix: &[u8]) -> bool {
    let cut = |bytes: &[u8]| bytes.get(..prefix.len()).unwrap_or(bytes).cmp(prefix);
    let low_fits = match &range.low {
        Some(Datum::Bytes(low)) => cut(low) != Ordering::Greater,
        _ => true,
    };
    let high_fits = match &range.high {
        Some(Datum::Bytes(high)) => cut(high) != Ordering::Less,
        _ => true,
    };
    low_fits && high_fits
}

fn all_start_with(range: &Range<'_>, prefix: &[u8]) -> bool {
    match (&range.low, &range.high) {
        (Some(Datum::Bytes(low)), Some(Datum::Bytes(high))) => {
            low.starts_with(prefix) && high.starts_with(prefix)
        }
        _ => false,
    }
}
