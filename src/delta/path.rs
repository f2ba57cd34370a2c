//! Paths of a log, decoded once.
//!
//! An absolute path that leads into the table all the same, into the same bucket and below the table's location, is
//! as good as a relative one. One that leads elsewhere, as shallow clones have them, keeps its bucket: whether files
//! from there may be served is each share's to say.

use crate::encode::url_path::OUTSIDE;
use crate::limits::objects::KEY_BYTES_MAX;
use crate::table::segment_builder::FilePath;

/// Why a file cannot be served under its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(
        "it is absolute and leads to no bucket of this server; \
         a copy of the table (a deep clone) can be shared"
    )]
    Absolute,
    #[error("it leads out of the table, and changes of files that lie elsewhere are not told")]
    Outside,
    #[error("it has an empty part or a part '.' or '..'")]
    Dots,
    #[error("it is not percent-encoded text (RFC 2396)")]
    Encoding,
    #[error("it is empty or longer than an object key")]
    Length,
}

/// Where a table lies, in the words of absolute paths.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// `bucket/location/`; empty where nothing absolute can lead into the table.
    prefix: String,
}

impl Root {
    /// The table at `location` in `bucket`; an empty `bucket` has no name that a path could say.
    pub(super) fn new(bucket: &str, location: &str) -> Self {
        let prefix = match (bucket, location) {
            ("", _) => String::new(),
            (_, "") => format!("{bucket}/"),
            _ => format!("{bucket}/{location}/"),
        };
        Self { prefix }
    }

    /// How many bytes of a decoded absolute path lead to the table, the last slash included.
    fn prefix_bytes(&self, path: &[u8]) -> Option<usize> {
        let authority = path.iter().position(|&byte| byte == b':').map(|colon| colon + "://".len())?;
        let (scheme, rest) = path.split_at_checked(authority)?;
        let is_s3 = S3_SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let is_inside = is_s3 && !self.prefix.is_empty() && rest.starts_with(self.prefix.as_bytes());
        is_inside.then_some(authority + self.prefix.len())
    }
}

const S3_SCHEMES: [&[u8]; 3] = [b"s3://", b"s3a://", b"s3n://"];

/// A path as Delta means it ("Add File and Remove File": a URI reference of RFC 2396).
#[derive(Debug)]
pub(super) struct ResolvedPath<'a> {
    /// Its key identifies the file, whether it can be served or not.
    pub(super) path: FilePath<'a>,
    /// The file lies outside of the table: its key is `//bucket/…` (see [`OUTSIDE`]).
    pub(super) is_outside: bool,
    pub(super) fault: Option<Fault>,
}

/// Decodes `log_path`; `scratch` keeps the decoded text where it differs.
///
/// A path with a fault still has an identity, because the log may remove it again.
pub(super) fn resolve<'a>(log_path: &'a str, root: &Root, scratch: &'a mut Vec<u8>) -> ResolvedPath<'a> {
    let log = log_path.as_bytes();
    let log_directory_bytes = log_path.rfind('/').map_or(0, |slash| slash + 1);
    let mut fault = None;
    let path = if log.contains(&b'%') {
        let (directory, name) = log.split_at_checked(log_directory_bytes).unwrap_or((&[], log));
        scratch.clear();
        let decoded = decode(directory, scratch);
        let key_directory_bytes = scratch.len();
        if !(decoded & decode(name, scratch)) || std::str::from_utf8(scratch).is_err() {
            fault = Some(Fault::Encoding);
        }
        FilePath { log, log_directory_bytes, key: scratch, key_directory_bytes }
    } else {
        FilePath { log, log_directory_bytes, key: log, key_directory_bytes: log_directory_bytes }
    };
    if let Some(local) = local_path(log_path, path.key) {
        let fault = Some(Fault::Absolute);
        return ResolvedPath { path: FilePath { key: local, ..path }, is_outside: false, fault };
    }
    let mut outside_bytes = 0;
    let path = if has_scheme(log) {
        let (path, leads_outside) = absolute(path, root, &mut fault);
        outside_bytes = if leads_outside { OUTSIDE.len() } else { 0 };
        path
    } else {
        path
    };
    if fault == Some(Fault::Absolute) {
        // Where it leads is nobody's business.
    } else if path.key.is_empty() || path.key.len() > KEY_BYTES_MAX {
        fault = Some(Fault::Length);
    } else if path.key.contains(&0) {
        fault = Some(Fault::Encoding);
    } else if has_dots(path.key.get(outside_bytes..).unwrap_or_default()) {
        fault = fault.or(Some(Fault::Dots));
    }
    ResolvedPath { path, is_outside: outside_bytes > 0, fault }
}

