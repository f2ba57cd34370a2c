//! Options and properties as typed: `COLUMN=VALUE`, `KEY=VALUE`.

use std::collections::BTreeMap;

use super::args::share::TableOptionArgs;
use super::fault::Fault;
use super::table_spec::TableOptions;

/// The options that a command line asks for.
pub(crate) fn parse(args: &TableOptionArgs) -> Result<TableOptions, Fault> {
    let mut partition_filter: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for text in &args.partition {
        let (column, value) = split(text, "--partition", "COLUMN=VALUE")?;
        let value = Some(value.to_owned()).filter(|value| !value.is_empty());
        partition_filter.entry(column.to_owned()).or_default().push(value);
    }
    Ok(TableOptions {
        history: args.history,
        start_version: args.start_version.map(i64::from),
        partition_filter,
        directory_access: args.directory_access,
        allowed_locations: args.allow_location.clone(),
    })
}

/// The properties that a command line names; `None` if it names none. A lone empty text is the empty map.
pub(crate) fn parse_properties(texts: &[String]) -> Result<Option<BTreeMap<String, String>>, Fault> {
    match texts {
        [] => return Ok(None),
        [text] if text.is_empty() => return Ok(Some(BTreeMap::new())),
        _ => {}
    }
    parse_pairs(texts, "--property").map(Some)
}

/// The properties of a flag that may be repeated, `KEY=VALUE` each; the last of a key counts.
pub(crate) fn parse_pairs(texts: &[String], flag: &str) -> Result<BTreeMap<String, String>, Fault> {
    let pair = |text: &String| {
        let (key, value) = split(text, flag, "KEY=VALUE")?;
        Ok((key.to_owned(), value.to_owned()))
    };
    texts.iter().map(pair).collect()
}

fn split<'a>(text: &'a str, flag: &str, form: &str) -> Result<(&'a str, &'a str), Fault> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Fault::usage(
            format!("cannot read {flag} \"{text}\""),
            "it is not two texts with = between them",
        )
        .advise(format!("Write {flag} \"{form}\"."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn values_of_one_column_gather_and_no_value_is_null() {
        let partition = texts(&["region=EU", "day=2024-01-01", "region=", "expr=a=b"]);
        let args = TableOptionArgs {
            history: true,
            start_version: Some(7),
            partition,
            directory_access: false,
            allow_location: Vec::new(),
        };
        let options = parse(&args).unwrap();
        assert_eq!((options.history, options.start_version), (true, Some(7)));
        let filter = serde_json::to_string(&options.partition_filter).unwrap();
        assert_eq!(filter, r#"{"day":["2024-01-01"],"expr":["a=b"],"region":["EU",null]}"#);
    }

    #[test]
    fn texts_without_a_name_are_refused_with_the_form() {
        for wrong in ["region", "=EU"] {
            let args = TableOptionArgs {
                history: false,
                start_version: None,
                partition: texts(&[wrong]),
                directory_access: false,
                allow_location: Vec::new(),
            };
            assert!(parse(&args).unwrap_err().advice.contains("COLUMN=VALUE"), "{wrong}");
            assert!(parse_properties(&texts(&["a=1", wrong])).is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_empty_property_leaves_none() {
        assert_eq!(parse_properties(&[]).unwrap(), None);
        assert_eq!(parse_properties(&texts(&[""])).unwrap(), Some(BTreeMap::new()));
        assert_eq!(parse_properties(&texts(&["a=", "b=c=d"])).unwrap().unwrap()["b"], "c=d");
    }
}
