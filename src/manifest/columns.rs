//! What a file says of its columns, left in its bytes.
//!
//! They were walked through once, so that who asks for them later has nothing to refuse.

use super::avro_schema::{Field, Form, Nulls, Type};
use super::cursor::Cursor;
use super::fault::Fault;
use super::skip::{each_item, each_run};

/// How a writer wrote a map from column ids: an array of records of a key and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PairForm {
    item: Nulls,
    key: Nulls,
    value: Nulls,
}

/// The ids that the specification gives to a map's keys and values.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairIds {
    pub(super) key: i32,
    pub(super) value: i32,
}

impl PairForm {
    /// `None` for a type that is no such map of `is_value`.
    pub(super) fn of(of: &Type, ids: PairIds, is_value: fn(&Form) -> bool) -> Option<Self> {
        let Form::Array(items) = &of.form else { return None };
        let (item, record) = items.optional();
        let [key, value] = record.fields()? else { return None };
        let is_named =
            |field: &Field, id: i32, name: &str| field.id.map_or(field.name == name, |own| own == id);
        if !is_named(key, ids.key, "key") || !is_named(value, ids.value, "value") {
            return None;
        }
        let ((key, key_type), (value, value_type)) = (key.of.optional(), value.of.optional());
        (is_number(&key_type.form) && is_value(&value_type.form)).then_some(Self { item, key, value })
    }

    fn is_plain(self) -> bool {
        self.item == Nulls::Never && self.key == Nulls::Never && self.value == Nulls::Never
    }

    /// Walks through a map: `skip` passes over one value, `skip_pairs` over so many pairs of which nothing is null.
    #[inline]
    fn walk<'a>(
        self,
        cursor: &mut Cursor<'a>,
        skip: impl Fn(&mut Cursor<'a>) -> Result<(), Fault>,
        skip_pairs: impl Fn(&mut Cursor<'a>, usize) -> Result<(), Fault>,
    ) -> Result<Pairs<'a>, Fault> {
        let before = *cursor;
        if self.is_plain() {
            each_run(cursor, skip_pairs)?;
        } else {
            let mut walk = Walk { cursor: *cursor, left: 0, form: self };
            while walk.next(|cursor| skip(cursor))?.is_some() {}
            *cursor = walk.cursor;
        }
        Ok(Pairs { bytes: cursor.since(&before), form: self })
    }
}

pub(super) fn is_number(form: &Form) -> bool {
    matches!(form, Form::Int | Form::Long)
}

pub(super) fn is_blob(form: &Form) -> bool {
    matches!(form, Form::Bytes | Form::Text)
}

#[derive(Debug, Clone, Copy)]
struct Pairs<'a> {
    bytes: &'a [u8],
    form: PairForm,
}

impl<'a> Pairs<'a> {
    #[inline]
    fn iter<T>(self, read: impl Fn(&mut Cursor<'a>) -> Result<T, Fault>) -> impl Iterator<Item = (i32, T)> {
        let mut walk = Walk { cursor: Cursor::new(self.bytes), left: 0, form: self.form };
        std::iter::from_fn(move || walk.next(&read).ok().flatten())
    }
}

struct Walk<'a> {
    cursor: Cursor<'a>,
    left: usize,
    form: PairForm,
}

impl<'a> Walk<'a> {
    /// The next pair of which neither is null.
    #[inline]
    fn next<T>(
        &mut self,
        read: impl Fn(&mut Cursor<'a>) -> Result<T, Fault>,
    ) -> Result<Option<(i32, T)>, Fault> {
        let (cursor, form) = (&mut self.cursor, self.form);
        loop {
            if self.left == 0 {
                self.left = cursor.items()?;
                if self.left == 0 {
                    return Ok(None);
                }
            }
            self.left -= 1;
            if form.item.is_null(cursor)? {
                continue;
            }
            let key = if form.key.is_null(cursor)? { None } else { Some(cursor.int()?) };
            let value = if form.value.is_null(cursor)? { None } else { Some(read(cursor)?) };
            if let (Some(key), Some(value)) = (key, value) {
                return Ok(Some((key, value)));
            }
        }
    }
}

/// Numbers by column: sizes, values, nulls, NaNs.
#[derive(Debug, Clone, Copy)]
pub struct Counts<'a>(Pairs<'a>);

impl<'a> Counts<'a> {
    #[inline]
    pub(super) fn read(cursor: &mut Cursor<'a>, form: PairForm) -> Result<Self, Fault> {
        let skip_pairs = |cursor: &mut Cursor<'a>, count| cursor.skip_numbers(2 * count);
        form.walk(cursor, Cursor::skip_number, skip_pairs).map(Self)
    }

    /// Column ids and numbers.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (i32, i64)> + use<'a> {
        self.0.iter(Cursor::long)
    }

    pub fn get(&self, column: i32) -> Option<i64> {
        self.iter().find(|(id, _)| *id == column).map(|(_, count)| count)
    }
}

/// Bounds by column, serialized as "Binary single-value serialization" has it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a>(Pairs<'a>);

impl<'a> Bounds<'a> {
    #[inline]
    pub(super) fn read(cursor: &mut Cursor<'a>, form: PairForm) -> Result<Self, Fault> {
        let skip = |cursor: &mut Cursor<'a>| cursor.blob().map(drop);
        let skip_pairs = |cursor: &mut Cursor<'a>, count| {
            (0..count).try_for_each(|_| {
                cursor.skip_number()?;
                skip(cursor)
            })
        };
        form.walk(cursor, skip, skip_pairs).map(Self)
    }

    /// Column ids and bounds.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (i32, &'a [u8])> + use<'a> {
        self.0.iter(Cursor::blob)
    }

    pub fn get(&self, column: i32) -> Option<&'a [u8]> {
        self.iter().find(|(id, _)| *id == column).map(|(_, bound)| bound)
    }
}

/// A list of numbers: split offsets, equality ids.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a> {
    bytes: &'a [u8],
    nulls: Nulls,
}

/// How a writer wrote a list of numbers; `None` for what is none.
pub(super) fn numbers_form(of: &Type) -> Option<Nulls> {
    let Form::Array(items) = &of.form else { return None };
    let (nulls, of) = items.optional();
    is_number(&of.form).then_some(nulls)
}

impl<'a> Numbers<'a> {
    #[inline]
    pub(super) fn read(cursor: &mut Cursor<'a>, nulls: Nulls) -> Result<Self, Fault> {
        let before = *cursor;
        each_item(cursor, |cursor| if nulls.is_null(cursor)? { Ok(()) } else { cursor.skip_number() })?;
        Ok(Self { bytes: cursor.since(&before), nulls })
    }

    pub fn iter(&self) -> impl Iterator<Item = i64> + use<'a> {
        let (mut cursor, mut left, nulls) = (Cursor::new(self.bytes), 0, self.nulls);
        let mut next = move || -> Result<Option<i64>, Fault> {
            loop {
                if left == 0 {
                    left = cursor.items()?;
                    if left == 0 {
                        return Ok(None);
                    }
                }
                left -= 1;
                if !nulls.is_null(&mut cursor)? {
                    return cursor.long().map(Some);
                }
            }
        };
        std::iter::from_fn(move || next().ok().flatten())
    }
}
