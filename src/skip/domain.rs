//! What a column can hold within one file.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::{BitAnd, BitOr};

use super::truth::Truth;
use crate::encode::bucket;

/// A value as it is compared: booleans as 0 and 1, dates in days and timestamps in microseconds since the Unix
/// epoch, decimals as the nearest double.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Integer(i64),
    Float(f64),
    /// Compared byte by byte, as Spark and Parquet do.
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// `None` when the kinds differ or one is not a number.
    pub(super) fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Value::Integer(one), Value::Integer(two)) => Some(one.cmp(two)),
            // Zero and negative zero are equal here, as they are in SQL.
            (Value::Float(one), Value::Float(two)) => one.partial_cmp(two),
            (Value::Text(one), Value::Text(two)) => Some(one.as_bytes().cmp(two.as_bytes())),
            (Value::Integer(_) | Value::Float(_) | Value::Text(_), _) => None,
        }
    }
}

/// A constant of a hint: some value from `low` to `high`. Mostly the two are one; they differ where the client
/// rounded, or did not say which time zone it meant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Literal {
    pub(super) low: Value<'static>,
    pub(super) high: Value<'static>,
    /// What it was written as, where that is a decimal.
    pub(super) decimal: Option<Decimal>,
}

/// A decimal with all its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// Without the point.
    unscaled: i128,
    /// Digits behind the point.
    scale: usize,
}

impl Decimal {
    /// Reads digits with a sign and a point; `None` for other texts, and for more digits than a decimal may have.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = [whole, part].concat();
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let unscaled: i128 = digits.parse().ok().filter(|_| is_number)?;
        Some(Self { unscaled: sign * unscaled, scale: part.len() })
    }

    /// Without its point in a column that has so many digits behind it; `None` for one that the column cannot hold.
    fn unscaled_at(self, scale: u8) -> Option<i128> {
        let scale = usize::from(scale);
        let shift = 10_i128.checked_pow(u32::try_from(scale.abs_diff(self.scale)).ok()?)?;
        if scale >= self.scale {
            return self.unscaled.checked_mul(shift);
        }
        (self.unscaled % shift == 0).then_some(self.unscaled / shift)
    }
}

impl Literal {
    pub(super) fn exact(value: Value<'static>) -> Self {
        Self { low: value.clone(), high: value, decimal: None }
    }
}

/// How a column is compared with a constant; `<>` is the negation of `Equal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// The operator with its sides changed over.
    pub(super) fn mirrored(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

/// What a column can hold within one file. It may say too much, never too little.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Domain<'a> {
    pub(super) can_be_null: bool,
    pub(super) can_be_value: bool,
    /// No value lies below; `None` if that is not known.
    pub(super) low: Option<Value<'a>>,
    /// No value lies above, but for what `high_is_prefix` and `can_be_nan` say.
    pub(super) high: Option<Value<'a>>,
    /// Texts that begin with `high` lie in the domain too.
    pub(super) high_is_prefix: bool,
    /// NaN lies above every number, as Spark has it.
    pub(super) can_be_nan: bool,
    /// The bucket that all values hash to.
    pub(super) bucket: Option<Bucket>,
}

/// One of the buckets that values are put into by their hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) count: u32,
    pub(super) number: u32,
    /// Digits behind the point, where values are decimals.
    pub(super) scale: Option<u8>,
}

impl Bucket {
    /// Whether a value that is equal to the literal can lie in the bucket.
    fn may_hold(self, literal: &Literal) -> bool {
        let exact = self.scale.zip(literal.decimal).and_then(|(scale, decimal)| decimal.unscaled_at(scale));
        if exact.is_none() && literal.low != literal.high {
            return true;
        }
        let rounded = || match (&literal.low, self.scale) {
            (Value::Integer(number), None) => Some(bucket::of_number(*number)),
            (Value::Text(text), None) => Some(bucket::of_bytes(text.as_bytes())),
            (Value::Float(number), Some(scale)) => unscaled(*number, scale).map(bucket::of_unscaled),
            (Value::Integer(_) | Value::Float(_) | Value::Text(_), _) => None,
        };
        let hash = exact.map(bucket::of_unscaled).or_else(rounded);
        let number = hash.and_then(|hash| bucket::number(hash, self.count));
        number.is_none_or(|number| number == self.number)
    }
}

