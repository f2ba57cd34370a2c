//! Buckets and locations as typed, made canonical.

use super::error::Error;
use super::options;
use super::wire::TableSpec;
use crate::limits;
use crate::state::change::NewTable;
use crate::state::name::{self, Of};
use crate::state::record::{TableOptions, TableSource};

/// The one source type that is served.
const DELTA: &str = "delta";

/// The table that `spec` asks for; `field` says where in the body it stands.
pub(super) fn table_of(field: &str, schema: String, spec: TableSpec) -> Result<NewTable, Error> {
    let invalid = |part: &str, reason: String| Error::Field { field: format!("{field}.{part}"), reason };
    name::check(Of::Table, &spec.name).map_err(|error| invalid("name", error.to_string()))?;
    if spec.source_type != DELTA {
        let field = format!("{field}.sourceType");
        return Err(Error::SourceType { field, source_type: spec.source_type });
    }
    let foreign = [("warehouse", spec.warehouse), ("namespace", spec.namespace), ("table", spec.table)];
    if let Some((part, _)) = foreign.iter().find(|(_, value)| value.is_some()) {
        return Err(invalid(
            part,
            "belongs to sourceType \"uniform\"; a delta table has bucket and location".into(),
        ));
    }
    let bucket = spec.bucket.ok_or_else(|| invalid("bucket", "is missing".into()))?;
    let location = spec.location.ok_or_else(|| invalid("location", "is missing".into()))?;
    check_bucket(&bucket).map_err(|reason| invalid("bucket", reason))?;
    let location = canonical(&location).map_err(|reason| invalid("location", reason))?;
    let options = TableOptions {
        history: spec.history,
        start_version: spec.start_version,
        partition_filter: spec.partition_filter,
        directory_access: spec.directory_access,
        allowed_locations: allowed(spec.allowed_locations)
            .map_err(|reason| invalid("allowedLocations", reason))?,
    };
    options::check(&options).map_err(|(part, reason)| invalid(part, reason))?;
    Ok(NewTable { schema, name: spec.name, source: TableSource::Delta { bucket, location }, options })
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
        table_of("add[0].table", "s".into(), spec).map(|table| {
            let TableSource::Delta { location, .. } = table.source;
            location
        })
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
            (
                r#"{"name":"t","sourceType":"uniform","warehouse":"w","namespace":["n"],"table":"t"}"#,
                "f.sourceType: ",
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
}
