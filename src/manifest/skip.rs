//! Passing over values that nobody asks for.

use super::avro_schema::{Form, Type};
use super::cursor::Cursor;
use super::fault::Fault;

/// How to pass over a value. Each step takes at least a byte, so that time is bounded by bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Skip {
    Bytes(usize),
    Number,
    Blob,
    Array(Box<Self>),
    Map(Box<Self>),
    Record(Vec<Self>),
    Union(Vec<Option<Self>>),
}

impl Skip {
    /// `None` for a type that takes no bytes.
    pub(super) fn over(of: &Type) -> Option<Self> {
        if of.is_empty() {
            return None;
        }
        Some(match &of.form {
            Form::Null => return None,
            Form::Boolean => Self::Bytes(1),
            Form::Int | Form::Long | Form::Enum => Self::Number,
            Form::Float => Self::Bytes(4),
            Form::Double => Self::Bytes(8),
            Form::Bytes | Form::Text => Self::Blob,
            Form::Fixed(size) => Self::Bytes(*size),
            Form::Array(items) => Self::Array(Box::new(Self::over(items)?)),
            Form::Map(values) => match Self::over(values) {
                Some(values) => Self::Map(Box::new(values)),
                // A set of keys lies there like an array of texts.
                None => Self::Array(Box::new(Self::Blob)),
            },
            Form::Record(fields) => {
                Self::Record(fields.iter().filter_map(|field| Self::over(&field.of)).collect())
            }
            Form::Union(branches) => Self::Union(branches.iter().map(Self::over).collect()),
        })
    }

    pub(super) fn skip(&self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        match self {
            Self::Bytes(count) => cursor.take(*count).map(drop),
            Self::Number => cursor.skip_number(),
            Self::Blob => cursor.blob().map(drop),
            Self::Array(items) => each_item(cursor, |cursor| items.skip(cursor)),
            Self::Map(values) => each_item(cursor, |cursor| {
                cursor.blob()?;
                values.skip(cursor)
            }),
            Self::Record(fields) => fields.iter().try_for_each(|field| field.skip(cursor)),
            Self::Union(branches) => {
                let branch = cursor.length().map_err(|_| Fault::Branch)?;
                match branches.get(branch).ok_or(Fault::Branch)? {
                    Some(of) => of.skip(cursor),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Does something with each item of an array or a map.
#[inline]
pub(super) fn each_item<'a>(
    cursor: &mut Cursor<'a>,
    mut read: impl FnMut(&mut Cursor<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    each_run(cursor, |cursor, count| (0..count).try_for_each(|_| read(cursor)))
}

/// Does something with each run of so many items.
#[inline]
pub(super) fn each_run<'a>(
    cursor: &mut Cursor<'a>,
    mut read: impl FnMut(&mut Cursor<'a>, usize) -> Result<(), Fault>,
) -> Result<(), Fault> {
    loop {
        let count = cursor.items()?;
        if count == 0 {
            return Ok(());
        }
        read(cursor, count)?;
    }
}
