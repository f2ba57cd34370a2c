//! Paths of manifests, and where they lead.
//!
//! A path is a URI that nobody encoded: a `%20` in it is three characters of the key. One that leads to where the table's
//! files lie is told by its key, one that leads elsewhere keeps its bucket: whether files from there may be served is each
//! share's to say. Tables in a bucket that were written under the name of another file system are still together: their
//! paths begin with the table's location, wherever that was.

use crate::encode::url_path::OUTSIDE;
use crate::limits::objects::KEY_BYTES_MAX;
use crate::table::segment_builder::FilePath;

/// Why a file cannot be served, or read, under its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it leads to no bucket of this server; paths begin with s3://BUCKET/")]
    Elsewhere,
    #[error("metadata is only read from the table's own bucket")]
    OtherBucket,
    #[error("it ends in a slash, has a part '.' or '..', or begins with two empty parts")]
    Dots,
    #[error("it is empty, longer than an object key, or holds a zero byte")]
    Key,
}

const S3_SCHEMES: [&str; 3] = ["s3://", "s3a://", "s3n://"];

/// Where a table lies, in the words of its paths.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// `bucket/` or `bucket/root/`.
    prefix: String,
    bucket_bytes: usize,
    /// The location with its last slash, where it is of another kind of store.
    moved_from: Option<String>,
}

impl Root {
    /// The files of a table below `root` in `bucket`, which its metadata calls `location`.
    pub(super) fn new(bucket: &str, root: &str, location: &str) -> Self {
        let root = root.trim_matches('/');
        let prefix = if root.is_empty() { format!("{bucket}/") } else { format!("{bucket}/{root}/") };
        let location = without_dot(location).trim_end_matches('/');
        let is_moved = !root.is_empty() && !location.is_empty() && without_scheme(location).is_none();
        Self { prefix, bucket_bytes: bucket.len(), moved_from: is_moved.then(|| format!("{location}/")) }
    }

    /// The key below the root, or `//bucket/key` for what lies elsewhere (see [`OUTSIDE`]).
    pub(super) fn resolve<'a>(&self, path: &'a str) -> Result<FilePath<'a>, Fault> {
        let (passed, is_outside) = self.passed_over(path).ok_or(Fault::Elsewhere)?;
        let key = path.get(passed..).unwrap_or_default();
        let checked = if is_outside { key.get(OUTSIDE.len()..).unwrap_or_default() } else { key };
        if checked.is_empty() || key.len() > KEY_BYTES_MAX || key.contains('\0') {
            return Err(Fault::Key);
        }
        // Two slashes in front would name another bucket.
        let has_dots = checked.split('/').any(|part| matches!(part, "." | ".."));
        if has_dots || checked.ends_with('/') || (!is_outside && key.as_bytes().starts_with(OUTSIDE)) {
            return Err(Fault::Dots);
        }
        let log_directory_bytes = path.rfind('/').map_or(0, |slash| slash + 1);
        Ok(FilePath {
            log: path.as_bytes(),
            log_directory_bytes,
            key: key.as_bytes(),
            key_directory_bytes: log_directory_bytes.saturating_sub(passed),
        })
    }

    /// The key in the table's own bucket of a file that says something of the table.
    pub(super) fn own_key(&self, path: &str) -> Result<String, Fault> {
        let resolved = self.resolve(path)?;
        let key = std::str::from_utf8(resolved.key).map_err(|_| Fault::Key)?;
        let (bucket, root) = self.prefix.split_at_checked(self.bucket_bytes + 1).unwrap_or_default();
        match key.strip_prefix("//") {
            None => Ok(format!("{root}{key}")),
            Some(outside) => outside.strip_prefix(bucket).map(str::to_owned).ok_or(Fault::OtherBucket),
        }
    }

    /// How many bytes stand before the key, and whether it names another place than the table's.
    fn passed_over(&self, path: &str) -> Option<(usize, bool)> {
        let Some(rest) = without_scheme(path) else {
            let (moved_from, relative) = (self.moved_from.as_deref()?, without_dot(path));
            let passed = path.len() - relative.len() + moved_from.len();
            return relative.starts_with(moved_from).then_some((passed, false));
        };
        let scheme = path.len() - rest.len();
        if rest.starts_with(&self.prefix) {
            return Some((scheme + self.prefix.len(), false));
        }
        let (bucket, _) = rest.split_once('/')?;
        let is_bucket = bucket.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        is_bucket.then_some((scheme - OUTSIDE.len(), true))
    }
}

