//! Partition tuples: their types by the schema, and their values.

use super::avro_schema::{Field, Form, Logical, Nulls, Type};
use super::cursor::Cursor;
use super::error::SchemaFault;
use super::fault::Fault;
use super::skip::Skip;
use crate::limits::PARTITION_COLUMNS_MAX;

/// One field of the partition tuples of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionField {
    /// The partition field's id; writers of version 1 may have left it out.
    pub id: Option<i32>,
    pub name: String,
    pub kind: Kind,
}

impl PartitionField {
    /// Whether it is the field of its spec that has this id and this name. The name counts where the writer left out ids.
    pub fn is_of_spec(&self, id: i32, name: &str) -> bool {
        self.id.map_or_else(|| self.name == name, |own| own == id)
    }
}

/// The type of partition values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Date,
    Time,
    /// In microseconds.
    Timestamp {
        is_utc: bool,
    },
    /// In nanoseconds.
    TimestampNs {
        is_utc: bool,
    },
    Text,
    Uuid,
    Fixed,
    Binary,
    Decimal {
        precision: u32,
        scale: u32,
    },
    /// A type that partition values cannot have.
    Other,
}

/// A partition value, as long as its kind says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Null,
    Boolean(bool),
    /// An `int` or a `date`.
    Int(i32),
    /// A `long`, a `time` or a timestamp.
    Long(i64),
    Float(f32),
    Double(f64),
    Text(&'a str),
    /// A `fixed`, a `binary`, a `uuid`, or a `decimal` with its highest byte first.
    Bytes(&'a [u8]),
    /// There is a value, of a kind that is not read.
    Unread,
}

/// How the tuples of a manifest are read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TupleForm {
    nulls: Nulls,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq)]
struct Column {
    nulls: Nulls,
    read: Read,
}

#[derive(Debug, Clone, PartialEq)]
enum Read {
    /// A value of the type null.
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Text,
    Bytes,
    Fixed(usize),
    Skip(Skip),
    /// A value that takes no bytes.
    Nothing,
}

impl TupleForm {
    /// The form, and what its fields are.
    pub(super) fn of(nulls: Nulls, of: &Type) -> Result<(Self, Vec<PartitionField>), SchemaFault> {
        let fields = of.fields().ok_or(SchemaFault::Unlike("partition"))?;
        if fields.len() > PARTITION_COLUMNS_MAX {
            return Err(SchemaFault::Nodes);
        }
        let columns = fields.iter().map(Column::of).collect();
        let fields = fields.iter().map(|field| PartitionField {
            id: field.id,
            name: field.name.clone(),
            kind: Kind::of(field.of.optional().1),
        });
        Ok((Self { nulls, columns }, fields.collect()))
    }

    /// Reads a tuple into `values`; a null one holds nulls.
    #[inline]
    pub(super) fn read<'a>(&self, cursor: &mut Cursor<'a>, values: &mut Vec<Value<'a>>) -> Result<(), Fault> {
        values.clear();
        if self.nulls.is_null(cursor)? {
            values.resize(self.columns.len(), Value::Null);
            return Ok(());
        }
        for column in &self.columns {
            values.push(column.read(cursor)?);
        }
        Ok(())
    }
}

impl Column {
    fn of(field: &Field) -> Self {
        let (nulls, of) = field.of.optional();
        let read = match &of.form {
            Form::Null => Read::Null,
            Form::Boolean => Read::Boolean,
            Form::Int => Read::Int,
            Form::Long => Read::Long,
            Form::Float => Read::Float,
            Form::Double => Read::Double,
            Form::Text => Read::Text,
            Form::Bytes => Read::Bytes,
            Form::Fixed(size) => Read::Fixed(*size),
            Form::Enum | Form::Array(_) | Form::Map(_) | Form::Record(_) | Form::Union(_) => {
                Skip::over(of).map_or(Read::Nothing, Read::Skip)
            }
        };
        Self { nulls, read }
    }

    #[inline]
    fn read<'a>(&self, cursor: &mut Cursor<'a>) -> Result<Value<'a>, Fault> {
        if self.nulls.is_null(cursor)? {
            return Ok(Value::Null);
        }
        Ok(match &self.read {
            Read::Null => Value::Null,
            Read::Boolean => Value::Boolean(cursor.boolean()?),
            Read::Int => Value::Int(cursor.int()?),
            Read::Long => Value::Long(cursor.long()?),
            Read::Float => Value::Float(cursor.float()?),
            Read::Double => Value::Double(cursor.double()?),
            Read::Text => Value::Text(cursor.text()?),
            Read::Bytes => Value::Bytes(cursor.blob()?),
            Read::Fixed(size) => Value::Bytes(cursor.take(*size)?),
            Read::Skip(skip) => {
                skip.skip(cursor)?;
                Value::Unread
            }
            Read::Nothing => Value::Unread,
        })
    }
}

impl Kind {
    fn of(of: &Type) -> Self {
        match (&of.form, of.logical) {
            (Form::Boolean, _) => Self::Boolean,
            (Form::Int, Logical::Date) => Self::Date,
            (Form::Int, _) => Self::Int,
            (Form::Long, Logical::TimeMicros) => Self::Time,
            (Form::Long, Logical::TimestampMicros { is_utc }) => Self::Timestamp { is_utc },
            (Form::Long, Logical::TimestampNanos { is_utc }) => Self::TimestampNs { is_utc },
            (Form::Long, _) => Self::Long,
            (Form::Float, _) => Self::Float,
            (Form::Double, _) => Self::Double,
            (Form::Text, _) => Self::Text,
            (Form::Bytes | Form::Fixed(_), Logical::Decimal { precision, scale }) => {
                Self::Decimal { precision, scale }
            }
            (Form::Fixed(16), Logical::Uuid) => Self::Uuid,
            (Form::Fixed(_), _) => Self::Fixed,
            (Form::Bytes, _) => Self::Binary,
            (
                Form::Null | Form::Enum | Form::Array(_) | Form::Map(_) | Form::Record(_) | Form::Union(_),
                _,
            ) => Self::Other,
        }
    }
}