/// The decimal that a double stands for, without its point; `None` for one that doubles do not keep apart from its neighbours.
fn unscaled(number: f64, scale: u8) -> Option<i128> {
    const EXACT_BELOW: f64 = 1e15;
    let unscaled = (number * 10_f64.powi(scale.into())).round();
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    (unscaled.abs() < EXACT_BELOW).then_some(unscaled as i128)
}

/// Whether the value of the comparison itself is in question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    Included,
    Excluded,
}

impl Domain<'_> {
    /// Nothing is known.
    pub(super) const ANY: Domain<'static> = Domain {
        can_be_null: true,
        can_be_value: true,
        low: None,
        high: None,
        high_is_prefix: false,
        can_be_nan: true,
        bucket: None,
    };

    /// Every row is null.
    pub(super) const NULL: Domain<'static> = Domain {
        can_be_null: true,
        can_be_value: false,
        low: None,
        high: None,
        high_is_prefix: false,
        can_be_nan: false,
        bucket: None,
    };

    pub(super) fn is_null(&self) -> Truth {
        Truth { can_be_true: self.can_be_null, can_be_false: self.can_be_value, can_be_null: false }
    }

    pub(super) fn compare(&self, operator: Operator, literal: &Literal) -> Truth {
        let can_be = |outcome| self.can_be_value && self.can_compare(operator, literal, outcome);
        let is_elsewhere =
            operator == Operator::Equal && self.bucket.is_some_and(|bucket| !bucket.may_hold(literal));
        Truth {
            can_be_true: can_be(true) && !is_elsewhere,
            can_be_false: can_be(false),
            can_be_null: self.can_be_null,
        }
    }
}

/// How far the values of a column reach: what comparisons ask for.
pub(super) trait Reach {
    type Answer: BitAnd<Output = Self::Answer> + BitOr<Output = Self::Answer>;

