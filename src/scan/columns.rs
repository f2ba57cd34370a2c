//! Columns of a schema, by the names that clients use.

use std::collections::BTreeSet;

use crate::iceberg::primitive::Primitive;
use crate::iceberg::schema_index::{Place, SchemaIndex};
use crate::iceberg::types::Type;

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) enum Column {
    /// One value in each row, by the id of the column.
    Single(i32, Primitive),
    /// Something with parts, or a part of which a row may have several.
    Many,
}

/// Looks up columns.
#[derive(Debug)]
pub struct Columns<'s> {
    index: &'s SchemaIndex<'s>,
    is_case_sensitive: bool,
}

impl<'s> Columns<'s> {
    pub fn new(index: &'s SchemaIndex<'s>, is_case_sensitive: bool) -> Self {
        Self { index, is_case_sensitive }
    }

    fn place(&self, name: &str) -> Option<&Place<'s>> {
        if self.is_case_sensitive {
            return self.index.find_name(name);
        }
        let lower = name.to_lowercase();
        let exact = self.index.find_name(name);
        exact.or_else(|| self.index.places().iter().find(|place| place.name.to_lowercase() == lower))
    }

    /// The id of a field, whatever its type.
    pub fn id(&self, name: &str) -> Option<i32> {
        self.place(name).map(|place| place.id)
    }

    pub(super) fn find(&self, name: &str) -> Option<Column> {
        self.place(name).map(|place| self.single(place))
    }

    pub(super) fn find_id(&self, id: i32) -> Option<Column> {
        self.index.find(id).map(|place| self.single(place))
    }

    fn single(&self, place: &Place<'s>) -> Column {
        let is_single = self.index.above(place).all(|above| matches!(above.field_type, Type::Struct(_)));
        match place.field_type.as_primitive() {
            Some(primitive) if is_single => Column::Single(place.id, primitive.primitive().clone()),
            Some(_) | None => Column::Many,
        }
    }

    /// The ids of fields and of all below them.
    pub fn with_parts(&self, ids: &BTreeSet<i32>) -> BTreeSet<i32> {
        let is_below = |place: &&Place<'_>| self.index.above(place).any(|above| ids.contains(&above.id));
        self.index.places().iter().filter(is_below).map(|place| place.id).chain(ids.iter().copied()).collect()
    }
}
