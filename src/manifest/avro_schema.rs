//! The schema of a writer, told by the head of its file.
//!
//! Named types stand where they are used, each use on its own. So a type that holds itself has no end, and is refused.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::cursor::Cursor;
use super::error::SchemaFault;
use super::fault::Fault;
use crate::limits::manifest::{AVRO_SCHEMA_BYTES_MAX, AVRO_SCHEMA_DEPTH_MAX, AVRO_SCHEMA_NODES_MAX};

/// A type and what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Type {
    pub(super) form: Form,
    pub(super) logical: Logical,
}

/// A type as it lies in the bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    Enum,
    Array(Box<Type>),
    Map(Box<Type>),
    Record(Vec<Field>),
    Union(Vec<Type>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// The property `field-id`.
    pub(super) id: Option<i32>,
    pub(super) of: Type,
}

impl Field {
    /// The id that the field was written with; without one, that of its name.
    pub(super) fn id_by(&self, names: &[(&str, i32)]) -> Option<i32> {
        self.id.or_else(|| names.iter().find(|(name, _)| *name == self.name).map(|(_, id)| *id))
    }
}

/// What a type stands for beyond its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    Plain,
    Date,
    TimeMicros,
    TimestampMicros { is_utc: bool },
    TimestampNanos { is_utc: bool },
    Decimal { precision: u32, scale: u32 },
    Uuid,
    Map,
}

impl Type {
    /// Reads a schema as the property `avro.schema` holds it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, SchemaFault> {
        if json.len() > AVRO_SCHEMA_BYTES_MAX {
            return Err(SchemaFault::Nodes);
        }
        let value: Value = serde_json::from_slice(json).map_err(|_| SchemaFault::Json)?;
        let mut reader = Reader { named: HashMap::new(), nodes: 0 };
        reader.read(&value, &Scope { namespace: "", depth: 0 })
    }

    pub(super) fn fields(&self) -> Option<&[Field]> {
        if let Form::Record(fields) = &self.form { Some(fields) } else { None }
    }

    /// Whether a value takes no bytes, whatever it is.
    pub(super) fn is_empty(&self) -> bool {
        match self.fields() {
            Some(fields) => fields.iter().all(|field| field.of.is_empty()),
            None => matches!(self.form, Form::Null | Form::Fixed(0)),
        }
    }

    /// The type without its null, and where in the union the null stands.
    pub(super) fn optional(&self) -> (Nulls, &Self) {
        if let Form::Union(branches) = &self.form {
            match branches.as_slice() {
                [Self { form: Form::Null, .. }, of] => return (Nulls::First, of),
                [of, Self { form: Form::Null, .. }] => return (Nulls::Second, of),
                _ => {}
            }
        }
        (Nulls::Never, self)
    }
}

/// Where the null of an optional value stands in its union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    Never,
    First,
    Second,
}

impl Nulls {
    /// Reads which branch follows.
    #[inline]
    pub(super) fn is_null(self, cursor: &mut Cursor<'_>) -> Result<bool, Fault> {
        let null = match self {
            Self::Never => return Ok(false),
            Self::First => 0,
            Self::Second => 1,
        };
        match cursor.long()? {
            branch @ (0 | 1) => Ok(branch == null),
            _ => Err(Fault::Branch),
        }
    }
}

#[derive(Clone, Copy)]
struct Scope<'a> {
    namespace: &'a str,
    depth: usize,
}

struct Reader<'v> {
    /// Named types that were defined so far, each with the namespace inside.
    named: HashMap<String, (&'v Map<String, Value>, String)>,
    nodes: usize,
}

impl<'v> Reader<'v> {
    fn read(&mut self, value: &'v Value, scope: &Scope<'_>) -> Result<Type, SchemaFault> {
        self.nodes += 1;
        if self.nodes > AVRO_SCHEMA_NODES_MAX {
            return Err(SchemaFault::Nodes);
        }
        if scope.depth > AVRO_SCHEMA_DEPTH_MAX {
            return Err(SchemaFault::Depth);
        }
        let inner = Scope { depth: scope.depth + 1, ..*scope };
        match value {
            Value::String(name) => self.named_or_primitive(name, scope, &inner),
            Value::Array(branches) => {
                let branches =
                    branches.iter().map(|branch| self.read(branch, &inner)).collect::<Result<_, _>>()?;
                Ok(plain(Form::Union(branches)))
            }
            Value::Object(object) => self.object(object, scope, &inner),
            Value::Null | Value::Bool(_) | Value::Number(_) => Err(SchemaFault::Type),
        }
    }

