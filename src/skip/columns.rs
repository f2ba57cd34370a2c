//! The columns of a table version, found by name.

use serde_json::{Map, Value};

use super::expression::{ColumnName, Type};
use crate::table::snapshot::Metadata;

const MAPPING_MODE: &str = "delta.columnMapping.mode";
const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";
const TYPE_CHANGES: &str = "delta.typeChanges";
const COLLATIONS: &str = "__COLLATIONS";
const CHAR_OR_VARCHAR: &str = "__CHAR_VARCHAR_TYPE_STRING";

/// A column and where its values are described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) data_type: Type,
    pub(super) place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the partition values, under one of these names.
    Partition { physical: String, logical: String },
    /// In the statistics, at this path of physical names.
    Statistics { path: Vec<String> },
}

/// The schema of a table version; what cannot be read has no columns.
pub(super) struct Columns<'m> {
    fields: Vec<Value>,
    partitioned_by: &'m [String],
    is_mapped: bool,
}

impl<'m> Columns<'m> {
    pub(super) fn new(metadata: &'m Metadata) -> Self {
        let schema: Option<Value> = serde_json::from_str(&metadata.schema_string).ok();
        let fields = match schema.as_ref().and_then(|schema| schema.get("fields")) {
            Some(Value::Array(fields)) => fields.clone(),
            _ => Vec::new(),
        };
        let mode = metadata.configuration.get(MAPPING_MODE);
        Self {
            fields,
            partitioned_by: &metadata.partition_columns,
            is_mapped: mode.is_some_and(|mode| !mode.eq_ignore_ascii_case("none")),
        }
    }

    /// The column of that name, without regard to case; `None` if there is none or more than one, or if it has parts.
    pub(super) fn find(&self, name: &ColumnName) -> Option<Column> {
        let mut found = Vec::new();
        let mut path = Vec::new();
        match name {
            ColumnName::Parts(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
                self.find_parts(&self.fields, &parts, &mut path, &mut found);
            }
            ColumnName::Dotted(name) => {
                let name = name.to_lowercase();
                self.find_dotted(&self.fields, &name, &mut path, &mut found);
                let unquoted = name.replace('`', "");
                if found.is_empty() && unquoted != name {
                    self.find_dotted(&self.fields, &unquoted, &mut path, &mut found);
                }
            }
        }
        if found.len() > 1 { None } else { found.pop().flatten() }
    }

    fn find_parts<'f>(
        &self,
        fields: &'f [Value],
        parts: &[String],
        path: &mut Vec<&'f Value>,
        found: &mut Vec<Option<Column>>,
    ) {
        let Some((part, rest)) = parts.split_first() else { return };
        for field in fields.iter().filter(|field| name_of(field).to_lowercase() == *part) {
            path.push(field);
            if rest.is_empty() {
                found.push(self.column(path));
            } else {
                self.find_parts(fields_of(field), rest, path, found);
            }
            path.pop();
        }
    }

    fn find_dotted<'f>(
        &self,
        fields: &'f [Value],
        name: &str,
        path: &mut Vec<&'f Value>,
        found: &mut Vec<Option<Column>>,
    ) {
        for field in fields {
            let Some(rest) = name.strip_prefix(name_of(field).to_lowercase().as_str()) else { continue };
            path.push(field);
            if rest.is_empty() {
                found.push(self.column(path));
            } else if let Some(rest) = rest.strip_prefix('.') {
                self.find_dotted(fields_of(field), rest, path, found);
            }
            path.pop();
        }
    }

    /// The column at the end of a path of fields; `None` for columns that have parts themselves.
    fn column(&self, path: &[&Value]) -> Option<Column> {
        let last = path.last()?;
        let data_type = type_of(last)?;
        if let [only] = path
            && self.partitioned_by.iter().any(|name| name.to_lowercase() == name_of(only).to_lowercase())
        {
            let (physical, logical) = (self.physical_name(only).to_owned(), name_of(only).to_owned());
            return Some(Column { data_type, place: Place::Partition { physical, logical } });
        }
        let path = path.iter().map(|field| self.physical_name(field).to_owned()).collect();
        Some(Column { data_type, place: Place::Statistics { path } })
    }

    fn physical_name<'f>(&self, field: &'f Value) -> &'f str {
        let physical = metadata_of(field).and_then(|metadata| metadata.get(PHYSICAL_NAME)?.as_str());
        physical.filter(|_| self.is_mapped).unwrap_or_else(|| name_of(field))
    }
}

fn name_of(field: &Value) -> &str {
    field.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn metadata_of(field: &Value) -> Option<&Map<String, Value>> {
    field.get("metadata")?.as_object()
}

/// The fields of a column that is a struct.
fn fields_of(field: &Value) -> &[Value] {
    let data_type = field.get("type");
    let is_struct = data_type.and_then(|data_type| data_type.get("type")?.as_str()) == Some("struct");
    let fields = data_type.filter(|_| is_struct).and_then(|data_type| data_type.get("fields")?.as_array());
    fields.map(Vec::as_slice).unwrap_or_default()
}

fn type_of(field: &Value) -> Option<Type> {
    let name = field.get("type")?.as_str()?;
    let has = |key| metadata_of(field).is_some_and(|metadata| metadata.contains_key(key));
    Some(match name {
        "boolean" => Type::Boolean,
        "byte" => Type::Integer { bytes: 1 },
        "short" => Type::Integer { bytes: 2 },
        "integer" => Type::Integer { bytes: 4 },
        "long" => Type::Integer { bytes: 8 },
        "float" => Type::Float,
        // Statistics of files from before the change show floats, whose digits are other doubles.
        "double" if has(TYPE_CHANGES) => Type::Opaque,
        "double" => Type::Double,
        // Statistics know neither the order of a collation nor the blanks that pad a char.
        "string" if has(COLLATIONS) || is_char(field) => Type::Opaque,
        "string" => Type::Text,
        "date" => Type::Date,
        "timestamp" => Type::Timestamp,
        "timestamp_ntz" => Type::TimestampNtz,
        _ => Type::parse_decimal(name).unwrap_or(Type::Opaque),
    })
}

fn is_char(field: &Value) -> bool {
    let declared = metadata_of(field).and_then(|metadata| metadata.get(CHAR_OR_VARCHAR));
    declared.is_some_and(|declared| !declared.as_str().is_some_and(|name| name.starts_with("varchar")))
}
