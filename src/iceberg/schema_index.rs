//! The fields of a schema, nested ones too, by id and name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::types::{Field, Type};
use crate::limits::iceberg::{SCHEMA_FIELDS_MAX, TYPE_DEPTH_MAX};

/// A field, an element, a key or a value.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    pub id: i32,
    /// With the names of all above it: `locations.element.latitude`.
    pub name: String,
    pub required: bool,
    pub field_type: &'a Type,
    /// Where it is a field of a struct.
    pub field: Option<&'a Field>,
    /// Its place in the list of places, if it is nested.
    parent: Option<usize>,
}

/// Why fields do not make a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("Invalid schema: multiple fields for id {id}: {first} and {second}")]
    IdTwice { id: i32, first: String, second: String },
    #[error("Invalid schema: multiple fields for name {name}: {first} and {second}")]
    NameTwice { name: String, first: i32, second: i32 },
    #[error("Invalid schema: types lie more than {TYPE_DEPTH_MAX} deep in each other")]
    TooDeep,
    #[error("Invalid schema: it has more than {SCHEMA_FIELDS_MAX} fields")]
    TooMany,
}

/// The fields of a schema in the order of their text.
#[derive(Debug, Default)]
pub struct SchemaIndex<'a> {
    places: Vec<Place<'a>>,
    by_id: HashMap<i32, usize>,
    by_name: HashMap<String, usize>,
}

impl<'a> SchemaIndex<'a> {
    pub fn of(fields: &'a [Field]) -> Result<Self, Fault> {
        let mut walk = Walk { index: Self::default(), short_names: Vec::new() };
        walk.fields(fields, &Above { place: None, name: "", short_name: "", depth: 0 })?;
        let Walk { mut index, short_names } = walk;
        for (name, place) in short_names {
            index.by_name.entry(name).or_insert(place);
        }
        Ok(index)
    }

    pub fn places(&self) -> &[Place<'a>] {
        &self.places
    }

    pub fn find(&self, id: i32) -> Option<&Place<'a>> {
        self.places.get(*self.by_id.get(&id)?)
    }

    /// By its full name, or one that leaves out `element` and `value` before structs.
    pub fn find_name(&self, name: &str) -> Option<&Place<'a>> {
        self.places.get(*self.by_name.get(name)?)
    }

    /// What a place lies in, from the inside out.
    pub fn above(&self, place: &Place<'a>) -> impl Iterator<Item = &Place<'a>> {
        let mut next = place.parent;
        std::iter::from_fn(move || {
            let parent = self.places.get(next?)?;
            next = parent.parent;
            Some(parent)
        })
    }
}

/// What a field lies in.
struct Above<'n> {
    place: Option<usize>,
    name: &'n str,
    short_name: &'n str,
    depth: usize,
}

/// What is found by a walk over fields.
struct Found<'a, 'n> {
    id: i32,
    name: &'n str,
    required: bool,
    field_type: &'a Type,
    field: Option<&'a Field>,
}

struct Walk<'a> {
    index: SchemaIndex<'a>,
    short_names: Vec<(String, usize)>,
}

impl<'a> Walk<'a> {
    fn fields(&mut self, fields: &'a [Field], above: &Above<'_>) -> Result<(), Fault> {
        for field in fields {
            let found = Found {
                id: field.id,
                name: &field.name,
                required: field.required,
                field_type: &field.field_type,
                field: Some(field),
            };
            self.place(&found, above, true)?;
        }
        Ok(())
    }

    /// `is_named` says whether the name is part of the short names of what lies below.
    fn place(&mut self, found: &Found<'a, '_>, above: &Above<'_>, is_named: bool) -> Result<(), Fault> {
        if self.index.places.len() >= SCHEMA_FIELDS_MAX {
            return Err(Fault::TooMany);
        }
        if above.depth >= TYPE_DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        let name = joined(above.name, found.name);
        let own_short_name = joined(above.short_name, found.name);
        let at = self.index.places.len();
        self.name_place(found, &name, at)?;
        if own_short_name != name {
            self.short_names.push((own_short_name.clone(), at));
        }
        self.index.places.push(Place {
            id: found.id,
            name: name.clone(),
            required: found.required,
            field_type: found.field_type,
            field: found.field,
            parent: above.place,
        });
        let is_left_out = !is_named && matches!(found.field_type, Type::Struct(_));
        let short_name = if is_left_out { above.short_name } else { &own_short_name };
        let below = Above { place: Some(at), name: &name, short_name, depth: above.depth + 1 };
        self.parts(found.field_type, &below)
    }

