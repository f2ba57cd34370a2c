//! Schemas as clients of the parquet format can read them.

use serde_json::{Map, Value};

const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";

/// The types that every client of the parquet format knows; decimals and nested ones aside.
const PLAIN_TYPES: [&str; 11] = [
    "boolean",
    "byte",
    "short",
    "integer",
    "long",
    "float",
    "double",
    "string",
    "binary",
    "date",
    "timestamp",
];

/// A column that the parquet format cannot express, as `'a.b' of type void`; `None` if there is none.
pub fn inexpressible_column(schema: &Value) -> Option<String> {
    let mut path = String::new();
    find(schema, &mut path)
}

fn find(data_type: &Value, path: &mut String) -> Option<String> {
    if let Value::String(name) = data_type {
        let known = PLAIN_TYPES.contains(&name.as_str()) || name == "decimal" || name.starts_with("decimal(");
        return (!known).then(|| format!("has the column '{path}' of type {name}"));
    }
    let inner = |name: &str| data_type.get(name).unwrap_or(&Value::Null);
    match data_type.get("type").and_then(Value::as_str) {
        Some("struct") => inner("fields").as_array()?.iter().find_map(|field| {
            let before = path.len();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(field.get("name").and_then(Value::as_str).unwrap_or_default());
            let changed = field.get("metadata").and_then(|metadata| metadata.get("delta.typeChanges"));
            let found = match changed {
                Some(_) => Some(format!("has the column '{path}', whose type was changed")),
                None => find(field.get("type").unwrap_or(&Value::Null), path),
            };
            path.truncate(before);
            found
        }),
        Some("array") => find(inner("elementType"), path),
        Some("map") => find(inner("keyType"), path).or_else(|| find(inner("valueType"), path)),
        Some(name) => Some(format!("has the column '{path}' of type {name}")),
        None => Some(format!("has the column '{path}' without a type")),
    }
}

/// A column that has another name in the data files; `None` if there is none.
///
/// A column that was renamed, or dropped and added again, never gets its own name for its files (Delta, "Column
/// Mapping"). So where all names are equal, the files have them too, also those of before the mapping.
pub fn renamed_column(schema: &Value) -> Option<String> {
    let mut path = String::new();
    let name = find_renamed(schema, &mut path)?;
    Some(format!("has the column '{path}', which its files call '{name}' (columnMapping)"))
}

/// The name in the files; `path` is then that of the column.
fn find_renamed(data_type: &Value, path: &mut String) -> Option<String> {
    for field in data_type.get("fields").and_then(Value::as_array).into_iter().flatten() {
        let before = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        path.push_str(name);
        let physical = field.get("metadata").and_then(|metadata| metadata.get(PHYSICAL_NAME));
        let other = physical.filter(|physical| physical.as_str() != Some(name));
        let found = match other {
            Some(physical) => Some(physical.as_str().unwrap_or_default().to_owned()),
            None => find_renamed(field.get("type").unwrap_or(&Value::Null), path),
        };
        if found.is_some() {
            return found;
        }
        path.truncate(before);
    }
    let inner = ["elementType", "keyType", "valueType"].iter().filter_map(|name| data_type.get(name));
    inner.into_iter().find_map(|inner| find_renamed(inner, path))
}

/// What of a schema is not in a later one, or has another type there; `None` if the later one only has more.
///
/// Files of the earlier version cannot be read under a schema that lost what they hold.
pub fn lost_column(before: &str, after: &str) -> Option<String> {
    if before == after {
        return None;
    }
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let mut path = String::new();
    find_lost(&parse(before), &parse(after), &mut path)
}

fn find_lost(before: &Value, after: &Value, path: &mut String) -> Option<String> {
    let lost = |path: &str| {
        Some(format!("changes the column '{path}', which earlier files of the range have otherwise"))
    };
    match (before, after) {
        (Value::Object(_), Value::Object(_)) if before.get("type") == after.get("type") => {}
        _ => return if before == after { None } else { lost(path) },
    }
    for part in ["elementType", "keyType", "valueType"] {
        if let (Some(before), Some(after)) = (before.get(part), after.get(part))
            && let Some(found) = find_lost(before, after, path)
        {
            return Some(found);
        }
    }
    let fields_of =
        |value: &Value| value.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
    let later = fields_of(after);
    for field in fields_of(before) {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        let length = path.len();
        path.push_str(if path.is_empty() { "" } else { "." });
        path.push_str(name);
        let Some(same) = later.iter().find(|later| later.get("name") == field.get("name")) else {
            return lost(path);
        };
        let types = (field.get("type").unwrap_or(&Value::Null), same.get("type").unwrap_or(&Value::Null));
        let found = find_lost(types.0, types.1, path);
        if found.is_some() {
            return found;
        }
        path.truncate(length);
    }
    None
}

