//! The schema of an Iceberg table as Delta writes it.
//!
//! Sources: Delta, "Schema Serialization Format", "Column Mapping", "Type Widening"; Iceberg specification, "Schemas and
//! Data Types", "Schema Evolution".

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::error::Fault;
use super::former_types::Former;
use super::history::History;
use super::naming::Naming;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::types::{Field, Type};

/// The reader feature of columns that became wider, and what they were before, in a column's metadata.
pub(super) const TYPE_WIDENING: &str = "typeWidening";

/// The feature of files that lose rows.
pub(super) const DELETION_VECTORS: &str = "deletionVectors";
pub(super) const TYPE_CHANGES: &str = "delta.typeChanges";

/// Names of reader features.
pub(super) type Features = BTreeSet<&'static str>;

/// Builds the schema of a version.
pub(super) struct SchemaWriter<'s> {
    pub(super) naming: &'s Naming,
    pub(super) history: &'s History<'s>,
    /// What readers have to know.
    pub(super) features: Features,
    /// Columns whose type was another once.
    pub(super) former: Vec<Former>,
}

/// The types that an element, a key or a value had before, for the column that holds it.
type Changes = Vec<Value>;

impl SchemaWriter<'_> {
    /// The JSON of a struct of these fields; `path` is that of the struct, with a dot behind.
    pub(super) fn fields(&mut self, fields: &[Field], path: &str) -> Result<Value, Fault> {
        check_names(fields, path)?;
        let fields = fields.iter().map(|field| self.field(field, path)).collect::<Result<Vec<_>, _>>()?;
        Ok(json!({"type": "struct", "fields": fields}))
    }

    fn field(&mut self, field: &Field, path: &str) -> Result<Value, Fault> {
        let path = format!("{path}{}", field.name);
        let mut metadata = Map::new();
        if let Some(doc) = &field.doc {
            metadata.insert("comment".to_owned(), json!(doc));
        }
        if self.naming.mode().is_some() {
            let physical = self.naming.physical_name(field.id, &field.name);
            metadata.insert("delta.columnMapping.id".to_owned(), json!(field.id));
            metadata.insert("delta.columnMapping.physicalName".to_owned(), json!(physical));
        }
        let mut changes = Changes::new();
        let part = Part { id: field.id, of: &field.field_type, path: &path, inside: "" };
        let data_type = self.part(&part, &mut changes)?;
        if !changes.is_empty() {
            self.features.insert(TYPE_WIDENING);
            metadata.insert(TYPE_CHANGES.to_owned(), Value::Array(changes));
        }
        let nullable = !field.required;
        Ok(json!({"name": field.name, "type": data_type, "nullable": nullable, "metadata": metadata}))
    }

    fn part(&mut self, part: &Part<'_>, changes: &mut Changes) -> Result<Value, Fault> {
        self.note_changes(part, changes);
        let Part { path, inside, .. } = *part;
        let below = |name: &str| {
            let inside = if inside.is_empty() { name.to_owned() } else { format!("{inside}.{name}") };
            (format!("{path}.{name}"), inside)
        };
        match part.of {
            Type::Primitive(primitive) => {
                let refused =
                    || Fault::Type { column: path.to_owned(), field_type: primitive.name().to_owned() };
                let (name, feature) = primitive_name(primitive.primitive()).ok_or_else(refused)?;
                self.features.extend(feature);
                if *primitive.primitive() == Primitive::Variant {
                    let fault = Some(Fault::ShreddedVariant { column: path.to_owned() });
                    self.former.push(Former { id: part.id, now: part.of.clone(), is_narrower: false, fault });
                }
                Ok(json!(name))
            }
            Type::Struct(of) => self.fields(&of.fields, &format!("{path}.")),
            Type::List(list) => {
                let (path, inside) = below("element");
                let element = Part { id: list.element_id, of: &list.element, path: &path, inside: &inside };
                let element = self.part(&element, changes)?;
                Ok(json!({"type": "array", "elementType": element, "containsNull": !list.element_required}))
            }
            Type::Map(map) => {
                let (path, inside) = below("key");
                let key = Part { id: map.key_id, of: &map.key, path: &path, inside: &inside };
                let key = self.part(&key, changes)?;
                let (path, inside) = below("value");
                let value = Part { id: map.value_id, of: &map.value, path: &path, inside: &inside };
                let value = self.part(&value, changes)?;
                let contains_null = !map.value_required;
                Ok(
                    json!({"type": "map", "keyType": key, "valueType": value, "valueContainsNull": contains_null}),
                )
            }
        }
    }

    /// Older files may have the column in a narrower type. A wider one is of later files than the schema's.
    fn note_changes(&mut self, part: &Part<'_>, changes: &mut Changes) {
        let mut former = Former { id: part.id, now: part.of.clone(), is_narrower: true, fault: None };
        let mut is_any = false;
        for before in self.history.other_types(part.id, part.of) {
            let (from, to) = (before.as_primitive(), part.of.as_primitive());
            let primitives = from.zip(to).map(|(from, to)| (from.primitive(), to.primitive()));
            if primitives.is_some_and(|(from, to)| is_widening(to, from)) {
                continue;
            }
            is_any = true;
            let Some((from, to)) = primitives.filter(|(from, to)| is_widening(from, to)) else {
                let (from, to) = (before.word().to_owned(), part.of.word().to_owned());
                former.is_narrower = false;
                former.fault = Some(Fault::TypeChange { column: part.path.to_owned(), from, to });
                continue;
            };
            former.is_narrower &= !matches!(to, Primitive::Decimal { .. });
            let name = |of: &Primitive| primitive_name(of).map(|(name, _)| name);
            let mut change = json!({"fromType": name(from), "toType": name(to)});
            if let Some(change) = change.as_object_mut().filter(|_| !part.inside.is_empty()) {
                change.insert("fieldPath".to_owned(), json!(part.inside));
            }
            changes.push(change);
        }
        self.former.extend(is_any.then_some(former));
    }
}