    fn reaches_below(&self, value: &Value<'_>, edge: Edge) -> Self::Answer;

    fn reaches_above(&self, value: &Value<'_>, edge: Edge) -> Self::Answer;

    /// The same without NaN.
    fn number_reaches_above(&self, value: &Value<'_>, edge: Edge) -> Self::Answer;

    /// Whether the comparison of some value can have this outcome.
    fn can_compare(&self, operator: Operator, literal: &Literal, outcome: bool) -> Self::Answer {
        let Literal { low, high, .. } = literal;
        match (operator, outcome) {
            (Operator::Less, true) | (Operator::GreaterOrEqual, false) => {
                self.reaches_below(high, Edge::Excluded)
            }
            (Operator::LessOrEqual, true) | (Operator::Greater, false) => {
                self.reaches_below(high, Edge::Included)
            }
            (Operator::Greater, true) | (Operator::LessOrEqual, false) => {
                self.reaches_above(low, Edge::Excluded)
            }
            (Operator::GreaterOrEqual, true) | (Operator::Less, false) => {
                self.reaches_above(low, Edge::Included)
            }
            (Operator::Equal, true) => {
                self.reaches_below(high, Edge::Included) & self.number_reaches_above(low, Edge::Included)
            }
            (Operator::Equal, false) => {
                self.reaches_below(high, Edge::Excluded) | self.reaches_above(low, Edge::Excluded)
            }
        }
    }
}

impl Reach for Domain<'_> {
    type Answer = bool;

    fn reaches_below(&self, value: &Value<'_>, edge: Edge) -> bool {
        let Some(low) = &self.low else { return true };
        match low.compare(value) {
            Some(Ordering::Less) | None => true,
            Some(Ordering::Equal) => edge == Edge::Included,
            Some(Ordering::Greater) => false,
        }
    }

    fn reaches_above(&self, value: &Value<'_>, edge: Edge) -> bool {
        self.can_be_nan || self.number_reaches_above(value, edge)
    }

    fn number_reaches_above(&self, value: &Value<'_>, edge: Edge) -> bool {
        let Some(high) = &self.high else { return true };
        if self.high_is_prefix
            && let (Value::Text(high), Value::Text(text)) = (high, value)
            && text.starts_with(high.as_ref())
        {
            return true;
        }
        match high.compare(value) {
            Some(Ordering::Greater) | None => true,
            Some(Ordering::Equal) => edge == Edge::Included,
            Some(Ordering::Less) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(low: i64, high: i64) -> Domain<'static> {
        Domain {
            can_be_null: false,
            low: Some(Value::Integer(low)),
            high: Some(Value::Integer(high)),
            can_be_nan: false,
            ..Domain::ANY
        }
    }

    fn seven(domain: &Domain<'_>, operator: Operator) -> (bool, bool) {
        let truth = domain.compare(operator, &Literal::exact(Value::Integer(7)));
        (truth.can_be_true, truth.can_be_false)
    }

    #[test]
    fn a_range_says_what_a_comparison_can_be() {
        use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        for (low, high, operator, expected) in [
            (5, 10, Equal, (true, true)),
            (7, 7, Equal, (true, false)),
            (8, 10, Equal, (false, true)),
            (1, 6, Less, (true, false)),
            (7, 9, Less, (false, true)),
            (7, 7, LessOrEqual, (true, false)),
            (6, 8, LessOrEqual, (true, true)),
            (1, 7, Greater, (false, true)),
            (8, 8, Greater, (true, false)),
            (7, 9, GreaterOrEqual, (true, false)),
            (1, 6, GreaterOrEqual, (false, true)),
        ] {
            assert_eq!(seven(&between(low, high), operator), expected, "{low}..={high} {operator:?} 7");
        }
    }

    #[test]
    fn decimals_keep_all_digits() {
        let at = |text: &str, scale| Decimal::parse(text).and_then(|decimal| decimal.unscaled_at(scale));
        for (text, scale, unscaled) in [
            ("1.5", 2, Some(150)),
            ("-1.50", 1, Some(-15)),
            ("-0.5", 1, Some(-5)),
            (".5", 1, Some(5)),
            ("1.005", 2, None),
            (
                "123456789012345678901234567890123456.78",
                2,
                Some(12_345_678_901_234_567_890_123_456_789_012_345_678),
            ),
            ("99999999999999999999999999999999999999", 38, None),
            ("999999999999999999999999999999999999999", 0, None),
            ("1e2", 0, None),
            ("--1", 0, None),
            ("", 0, None),
        ] {
            assert_eq!(at(text, scale), unscaled, "{text} {scale}");
        }
    }

    #[test]
    fn what_is_unknown_or_of_another_kind_can_be_anything() {
        assert_eq!(seven(&Domain::ANY, Operator::Equal), (true, true));
        let text =
            Domain { low: Some(Value::Text("a".into())), high: Some(Value::Text("b".into())), ..Domain::ANY };
        assert_eq!(seven(&text, Operator::Less), (true, true));
        assert_eq!(Domain::NULL.compare(Operator::Equal, &Literal::exact(Value::Integer(7))), Truth::NULL);
        assert_eq!(Domain::NULL.is_null(), Truth::of(true));
    }

    #[test]
    fn nan_lies_above_every_number_and_equals_none() {
        let floats = Domain { low: Some(Value::Float(1.0)), high: Some(Value::Float(2.0)), ..Domain::ANY };
        let three = Literal::exact(Value::Float(3.0));
        assert!(floats.compare(Operator::Greater, &three).can_be_true);
        assert!(!floats.compare(Operator::Equal, &three).can_be_true);
        let zero = Literal::exact(Value::Float(0.0));
        let below = Domain { low: Some(Value::Float(-0.0)), high: Some(Value::Float(-0.0)), ..floats };
        assert!(below.compare(Operator::Equal, &zero).can_be_true);
    }
}
