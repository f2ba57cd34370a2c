//! Partition fields as typed: `region`, `day(at)`, `bucket(16, id)`.

use serde_json::{Value, json};

use super::schema;
use crate::cli::fault::Fault;

const FORM: &str = "Write a column, or year(COLUMN), month(COLUMN), day(COLUMN), hour(COLUMN), bucket(N, COLUMN) or truncate(WIDTH, COLUMN).";
/// The first id of a partition field (table specification, "Partition Specs").
const FIRST_FIELD_ID: usize = 1_000;

/// The partition spec of all `--partition`; `None` without any.
pub(crate) fn parse(texts: &[String], schema: &Value) -> Result<Option<Value>, Fault> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut fields = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let Function { transform, column, suffix } = function(text)?;
        let Some(source) = schema::id_of(schema, &column) else {
            let what = format!("cannot read --partition \"{text}\"");
            return Err(Fault::usage(what, format!("the schema has no column '{column}'")).advise(FORM));
        };
        fields.push(json!({
            "name": format!("{column}{suffix}"),
            "transform": transform,
            "source-id": source,
            "field-id": FIRST_FIELD_ID + index,
        }));
    }
    Ok(Some(json!({"spec-id": 0, "fields": fields})))
}

struct Function {
    /// In Iceberg's words: `bucket[16]`.
    transform: String,
    column: String,
    /// What the field's name has behind the column's, as other writers name it.
    suffix: &'static str,
}

fn function(text: &str) -> Result<Function, Fault> {
    let wrong = |why: &str| Fault::usage(format!("cannot read --partition \"{text}\""), why).advise(FORM);
    let Some((name, rest)) = text.split_once('(') else {
        let column = text.trim();
        if column.is_empty() {
            return Err(wrong("it is empty"));
        }
        return Ok(Function { transform: "identity".to_owned(), column: column.to_owned(), suffix: "" });
    };
    let arguments = rest.trim_end().strip_suffix(')').ok_or_else(|| wrong("its ) is missing"))?;
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
    let name = name.trim().to_ascii_lowercase();
    let (transform, column, suffix) = match (name.as_str(), arguments.as_slice()) {
        ("year" | "years", [column]) => ("year".to_owned(), column, "_year"),
        ("month" | "months", [column]) => ("month".to_owned(), column, "_month"),
        ("day" | "days", [column]) => ("day".to_owned(), column, "_day"),
        ("hour" | "hours", [column]) => ("hour".to_owned(), column, "_hour"),
        ("identity", [column]) => ("identity".to_owned(), column, ""),
        ("bucket", [count, column]) => {
            (width("bucket", count).ok_or_else(|| wrong(COUNT))?, column, "_bucket")
        }
        ("truncate", [count, column]) => {
            (width("truncate", count).ok_or_else(|| wrong(COUNT))?, column, "_trunc")
        }
        ("bucket" | "truncate", _) => return Err(wrong("it takes a number and a column")),
        ("year" | "years" | "month" | "months" | "day" | "days" | "hour" | "hours" | "identity", _) => {
            return Err(wrong("it takes one column"));
        }
        _ => return Err(wrong("that function is not known")),
    };
    if column.is_empty() {
        return Err(wrong("its column is missing"));
    }
    Ok(Function { transform, column: (*column).to_owned(), suffix })
}

const COUNT: &str = "its number has to be from 1 to 2147483647";

fn width(name: &str, count: &str) -> Option<String> {
    let count: i32 = count.parse().ok()?;
    (count > 0).then(|| format!("{name}[{count}]"))
}

/// A partition or sort field as it is typed: `bucket(16, id)`.
pub(crate) fn show(transform: &str, column: &str) -> String {
    match transform.split_once('[').and_then(|(name, rest)| Some((name, rest.strip_suffix(']')?))) {
        Some((name, count)) => format!("{name}({count}, {column})"),
        None if transform == "identity" => column.to_owned(),
        None => format!("{transform}({column})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fault::Exit;

    fn schema() -> Value {
        schema::read(
            r#"{"type":"struct","fields":[{"name":"id","type":"long"},{"name":"at","type":"timestamptz"},
               {"name":"a","type":{"type":"struct","fields":[{"name":"b","type":"string"}]}}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn functions_become_transforms_of_columns() {
        let texts = ["at", "day(at)", "Hours( at )", "bucket(16, id)", "truncate(4,a.b)"].map(str::to_owned);
        let spec = parse(&texts, &schema()).unwrap().unwrap();
        let field = |index: usize| {
            let field = &spec["fields"][index];
            let text = |key: &str| field[key].as_str().unwrap().to_owned();
            (text("name"), text("transform"), field["source-id"].as_i64().unwrap())
        };
        assert_eq!(field(0), ("at".into(), "identity".into(), 2));
        assert_eq!(field(1), ("at_day".into(), "day".into(), 2));
        assert_eq!(field(2), ("at_hour".into(), "hour".into(), 2));
        assert_eq!(field(3), ("id_bucket".into(), "bucket[16]".into(), 1));
        assert_eq!(field(4), ("a.b_trunc".into(), "truncate[4]".into(), 4));
        assert_eq!(spec["fields"][4]["field-id"], 1_004);
        assert_eq!(parse(&[], &schema()).unwrap(), None);
    }

    #[test]
    fn fields_are_shown_as_they_are_typed() {
        for (transform, shown) in [("identity", "id"), ("day", "day(id)"), ("bucket[16]", "bucket(16, id)")] {
            assert_eq!(show(transform, "id"), shown);
        }
    }

    #[test]
    fn wrong_functions_show_the_forms() {
        for text in [
            "",
            "x",
            "day()",
            "day(at",
            "day(at, id)",
            "bucket(id)",
            "bucket(0, id)",
            "bucket(a, id)",
            "week(at)",
        ] {
            let fault = parse(&[text.to_owned()], &schema()).unwrap_err();
            assert_eq!(fault.exit, Exit::Usage, "{text}");
            assert!(fault.advice.contains("bucket(N, COLUMN)"), "{fault}");
        }
    }
}