    fn name_place(&mut self, found: &Found<'a, '_>, name: &str, at: usize) -> Result<(), Fault> {
        match self.index.by_id.entry(found.id) {
            Entry::Vacant(free) => free.insert(at),
            Entry::Occupied(taken) => {
                let first = self.index.places.get(*taken.get()).map(|place| place.name.clone());
                let first = first.unwrap_or_default();
                return Err(Fault::IdTwice { id: found.id, first, second: name.to_owned() });
            }
        };
        match self.index.by_name.entry(name.to_owned()) {
            Entry::Vacant(free) => free.insert(at),
            Entry::Occupied(taken) => {
                let first = self.index.places.get(*taken.get()).map_or(0, |place| place.id);
                return Err(Fault::NameTwice { name: name.to_owned(), first, second: found.id });
            }
        };
        Ok(())
    }

    fn parts(&mut self, field_type: &'a Type, above: &Above<'_>) -> Result<(), Fault> {
        match field_type {
            Type::Primitive(_) => Ok(()),
            Type::Struct(parts) => self.fields(&parts.fields, above),
            Type::List(list) => {
                let found = Found {
                    id: list.element_id,
                    name: "element",
                    required: list.element_required,
                    field_type: &list.element,
                    field: None,
                };
                self.place(&found, above, false)
            }
            Type::Map(map) => {
                let key =
                    Found { id: map.key_id, name: "key", required: true, field_type: &map.key, field: None };
                self.place(&key, above, true)?;
                let value = Found {
                    id: map.value_id,
                    name: "value",
                    required: map.value_required,
                    field_type: &map.value,
                    field: None,
                };
                self.place(&value, above, false)
            }
        }
    }
}

fn joined(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fields(value: Value) -> Vec<Field> {
        serde_json::from_value(value).unwrap()
    }

    fn nested() -> Vec<Field> {
        let point = json!({"type": "struct", "fields": [
            {"id": 3, "name": "x", "required": true, "type": "int"},
            {"id": 4, "name": "y", "required": true, "type": "int"}]});
        fields(json!([
            {"id": 1, "name": "points", "required": false, "type":
                {"type": "list", "element-id": 2, "element": point, "element-required": true}},
            {"id": 5, "name": "tags", "required": false, "type":
                {"type": "map", "key-id": 6, "key": "string", "value-id": 7, "value": "string", "value-required": false}},
        ]))
    }

    #[test]
    fn nested_fields_have_full_and_short_names() {
        let fields = nested();
        let index = SchemaIndex::of(&fields).unwrap();
        let names: Vec<&str> = index.places().iter().map(|place| place.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "points",
                "points.element",
                "points.element.x",
                "points.element.y",
                "tags",
                "tags.key",
                "tags.value"
            ]
        );
        assert_eq!(index.find_name("points.x").unwrap().id, 3);
        assert_eq!(index.find_name("points.element.x").unwrap().id, 3);
        let above: Vec<i32> = index.above(index.find(4).unwrap()).map(|place| place.id).collect();
        assert_eq!(above, [2, 1]);
        assert!(index.find_name("x").is_none() && index.find(8).is_none());
    }

    #[test]
    fn ids_and_names_are_there_once() {
        let twice = |first: (i32, &str), second: (i32, &str)| {
            let field = |(id, name)| json!({"id": id, "name": name, "required": true, "type": "int"});
            SchemaIndex::of(&fields(json!([field(first), field(second)]))).map(|_| ())
        };
        assert!(matches!(twice((1, "a"), (1, "b")), Err(Fault::IdTwice { id: 1, .. })));
        assert!(matches!(twice((1, "a"), (2, "a")), Err(Fault::NameTwice { first: 1, second: 2, .. })));
        assert_eq!(twice((1, "a"), (2, "A")), Ok(()));
    }

    #[test]
    fn deep_types_are_refused() {
        let mut inner = json!("int");
        for id in 0..i32::try_from(TYPE_DEPTH_MAX).unwrap() {
            inner = json!({"type": "list", "element-id": id, "element": inner, "element-required": true});
        }
        let deep = fields(json!([{"id": 1_000, "name": "a", "required": true, "type": inner}]));
        assert_eq!(SchemaIndex::of(&deep).map(|_| ()), Err(Fault::TooDeep));
    }
}
