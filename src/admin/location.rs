//! Places of tables as typed, made canonical.

use super::error::Error;
use super::options;
use super::wire::{Levels, TableSpec};
use crate::limits;
use crate::state::catalog::EntryName;
use crate::state::change::NewTable;
use crate::state::identifier;
use crate::state::name::{self, Of};
use crate::state::record::{TableOptions, TableSource};

/// The branch that is shared when none is named.
const MAIN_BRANCH: &str = "main";

/// A field and what is wrong with it.
type Wrong = (&'static str, String);

/// The table that `spec` asks for; `field` says where in the body it stands.
pub(super) fn table_of(field: &str, schema: String, mut spec: TableSpec) -> Result<NewTable, Error> {
    let invalid = |part: &str, reason: String| Error::Field { field: format!("{field}.{part}"), reason };
    name::check(Of::Table, &spec.name).map_err(|error| invalid("name", error.to_string()))?;
    let source = match spec.source_type.as_str() {
        "delta" => delta_of(&mut spec),
        "uniform" => uniform_of(&mut spec),
        "iceberg" => iceberg_of(&mut spec),
        _ => {
            let field = format!("{field}.sourceType");
            return Err(Error::SourceType { field, source_type: spec.source_type });
        }
    };
    let source = source.map_err(|(part, reason)| invalid(part, reason))?;
    let options = TableOptions {
        history: spec.history,
        start_version: spec.start_version,
        partition_filter: spec.partition_filter,
        directory_access: spec.directory_access,
        allowed_locations: allowed(spec.allowed_locations)
            .map_err(|reason| invalid("allowedLocations", reason))?,
    };
    options::check(&options, &source).map_err(|(part, reason)| invalid(part, reason))?;
    Ok(NewTable { schema, name: spec.name, source, options })
}

fn delta_of(spec: &mut TableSpec) -> Result<TableSource, Wrong> {
    refuse_catalog_fields(spec, "a delta table has bucket and location")?;
    if spec.reference.is_some() {
        return Err(("ref", "belongs to Iceberg tables, which have branches and tags".into()));
    }
    let (bucket, location) = place_of(spec)?;
    Ok(TableSource::Delta { bucket, location })
}

fn iceberg_of(spec: &mut TableSpec) -> Result<TableSource, Wrong> {
    refuse_catalog_fields(spec, "an iceberg table has bucket and location")?;
    let (bucket, location) = place_of(spec)?;
    Ok(TableSource::Iceberg { bucket, location, reference: reference_of(spec)? })
}

fn uniform_of(spec: &mut TableSpec) -> Result<TableSource, Wrong> {
    for (part, value) in [("bucket", &spec.bucket), ("location", &spec.location)] {
        if value.is_some() {
            let reason = "belongs to other source types; a uniform table has warehouse, namespace and table";
            return Err((part, reason.into()));
        }
    }
    let missing = |part: &'static str| move || (part, "is missing".to_owned());
    let warehouse = spec.warehouse.take().ok_or_else(missing("warehouse"))?;
    identifier::check_warehouse(&warehouse).map_err(|error| ("warehouse", error.to_string()))?;
    let namespace = match spec.namespace.take().ok_or_else(missing("namespace"))? {
        Levels::List(levels) => levels,
        Levels::Text(text) => text.split('.').map(str::to_owned).collect(),
    };
    identifier::check_namespace(&namespace).map_err(|error| ("namespace", error.to_string()))?;
    let name = spec.table.take().ok_or_else(missing("table"))?;
    let entry = EntryName { namespace, name };
    identifier::check_entry(&entry).map_err(|error| ("table", error.to_string()))?;
    let EntryName { namespace, name: table } = entry;
    Ok(TableSource::Uniform { warehouse, namespace, table, reference: reference_of(spec)? })
}

fn refuse_catalog_fields(spec: &TableSpec, remedy: &str) -> Result<(), Wrong> {
    let foreign = [
        ("warehouse", spec.warehouse.is_some()),
        ("namespace", spec.namespace.is_some()),
        ("table", spec.table.is_some()),
    ];
    match foreign.into_iter().find(|(_, is_there)| *is_there) {
        Some((part, _)) => Err((part, format!("belongs to sourceType \"uniform\"; {remedy}"))),
        None => Ok(()),
    }
}

fn place_of(spec: &mut TableSpec) -> Result<(String, String), Wrong> {
    let bucket = spec.bucket.take().ok_or_else(|| ("bucket", "is missing".to_owned()))?;
    let location = spec.location.take().ok_or_else(|| ("location", "is missing".to_owned()))?;
    check_bucket(&bucket).map_err(|reason| ("bucket", reason))?;
    Ok((bucket, canonical(&location).map_err(|reason| ("location", reason))?))
}

/// The branch or tag that is asked for; the main branch has no need to be named.
fn reference_of(spec: &mut TableSpec) -> Result<Option<String>, Wrong> {
    let Some(name) = spec.reference.take() else { return Ok(None) };
    let bytes_max = limits::catalog::CATALOG_NAME_BYTES_MAX;
    if name.is_empty() || name.len() > bytes_max || name.contains(char::is_control) {
        return Err((
            "ref",
            format!("{name:?} is not the name of a branch or tag, of up to {bytes_max} bytes"),
        ));
    }
    Ok(Some(name).filter(|name| name != MAIN_BRANCH))
}

fn check_bucket(bucket: &str) -> Result<(), String> {
    let is_name = !bucket.is_empty()
        && bucket.len() <= limits::objects::KEY_SEGMENT_BYTES_MAX
        && !bucket.starts_with(['.', '_'])
        && !bucket.contains(['/', '\\'])
        && !bucket.contains(char::is_control);
    if is_name { Ok(()) } else { Err(format!("{bucket:?} is not the name of a bucket")) }
}

/// Places `bucket/path` without slashes at their ends, none twice.
fn allowed(places: Vec<String>) -> Result<Vec<String>, String> {
    if places.len() > limits::ALLOWED_LOCATIONS_MAX {
        return Err(format!("has more than {} places", limits::ALLOWED_LOCATIONS_MAX));
    }
    let mut canonicals = Vec::with_capacity(places.len());
    for place in places {
        let place = canonical(&place).map_err(|reason| format!("has {place:?}, which {reason}"))?;
        check_bucket(place.split('/').next().unwrap_or_default())?;
        if !canonicals.contains(&place) {
            canonicals.push(place);
        }
    }
    Ok(canonicals)
}

/// `location` without slashes at its ends; empty is the bucket itself.
fn canonical(location: &str) -> Result<String, String> {
    let path = location.trim_matches('/');
    if path.len() > limits::objects::KEY_BYTES_MAX {
        return Err(format!("is longer than {} bytes", limits::objects::KEY_BYTES_MAX));
    }
    if path.contains(char::is_control) {
        return Err("contains a control character".into());
    }
    if path.contains("://") {
        return Err("is a URL; give the path inside the bucket".into());
    }
    let is_step =
        |step: &str| matches!(step, "" | "." | "..") || step.len() > limits::objects::KEY_SEGMENT_BYTES_MAX;
    if !path.is_empty() && path.split('/').any(is_step) {
        return Err(
            "has an empty, overlong, \".\" or \"..\" step; give the plain path inside the bucket".into()
        );
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: &str) -> TableSpec {
        serde_json::from_str(json).unwrap()
    }

    fn location_of(location: &str) -> Result<String, Error> {
        let mut spec = spec(r#"{"name":"t","sourceType":"delta","bucket":"b"}"#);
        spec.location = Some(location.into());
        table_of("add[0].table", "s".into(), spec).map(|table| table.source.location().to_owned())
    }

    #[test]
    fn slashes_at_the_ends_do_not_matter() {
        for location in ["tpch/orders", "tpch/orders/", "/tpch/orders", "//tpch/orders//"] {
            assert_eq!(location_of(location).unwrap(), "tpch/orders");
        }
        assert_eq!(location_of("/").unwrap(), "");
        assert_eq!(location_of("a b/c%2F=ä").unwrap(), "a b/c%2F=ä");
    }

    #[test]
    fn paths_that_could_leave_the_bucket_are_refused() {
        let long = "x".repeat(256);
        for location in ["..", "a/../b", "a/./b", "a//b", "a\u{0}b", "s3://b/a", &long, &"a/".repeat(600)] {
            let error = location_of(location).unwrap_err().to_string();
            assert!(error.starts_with("add[0].table.location: "), "{error}");
        }
        for bucket in ["", ".lakeshare", "_admin", "a/b", "..", "a\n"] {
            let mut spec = spec(r#"{"name":"t","sourceType":"delta","location":"x"}"#);
            spec.bucket = Some(bucket.into());
            let error = table_of("f", "s".into(), spec).unwrap_err().to_string();
            assert!(error.starts_with("f.bucket: "), "{error}");
        }
    }

    #[test]
    fn what_is_missing_or_foreign_is_named() {
        for (json, expected) in [
            (r#"{"name":"t","sourceType":"delta","location":"x"}"#, "f.bucket: is missing"),
            (r#"{"name":"t","sourceType":"delta","bucket":"b"}"#, "f.location: is missing"),
            (r#"{"name":"t","sourceType":"hudi","bucket":"b","location":"l"}"#, "f.sourceType: "),
            (r#"{"name":"t","sourceType":"delta","bucket":"b","location":"l","ref":"x"}"#, "f.ref: belongs"),
            (
                r#"{"name":"t","sourceType":"iceberg","bucket":"b","location":"l","table":"x"}"#,
                "f.table: belongs",
            ),
            (
                r#"{"name":"t","sourceType":"iceberg","bucket":"b","location":"l","ref":""}"#,
                "f.ref: \"\" is not",
            ),
            (
                r#"{"name":"t","sourceType":"uniform","namespace":["n"],"table":"t"}"#,
                "f.warehouse: is missing",
            ),
            (
                r#"{"name":"t","sourceType":"uniform","warehouse":"lake","namespace":"a..b","table":"t"}"#,
                "f.namespace: an empty",
            ),
            (
                r#"{"name":"t","sourceType":"uniform","warehouse":"lake","namespace":"n","table":"t","bucket":"b"}"#,
                "f.bucket: belongs",
            ),
            (
                r#"{"name":"t","sourceType":"uniform","warehouse":"lake","namespace":"n","table":"t",
                    "history":true,"directoryAccess":true}"#,
                "f.directoryAccess: is for",
            ),
            (
                r#"{"name":"t","sourceType":"iceberg","bucket":"b","location":"l","partitionFilter":{"a":["1"]}}"#,
                "f.partitionFilter: is for",
            ),
            (
                r#"{"name":"t","sourceType":"delta","bucket":"b","location":"l","warehouse":"w"}"#,
                "f.warehouse: belongs",
            ),
            (r#"{"name":"a.b","sourceType":"delta","bucket":"b","location":"l"}"#, "f.name: the table name"),
        ] {
            let error = table_of("f", "s".into(), spec(json)).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn iceberg_tables_are_named_with_their_branch() {
        let source = |json: &str| table_of("f", "s".into(), spec(json)).unwrap().source;
        for levels in [r#""a.b""#, r#"["a","b"]"#] {
            let json = format!(
                r#"{{"name":"t","sourceType":"uniform","warehouse":"lake","namespace":{levels},"table":"x","ref":"main"}}"#
            );
            let expected = TableSource::Uniform {
                warehouse: "lake".into(),
                namespace: vec!["a".into(), "b".into()],
                table: "x".into(),
                reference: None,
            };
            assert_eq!(source(&json), expected);
        }
        let json = r#"{"name":"t","sourceType":"iceberg","bucket":"b","location":"/l/","ref":"audit"}"#;
        let (bucket, location) = ("b".into(), "l".into());
        assert_eq!(source(json), TableSource::Iceberg { bucket, location, reference: Some("audit".into()) });
    }
}
