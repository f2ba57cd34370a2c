//! Iceberg schemas in JSON: as typed, and as people read them.

use std::fs;

use serde_json::{Map, Value, json};

use crate::cli::fault::Fault;

const FORM: &str = r#"Write {"type":"struct","fields":[{"name":"id","type":"long","required":true}]}, or @ and a file that holds it."#;

/// Reads `--schema`: JSON, or `@` and the file that holds it. Fields without ids are numbered from 1 on.
pub(crate) fn read(text: &str) -> Result<Value, Fault> {
    let Some(path) = text.strip_prefix('@') else { return parse(text, "cannot read --schema") };
    let what = format!("cannot read the schema in {path}");
    let text = fs::read_to_string(path).map_err(|error| Fault::io(&what, &error))?;
    parse(&text, &what)
}

fn parse(text: &str, what: &str) -> Result<Value, Fault> {
    let wrong = |why: String| Fault::usage(what, why).advise(FORM);
    let mut schema: Value =
        serde_json::from_str(text).map_err(|error| wrong(format!("it is not JSON ({error})")))?;
    let is_struct = schema.get("type").is_some_and(|word| word == "struct");
    if !is_struct || !schema.get("fields").is_some_and(Value::is_array) {
        return Err(wrong("it is not a struct with fields".to_owned()));
    }
    let mut count = 0;
    let mut has_ids = false;
    complete(&mut schema, &mut |field, key| {
        has_ids |= field.contains_key(key);
        count += 1;
    });
    if !has_ids {
        let mut next = 0;
        complete(&mut schema, &mut |field, key| {
            next += 1;
            field.insert(key.to_owned(), json!(next));
        });
    }
    Ok(schema)
}

/// Visits whatever carries an id, from the outside in, and makes what is not said to be required optional.
fn complete(of: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>, &str)) {
    let Some(object) = of.as_object_mut() else { return };
    match object.get("type").and_then(Value::as_str) {
        Some("struct") => {
            let fields = object.get_mut("fields").and_then(Value::as_array_mut);
            for field in fields.into_iter().flatten() {
                if let Some(field) = field.as_object_mut() {
                    visit(field, "id");
                    field.entry("required").or_insert(json!(false));
                    if let Some(inner) = field.get_mut("type") {
                        complete(inner, visit);
                    }
                }
            }
        }
        Some("list") => {
            visit(object, "element-id");
            object.entry("element-required").or_insert(json!(false));
            inside(object, "element", visit);
        }
        Some("map") => {
            visit(object, "key-id");
            visit(object, "value-id");
            object.entry("value-required").or_insert(json!(false));
            inside(object, "key", visit);
            inside(object, "value", visit);
        }
        _ => {}
    }
}

fn inside(object: &mut Map<String, Value>, key: &str, visit: &mut impl FnMut(&mut Map<String, Value>, &str)) {
    if let Some(inner) = object.get_mut(key) {
        complete(inner, visit);
    }
}

/// The id of a column; a column in a struct is written `struct.column`.
pub(crate) fn id_of(schema: &Value, column: &str) -> Option<i64> {
    let fields = schema.get("fields")?.as_array()?;
    fields.iter().find_map(|field| {
        let rest = column.strip_prefix(field.get("name")?.as_str()?)?;
        if rest.is_empty() {
            field.get("id")?.as_i64()
        } else {
            id_of(field.get("type")?, rest.strip_prefix('.')?)
        }
    })
}

/// The name of the column with an id, as [`id_of`] reads it.
pub(crate) fn name_of(schema: &Value, id: i64) -> Option<String> {
    let fields = schema.get("fields")?.as_array()?;
    fields.iter().find_map(|field| {
        let name = field.get("name")?.as_str()?;
        if field.get("id")?.as_i64() == Some(id) {
            return Some(name.to_owned());
        }
        Some(format!("{name}.{}", name_of(field.get("type")?, id)?))
    })
}

/// A type as Spark and pyiceberg write it: `struct<a: int, b: list<string>>`.
pub(crate) fn type_text(of: &Value) -> String {
    let part = |key: &str| of.get(key).map(type_text).unwrap_or_default();
    match of.get("type").and_then(Value::as_str) {
        Some("struct") => {
            let fields = of.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let field = |field: &Value| {
                let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
                format!("{name}: {}", field.get("type").map(type_text).unwrap_or_default())
            };
            format!("struct<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        Some("list") => format!("list<{}>", part("element")),
        Some("map") => format!("map<{}, {}>", part("key"), part("value")),
        _ => of.as_str().map_or_else(|| of.to_string(), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fault::Exit;

    const NESTED: &str = r#"{"type":"struct","fields":[
        {"name":"id","type":"long","required":true},
        {"name":"at","type":{"type":"struct","fields":[{"name":"day","type":"date"}]}},
        {"name":"tags","type":{"type":"list","element":"string"}},
        {"name":"by","type":{"type":"map","key":"string","value":{"type":"list","element":"int"}}}]}"#;

    #[test]
    fn fields_without_ids_are_numbered() {
        let schema = read(NESTED).unwrap();
        for (column, id) in
            [("id", Some(1)), ("at", Some(2)), ("at.day", Some(3)), ("tags", Some(4)), ("at.x", None)]
        {
            assert_eq!(id_of(&schema, column), id, "{column}");
        }
        assert_eq!(schema["fields"][0]["required"], true);
        assert_eq!(schema["fields"][1]["type"]["fields"][0]["required"], false);
        assert_eq!(schema["fields"][3]["type"]["value"]["element-id"], 9);
        assert_eq!(name_of(&schema, 3).unwrap(), "at.day");
        assert_eq!(type_text(&schema["fields"][3]["type"]), "map<string, list<int>>");
        assert_eq!(type_text(&schema["fields"][1]["type"]), "struct<day: date>");
    }

    #[test]
    fn ids_that_are_given_stay() {
        let text = r#"{"type":"struct","schema-id":0,"fields":[{"id":7,"name":"a","required":true,"type":"decimal(9, 2)"}]}"#;
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_is_no_schema_shows_the_form() {
        for text in ["", "{", "[]", r#"{"fields":[]}"#, r#"{"type":"struct"}"#] {
            let fault = read(text).unwrap_err();
            assert_eq!(fault.exit, Exit::Usage, "{text}");
            assert!(fault.advice.contains(r#""type":"struct""#), "{fault}");
        }
        assert_eq!(read("@/no/such/file").unwrap_err().exit, Exit::Refused);
    }
}
