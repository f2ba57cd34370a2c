//! Predicates over columns, made into predicates over partition fields.
//!
//! The projection is inclusive: a row that fulfils the predicate lies in a partition that fulfils the projection ("Scan
//! Planning" of the Iceberg specification).

use super::datum::Datum;
use super::predicate::{Op, Predicate, Test};
use super::transform::{apply, character_count, owned, result_type};
use crate::iceberg::partition_spec::PartitionSpec;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::transform::Transform;

/// What the partitions of wanted rows fulfil; tests ask of the fields of the spec by their place.
pub fn project(predicate: &Predicate, spec: &PartitionSpec) -> Predicate {
    predicate.map(&mut |test| {
        let fields = spec.fields.iter().zip(0..).filter(|(field, _)| field.source_ids() == [test.at]);
        let of_field = |transform: &Transform, at: i32| {
            let of = result_type(transform, &test.of)?;
            let op = project_op(&test.op, transform, &test.of)?;
            Some(Predicate::Test(Test { at, of, op }))
        };
        Predicate::and(fields.filter_map(|(field, at)| of_field(&field.transform, at)).collect())
    })
}

/// `None` if nothing can be said of the partition value.
fn project_op(op: &Op, transform: &Transform, of: &Primitive) -> Option<Op> {
    match (op, transform) {
        (_, Transform::Identity) => Some(op.clone()),
        (_, Transform::Void | Transform::Unknown(_)) => None,
        // A transform of null is null, of other values it is not.
        (Op::IsNull, _) => Some(Op::IsNull),
        (Op::NotNull, _) => Some(Op::NotNull),
        (Op::In(values), _) => {
            let values =
                values.iter().map(|value| apply(transform, value, of)).collect::<Option<Vec<_>>>()?;
            Some(Op::In(values.into_iter().flat_map(|value| with_next(value, transform)).collect()))
        }
        (
            Op::Less(to),
            Transform::Truncate(_) | Transform::Year | Transform::Month | Transform::Day | Transform::Hour,
        ) => Some(at_most(apply(transform, &before(to), of)?, transform)),
        (
            Op::LessOrEqual(to),
            Transform::Truncate(_) | Transform::Year | Transform::Month | Transform::Day | Transform::Hour,
        ) => Some(at_most(apply(transform, to, of)?, transform)),
        (
            Op::Greater(to),
            Transform::Truncate(_) | Transform::Year | Transform::Month | Transform::Day | Transform::Hour,
        ) => Some(Op::GreaterOrEqual(apply(transform, &after(to), of)?)),
        (
            Op::GreaterOrEqual(to),
            Transform::Truncate(_) | Transform::Year | Transform::Month | Transform::Day | Transform::Hour,
        ) => Some(Op::GreaterOrEqual(apply(transform, to, of)?)),
        (Op::StartsWith(prefix), Transform::Truncate(width)) => {
            if character_count(prefix) < usize::try_from(*width).unwrap_or(usize::MAX) {
                return Some(Op::StartsWith(prefix.clone()));
            }
            let whole = Datum::Bytes(prefix.clone().into());
            Some(Op::In(vec![apply(transform, &whole, of)?]))
        }
        (Op::NotStartsWith(prefix), Transform::Truncate(width)) => {
            let is_seen = character_count(prefix) <= usize::try_from(*width).unwrap_or(usize::MAX);
            is_seen.then(|| Op::NotStartsWith(prefix.clone()))
        }
        _ => None,
    }
}

/// Whole numbers below are at most one less.
fn before(value: &Datum<'static>) -> Datum<'static> {
    if let Datum::Number(number) = value { Datum::Number(number.saturating_sub(1)) } else { owned(value) }
}

fn after(value: &Datum<'static>) -> Datum<'static> {
    if let Datum::Number(number) = value { Datum::Number(number.saturating_add(1)) } else { owned(value) }
}

/// Old writers cut times before 1970 to the next unit above instead of the one below (Apache Iceberg,
/// `ProjectionUtil.fixInclusiveTimeProjection`).
fn is_perhaps_above(value: &Datum<'static>, transform: &Transform) -> Option<i128> {
    match (value, transform) {
        (Datum::Number(number), Transform::Year | Transform::Month | Transform::Day | Transform::Hour)
            if *number < 0 =>
        {
            Some(number + 1)
        }
        _ => None,
    }
}

fn with_next(value: Datum<'static>, transform: &Transform) -> Vec<Datum<'static>> {
    match is_perhaps_above(&value, transform) {
        Some(next) => vec![value, Datum::Number(next)],
        None => vec![value],
    }
}

fn at_most(value: Datum<'static>, transform: &Transform) -> Op {
    Op::LessOrEqual(match is_perhaps_above(&value, transform) {
        Some(next) => Datum::Number(next),
        None => value,
    })
}
