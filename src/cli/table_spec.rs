//! Tables as typed: `NAME:delta:BUCKET:PATH`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fault::Fault;

const FORM: &str = "Write \"NAME:delta:BUCKET:PATH\", for example \"orders:delta:sales:tpch/orders\".";
const ADD_FORM: &str = "Write --add \"SCHEMA:NAME:delta:BUCKET:PATH\", for example --add \"tpch:orders:delta:sales:tpch/orders\".";
const REMOVE_FORM: &str =
    "Write --remove \"SCHEMA/NAME[,SCHEMA/NAME…]\", for example --remove \"tpch/orders\".";

/// A table to be shared, in the admin API's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableSpec {
    pub name: String,
    pub source_type: &'static str,
    pub bucket: String,
    /// Path inside the bucket, without slashes at its ends.
    pub location: String,
    #[serde(flatten)]
    pub options: TableOptions,
}

/// What recipients may read of a table, in the admin API's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableOptions {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub history: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_version: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub partition_filter: BTreeMap<String, Vec<Option<String>>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub directory_access: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_locations: Vec<String>,
}

/// A table to be added to a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Addition {
    pub schema: String,
    pub table: TableSpec,
}

/// A table to be removed from a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Removal {
    pub schema: String,
    pub name: String,
}

impl TableSpec {
    /// Reads `NAME:delta:BUCKET:PATH`; the path may hold colons and begin or end with `/`.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = |why: String| Fault::usage(format!("cannot read the table '{text}'"), why).advise(FORM);
        let mut parts = text.splitn(4, ':');
        let name = parts.next().unwrap_or_default();
        if name.is_empty() {
            return Err(wrong("its name is missing".to_owned()));
        }
        let Some(format) = parts.next() else {
            return Err(wrong("its format, bucket and path are missing".to_owned()));
        };
        match format {
            "delta" => {}
            "uniform" | "iceberg" => {
                let why = "Iceberg tables are not served by this version";
                return Err(Fault::refused(format!("cannot share the table '{name}'"), why)
                    .advise("Share Delta tables: NAME:delta:BUCKET:PATH."));
            }
            _ => return Err(wrong(format!("'{format}' is not a format that is known here, but delta is"))),
        }
        let bucket = parts.next().unwrap_or_default();
        if bucket.is_empty() {
            return Err(wrong("its bucket is missing".to_owned()));
        }
        let Some(path) = parts.next() else {
            return Err(wrong(format!("the path of the table in the bucket '{bucket}' is missing")));
        };
        Ok(Self {
            name: name.to_owned(),
            source_type: "delta",
            bucket: bucket.to_owned(),
            location: path.trim_matches('/').to_owned(),
            options: TableOptions::default(),
        })
    }
}

impl Addition {
    /// Reads `SCHEMA:NAME:delta:BUCKET:PATH`.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = |why: &str| Fault::usage(format!("cannot read --add \"{text}\""), why).advise(ADD_FORM);
        let (schema, table) = text.split_once(':').ok_or_else(|| wrong("it has no schema"))?;
        if schema.is_empty() {
            return Err(wrong("its schema is missing"));
        }
        if table.starts_with("delta:") && table.matches(':').count() < 3 {
            return Err(wrong("either the schema or the table's name is missing"));
        }
        let table = TableSpec::parse(table).map_err(|fault| match fault.exit {
            super::fault::Exit::Usage => fault.advise(ADD_FORM),
            super::fault::Exit::Refused | super::fault::Exit::Done => fault,
        })?;
        Ok(Self { schema: schema.to_owned(), table })
    }
}

impl Removal {
    /// Reads `SCHEMA/NAME[,SCHEMA/NAME…]`.
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, Fault> {
        let wrong = |part: &str, why: &str| {
            Fault::usage(format!("cannot read '{part}' in --remove"), why).advise(REMOVE_FORM)
        };
        text.split(',')
            .map(str::trim)
            .map(|part| match part.split_once('/') {
                Some((schema, name)) if !schema.is_empty() && !name.is_empty() && !name.contains('/') => {
                    Ok(Self { schema: schema.to_owned(), name: name.to_owned() })
                }
                Some(_) => Err(wrong(part, "a schema and a name with one / between them are needed")),
                None => Err(wrong(part, "its schema is missing")),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fault::Exit;

    #[test]
    fn a_delta_table_has_four_parts() {
        let table = TableSpec::parse("orders:delta:testdelta:tpch/orders/").unwrap();
        assert_eq!((table.name.as_str(), table.source_type), ("orders", "delta"));
        assert_eq!((table.bucket.as_str(), table.location.as_str()), ("testdelta", "tpch/orders"));
        assert_eq!(TableSpec::parse("t:delta:b:x:y").unwrap().location, "x:y");
        assert_eq!(TableSpec::parse("t:delta:b:").unwrap().location, "");
    }

    #[test]
    fn wrong_forms_show_the_right_one() {
        for text in
            ["", "orders", "orders:delta", "orders:delta:", "orders:delta:b", ":delta:b:p", "o:parquet:b:p"]
        {
            let fault = TableSpec::parse(text).unwrap_err();
            assert_eq!(fault.exit, Exit::Usage, "{text}");
            assert!(fault.advice.contains("NAME:delta:BUCKET:PATH"), "{text}: {fault}");
        }
    }

    #[test]
    fn iceberg_tables_are_refused_by_name() {
        let fault = TableSpec::parse("customer:uniform:testice:tpch:customer").unwrap_err();
        assert_eq!(fault.exit, Exit::Refused);
        assert!(fault.why.contains("Iceberg tables are not served by this version"));
    }

    #[test]
    fn additions_name_their_schema_first() {
        let addition = Addition::parse("tpch:orders:delta:b:tpch/orders").unwrap();
        assert_eq!((addition.schema.as_str(), addition.table.name.as_str()), ("tpch", "orders"));
        for text in ["orders", ":orders:delta:b:p", "orders:delta:b:p", "tpch:orders:delta:b"] {
            let fault = Addition::parse(text).unwrap_err();
            assert!(fault.advice.contains("SCHEMA:NAME:delta:BUCKET:PATH"), "{text}: {fault}");
        }
    }

    #[test]
    fn removals_are_lists_of_schema_and_name() {
        let removals = Removal::parse_list("tpch/orders, tpch/customer").unwrap();
        let names: Vec<&str> = removals.iter().map(|removal| removal.name.as_str()).collect();
        assert_eq!(names, ["orders", "customer"]);
        for text in ["orders", "a/", "/b", "a/b/c", "a/b,", ""] {
            assert!(Removal::parse_list(text).is_err(), "{text}");
        }
    }
}
