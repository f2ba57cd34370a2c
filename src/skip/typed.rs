//! A predicate asked of whole blocks, by typed bounds of their columns.
//!
//! Values become numbers of the same order, so that bounds are compared many at once. Where a number stands for several
//! values the answer is wider for "perhaps" and narrower for "surely"; what lies between is for the statistics' own text.

use super::compile::{Node, Source};
use super::domain::{Domain, Edge, Reach, Value};
use super::expression::Type;
use crate::table::bounds::{BlockBounds, Certainty, FileBounds};
use crate::table::row_mask::RowMask;

/// Bytes of a text that its number keeps; one more tells shorter texts apart.
const TEXT_BYTES: usize = 7;
const LONGER: u8 = 8;

/// A domain as numbers.
pub(super) fn file_bounds(domain: &Domain<'_>) -> FileBounds {
    let number = |value: &Value<'_>| Number::of(value).number;
    let high = domain.high.as_ref().map(|high| match high {
        Value::Text(text) if domain.high_is_prefix => text_number(text, u8::MAX),
        Value::Integer(_) | Value::Float(_) | Value::Text(_) => number(high),
    });
    FileBounds {
        low: domain.low.as_ref().map(number),
        high,
        can_be_null: domain.can_be_null,
        can_be_value: domain.can_be_value,
    }
}

/// A value as a number of the same order.
#[derive(Clone, Copy)]
struct Number {
    number: i64,
    /// Whether no other value has it.
    is_exact: bool,
}

impl Number {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Integer(number) => Self { number: *number, is_exact: true },
            Value::Float(number) => Self { number: float_number(*number), is_exact: !number.is_nan() },
            Value::Text(text) => Self { number: text_number(text, 0), is_exact: text.len() <= TEXT_BYTES },
        }
    }

    /// The greatest number of values that are less, or equal if `edge` is included.
    fn at_most(self, edge: Edge, certainty: Certainty) -> Option<i64> {
        if self.takes_equal(edge, certainty) { Some(self.number) } else { self.number.checked_sub(1) }
    }

    /// The least number of values that are greater, or equal if `edge` is included.
    fn at_least(self, edge: Edge, certainty: Certainty) -> Option<i64> {
        if self.takes_equal(edge, certainty) { Some(self.number) } else { self.number.checked_add(1) }
    }

    fn takes_equal(self, edge: Edge, certainty: Certainty) -> bool {
        if self.is_exact { edge == Edge::Included } else { certainty == Certainty::Perhaps }
    }
}

/// Zero and negative zero are one.
fn float_number(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The first bytes, then how many there are; what is missing is `filler`.
fn text_number(text: &str, filler: u8) -> i64 {
    let mut bytes = [filler; TEXT_BYTES + 1];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    if let Some(last) = bytes.last_mut()
        && (text.len() > TEXT_BYTES || filler == 0)
    {
        *last = u8::try_from(text.len()).unwrap_or(LONGER).min(LONGER);
    }
    (u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed()
}

/// The bounds of a column in a block, and of what type its values are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'b> {
    pub(super) data_type: Type,
    pub(super) bounds: &'b BlockBounds,
}

impl Column<'_> {
    fn has_kind_of(&self, value: &Value<'_>) -> bool {
        match self.data_type {
            Type::Float | Type::Double | Type::Decimal { .. } => matches!(value, Value::Float(_)),
            Type::Text => matches!(value, Value::Text(_)),
            Type::Boolean | Type::Integer { .. } | Type::Date | Type::Timestamp | Type::TimestampNtz => {
                matches!(value, Value::Integer(_))
            }
            Type::Opaque => false,
        }
    }
}

/// Comparisons of a column with a certainty.
struct Compared<'b> {
    column: Column<'b>,
    certainty: Certainty,
}

impl Reach for Compared<'_> {
    type Answer = RowMask;

    fn reaches_below(&self, value: &Value<'_>, edge: Edge) -> RowMask {
        if !self.column.has_kind_of(value) {
            return RowMask::All;
        }
        let number = Number::of(value).at_most(edge, self.certainty);
        self.column.bounds.low_at_most(number, self.certainty)
    }

    fn reaches_above(&self, value: &Value<'_>, edge: Edge) -> RowMask {
        // Of these nobody knows whether there is a NaN.
        if matches!(self.column.data_type, Type::Float | Type::Double | Type::Opaque) {
            return RowMask::All;
        }
        self.number_reaches_above(value, edge)
    }

    fn number_reaches_above(&self, value: &Value<'_>, edge: Edge) -> RowMask {
        if !self.column.has_kind_of(value) {
            return RowMask::All;
        }
        let number = Number::of(value).at_least(edge, self.certainty);
        self.column.bounds.high_at_least(number, self.certainty)
    }
}

/// What is known of the files of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'b> {
    /// Of partition columns; `None` where the files differ.
    pub(super) partition: Option<&'b [Domain<'static>]>,
    /// Of statistics columns, by their number.
    pub(super) columns: &'b [Column<'b>],
}

impl Known<'_> {
    /// The files of which the condition can be true.
    pub(super) fn can_be_true(&self, node: &Node, certainty: Certainty) -> RowMask {
        self.can_be(node, true, certainty)
    }

    fn can_be(&self, node: &Node, outcome: bool, certainty: Certainty) -> RowMask {
        match node {
            Node::Not(node) => self.can_be(node, !outcome, certainty),
            Node::All(nodes) if outcome => self.all(nodes, outcome, certainty),
            Node::Any(nodes) if !outcome => self.all(nodes, outcome, certainty),
            Node::All(nodes) | Node::Any(nodes) => self.any(nodes, outcome, certainty),
            Node::Constant(truth) => {
                RowMask::of(if outcome { truth.can_be_true } else { truth.can_be_false })
            }
            Node::IsNull(Source::Statistics(number)) => match self.columns.get(*number) {
                Some(Column { bounds, .. }) if outcome => bounds.can_be_null(),
                Some(Column { bounds, .. }) => bounds.can_be_value(),
                None => unknown(certainty),
            },
            Node::Compare { source: Source::Statistics(number), operator, literal } => {
                match self.columns.get(*number) {
                    Some(&column) => {
                        let compared = Compared { column, certainty };
                        column.bounds.can_be_value() & compared.can_compare(*operator, literal, outcome)
                    }
                    None => unknown(certainty),
                }
            }
            Node::IsNull(Source::Partition(_)) | Node::Compare { source: Source::Partition(_), .. } => {
                self.partition.map_or_else(
                    || unknown(certainty),
                    |partition| {
                        let truth = node.evaluate(partition, &[]);
                        RowMask::of(if outcome { truth.can_be_true } else { truth.can_be_false })
                    },
                )
            }
        }
    }

    fn all(&self, nodes: &[Node], outcome: bool, certainty: Certainty) -> RowMask {
        let mut rows = RowMask::All;
        for node in nodes {
            if rows == RowMask::None {
                break;
            }
            rows = rows & self.can_be(node, outcome, certainty);
        }
        rows
    }

    fn any(&self, nodes: &[Node], outcome: bool, certainty: Certainty) -> RowMask {
        let mut rows = RowMask::None;
        for node in nodes {
            if rows == RowMask::All {
                break;
            }
            rows = rows | self.can_be(node, outcome, certainty);
        }
        rows
    }
}

/// The files of which something can be true that nobody knows.
fn unknown(certainty: Certainty) -> RowMask {
    RowMask::of(certainty == Certainty::Perhaps)
}
