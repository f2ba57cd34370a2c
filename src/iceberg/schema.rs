//! Schemas: fields, and which of them identify a row.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::default_value;
use super::primitive::{Primitive, PrimitiveType};
use super::schema_index::{self, Place, SchemaIndex};
use super::types::{Field, Type};

/// The format version from which on fields have defaults.
const DEFAULTS_FORMAT_VERSION: u8 = 3;

/// The fields of a table, or of a view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Schema {
    #[serde(rename = "type")]
    tag: StructTag,
    #[serde(rename = "schema-id", default)]
    pub id: i32,
    /// Absent and empty mean the same, but are told apart when they are written back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier_field_ids: Option<Vec<i32>>,
    pub fields: Vec<Field>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A schema is written as a struct.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum StructTag {
    #[serde(rename = "struct")]
    Struct,
}

/// Why a schema is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Fields(#[from] schema_index::Fault),
    #[error("Cannot add fieldId {id} as an identifier field: {reason}")]
    Identifier { id: i32, reason: &'static str },
    #[error("Cannot create required field with unknown type: {name}")]
    RequiredUnknown { name: String },
    #[error("Cannot parse default of {name} as a {field_type} value")]
    Default { name: String, field_type: String },
    #[error("Invalid type for {name}: {field_type} is not supported until v{version}")]
    TypeTooNew { name: String, field_type: String, version: u8 },
    #[error("Invalid initial default for {name}: it is not supported until v{DEFAULTS_FORMAT_VERSION}")]
    DefaultTooNew { name: String },
}

impl Schema {
    pub fn new(id: i32, fields: Vec<Field>, identifier_field_ids: Option<Vec<i32>>) -> Self {
        Self { tag: StructTag::Struct, id, identifier_field_ids, fields, rest: Map::new() }
    }

    pub fn identifier_field_ids(&self) -> &[i32] {
        self.identifier_field_ids.as_deref().unwrap_or_default()
    }

    /// All fields by id and name.
    pub fn index(&self) -> Result<SchemaIndex<'_>, Fault> {
        Ok(SchemaIndex::of(&self.fields)?)
    }

    /// Whether the fields are right among themselves.
    pub fn check(&self) -> Result<(), Fault> {
        let index = self.index()?;
        for place in index.places() {
            check_place(place)?;
        }
        self.identifier_field_ids().iter().try_for_each(|id| check_identifier(&index, *id))
    }

    /// Whether a table of this format version may have the fields.
    pub fn check_version(&self, format_version: u8) -> Result<(), Fault> {
        for place in self.index()?.places() {
            let since = place.field_type.as_primitive().map_or(1, |one| one.primitive().min_format_version());
            if format_version < since {
                return Err(Fault::TypeTooNew {
                    name: place.name.clone(),
                    field_type: place.field_type.word().to_owned(),
                    version: since,
                });
            }
            let has_default = place.field.is_some_and(|field| is_given(field.initial_default.as_ref()));
            if has_default && format_version < DEFAULTS_FORMAT_VERSION {
                return Err(Fault::DefaultTooNew { name: place.name.clone() });
            }
        }
        Ok(())
    }

    /// The highest id of any field; 0 without one.
    pub fn highest_field_id(&self) -> Result<i32, Fault> {
        Ok(self.index()?.places().iter().map(|place| place.id).max().unwrap_or(0))
    }

    /// Whether both have the same fields, whatever their ids as schemas are.
    pub fn is_same(&self, other: &Self) -> bool {
        let identifiers =
            |schema: &Self| schema.identifier_field_ids().iter().copied().collect::<BTreeSet<_>>();
        self.fields == other.fields && identifiers(self) == identifiers(other)
    }
}

fn is_given(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null())
}

fn check_place(place: &Place<'_>) -> Result<(), Fault> {
    let is_unknown =
        place.field_type.as_primitive().is_some_and(|one| *one.primitive() == Primitive::Unknown);
    if place.required && is_unknown {
        return Err(Fault::RequiredUnknown { name: place.name.clone() });
    }
    let Some(field) = place.field else { return Ok(()) };
    let defaults = [field.initial_default.as_ref(), field.write_default.as_ref()];
    if defaults.into_iter().flatten().all(|value| default_value::fits(&field.field_type, value)) {
        Ok(())
    } else {
        let field_type = field.field_type.word().to_owned();
        Err(Fault::Default { name: place.name.clone(), field_type })
    }
}

