//! Types with parts: structs, lists and maps, and the fields of structs.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::primitive::PrimitiveType;

/// The type of a field, an element, a key or a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Type {
    Primitive(PrimitiveType),
    Struct(StructType),
    List(Box<ListType>),
    Map(Box<MapType>),
}

/// A column, or a part of a struct. Fields that we do not know are kept in `rest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Field {
    pub id: i32,
    pub name: String,
    pub required: bool,
    #[serde(rename = "type")]
    pub field_type: Type,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// The value of rows that were written before the column was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_default: Option<Value>,
    /// The value of new rows that a writer does not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_default: Option<Value>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename = "struct")]
pub struct StructType {
    pub fields: Vec<Field>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename = "list", rename_all = "kebab-case")]
pub struct ListType {
    pub element_id: i32,
    pub element: Type,
    pub element_required: bool,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename = "map", rename_all = "kebab-case")]
pub struct MapType {
    pub key_id: i32,
    pub key: Type,
    pub value_id: i32,
    pub value: Type,
    pub value_required: bool,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Any type with parts, as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Parts {
    #[serde(rename = "type")]
    kind: String,
    fields: Option<Vec<Field>>,
    element_id: Option<i32>,
    element: Option<Type>,
    element_required: Option<bool>,
    key_id: Option<i32>,
    key: Option<Type>,
    value_id: Option<i32>,
    value: Option<Type>,
    value_required: Option<bool>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Parts {
    /// The type, or the name of the part that it lacks.
    fn into_type(self) -> Result<Type, &'static str> {
        let rest = self.rest;
        Ok(match self.kind.as_str() {
            "struct" => Type::Struct(StructType { fields: self.fields.ok_or("fields")?, rest }),
            "list" => Type::List(Box::new(ListType {
                element_id: self.element_id.ok_or("element-id")?,
                element: self.element.ok_or("element")?,
                element_required: self.element_required.ok_or("element-required")?,
                rest,
            })),
            "map" => Type::Map(Box::new(MapType {
                key_id: self.key_id.ok_or("key-id")?,
                key: self.key.ok_or("key")?,
                value_id: self.value_id.ok_or("value-id")?,
                value: self.value.ok_or("value")?,
                value_required: self.value_required.ok_or("value-required")?,
                rest,
            })),
            _ => return Err("type"),
        })
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Types;
        impl<'de> Visitor<'de> for Types {
            type Value = Type;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("the name of a type, or a struct, a list or a map")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Type, E> {
                PrimitiveType::parse(name).map(Type::Primitive).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Type, A::Error> {
                let parts = Parts::deserialize(MapAccessDeserializer::new(map))?;
                parts.into_type().map_err(A::Error::missing_field)
            }
        }
        deserializer.deserialize_any(Types)
    }
}

impl Type {
    pub fn as_primitive(&self) -> Option<&PrimitiveType> {
        match self {
            Self::Primitive(primitive) => Some(primitive),
            Self::Struct(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The type in a word, for complaints.
    pub fn word(&self) -> &str {
        match self {
            Self::Primitive(primitive) => primitive.name(),
            Self::Struct(_) => "struct",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_types_keep_what_nobody_knows() {
        let written = json!({
            "type": "struct", "x": [1],
            "fields": [
                {"id": 1, "name": "a", "required": true, "type": "decimal(9,2)", "doc": "d", "y": {"z": null}},
                {"id": 2, "name": "b", "required": false, "initial-default": [], "write-default": [],
                 "type": {"type": "list", "element-id": 3, "element": "int", "element-required": false, "l": 1}},
                {"id": 4, "name": "c", "required": false, "type":
                    {"value-required": true, "value": "long", "value-id": 6, "key": "string", "key-id": 5, "type": "map"}},
            ],
        });
        let parsed: Type = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&parsed).unwrap(), written);
    }

    #[test]
    fn defaults_keep_their_last_digit() {
        let written =
            r#"{"id":1,"name":"a","required":false,"type":"double","initial-default":31.245270191439438}"#;
        let parsed: Field = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string(&parsed).unwrap(), written);
    }

    #[test]
    fn a_type_that_lacks_a_part_is_refused_by_its_name() {
        let fault = |value| serde_json::from_value::<Type>(value).unwrap_err().to_string();
        assert!(
            fault(json!({"type": "list", "element-id": 3, "element-required": true})).contains("`element`")
        );
        assert!(fault(json!({"type": "map", "key-id": 3})).contains("`key`"));
        assert!(fault(json!({"type": "struct"})).contains("`fields`"));
        assert!(fault(json!({"type": "tuple"})).contains("`type`"));
        assert!(fault(json!("tuple")).contains("'tuple' is not a type"));
        assert!(fault(json!(7)).contains("the name of a type"));
    }
}