/// A type somewhere in a column.
struct Part<'a> {
    id: i32,
    of: &'a Type,
    /// From the top, for messages.
    path: &'a str,
    /// From the column on: `element`, `value.key`.
    inside: &'a str,
}

/// Readers of Delta tables do not tell apart what differs by case only.
fn check_names(fields: &[Field], path: &str) -> Result<(), Fault> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for field in fields {
        if let Some(first) = seen.insert(field.name.to_lowercase(), &field.name) {
            let [first, second] = [first, field.name.as_str()].map(|name| format!("{path}{name}"));
            return Err(Fault::NamesByCase { first, second });
        }
    }
    Ok(())
}

/// Delta's name of a type and the feature that it needs; `None` for types that Delta does not have.
fn primitive_name(of: &Primitive) -> Option<(String, Option<&'static str>)> {
    let (name, feature) = match of {
        Primitive::Boolean => ("boolean", None),
        Primitive::Int => ("integer", None),
        Primitive::Long => ("long", None),
        Primitive::Float => ("float", None),
        Primitive::Double => ("double", None),
        Primitive::Decimal { precision, scale } => {
            return Some((format!("decimal({precision},{scale})"), None));
        }
        Primitive::Date => ("date", None),
        Primitive::Timestamptz => ("timestamp", None),
        Primitive::Timestamp => ("timestamp_ntz", Some("timestampNtz")),
        Primitive::String => ("string", None),
        Primitive::Binary => ("binary", None),
        Primitive::Unknown => ("void", None),
        Primitive::Variant => ("variant", Some("variantType")),
        Primitive::Time
        | Primitive::TimestampNs
        | Primitive::TimestamptzNs
        | Primitive::Uuid
        | Primitive::Fixed(_)
        | Primitive::Geometry { .. }
        | Primitive::Geography { .. } => return None,
    };
    Some((name.to_owned(), feature))
}

/// Whether readers that know of widened types read files of the narrower one ("Supported Type Changes").
fn is_widening(from: &Primitive, to: &Primitive) -> bool {
    match (from, to) {
        (Primitive::Int, Primitive::Long)
        | (Primitive::Float, Primitive::Double)
        | (Primitive::Date, Primitive::Timestamp) => true,
        (Primitive::Decimal { precision, scale }, Primitive::Decimal { precision: wider, scale: same }) => {
            wider >= precision && scale == same
        }
        _ => false,
    }
}