    fn named_or_primitive(
        &mut self,
        name: &str,
        scope: &Scope<'_>,
        inner: &Scope<'_>,
    ) -> Result<Type, SchemaFault> {
        if let Some(form) = primitive(name) {
            return Ok(plain(form));
        }
        let known = self.named.get(&full_name(name, scope.namespace)).or_else(|| self.named.get(name));
        let (object, namespace) = known.cloned().ok_or(SchemaFault::Type)?;
        self.definition(object, &Scope { namespace: &namespace, ..*inner })
    }

    fn object(
        &mut self,
        object: &'v Map<String, Value>,
        scope: &Scope<'_>,
        inner: &Scope<'_>,
    ) -> Result<Type, SchemaFault> {
        let of = object.get("type").ok_or(SchemaFault::Type)?;
        let Some(word) = of.as_str() else {
            // A type in a type: its annotations are those outside.
            return Ok(Type { logical: logical(object), ..self.read(of, inner)? });
        };
        match word {
            "record" | "error" | "fixed" | "enum" => {
                let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
                let namespace = object.get("namespace").and_then(Value::as_str).unwrap_or(scope.namespace);
                let full = full_name(name, namespace);
                let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
                if !name.is_empty() {
                    self.named.insert(full, (object, namespace.clone()));
                }
                self.definition(object, &Scope { namespace: &namespace, ..*inner })
            }
            "array" => {
                Ok(Type { form: Form::Array(self.items(object, "items", inner)?), logical: logical(object) })
            }
            "map" => Ok(plain(Form::Map(self.items(object, "values", inner)?))),
            word => Ok(Type { logical: logical(object), ..self.named_or_primitive(word, scope, inner)? }),
        }
    }

    /// Items that take no bytes could be any number of them.
    fn items(
        &mut self,
        object: &'v Map<String, Value>,
        key: &str,
        inner: &Scope<'_>,
    ) -> Result<Box<Type>, SchemaFault> {
        let items = self.read(object.get(key).ok_or(SchemaFault::Type)?, inner)?;
        if items.is_empty() { Err(SchemaFault::EmptyItems) } else { Ok(Box::new(items)) }
    }

    /// A record, a fixed or an enum.
    fn definition(&mut self, object: &'v Map<String, Value>, scope: &Scope<'_>) -> Result<Type, SchemaFault> {
        let form = match object.get("type").and_then(Value::as_str) {
            Some("fixed") => {
                let size = object.get("size").and_then(Value::as_u64).ok_or(SchemaFault::Type)?;
                Form::Fixed(usize::try_from(size).map_err(|_| SchemaFault::Type)?)
            }
            Some("enum") => Form::Enum,
            _ => {
                let fields = object.get("fields").and_then(Value::as_array).ok_or(SchemaFault::Type)?;
                Form::Record(fields.iter().map(|field| self.field(field, scope)).collect::<Result<_, _>>()?)
            }
        };
        Ok(Type { form, logical: logical(object) })
    }

    fn field(&mut self, field: &'v Value, scope: &Scope<'_>) -> Result<Field, SchemaFault> {
        let id = field.get("field-id").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
        let name = field.get("name").and_then(Value::as_str).ok_or(SchemaFault::Type)?.to_owned();
        let of = self.read(field.get("type").ok_or(SchemaFault::Type)?, scope)?;
        Ok(Field { name, id, of })
    }
}

fn plain(form: Form) -> Type {
    Type { form, logical: Logical::Plain }
}

fn primitive(name: &str) -> Option<Form> {
    Some(match name {
        "null" => Form::Null,
        "boolean" => Form::Boolean,
        "int" => Form::Int,
        "long" => Form::Long,
        "float" => Form::Float,
        "double" => Form::Double,
        "bytes" => Form::Bytes,
        "string" => Form::Text,
        _ => return None,
    })
}

