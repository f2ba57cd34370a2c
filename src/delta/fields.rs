//! Known fields of a JSON object, each once and typed.

use simd_json::prelude::*;
use simd_json::tape::{Object, Value};

use super::error::LineFault;

const FIELDS_MAX: usize = 9;

/// The fields of `of` that have a name in `names`. Null is as good as absent.
pub(super) struct Fields<'t, 'i> {
    of: &'static str,
    names: &'static [&'static str],
    values: [Option<Value<'t, 'i>>; FIELDS_MAX],
}

impl<'t, 'i> Fields<'t, 'i> {
    /// Reads an object; `None` if the value is null.
    pub(super) fn of_value(
        of: &'static str,
        names: &'static [&'static str],
        value: Value<'t, 'i>,
    ) -> Result<Option<Self>, LineFault> {
        if value.is_null() {
            return Ok(None);
        }
        let object = value.as_object().ok_or_else(|| wrong_type(of.to_owned(), "an object"))?;
        let mut fields = Self { of, names, values: [None; FIELDS_MAX] };
        fields.read(&object)?;
        Ok(Some(fields))
    }

    fn read(&mut self, object: &Object<'t, 'i>) -> Result<(), LineFault> {
        for (name, value) in object {
            let Some(index) = self.names.iter().position(|&known| known == name) else { continue };
            let Some(slot) = self.values.get_mut(index) else { continue };
            if slot.replace(value).is_some() {
                return Err(LineFault::Twice { field: self.path(name) });
            }
        }
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.of)
    }

    /// The field as it is.
    pub(super) fn value(&self, name: &'static str) -> Option<Value<'t, 'i>> {
        debug_assert!(self.names.contains(&name) && self.names.len() <= FIELDS_MAX);
        let index = self.names.iter().position(|&known| known == name)?;
        self.values.get(index).copied().flatten().filter(|value| !value.is_null())
    }

    fn typed<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(Value<'t, 'i>) -> Option<T>,
    ) -> Result<Option<T>, LineFault> {
        let typed = |value| read(value).ok_or_else(|| wrong_type(self.path(name), expected));
        self.value(name).map(typed).transpose()
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'i str>, LineFault> {
        self.typed(name, WHOLE_TEXT, whole_text)
    }

    pub(super) fn integer(&self, name: &'static str) -> Result<Option<i64>, LineFault> {
        self.typed(name, "an integer of 64 bits", |value| value.as_i64())
    }

    pub(super) fn small_integer(&self, name: &'static str) -> Result<Option<i32>, LineFault> {
        self.typed(name, "an integer of 32 bits", |value| value.as_i32())
    }

    /// A length: at least 0.
    pub(super) fn size(&self, name: &'static str) -> Result<Option<u64>, LineFault> {
        let size = |value: Value<'_, '_>| value.as_i64().and_then(|size| u64::try_from(size).ok());
        self.typed(name, "an integer of 63 bits, zero or more", size)
    }

    pub(super) fn object(&self, name: &'static str) -> Result<Option<Object<'t, 'i>>, LineFault> {
        self.typed(name, "an object", |value| value.as_object())
    }

    /// An array of strings.
    pub(super) fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>, LineFault> {
        self.typed(name, "an array of strings", |value| {
            value.as_array()?.iter().map(|text| whole_text(text).map(str::to_owned)).collect()
        })
    }

    /// `field`, which must be there.
    pub(super) fn need<T>(&self, name: &'static str, field: Option<T>) -> Result<T, LineFault> {
        field.ok_or_else(|| LineFault::Missing { field: self.path(name) })
    }
}

pub(super) const WHOLE_TEXT: &str = "a string of whole characters without NUL";

/// A string; `None` if it has a NUL, which simd-json makes of half a surrogate pair.
pub(super) fn whole_text<'i>(value: Value<'_, 'i>) -> Option<&'i str> {
    value.into_string().filter(|text| memchr::memchr(0, text.as_bytes()).is_none())
}

pub(super) fn wrong_type(field: String, expected: &'static str) -> LineFault {
    LineFault::WrongType { field, expected }
}
