//! Tables as typed: `NAME:delta:BUCKET:PATH`, `NAME:uniform:WAREHOUSE:NAMESPACE:TABLE`, `NAME:iceberg:BUCKET:PATH`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::catalog::address::parse_levels;
use super::fault::Fault;
use crate::state::record::TableSource;

const FORM: &str = "Write \"NAME:delta:BUCKET:PATH\" for a Delta table, \"NAME:uniform:WAREHOUSE:NAMESPACE:TABLE[@REF]\" for an \
                    Iceberg table of the catalog, \"NAME:iceberg:BUCKET:PATH[@REF]\" for one without a catalog.";
const ADD_FORM: &str = "Write --add \"SCHEMA:NAME:delta:BUCKET:PATH\", --add \"SCHEMA:NAME:uniform:WAREHOUSE:NAMESPACE:TABLE\" or \
                        --add \"SCHEMA:NAME:iceberg:BUCKET:PATH\".";
const FORMATS: [&str; 3] = ["delta", "uniform", "iceberg"];
const REMOVE_FORM: &str =
    "Write --remove \"SCHEMA/NAME[,SCHEMA/NAME…]\", for example --remove \"tpch/orders\".";

/// A table to be shared, in the admin API's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableSpec {
    pub name: String,
    #[serde(flatten)]
    pub source: TableSource,
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
    /// Reads a name, a format, and where the table lies. A path may hold colons and begin or end with `/`; what follows the
    /// last `@` of its last part is a branch or tag.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = |why: String| Fault::usage(format!("cannot read the table '{text}'"), why).advise(FORM);
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        if name.is_empty() {
            return Err(wrong("its name is missing".to_owned()));
        }
        let (format, place) = rest.split_once(':').unwrap_or((rest, ""));
        let source = match format {
            "" => return Err(wrong("its format and its place are missing".to_owned())),
            "delta" => {
                let (bucket, location) = bucket_and_path(place).map_err(wrong)?;
                TableSource::Delta { bucket, location }
            }
            "iceberg" => {
                let (place, reference) = split_reference(place).map_err(wrong)?;
                let (bucket, location) = bucket_and_path(place).map_err(wrong)?;
                TableSource::Iceberg { bucket, location, reference }
            }
            "uniform" => catalog_table(place).map_err(wrong)??,
            _ => {
                let known = FORMATS.join(", ");
                return Err(wrong(format!("'{format}' is not a format that is known here ({known} are)")));
            }
        };
        Ok(Self { name: name.to_owned(), source, options: TableOptions::default() })
    }
}

/// `BUCKET:PATH`, without slashes at the path's ends.
fn bucket_and_path(place: &str) -> Result<(String, String), String> {
    let (bucket, path) = place.split_once(':').map_or((place, None), |(bucket, path)| (bucket, Some(path)));
    if bucket.is_empty() {
        return Err("its bucket is missing".to_owned());
    }
    let path = path.ok_or_else(|| format!("the path of the table in the bucket '{bucket}' is missing"))?;
    Ok((bucket.to_owned(), path.trim_matches('/').to_owned()))
}

/// `WAREHOUSE:NAMESPACE:TABLE[@REF]`; the outer fault is one of the form, the inner one of the namespace.
fn catalog_table(place: &str) -> Result<Result<TableSource, Fault>, String> {
    let (place, reference) = split_reference(place)?;
    let mut parts = place.splitn(3, ':').filter(|part| !part.is_empty());
    let (Some(warehouse), Some(levels), Some(table)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("its warehouse, namespace or name in the catalog is missing".to_owned());
    };
    Ok(parse_levels(levels).map(|namespace| TableSource::Uniform {
        warehouse: warehouse.to_owned(),
        namespace,
        table: table.to_owned(),
        reference,
    }))
}

/// What stands before the last `@` of the last part, and the branch or tag after it.
fn split_reference(place: &str) -> Result<(&str, Option<String>), String> {
    match place.rsplit_once('@') {
        Some((_, reference)) if reference.contains(['/', ':']) => Ok((place, None)),
        Some((_, "")) => Err("the name of a branch or tag is missing after @".to_owned()),
        Some((place, reference)) => Ok((place, Some(reference.to_owned()))),
        None => Ok((place, None)),
    }
}