fn full_name(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn logical(object: &Map<String, Value>) -> Logical {
    let number = |key| object.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let is_utc = object.get("adjust-to-utc").and_then(Value::as_bool).unwrap_or(false);
    match object.get("logicalType").and_then(Value::as_str) {
        Some("date") => Logical::Date,
        Some("time-micros") => Logical::TimeMicros,
        Some("timestamp-micros") => Logical::TimestampMicros { is_utc },
        Some("timestamp-nanos") => Logical::TimestampNanos { is_utc },
        Some("decimal") => match number("precision") {
            Some(precision) => Logical::Decimal { precision, scale: number("scale").unwrap_or(0) },
            None => Logical::Plain,
        },
        Some("uuid") => Logical::Uuid,
        Some("map") => Logical::Map,
        Some(_) | None => Logical::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Type, SchemaFault> {
        Type::parse(json.as_bytes())
    }

    #[test]
    fn names_mean_what_was_defined_before() {
        let json = r#"{"type": "record", "name": "a", "namespace": "x", "fields": [
            {"name": "f", "field-id": 7, "type": {"type": "fixed", "name": "id", "size": 3}},
            {"name": "g", "type": ["null", "id"]},
            {"name": "h", "type": ["x.id", "null"]}]}"#;
        let of = parse(json).unwrap();
        let [f, g, h] = of.fields().unwrap() else { panic!("three fields") };
        assert_eq!((f.id, &f.of.form), (Some(7), &Form::Fixed(3)));
        assert_eq!(g.of.optional(), (Nulls::First, &f.of));
        assert_eq!(h.of.optional(), (Nulls::Second, &f.of));
        assert_eq!(f.of.optional(), (Nulls::Never, &f.of));
    }

    #[test]
    fn annotations_are_read() {
        let of = |json| parse(json).unwrap().logical;
        let utc = r#"{"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": true}"#;
        assert_eq!(of(utc), Logical::TimestampMicros { is_utc: true });
        assert_eq!(of(r#"{"type": "int", "logicalType": "date"}"#), Logical::Date);
        let decimal = r#"{"type": "fixed", "name": "d", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}"#;
        assert_eq!(of(decimal), Logical::Decimal { precision: 9, scale: 2 });
        assert_eq!(of(r#"{"type": "int", "logicalType": "of tomorrow"}"#), Logical::Plain);
    }

    #[test]
    fn types_without_an_end_are_refused() {
        let itself = r#"{"type": "record", "name": "a", "fields": [{"name": "f", "type": ["null", "a"]}]}"#;
        assert_eq!(parse(itself), Err(SchemaFault::Depth));
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(60), "}".repeat(60));
        assert_eq!(parse(&deep), Err(SchemaFault::Depth));
        let twice = |name: &str, of: &str| {
            format!(
                r#"{{"type":"record","name":"{name}","fields":[{{"name":"l","type":{of}}},{{"name":"r","type":"{name}_"}}]}}"#
            )
        };
        let doubled = (0..20).fold("\"int\"".to_owned(), |of, level| {
            let below = format!("r{}", "_".repeat(20 - level));
            if level == 0 {
                format!(r#"{{"type":"record","name":"{below}","fields":[{{"name":"l","type":{of}}}]}}"#)
            } else {
                twice(&below, &of)
            }
        });
        assert_eq!(parse(&doubled), Err(SchemaFault::Nodes));
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert_eq!(parse("{"), Err(SchemaFault::Json));
        for json in ["3", "\"unheard\"", "{}", r#"{"type":"array"}"#, r#"{"type":"record","fields":[{}]}"#] {
            assert_eq!(parse(json), Err(SchemaFault::Type), "{json}");
        }
        for items in [
            "\"null\"",
            r#"{"type":"fixed","name":"f","size":0}"#,
            r#"{"type":"record","name":"r","fields":[]}"#,
        ] {
            let json = format!(r#"{{"type":"array","items":{items}}}"#);
            assert_eq!(parse(&json), Err(SchemaFault::EmptyItems), "{json}");
        }
    }
}
