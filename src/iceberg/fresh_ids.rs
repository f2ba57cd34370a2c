//! Field ids of a new table, level by level.

use std::collections::HashMap;

use super::schema::Schema;
use super::types::{Field, Type};

/// A schema with ids of its own, and what became of the ids that it came with.
pub(super) struct Fresh {
    pub schema: Schema,
    pub last_id: i32,
    pub ids: HashMap<i32, i32>,
}

/// Counts ids up; their order is that of the reference implementation, which clients compare with.
#[derive(Default)]
struct Counter {
    last: i32,
    ids: HashMap<i32, i32>,
}

/// Gives every field of a checked schema a new id. The schema's own id becomes 0.
pub(super) fn assign(schema: &Schema) -> Fresh {
    let mut counter = Counter::default();
    let mut fresh = schema.clone();
    fresh.id = 0;
    counter.fields(&mut fresh.fields);
    for id in fresh.identifier_field_ids.iter_mut().flatten() {
        *id = counter.ids.get(id).copied().unwrap_or(*id);
    }
    Fresh { schema: fresh, last_id: counter.last, ids: counter.ids }
}

impl Counter {
    fn next(&mut self, id: &mut i32) {
        self.last += 1;
        self.ids.insert(*id, self.last);
        *id = self.last;
    }

    fn fields(&mut self, fields: &mut [Field]) {
        for field in &mut *fields {
            self.next(&mut field.id);
        }
        for field in fields {
            let before: Vec<i32> = struct_ids(&field.field_type);
            self.parts(&mut field.field_type);
            self.rename_default(field, &before);
        }
    }

    fn parts(&mut self, field_type: &mut Type) {
        match field_type {
            Type::Primitive(_) => {}
            Type::Struct(parts) => self.fields(&mut parts.fields),
            Type::List(list) => {
                self.next(&mut list.element_id);
                self.parts(&mut list.element);
            }
            Type::Map(map) => {
                self.next(&mut map.key_id);
                self.next(&mut map.value_id);
                self.parts(&mut map.key);
                self.parts(&mut map.value);
            }
        }
    }

    /// The default of a struct names its fields by id.
    fn rename_default(&self, field: &mut Field, before: &[i32]) {
        for default in [&mut field.initial_default, &mut field.write_default].into_iter().flatten() {
            let Some(object) = default.as_object_mut() else { continue };
            let parts = before.iter().filter_map(|id| Some((*id, object.remove(&id.to_string())?)));
            let parts: Vec<_> = parts.collect();
            for (id, value) in parts {
                object.insert(self.ids.get(&id).copied().unwrap_or(id).to_string(), value);
            }
        }
    }
}

fn struct_ids(field_type: &Type) -> Vec<i32> {
    match field_type {
        Type::Struct(parts) => parts.fields.iter().map(|field| field.id).collect(),
        Type::Primitive(_) | Type::List(_) | Type::Map(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_counted_level_by_level() {
        let inner = json!({"type": "struct", "fields": [
            {"id": 70, "name": "x", "required": true, "type": "int"},
            {"id": 71, "name": "y", "required": true, "type": "int"}]});
        let schema: Schema = serde_json::from_value(json!({
            "type": "struct", "schema-id": 9, "identifier-field-ids": [30],
            "fields": [
                {"id": 50, "name": "list", "required": false, "type":
                    {"type": "list", "element-id": 60, "element": inner, "element-required": true}},
                {"id": 40, "name": "map", "required": false, "type":
                    {"type": "map", "key-id": 41, "key": "string", "value-id": 42, "value": "string", "value-required": true}},
                {"id": 30, "name": "id", "required": true, "type": "long"},
            ]}))
        .unwrap();
        let fresh = assign(&schema);
        let ids: Vec<(String, i32)> = fresh
            .schema
            .index()
            .unwrap()
            .places()
            .iter()
            .map(|place| (place.name.clone(), place.id))
            .collect();
        let expected = [
            ("list", 1),
            ("list.element", 4),
            ("list.element.x", 5),
            ("list.element.y", 6),
            ("map", 2),
            ("map.key", 7),
            ("map.value", 8),
            ("id", 3),
        ];
        assert_eq!(ids, expected.map(|(name, id)| (name.to_owned(), id)));
        assert_eq!((fresh.schema.id, fresh.last_id), (0, 8));
        assert_eq!(fresh.schema.identifier_field_ids(), [3]);
        assert_eq!(fresh.ids.get(&71), Some(&6));
    }

    #[test]
    fn defaults_of_structs_follow_their_fields() {
        let field = json!({"id": 1, "name": "s", "required": true, "initial-default": {"3": 7, "2": 8}, "type":
            {"type": "struct", "fields": [
                {"id": 2, "name": "a", "required": true, "type": "int"},
                {"id": 3, "name": "b", "required": true, "type": "int"}]}});
        let before = json!({"id": 0, "name": "first", "required": true, "type":
            {"type": "list", "element-id": 9, "element": "int", "element-required": true}});
        let schema: Schema =
            serde_json::from_value(json!({"type": "struct", "fields": [before, field]})).unwrap();
        let fresh = assign(&schema);
        assert_eq!(fresh.schema.fields[1].initial_default, Some(json!({"5": 7, "4": 8})));
    }
}