impl Addition {
    /// Reads a schema and a table, with a colon between them.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = |why: &str| Fault::usage(format!("cannot read --add \"{text}\""), why).advise(ADD_FORM);
        let (schema, table) = text.split_once(':').ok_or_else(|| wrong("it has no schema"))?;
        if schema.is_empty() {
            return Err(wrong("its schema is missing"));
        }
        let starts_with_format = FORMATS.iter().any(|format| {
            table.strip_prefix(format).is_some_and(|rest| rest.starts_with(':') && !names_format(rest))
        });
        if starts_with_format {
            return Err(wrong("either the schema or the table's name is missing"));
        }
        let table = TableSpec::parse(table).map_err(|fault| match fault.exit {
            super::fault::Exit::Usage => fault.advise(ADD_FORM),
            super::fault::Exit::Refused | super::fault::Exit::Done => fault,
        })?;
        Ok(Self { schema: schema.to_owned(), table })
    }
}

/// Whether a format follows, `:delta:…`: then what stands before it is the name of a table.
fn names_format(rest: &str) -> bool {
    let next = rest.split(':').nth(1).unwrap_or_default();
    FORMATS.contains(&next)
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

    fn source(text: &str) -> TableSource {
        TableSpec::parse(text).unwrap().source
    }

    #[test]
    fn a_delta_table_has_four_parts() {
        let table = TableSpec::parse("orders:delta:testdelta:tpch/orders/").unwrap();
        assert_eq!(table.name, "orders");
        let delta = |bucket: &str, location: &str| TableSource::Delta {
            bucket: bucket.to_owned(),
            location: location.to_owned(),
        };
        assert_eq!(table.source, delta("testdelta", "tpch/orders"));
        assert_eq!(source("t:delta:b:x:y"), delta("b", "x:y"));
        assert_eq!(source("t:delta:b:x@y"), delta("b", "x@y"));
        assert_eq!(source("t:delta:b:"), delta("b", ""));
        assert_eq!(source("delta:delta:b:x"), delta("b", "x"));
    }

    #[test]
    fn iceberg_tables_may_name_a_branch() {
        let uniform = |levels: &[&str], table: &str, reference: Option<&str>| TableSource::Uniform {
            warehouse: "lake".to_owned(),
            namespace: levels.iter().map(ToString::to_string).collect(),
            table: table.to_owned(),
            reference: reference.map(str::to_owned),
        };
        assert_eq!(source("c:uniform:lake:tpch:customer"), uniform(&["tpch"], "customer", None));
        assert_eq!(source("c:uniform:lake:a.b:t@audit"), uniform(&["a", "b"], "t", Some("audit")));
        assert_eq!(source("c:uniform:lake:`a.b`:t@x@main"), uniform(&["a.b"], "t@x", Some("main")));
        let iceberg = |location: &str, reference: Option<&str>| TableSource::Iceberg {
            bucket: "b".to_owned(),
            location: location.to_owned(),
            reference: reference.map(str::to_owned),
        };
        assert_eq!(source("t:iceberg:b:/x/y/"), iceberg("x/y", None));
        assert_eq!(source("t:iceberg:b:x@y/z"), iceberg("x@y/z", None));
        assert_eq!(source("t:iceberg:b:x/y@v1"), iceberg("x/y", Some("v1")));
    }

    #[test]
    fn wrong_forms_show_the_right_one() {
        for text in [
            "",
            "orders",
            "orders:delta",
            "orders:delta:",
            "orders:delta:b",
            ":delta:b:p",
            "o:parquet:b:p",
            "o:iceberg:b",
            "o:iceberg:b:p@",
            "o:uniform:w:n",
            "o:uniform:w::t",
        ] {
            let fault = TableSpec::parse(text).unwrap_err();
            assert_eq!(fault.exit, Exit::Usage, "{text}");
            assert!(fault.advice.contains("NAME:delta:BUCKET:PATH"), "{text}: {fault}");
        }
        assert!(TableSpec::parse("o:uniform:w:a..b:t").unwrap_err().advice.contains("sales.eu"));
    }

    #[test]
    fn additions_name_their_schema_first() {
        let addition = Addition::parse("tpch:orders:delta:b:tpch/orders").unwrap();
        assert_eq!((addition.schema.as_str(), addition.table.name.as_str()), ("tpch", "orders"));
        let addition = Addition::parse("tpch:uniform:uniform:w:n:t").unwrap();
        assert_eq!((addition.schema.as_str(), addition.table.name.as_str()), ("tpch", "uniform"));
        for text in
            ["orders", ":orders:delta:b:p", "orders:delta:b:p", "orders:uniform:w:n:t", "tpch:orders:delta:b"]
        {
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