fn check_identifier(index: &SchemaIndex<'_>, id: i32) -> Result<(), Fault> {
    let fault = |reason| Err(Fault::Identifier { id, reason });
    let Some(place) = index.find(id) else { return fault("field does not exist") };
    let Some(primitive) = place.field_type.as_primitive().map(PrimitiveType::primitive) else {
        return fault("not a primitive type field");
    };
    if *primitive == Primitive::Variant {
        return fault("not a primitive type field");
    }
    if !place.required {
        return fault("not a required field");
    }
    if matches!(primitive, Primitive::Float | Primitive::Double) {
        return fault("must not be float or double field");
    }
    for above in index.above(place) {
        if !matches!(above.field_type, Type::Struct(_)) {
            return fault("must not be nested in a list or a map");
        }
        if !above.required {
            return fault("must not be nested in an optional field");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(value: Value) -> Schema {
        serde_json::from_value(value).unwrap()
    }

    fn of_field(field: &Value) -> Schema {
        schema(json!({"type": "struct", "fields": [field]}))
    }

    #[test]
    fn a_schema_is_written_as_it_was_read() {
        let written = json!({"type": "struct", "schema-id": 3, "identifier-field-ids": [], "x": "y",
            "fields": [{"id": 1, "name": "a", "required": true, "type": "int", "z": 1}]});
        assert_eq!(serde_json::to_value(schema(written.clone())).unwrap(), written);
        assert!(serde_json::from_value::<Schema>(json!({"type": "list", "fields": []})).is_err());
        assert_eq!(schema(json!({"type": "struct", "fields": []})).highest_field_id(), Ok(0));
    }

    #[test]
    fn identifiers_are_required_primitives_outside_of_lists() {
        let check = |field: Value, id: i32| {
            let mut schema = of_field(&field);
            schema.identifier_field_ids = Some(vec![id]);
            schema.check()
        };
        let required =
            |field_type: Value| json!({"id": 1, "name": "a", "required": true, "type": field_type});
        assert_eq!(check(required(json!("int")), 1), Ok(()));
        for (field, id) in [
            (required(json!("int")), 2),
            (required(json!("double")), 1),
            (required(json!("variant")), 1),
            (json!({"id": 1, "name": "a", "required": false, "type": "int"}), 1),
            (
                required(
                    json!({"type": "list", "element-id": 2, "element": "int", "element-required": true}),
                ),
                2,
            ),
            (required(json!({"type": "struct", "fields": []})), 1),
        ] {
            assert!(matches!(check(field.clone(), id), Err(Fault::Identifier { .. })), "{field} {id}");
        }
        let nested = |required: bool| {
            let inner = json!({"id": 2, "name": "b", "required": true, "type": "int"});
            json!({"id": 1, "name": "a", "required": required, "type": {"type": "struct", "fields": [inner]}})
        };
        assert_eq!(check(nested(true), 2), Ok(()));
        assert!(check(nested(false), 2).is_err());
    }

    #[test]
    fn new_types_and_defaults_need_a_new_format() {
        let variant = of_field(&json!({"id": 1, "name": "a", "required": false, "type": "variant"}));
        let fault = variant.check_version(2).unwrap_err();
        assert!(fault.to_string().contains("variant is not supported until v3"));
        assert_eq!(variant.check_version(3), Ok(()));
        let field = json!({"id": 1, "name": "a", "required": false, "type": "int", "initial-default": 5});
        let with_default = of_field(&field);
        assert_eq!(with_default.check_version(2), Err(Fault::DefaultTooNew { name: "a".to_owned() }));
        assert_eq!(with_default.check_version(3), Ok(()));
    }

    #[test]
    fn defaults_are_of_their_type_and_unknown_is_optional() {
        let wrong = json!({"id": 1, "name": "a", "required": false, "type": "int", "write-default": "5"});
        assert!(matches!(of_field(&wrong).check(), Err(Fault::Default { .. })));
        let unknown = json!({"id": 1, "name": "a", "required": true, "type": "unknown"});
        assert!(matches!(of_field(&unknown).check(), Err(Fault::RequiredUnknown { .. })));
    }

    #[test]
    fn sameness_looks_at_fields_and_identifiers() {
        let field = json!({"id": 1, "name": "a", "required": true, "type": "decimal(9,2)"});
        let one = schema(json!({"type": "struct", "schema-id": 1, "fields": [field]}));
        let mut two =
            schema(json!({"type": "struct", "schema-id": 2, "identifier-field-ids": [], "fields": [
            {"id": 1, "name": "a", "required": true, "type": "decimal(9, 2)"}]}));
        assert!(one.is_same(&two));
        two.identifier_field_ids = Some(vec![1]);
        assert!(!one.is_same(&two));
    }
}