/// Takes out of every field, nested ones too, all metadata but the comment.
///
/// What writers keep there (generation expressions, identity counters, ids) is theirs, and clients of the
/// parquet format would take some of it for an instruction.
pub fn keep_comments_only(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let is_field = map.contains_key("name") && map.contains_key("type");
            for (name, value) in map.iter_mut() {
                if is_field
                    && name == "metadata"
                    && let Value::Object(metadata) = value
                {
                    keep_comment(metadata);
                } else {
                    keep_comments_only(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(keep_comments_only),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn keep_comment(metadata: &mut Map<String, Value>) {
    metadata.retain(|name, value| name == "comment" && value.is_string());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(data_type: &Value) -> Value {
        json!({"type": "struct", "fields": [{"name": "a", "type": data_type, "nullable": true, "metadata": {}}]})
    }

    #[test]
    fn types_of_the_parquet_format_are_expressible() {
        let mut types: Vec<Value> = PLAIN_TYPES.iter().map(|name| json!(name)).collect();
        types.push(json!("decimal(10,2)"));
        types.push(json!({"type": "array", "elementType": "long", "containsNull": true}));
        types.push(json!({"type": "map", "keyType": "string", "valueType": schema(&json!("date")), "valueContainsNull": true}));
        for data_type in types {
            assert_eq!(inexpressible_column(&schema(&data_type)), None, "{data_type}");
        }
    }

    #[test]
    fn other_types_are_named_with_their_column_wherever_they_are() {
        for name in ["void", "timestamp_ntz", "variant", "interval day", "geometry(OGC:CRS84)"] {
            let nested = json!({"type": "array", "elementType": schema(&json!(name)), "containsNull": true});
            let found = inexpressible_column(&schema(&nested)).unwrap();
            assert_eq!(found, format!("has the column 'a.a' of type {name}"));
        }
        assert!(inexpressible_column(&json!({"type": "udt"})).is_some());
        assert!(inexpressible_column(&json!(7)).is_some());
    }

    #[test]
    fn a_column_under_another_name_in_its_files_is_named_wherever_it_is() {
        let field = |name: &str, physical: &str, data_type: &Value| json!({"name": name, "type": data_type, "nullable": true, "metadata": {PHYSICAL_NAME: physical}});
        let table = |inner: &Value| {
            let element = json!({"type": "struct", "fields": [inner]});
            let map =
                json!({"type": "map", "keyType": "string", "valueType": element, "valueContainsNull": true});
            json!({"type": "struct", "fields": [field("a", "a", &json!("long")), field("m", "m", &map)]})
        };
        assert_eq!(renamed_column(&table(&field("x", "x", &json!("long")))), None);
        assert_eq!(renamed_column(&schema(&json!("long"))), None);
        assert_eq!(
            renamed_column(&table(&field("x", "col-1", &json!("long")))).unwrap(),
            "has the column 'm.x', which its files call 'col-1' (columnMapping)"
        );
        assert!(renamed_column(&table(&json!({"name": "x", "metadata": {PHYSICAL_NAME: 7}}))).is_some());
    }

    #[test]
    fn a_widened_column_is_inexpressible() {
        let mut widened = schema(&json!("long"));
        widened["fields"][0]["metadata"] = json!({"delta.typeChanges": []});
        assert!(inexpressible_column(&widened).unwrap().contains("'a'"));
    }

    #[test]
    fn a_schema_that_only_grew_lost_nothing() {
        let field = |name: &str, data_type: Value| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
        let of = |fields: Vec<Value>| json!({"type": "struct", "fields": fields}).to_string();
        let before = of(vec![field("a", json!("long")), field("s", schema(&json!("date")))]);
        let grown = of(vec![
            field("new", json!("string")),
            field(
                "s",
                json!({"type": "struct", "fields": [field("b", json!("long")), field("a", json!("date"))]}),
            ),
            field("a", json!("long")),
        ]);
        assert_eq!(lost_column(&before, &grown), None);
        assert_eq!(lost_column(&before, &before), None);
        for (after, path) in [
            (of(vec![field("s", schema(&json!("date")))]), "'a'"),
            (of(vec![field("a", json!("integer")), field("s", schema(&json!("date")))]), "'a'"),
            (of(vec![field("a", json!("long")), field("s", schema(&json!("string")))]), "'s.a'"),
            (of(vec![field("a", json!("long")), field("s", json!("string"))]), "'s'"),
        ] {
            let lost = lost_column(&before, &after).unwrap();
            assert!(lost.contains(path), "{lost}");
        }
        assert!(lost_column(&grown, &before).unwrap().contains("'new'"));
    }

    #[test]
    fn only_comments_stay_and_columns_named_metadata_do_too() {
        let mut text = json!({"type": "struct", "fields": [
            {"name": "id", "type": "long", "nullable": false,
             "metadata": {"delta.identity.start": 1, "comment": "the id"}},
            {"name": "metadata", "type": {"type": "struct", "fields": [
                {"name": "type", "type": "string", "nullable": true, "metadata": {"secret": "x"}}]},
             "nullable": true, "metadata": {"delta.generationExpression": "now()"}}]});
        keep_comments_only(&mut text);
        assert_eq!(
            text,
            json!({"type": "struct", "fields": [
            {"name": "id", "type": "long", "nullable": false, "metadata": {"comment": "the id"}},
            {"name": "metadata", "type": {"type": "struct", "fields": [
                {"name": "type", "type": "string", "nullable": true, "metadata": {}}]},
             "nullable": true, "metadata": {}}]})
        );
    }
}
