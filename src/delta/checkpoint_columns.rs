//! The columns of a checkpoint that a listing needs.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, Int32Array, Int64Array, MapArray, RecordBatch,
    StringArray, StringViewArray, StructArray,
};

use crate::limits::{CHECKPOINT_SIDECARS_MAX, COMMIT_BYTES_MAX};

/// Why a Parquet file is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the column {column} is missing")]
    Missing { column: &'static str },
    #[error("the column {column} is not of the type {expected}")]
    WrongType { column: &'static str, expected: &'static str },
    #[error("a row has no {column}")]
    Null { column: &'static str },
    #[error("{column} is not UTF-8")]
    NotUtf8 { column: &'static str },
    #[error("{column} is negative")]
    Negative { column: &'static str },
    #[error("it has two {action} actions")]
    Twice { action: &'static str },
    #[error("it has no {action} action")]
    NoAction { action: &'static str },
    #[error("its sidecar '{name}' is missing")]
    NoSidecar { name: String },
    #[error("the path of one of its sidecars is no file name in _delta_log/_sidecars")]
    SidecarPath,
    #[error("it has more than {CHECKPOINT_SIDECARS_MAX} sidecars")]
    TooManySidecars,
    #[error("it has more than {COMMIT_BYTES_MAX} bytes of JSON")]
    TooLarge,
    #[error("it has wrong partition values: {0}")]
    PartitionValues(#[from] super::partition::Fault),
    #[error("its decoder gave up")]
    DecoderGaveUp,
}

/// A column of text; writers that leave out the annotation make it binary.
pub(super) enum Texts<'a> {
    Utf8(&'a StringArray),
    Utf8View(&'a StringViewArray),
    Binary(&'a BinaryArray),
    BinaryView(&'a BinaryViewArray),
}

/// Text of `column`.
pub(super) struct TextColumn<'a> {
    column: &'static str,
    texts: Texts<'a>,
}

impl<'a> TextColumn<'a> {
    pub(super) fn new(column: &'static str, array: &'a ArrayRef) -> Result<Self, Fault> {
        let texts = array.as_string_opt::<i32>().map(Texts::Utf8);
        let texts = texts.or_else(|| array.as_string_view_opt().map(Texts::Utf8View));
        let texts = texts.or_else(|| array.as_binary_opt::<i32>().map(Texts::Binary));
        let texts = texts.or_else(|| array.as_binary_view_opt().map(Texts::BinaryView));
        let texts = texts.ok_or(Fault::WrongType { column, expected: "string" })?;
        Ok(Self { column, texts })
    }

    pub(super) fn get(&self, row: usize) -> Result<Option<&'a str>, Fault> {
        let bytes = match self.texts {
            Texts::Utf8(array) => return Ok(array.is_valid(row).then(|| array.value(row))),
            Texts::Utf8View(array) => return Ok(array.is_valid(row).then(|| array.value(row))),
            Texts::Binary(array) => array.is_valid(row).then(|| array.value(row)),
            Texts::BinaryView(array) => array.is_valid(row).then(|| array.value(row)),
        };
        let text = bytes.map(std::str::from_utf8).transpose();
        text.map_err(|_| Fault::NotUtf8 { column: self.column })
    }

    pub(super) fn need(&self, row: usize) -> Result<&'a str, Fault> {
        self.get(row)?.ok_or(Fault::Null { column: self.column })
    }
}

/// Integers of `column`.
pub(super) struct IntegerColumn<'a> {
    column: &'static str,
    integers: Integers<'a>,
}

enum Integers<'a> {
    Long(&'a Int64Array),
    Int(&'a Int32Array),
}

impl<'a> IntegerColumn<'a> {
    pub(super) fn new(column: &'static str, array: &'a ArrayRef) -> Result<Self, Fault> {
        let long = array.as_primitive_opt::<Int64Type>().map(Integers::Long);
        let integers = long.or_else(|| array.as_primitive_opt::<Int32Type>().map(Integers::Int));
        let integers = integers.ok_or(Fault::WrongType { column, expected: "long" })?;
        Ok(Self { column, integers })
    }

    pub(super) fn get(&self, row: usize) -> Option<i64> {
        match self.integers {
            Integers::Long(array) => array.is_valid(row).then(|| array.value(row)),
            Integers::Int(array) => array.is_valid(row).then(|| i64::from(array.value(row))),
        }
    }

    pub(super) fn need(&self, row: usize) -> Result<i64, Fault> {
        self.get(row).ok_or(Fault::Null { column: self.column })
    }

    /// A length: at least 0.
    pub(super) fn need_size(&self, row: usize) -> Result<u64, Fault> {
        self.get_size(row)?.ok_or(Fault::Null { column: self.column })
    }

    /// A number of 0 or more.
    pub(super) fn get_size(&self, row: usize) -> Result<Option<u64>, Fault> {
        let size = self.get(row).map(u64::try_from).transpose();
        size.map_err(|_| Fault::Negative { column: self.column })
    }

    pub(super) fn need_small(&self, row: usize) -> Result<i32, Fault> {
        let wrong = |_| Fault::WrongType { column: self.column, expected: "integer" };
        i32::try_from(self.need(row)?).map_err(wrong)
    }
}

/// Maps of text to text.
pub(super) struct MapColumn<'a> {
    map: &'a MapArray,
    keys: TextColumn<'a>,
    values: TextColumn<'a>,
}

impl<'a> MapColumn<'a> {
    pub(super) fn new(column: &'static str, array: &'a ArrayRef) -> Result<Self, Fault> {
        let map = array.as_map_opt().ok_or(Fault::WrongType { column, expected: "map" })?;
        let (keys, values) = (TextColumn::new(column, map.keys())?, TextColumn::new(column, map.values())?);
        Ok(Self { map, keys, values })
    }

    /// The entries of a row; none if the map is null.
    pub(super) fn entries(
        &self,
        row: usize,
    ) -> impl Iterator<Item = Result<(&'a str, Option<&'a str>), Fault>> + use<'_, 'a> {
        let offsets = self.map.value_offsets();
        let offset = |row: usize| offsets.get(row).and_then(|&offset| usize::try_from(offset).ok());
        let entries = match (self.map.is_valid(row), offset(row), offset(row + 1)) {
            (true, Some(start), Some(end)) => start..end,
            _ => 0..0,
        };
        entries.map(|entry| Ok((self.keys.need(entry)?, self.values.get(entry)?)))
    }
}

/// The struct column of an action; `None` if the file does not have it.
pub(super) fn action<'a>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<Option<&'a StructArray>, Fault> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    column.as_struct_opt().map(Some).ok_or(Fault::WrongType { column: name, expected: "struct" })
}

/// The child of a struct column; `None` if the file does not have it.
pub(super) fn child<'a>(parent: &'a StructArray, name: &str) -> Option<&'a ArrayRef> {
    parent.column_by_name(name)
}

/// The child of a struct column that every checkpoint has.
pub(super) fn need_child<'a>(
    parent: &'a StructArray,
    name: &str,
    column: &'static str,
) -> Result<&'a ArrayRef, Fault> {
    child(parent, name).ok_or(Fault::Missing { column })
}

/// The strings of a list; `None` if it is null.
pub(super) fn list(column: &'static str, array: &ArrayRef, row: usize) -> Result<Option<Vec<String>>, Fault> {
    let lists = array.as_list_opt::<i32>().ok_or(Fault::WrongType { column, expected: "array" })?;
    if !lists.is_valid(row) {
        return Ok(None);
    }
    let items = lists.value(row);
    let texts = TextColumn::new(column, &items)?;
    (0..items.len()).map(|item| texts.need(item).map(str::to_owned)).collect::<Result<_, _>>().map(Some)
}
