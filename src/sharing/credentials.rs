//! Temporary credentials for the directory of a table.

use serde_json::Value;

use super::access::Access;
use super::body_fields::Fields;
use super::caller::Caller;
use super::error::Error;
use super::reply::Reply;
use crate::auth::session::{Grant, Reach};
use crate::delta::Wanted;
use crate::encode::json::string_into;
use crate::state::record::TableSource;

/// The schemes under which clients of S3 write locations.
const SCHEMES: [&str; 3] = ["s3", "s3a", "s3n"];

/// Answers with credentials for the whole directory (Delta Sharing, "Generate Temporary Table Credential").
pub async fn answer(caller: Caller<'_>, body: &[u8], access: &mut Access) -> Result<Reply, Error> {
    let Some(location) = caller.directory() else { return Err(Error::DirectoryNotShared) };
    check_location(&Fields::parse(body)?, caller.source())?;
    // Also says whether the table is there and served.
    access.version = Some(caller.load(Wanted::Latest).await?.version);
    let life_ms = i64::try_from(caller.parts.url_expiry_seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    let expires_ms = caller.parts.clock.now_ms().saturating_add(life_ms);
    let grant = Grant {
        bucket: caller.source().bucket().to_owned(),
        directory: caller.source().location().to_owned(),
        reach: Reach::Read,
        expires_ms,
    };
    let made = caller.parts.sessions.issue(&grant);
    let mut out = b"{\"credentials\":{\"location\":".to_vec();
    string_into(&location, &mut out);
    out.extend_from_slice(b",\"awsTempCredentials\":{\"accessKeyId\":");
    string_into(&made.access_key, &mut out);
    out.extend_from_slice(b",\"secretAccessKey\":");
    string_into(&made.secret_key, &mut out);
    out.extend_from_slice(b",\"sessionToken\":");
    string_into(&made.session_token, &mut out);
    out.extend_from_slice(format!("}},\"expirationTime\":{expires_ms}}}}}").as_bytes());
    Ok(Reply::Json(out))
}

/// Refuses locations outside the table.
fn check_location(fields: &Fields, source: &TableSource) -> Result<(), Error> {
    let (bucket, location) = (source.bucket(), source.location());
    let text = match fields.get("location") {
        None => return Ok(()),
        Some(Value::String(text)) if text.is_empty() => return Ok(()),
        Some(Value::String(text)) => text,
        Some(_) => return Err(Error::parameter("location", "it has to be a string")),
    };
    let wrong = || Error::parameter("location", "it is not the table's location, nor a place below it");
    let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_of_s3 = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let path = normal(path).ok_or_else(wrong)?;
    let root: Vec<&str> = location.split('/').filter(|step| !step.is_empty()).collect();
    if is_of_s3 && authority == bucket && path.starts_with(&root) { Ok(()) } else { Err(wrong()) }
}

/// The steps of a path with `.` and `..` resolved; `None` if it leads above its beginning.
fn normal(path: &str) -> Option<Vec<&str>> {
    let mut steps = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            _ => steps.push(step),
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_the_tables_or_below_it() {
        let source = TableSource::Delta { bucket: "lake".into(), location: "sales/t1".into() };
        let check = |location: &str| {
            let body = serde_json::json!({"location": location}).to_string();
            check_location(&Fields::parse(body.as_bytes()).unwrap(), &source).is_ok()
        };
        for location in [
            "",
            "s3://lake/sales/t1",
            "s3a://lake/sales/t1/",
            "S3N://lake/sales/t1/_delta_log",
            "s3://lake/sales/x/../t1/./a",
            "s3://lake//sales/t1",
        ] {
            assert!(check(location), "{location}");
        }
        for location in [
            "s3://lake/sales/t10",
            "s3://lake/sales/t1/../t2",
            "s3://lake/sales/t1/../../..",
            "s3://lake/sales",
            "s3://lake",
            "s3://other/sales/t1",
            "gs://lake/sales/t1",
            "/sales/t1",
            "s3:/lake/sales/t1",
            "s3://lake/../sales/t1",
        ] {
            assert!(!check(location), "{location}");
        }
        assert!(check_location(&Fields::parse(b"").unwrap(), &source).is_ok());
        assert!(check_location(&Fields::parse(br#"{"location":7}"#).unwrap(), &source).is_err());
    }
}
