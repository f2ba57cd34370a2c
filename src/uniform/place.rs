//! Where the files of a table lie.

use crate::storage::Buckets;

/// What a replay works with.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub buckets: &'a Buckets,
    pub bucket: &'a str,
    /// Inside of it files are the table's own: "" for a table of a catalog, which has a whole warehouse, and the table's
    /// path for a bare one.
    pub root: &'a str,
}
