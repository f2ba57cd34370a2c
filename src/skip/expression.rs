//! A hint as it was sent, not yet bound to columns.

use super::domain::Operator;

/// A condition; what was not understood is `Unknown`, so that the rest still counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    IsNull(Operand),
    Compare {
        operator: Operator,
        left: Operand,
        right: Operand,
    },
    /// `<=>`: equal, or both null.
    Same {
        left: Operand,
        right: Operand,
    },
    /// A boolean that is a condition by itself.
    Holds(Operand),
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Column {
        name: ColumnName,
        /// What the column is cast to before it is compared.
        cast: Option<Type>,
    },
    Constant(Constant),
    Unknown,
}

/// A column's name as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ColumnName {
    /// Each part by itself: `a`.`b.c`.
    Parts(Vec<String>),
    /// One text, whose dots may part names or belong to them.
    Dotted(String),
}

/// A constant as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
    Date(String),
    Timestamp(String),
    TimestampNtz(String),
}

/// The types of columns, as far as values of them are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Boolean,
    /// Signed, of this many bytes.
    Integer {
        bytes: u8,
    },
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Text,
    Date,
    Timestamp,
    TimestampNtz,
    /// Nothing but null is told apart.
    Opaque,
}

impl Type {
    /// Reads `decimal(10,2)`.
    pub(super) fn parse_decimal(text: &str) -> Option<Self> {
        let inside = text.strip_prefix("decimal")?.trim_ascii();
        if inside.is_empty() {
            return Some(Self::Decimal { precision: 10, scale: 0 });
        }
        let inside = inside.strip_prefix('(')?.strip_suffix(')')?;
        let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
        let [precision, scale] = [precision, scale].map(|number| number.trim_ascii().parse().ok());
        Some(Self::Decimal { precision: precision?, scale: scale? })
    }
}