/// The path that an absolute one leads to: below the table, or outside of it, as the second value says.
fn absolute<'a>(path: FilePath<'a>, root: &Root, fault: &mut Option<Fault>) -> (FilePath<'a>, bool) {
    let inside = root.prefix_bytes(path.key);
    let passed_over = inside.or_else(|| outside_at(path.key));
    let Some((bytes, key)) = passed_over.and_then(|bytes| Some((bytes, path.key.get(bytes..)?))) else {
        *fault = Some(Fault::Absolute);
        return (path, false);
    };
    // A name that holds an encoded slash may begin inside the prefix.
    let key_directory_bytes = path.key_directory_bytes.saturating_sub(bytes);
    (FilePath { key, key_directory_bytes, ..path }, inside.is_none())
}

/// Where `//bucket/key` begins in a decoded absolute path of S3.
fn outside_at(path: &[u8]) -> Option<usize> {
    let scheme = S3_SCHEMES
        .iter()
        .find(|known| path.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known)))?;
    let (bucket, key) = split_at_slash(path.get(scheme.len()..)?)?;
    let is_bucket = bucket.first().is_some_and(u8::is_ascii_alphanumeric)
        && bucket.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte));
    (is_bucket && !key.is_empty()).then(|| scheme.len() - OUTSIDE.len())
}

fn split_at_slash(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = text.iter().position(|&byte| byte == b'/')?;
    Some((text.get(..slash)?, text.get(slash + 1..)?))
}

/// Whether a key has a part that is empty, `.` or `..`.
pub(super) fn has_dots(key: &[u8]) -> bool {
    key.split(|&byte| byte == b'/').any(|part| matches!(part, b"" | b"." | b".."))
}

/// Appends the decoded bytes; says whether each `%` had its two digits.
fn decode(encoded: &[u8], out: &mut Vec<u8>) -> bool {
    let before = out.len();
    out.extend(percent_encoding::percent_decode(encoded));
    // The decoder leaves a lone '%' as it is.
    let percents = memchr::memchr_iter(b'%', encoded).count();
    encoded.len() - (out.len() - before) == 2 * percents
}

/// `/a`, `file:/a` and `file:///a` are one file: the part of `key` from its last leading slash on.
fn local_path<'a>(log_path: &str, key: &'a [u8]) -> Option<&'a [u8]> {
    let rest = match log_path.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file:") => rest,
        _ => log_path,
    };
    if !rest.starts_with('/') {
        return None;
    }
    let slashes = rest.bytes().take_while(|&byte| byte == b'/').count();
    // Only the part before the first '/' and the slashes themselves are passed over; none of it is encoded.
    key.get(log_path.len() - rest.len() + slashes - 1..)
}

