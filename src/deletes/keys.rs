//! Rows as keys: the values of some columns, digested.
//!
//! Two rows have one key if all these values are equal, whatever the types were when they were written: numbers that
//! were widened later are equal to what they were. Null is equal to null, NaN to NaN; the two zeros differ
//! (`Comparators` of Iceberg's reference implementation). Keys are 128 bits that nobody can choose two of alike.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, Time32MillisecondType,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

use crate::table::path_digest::PathDigest;

/// Nanoseconds of a day.
pub const DAY_NANOS: i128 = 86_400_000_000_000;

const MICRO_NANOS: i128 = 1_000;
const MILLI_NANOS: i128 = 1_000_000;
const SECOND_NANOS: i128 = 1_000_000_000;

/// What rows are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(PathDigest);

/// A value as a part of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part(Vec<u8>);

impl Part {
    pub fn null() -> Self {
        let mut part = Self::default();
        put(&mut part.0, 0, &[]);
        part
    }

    pub fn boolean(value: bool) -> Self {
        let mut part = Self::default();
        put(&mut part.0, 1, &[value.into()]);
        part
    }

    /// A whole number, a decimal without its point, or the nanoseconds of a date, a time or a timestamp.
    pub fn number(value: i128) -> Self {
        let mut part = Self::default();
        put_number(&mut part.0, value);
        part
    }

    pub fn float(value: f64) -> Self {
        let mut part = Self::default();
        put_float(&mut part.0, value);
        part
    }

    /// A text, a binary or a UUID.
    pub fn bytes(value: &[u8]) -> Self {
        let mut part = Self::default();
        put(&mut part.0, 4, value);
        part
    }
}

fn put(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind);
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

fn put_number(out: &mut Vec<u8>, value: i128) {
    put(out, 2, &value.to_le_bytes());
}

fn put_float(out: &mut Vec<u8>, value: f64) {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    put(out, 3, &bits.to_le_bytes());
}

/// A column of keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyColumn {
    pub id: i32,
    /// What files without field ids may call it.
    pub names: Vec<String>,
    pub kind: Kind,
    /// Whether files that lack it have other values in it than null or those of their partition.
    pub has_default: bool,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Boolean,
    Whole,
    Date,
    Time,
    /// A timestamp, or a date that became one.
    Moment {
        is_nanos: bool,
    },
    Decimal {
        scale: u32,
    },
    Float,
    Bytes,
}

impl Kind {
    /// Whether a file may have values of this kind so.
    fn may_be(self, of: &DataType) -> bool {
        match (self, of) {
            (Self::Boolean, DataType::Boolean)
            | (Self::Whole, DataType::Int32 | DataType::Int64)
            | (Self::Date | Self::Moment { .. }, DataType::Date32)
            | (Self::Time, DataType::Time32(_) | DataType::Time64(_))
            | (Self::Float, DataType::Float32 | DataType::Float64)
            | (Self::Bytes, DataType::Utf8 | DataType::Binary | DataType::FixedSizeBinary(_)) => true,
            (Self::Moment { is_nanos }, DataType::Timestamp(unit, _)) => {
                is_nanos || *unit != TimeUnit::Nanosecond
            }
            (Self::Decimal { scale }, DataType::Decimal128(_, of_file)) => {
                u32::try_from(*of_file) == Ok(scale)
            }
            _ => false,
        }
    }
}

/// A column of a key, as a file has it.
pub(super) enum Column<'p> {
    /// In a batch.
    Read(ArrayRef, Kind),
    /// The same in all rows.
    Constant(&'p Part),
}

/// The keys of rows, one after the other.
pub(super) struct Keys<'p> {
    columns: Vec<Values<'p>>,
    scratch: Vec<u8>,
}

/// How values of a column are put into keys.
enum Values<'p> {
    Constant(&'p Part),
    Read { array: ArrayRef, put: Put },
}

type Put = fn(&ArrayRef, usize, &mut Vec<u8>);

impl<'p> Keys<'p> {
    /// `None`: a column is not of its kind.
    pub(super) fn of(columns: Vec<Column<'p>>) -> Option<Self> {
        let columns = columns.into_iter().map(|column| {
            Some(match column {
                Column::Constant(part) => Values::Constant(part),
                Column::Read(array, kind) => {
                    let put = put_of(array.data_type()).filter(|_| kind.may_be(array.data_type()))?;
                    Values::Read { array, put }
                }
            })
        });
        Some(Self { columns: columns.collect::<Option<_>>()?, scratch: Vec::new() })
    }

    pub(super) fn at(&mut self, row: usize) -> Key {
        self.scratch.clear();
        for column in &self.columns {
            match column {
                Values::Constant(part) => self.scratch.extend(&part.0),
                Values::Read { array, .. } if array.is_null(row) => put(&mut self.scratch, 0, &[]),
                Values::Read { array, put } => put(array, row, &mut self.scratch),
            }
        }
        Key(PathDigest::of(&self.scratch))
    }
}

/// Values that are whole numbers of a unit.
macro_rules! numbers {
    ($of:ty, $unit:expr) => {
        |array, row, out| {
            if let Some(array) = array.as_primitive_opt::<$of>() {
                put_number(out, i128::from(array.value(row)) * $unit);
            }
        }
    };
}

#[expect(clippy::wildcard_enum_match_arm, reason = "columns of Iceberg tables are read as few of all types")]
fn put_of(of: &DataType) -> Option<Put> {
    Some(match of {
        DataType::Boolean => |array, row, out| {
            if let Some(array) = array.as_boolean_opt() {
                put(out, 1, &[array.value(row).into()]);
            }
        },
        DataType::Int32 => numbers!(Int32Type, 1),
        DataType::Int64 => numbers!(Int64Type, 1),
        DataType::Date32 => numbers!(Date32Type, DAY_NANOS),
        DataType::Time32(TimeUnit::Millisecond) => numbers!(Time32MillisecondType, MILLI_NANOS),
        DataType::Time64(TimeUnit::Microsecond) => numbers!(Time64MicrosecondType, MICRO_NANOS),
        DataType::Time64(TimeUnit::Nanosecond) => numbers!(Time64NanosecondType, 1),
        DataType::Timestamp(TimeUnit::Second, _) => numbers!(TimestampSecondType, SECOND_NANOS),
        DataType::Timestamp(TimeUnit::Millisecond, _) => numbers!(TimestampMillisecondType, MILLI_NANOS),
        DataType::Timestamp(TimeUnit::Microsecond, _) => numbers!(TimestampMicrosecondType, MICRO_NANOS),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => numbers!(TimestampNanosecondType, 1),
        DataType::Decimal128(_, _) => numbers!(Decimal128Type, 1),
        DataType::Float32 => |array, row, out| {
            if let Some(array) = array.as_primitive_opt::<Float32Type>() {
                put_float(out, array.value(row).into());
            }
        },
        DataType::Float64 => |array, row, out| {
            if let Some(array) = array.as_primitive_opt::<Float64Type>() {
                put_float(out, array.value(row));
            }
        },
        DataType::Utf8 => |array, row, out| {
            if let Some(array) = array.as_string_opt::<i32>() {
                put(out, 4, array.value(row).as_bytes());
            }
        },
        DataType::Binary => |array, row, out| {
            if let Some(array) = array.as_binary_opt::<i32>() {
                put(out, 4, array.value(row));
            }
        },
        DataType::FixedSizeBinary(_) => |array, row, out| {
            if let Some(array) = array.as_fixed_size_binary_opt() {
                put(out, 4, array.value(row));
            }
        },
        _ => return None,
    })
}
