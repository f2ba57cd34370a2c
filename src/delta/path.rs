//! Paths of a log: decoded once, and never outside the table.

use crate::limits::KEY_BYTES_MAX;
use crate::table::segment_builder::FilePath;

/// Why a file cannot be served under its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it is absolute, and only files below the table are served")]
    Absolute,
    #[error("it has an empty part or a part '.' or '..'")]
    Dots,
    #[error("it is not percent-encoded text (RFC 2396)")]
    Encoding,
    #[error("it is empty or longer than an object key")]
    Length,
}

/// A path as Delta means it ("Add File and Remove File": a URI reference of RFC 2396).
#[derive(Debug)]
pub(super) struct ResolvedPath<'a> {
    /// Its key identifies the file, whether it can be served or not.
    pub(super) path: FilePath<'a>,
    pub(super) fault: Option<Fault>,
}

/// Decodes `log_path`; `scratch` keeps the decoded text where it differs.
///
/// A path with a fault still has an identity, because the log may remove it again.
pub(super) fn resolve<'a>(log_path: &'a str, scratch: &'a mut Vec<u8>) -> ResolvedPath<'a> {
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
        return ResolvedPath { path: FilePath { key: local, ..path }, fault: Some(Fault::Absolute) };
    }
    if has_scheme(log) {
        fault = Some(Fault::Absolute);
    } else if path.key.is_empty() || path.key.len() > KEY_BYTES_MAX {
        fault = Some(Fault::Length);
    } else if path.key.contains(&0) {
        fault = Some(Fault::Encoding);
    } else if path.key.split(|&byte| byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
        fault = fault.or(Some(Fault::Dots));
    }
    ResolvedPath { path, fault }
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
        let resolved = resolve(path, &mut scratch);
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
        let path = resolve("p=a%20b/x%2Fy", &mut scratch).path;
        assert_eq!((path.log_directory_bytes, path.key_directory_bytes), (8, 6));
    }

    #[test]
    fn paths_that_lead_elsewhere_are_never_taken_for_inside() {
        for path in ["s3://b/t/a", "S3A://b/a", "file:/t/a", "abfss://c@h/a", "hdfs:a", "mailto:x"] {
            assert_eq!(key(path).1, Some(Fault::Absolute), "{path}");
        }
        for path in ["/t/a", "//host/t/a", "file:///t/a", "%2Ft/a"] {
            assert!(key(path).1.is_some(), "{path}");
        }
        for path in ["../a", "a/../../b", "a/%2E%2E/b", "./a", "a//b", "a/", "%2e%2e/x", "..", "a%2F..%2Fb"] {
            assert_eq!(key(path).1, Some(Fault::Dots), "{path}");
        }
        for path in ["a%zz", "a%", "a%4", "%ff", "a%00b"] {
            assert_eq!(key(path).1, Some(Fault::Encoding), "{path}");
        }
        assert_eq!(key("").1, Some(Fault::Length));
        assert_eq!(key(&"a".repeat(KEY_BYTES_MAX + 1)).1, Some(Fault::Length));
    }

    #[test]
    fn spellings_of_one_local_file_are_one_identity() {
        for path in ["/t/a b", "file:/t/a%20b", "file:///t/a%20b", "//t/a%20b", "FILE:/t/a b"] {
            assert_eq!(key(path), ("/t/a b".to_owned(), Some(Fault::Absolute)), "{path}");
        }
    }
}