/// Whether the path begins with a scheme (RFC 2396 section 3.1), and so leads elsewhere.
fn has_scheme(path: &[u8]) -> bool {
    let scheme = path.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
    path.first().is_some_and(u8::is_ascii_alphabetic) && path.get(scheme) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> (String, Option<Fault>) {
        let mut scratch = Vec::new();
        let root = Root::new("lake", "sales/t 1");
        let resolved = resolve(path, &root, &mut scratch);
        (String::from_utf8_lossy(resolved.path.key).into_owned(), resolved.fault)
    }

    fn inside(key: &str) -> (String, Option<Fault>) {
        (key.to_owned(), None)
    }

    #[test]
    fn a_path_is_decoded_once() {
        assert_eq!(key("part-0.parquet"), inside("part-0.parquet"));
        assert_eq!(key("d=2023-11-05%2000%253A00/a%2Fb+c"), inside("d=2023-11-05 00%3A00/a/b+c"));
        assert_eq!(key("ts=2020-01-01 00:00:00/a"), inside("ts=2020-01-01 00:00:00/a"));
        assert_eq!(key("%C3%A4/ö"), inside("ä/ö"));
    }

    #[test]
    fn directory_and_name_are_told_apart_where_the_log_does() {
        let mut scratch = Vec::new();
        let root = Root::new("", "");
        let path = resolve("p=a%20b/x%2Fy", &root, &mut scratch).path;
        assert_eq!((path.log_directory_bytes, path.key_directory_bytes), (8, 6));
    }

    #[test]
    fn paths_that_lead_elsewhere_are_never_taken_for_inside() {
        for path in
            ["file:/t/a", "abfss://c@h/a", "hdfs:a", "mailto:x", "s3://b", "s3://b/", "s3:///a", "s3://.b/a"]
        {
            assert_eq!(key(path).1, Some(Fault::Absolute), "{path}");
        }
        for path in ["/t/a", "//host/t/a", "file:///t/a", "%2Ft/a"] {
            assert!(key(path).1.is_some(), "{path}");
        }
        for path in [
            "../a",
            "a/../../b",
            "a/%2E%2E/b",
            "./a",
            "a//b",
            "a/",
            "%2e%2e/x",
            "..",
            "a%2F..%2Fb",
            "%2F%2Fb/a",
        ] {
            assert_eq!(key(path).1, Some(Fault::Dots), "{path}");
        }
        for path in ["a%zz", "a%", "a%4", "%ff", "a%00b"] {
            assert_eq!(key(path).1, Some(Fault::Encoding), "{path}");
        }
        assert_eq!(key("").1, Some(Fault::Length));
        assert_eq!(key(&"a".repeat(KEY_BYTES_MAX + 1)).1, Some(Fault::Length));
    }

    #[test]
    fn an_absolute_path_into_the_table_is_the_relative_one() {
        for path in ["s3://lake/sales/t%201/p=1/a%25b", "S3A://lake/sales/t 1/p=1/a%25b"] {
            assert_eq!(key(path), inside("p=1/a%b"), "{path}");
        }
        let mut scratch = Vec::new();
        let root = Root::new("lake", "");
        let path = resolve("s3n://lake/p=a%20b/x", &root, &mut scratch).path;
        assert_eq!((path.key, path.log_directory_bytes, path.key_directory_bytes), (&b"p=a b/x"[..], 19, 6));
        for path in ["s3:/lake/sales/t 1/a", "gs://lake/sales/t 1/a", "file:///lake/sales/t 1/a", "s3:"] {
            assert_eq!(key(path).1, Some(Fault::Absolute), "{path}");
        }
        for path in ["s3://lake/sales/t 1/../x", "s3://lake/sales/t 1//a", "s3://lake/sales/t 1/%2E%2E/a"] {
            assert_eq!(key(path).1, Some(Fault::Dots), "{path}");
        }
        let mut scratch = Vec::new();
        let nameless = resolve("s3:///a", &Root::new("", "t"), &mut scratch).fault;
        assert_eq!(nameless, Some(Fault::Absolute));
    }

    #[test]
    fn an_absolute_path_out_of_the_table_keeps_its_bucket() {
        for (path, outside) in [
            ("s3://lake/sales/t 10/a", "//lake/sales/t 10/a"),
            ("s3://lake/sales/t 1", "//lake/sales/t 1"),
            ("S3A://lake2/sales/t%201/p=1/a%25b", "//lake2/sales/t 1/p=1/a%b"),
            ("s3n://LAKE/a", "//LAKE/a"),
        ] {
            assert_eq!(key(path), (outside.to_owned(), None), "{path}");
        }
        let mut scratch = Vec::new();
        let resolved = resolve("s3a://b/p=a%20b/x", &Root::new("lake", "t"), &mut scratch);
        assert!(resolved.is_outside);
        assert_eq!((resolved.path.log_directory_bytes, resolved.path.key_directory_bytes), (16, 10));
        for path in ["s3://b/../a", "s3://b//a", "s3://b/a/", "s3://b/%2E%2E/a"] {
            assert_eq!(key(path).1, Some(Fault::Dots), "{path}");
        }
    }

    #[test]
    fn spellings_of_one_local_file_are_one_identity() {
        for path in ["/t/a b", "file:/t/a%20b", "file:///t/a%20b", "//t/a%20b", "FILE:/t/a b"] {
            assert_eq!(key(path), ("/t/a b".to_owned(), Some(Fault::Absolute)), "{path}");
        }
    }
}
