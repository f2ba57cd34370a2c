//! Hints bound to the columns of a table version.

use super::columns::{Column, Columns, Place};
use super::domain::{Domain, Literal, Operator};
use super::expression::{ColumnName, Constant, Expression, Operand, Type};
use super::facts::StatisticsColumn;
use super::literal::literal;
use super::partition::PartitionColumn;
use super::truth::Truth;
use crate::limits::{HINT_COLUMNS_MAX, HINT_LEAVES_MAX};

/// A condition on columns with numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    IsNull(Source),
    Compare { source: Source, operator: Operator, literal: Literal },
    Constant(Truth),
}

/// Where the domain of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Partition(usize),
    Statistics(usize),
}

impl Node {
    /// What the condition can be in a file with these domains; domains that are not there can be anything.
    pub(super) fn evaluate(&self, partition: &[Domain<'_>], statistics: &[Domain<'_>]) -> Truth {
        let domain = |source| match source {
            Source::Partition(number) => partition.get(number),
            Source::Statistics(number) => statistics.get(number),
        };
        match self {
            Self::All(nodes) => nodes
                .iter()
                .fold(Truth::of(true), |truth, node| truth.and(node.evaluate(partition, statistics))),
            Self::Any(nodes) => nodes
                .iter()
                .fold(Truth::of(false), |truth, node| truth.or(node.evaluate(partition, statistics))),
            Self::Not(node) => node.evaluate(partition, statistics).negated(),
            Self::IsNull(source) => domain(*source).unwrap_or(&Domain::ANY).is_null(),
            Self::Compare { source, operator, literal } => {
                domain(*source).unwrap_or(&Domain::ANY).compare(*operator, literal)
            }
            Self::Constant(truth) => *truth,
        }
    }
}

/// Binds conditions, and numbers the columns that they ask for.
pub(super) struct Compiler<'m> {
    columns: Columns<'m>,
    pub(super) partition_columns: Vec<PartitionColumn>,
    pub(super) statistics_columns: Vec<StatisticsColumn>,
    pub(super) leaf_count: usize,
    /// Of these, how many say nothing of any file.
    pub(super) ignored_count: usize,
}

impl<'m> Compiler<'m> {
    pub(super) fn new(columns: Columns<'m>) -> Self {
        Self {
            columns,
            partition_columns: Vec::new(),
            statistics_columns: Vec::new(),
            leaf_count: 0,
            ignored_count: 0,
        }
    }

    /// Whether there have been so many conditions that no more are taken.
    pub(super) fn is_full(&self) -> bool {
        self.leaf_count >= HINT_LEAVES_MAX
    }

    pub(super) fn compile(&mut self, expression: &Expression) -> Node {
        match expression {
            Expression::All(conditions) => Node::All(self.compile_all(conditions)),
            Expression::Any(conditions) => Node::Any(self.compile_all(conditions)),
            Expression::Not(condition) => Node::Not(Box::new(self.compile(condition))),
            Expression::IsNull(_)
            | Expression::Compare { .. }
            | Expression::Same { .. }
            | Expression::Holds(_)
            | Expression::Unknown => {
                let leaf = if self.is_full() { None } else { self.leaf(expression) };
                self.leaf_count += 1;
                self.ignored_count += usize::from(leaf.is_none());
                leaf.unwrap_or(Node::Constant(Truth::ANY))
            }
        }
    }

    fn compile_all(&mut self, conditions: &[Expression]) -> Vec<Node> {
        conditions.iter().map(|condition| self.compile(condition)).collect()
    }

    /// A condition on one column; `None` if nothing can be said of it.
    fn leaf(&mut self, expression: &Expression) -> Option<Node> {
        match expression {
            Expression::IsNull(Operand::Constant(constant)) => {
                Some(Node::Constant(Truth::of(*constant == Constant::Null)))
            }
            Expression::IsNull(Operand::Column { name, cast }) => {
                self.source(name, *cast).map(|(source, _)| Node::IsNull(source))
            }
            Expression::Compare { operator, left, right } => self.comparison(*operator, left, right),
            Expression::Same { left, right } => self.same(left, right),
            Expression::Holds(Operand::Constant(Constant::Boolean(value))) => {
                Some(Node::Constant(Truth::of(*value)))
            }
            Expression::Holds(Operand::Constant(Constant::Null)) => Some(Node::Constant(Truth::NULL)),
            Expression::Holds(column @ Operand::Column { .. }) => {
                self.comparison(Operator::Equal, column, &Operand::Constant(Constant::Boolean(true)))
            }
            Expression::IsNull(_)
            | Expression::Holds(_)
            | Expression::Unknown
            | Expression::All(_)
            | Expression::Any(_)
            | Expression::Not(_) => None,
        }
    }