/// Some writers leave out the dot that a relative path began with.
fn without_dot(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

/// What follows the scheme of a store like ours; `None` for other paths.
fn without_scheme(path: &str) -> Option<&str> {
    S3_SCHEMES.iter().find_map(|scheme| {
        let (start, rest) = path.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(root: &Root, path: &str) -> Result<String, Fault> {
        root.resolve(path).map(|path| String::from_utf8(path.key.to_vec()).unwrap())
    }

    fn own(root: &Root, path: &str) -> Result<String, Fault> {
        root.own_key(path)
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        let root = Root::new("lake", "sales/t 1", "s3://lake/sales/t 1");
        for (path, wanted) in [
            ("s3://lake/sales/t 1/data/a%20b.parquet", "data/a%20b.parquet"),
            ("S3A://lake/sales/t 1/a", "a"),
            ("s3n://lake/sales/t%201/a", "//lake/sales/t%201/a"),
            ("s3://lake/sales/t 10/a", "//lake/sales/t 10/a"),
            ("s3://pond/x/ä", "//pond/x/ä"),
            ("s3://lake/sales/t 1/data/h//t/a", "data/h//t/a"),
            ("s3://lake/sales/t 1//a", "/a"),
            ("s3://pond//a", "//pond//a"),
        ] {
            assert_eq!(key(&root, path), Ok(wanted.to_owned()), "{path}");
        }
        let path = root.resolve("s3://lake/sales/t 1/d=1/a").unwrap();
        assert_eq!((path.log_directory_bytes, path.key_directory_bytes), (24, 4));
        let path = root.resolve("s3a://b/d/x").unwrap();
        assert_eq!((path.log_directory_bytes, path.key_directory_bytes), (10, 6));
    }

    #[test]
    fn paths_that_lead_nowhere_are_refused() {
        let root = Root::new("lake", "", "s3://lake/t");
        for path in ["/t/a", "file:///t/a", "gs://lake/a", "t/a", "", "s3:///a", "s3://.b/a", "s3://lake"] {
            assert_eq!(key(&root, path), Err(Fault::Elsewhere), "{path}");
        }
        for path in ["s3://lake/t/../a", "s3://lake///a", "s3://b/", "s3://lake/a/", "s3://b/./a"] {
            assert_eq!(key(&root, path), Err(Fault::Dots), "{path}");
        }
        let long = format!("s3://lake/{}", "a".repeat(KEY_BYTES_MAX + 1));
        for path in ["s3://lake/", "s3://lake/a\0", long.as_str()] {
            assert_eq!(key(&root, path), Err(Fault::Key), "{path}");
        }
    }

    #[test]
    fn a_table_of_another_store_is_found_where_it_was_put() {
        for location in ["file:/tmp/wh/t", "data/wh/t/", "./wh/t", "gs://other/wh/t", "/tmp/wh/t"] {
            let root = Root::new("lake", "sales/t", location);
            let path = format!("{}/data/a", location.trim_end_matches('/'));
            assert_eq!(key(&root, &path), Ok("data/a".to_owned()));
            assert_eq!(own(&root, &path), Ok("sales/t/data/a".to_owned()));
            assert!(key(&root, &format!("{}0/a", location.trim_end_matches('/'))).is_err());
            assert_eq!(key(&Root::new("lake", "", location), &path), Err(Fault::Elsewhere), "of a catalog");
        }
        let elsewhere = Root::new("lake", "sales/t", "s3://pond/t");
        assert_eq!(key(&elsewhere, "s3://pond/t/a"), Ok("//pond/t/a".to_owned()));
    }

    #[test]
    fn metadata_stays_in_the_bucket() {
        let root = Root::new("lake", "t", "s3://lake/t");
        assert_eq!(own(&root, "s3://lake/t/metadata/m"), Ok("t/metadata/m".to_owned()));
        assert_eq!(own(&root, "s3a://lake/other/m"), Ok("other/m".to_owned()));
        assert_eq!(own(&root, "s3://lake2/t/m"), Err(Fault::OtherBucket));
        assert_eq!(own(&Root::new("lake", "", "s3://lake/t"), "s3://lake/t/m"), Ok("t/m".to_owned()));
    }
}