    fn comparison(&mut self, operator: Operator, left: &Operand, right: &Operand) -> Option<Node> {
        match (left, right) {
            (Operand::Unknown, _) | (_, Operand::Unknown) => None,
            // Whatever is compared with null, the answer is null.
            (Operand::Constant(Constant::Null), _) | (_, Operand::Constant(Constant::Null)) => {
                Some(Node::Constant(Truth::NULL))
            }
            (Operand::Column { name, cast }, Operand::Constant(constant)) => {
                let (source, data_type) = self.source(name, *cast)?;
                Some(Node::Compare { source, operator, literal: literal(constant, data_type)? })
            }
            (Operand::Constant(_), Operand::Column { .. }) => {
                self.comparison(operator.mirrored(), right, left)
            }
            (Operand::Column { .. }, Operand::Column { .. })
            | (Operand::Constant(_), Operand::Constant(_)) => None,
        }
    }

    /// `<=>` is never null.
    fn same(&mut self, left: &Operand, right: &Operand) -> Option<Node> {
        match (left, right) {
            (Operand::Column { name, cast }, Operand::Constant(Constant::Null))
            | (Operand::Constant(Constant::Null), Operand::Column { name, cast }) => {
                self.source(name, *cast).map(|(source, _)| Node::IsNull(source))
            }
            (Operand::Column { name, cast }, Operand::Constant(_))
            | (Operand::Constant(_), Operand::Column { name, cast }) => {
                let (source, _) = self.source(name, *cast)?;
                let equal = self.comparison(Operator::Equal, left, right)?;
                Some(Node::All(vec![Node::Not(Box::new(Node::IsNull(source))), equal]))
            }
            (Operand::Constant(Constant::Null), Operand::Constant(Constant::Null)) => {
                Some(Node::Constant(Truth::of(true)))
            }
            _ => None,
        }
    }

    /// The number of a column, and the type as which its values are compared.
    fn source(&mut self, name: &ColumnName, cast: Option<Type>) -> Option<(Source, Type)> {
        let Column { data_type: own_type, place } = self.columns.find(name)?;
        match place {
            Place::Partition { physical, logical } => {
                let data_type =
                    comparable(own_type, cast).or_else(|| cast.filter(|&to| reads_text(own_type, to)))?;
                let is_cast = data_type != own_type;
                let column = PartitionColumn { physical, logical, data_type, is_cast };
                number_of(&mut self.partition_columns, column)
                    .map(|number| (Source::Partition(number), data_type))
            }
            Place::Statistics { path } => {
                let data_type = comparable(own_type, cast)?;
                number_of(&mut self.statistics_columns, StatisticsColumn { path, data_type })
                    .map(|number| (Source::Statistics(number), data_type))
            }
        }
    }
}

fn number_of<T: PartialEq>(columns: &mut Vec<T>, column: T) -> Option<usize> {
    if let Some(number) = columns.iter().position(|known| *known == column) {
        return Some(number);
    }
    columns.push(column);
    (columns.len() <= HINT_COLUMNS_MAX).then(|| columns.len() - 1)
}

/// The type as which values of a column are compared after a cast that keeps each value; `None` after any other.
fn comparable(own: Type, cast: Option<Type>) -> Option<Type> {
    let Some(cast) = cast else { return Some(own) };
    let keeps = match (own, cast) {
        (Type::Opaque, _) | (_, Type::Opaque) => false,
        (Type::Integer { bytes: from }, Type::Integer { bytes: to }) => from <= to,
        (Type::Float, Type::Double) => true,
        (Type::Decimal { precision, scale }, Type::Decimal { precision: wider, scale: finer }) => {
            finer >= scale && i16::from(wider) - i16::from(finer) >= i16::from(precision) - i16::from(scale)
        }
        (own, cast) => own == cast,
    };
    keeps.then_some(own)
}

/// Whether a partition value that is text can be read as a value of the type it is cast to.
fn reads_text(own: Type, cast: Type) -> bool {
    let is_readable = match cast {
        Type::Boolean
        | Type::Integer { .. }
        | Type::Float
        | Type::Double
        | Type::Date
        | Type::Timestamp
        | Type::TimestampNtz => true,
        // A decimal is rounded to its scale.
        Type::Decimal { .. } | Type::Text | Type::Opaque => false,
    };
    own == Type::Text && is_readable
}
