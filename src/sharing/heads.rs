//! The lines of a table's head, kept for who asks again.
//!
//! Clients ask for the metadata far more often than it changes, and to write it the schema has to be read and written.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use quick_cache::sync::Cache;
use uuid::Uuid;

use super::capabilities::{Capabilities, Format};
use super::error::Error;
use crate::limits::{HEAD_BYTES_MAX, HEADS_MAX};
use crate::state::record::Table;
use crate::table::snapshot::Snapshot;

/// A table, and what its reader can read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    table: Uuid,
    accepts_parquet: bool,
    accepts_delta: bool,
    reader_features: Vec<String>,
}

/// A head and what it was made of.
#[derive(Debug, Clone)]
struct Head {
    /// It keeps the address from being given to another version, and no file.
    snapshot: Weak<Snapshot>,
    table: Table,
    format: Format,
    lines: Bytes,
}

/// The newest heads that were asked for, at most `HEADS_MAX` of `HEAD_BYTES_MAX` each.
#[derive(Debug)]
pub struct Heads {
    heads: Cache<Key, Arc<Head>>,
}

impl Default for Heads {
    fn default() -> Self {
        Self { heads: Cache::new(HEADS_MAX) }
    }
}

impl Heads {
    /// The head of a version of a shared table; `write` makes it unless it is known.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn get(
        &self,
        (table, snapshot): (&Table, &Arc<Snapshot>),
        capabilities: &Capabilities,
        write: impl FnOnce() -> Result<(Format, Vec<u8>), Error>,
    ) -> Result<(Format, Bytes), Error> {
        let key = Key {
            table: table.id,
            accepts_parquet: capabilities.accepts_parquet,
            accepts_delta: capabilities.accepts_delta,
            reader_features: capabilities.reader_features.clone(),
        };
        if let Some(head) = self.heads.get(&key)
            && std::ptr::eq(head.snapshot.as_ptr(), Arc::as_ptr(snapshot))
            && head.table == *table
        {
            return Ok((head.format, head.lines.clone()));
        }
        let (format, lines) = write()?;
        let lines = Bytes::from(lines);
        let features_bytes = key.reader_features.iter().map(String::len).sum::<usize>();
        // A filter may have thousands of values, which would be compared each time.
        if lines.len() + features_bytes <= HEAD_BYTES_MAX && table.options.partition_filter.is_empty() {
            let (snapshot, table) = (Arc::downgrade(snapshot), table.clone());
            self.heads.insert(key, Arc::new(Head { snapshot, table, format, lines: lines.clone() }));
        }
        Ok((format, lines))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::state::record::{TableOptions, TableSource};

    #[test]
    fn a_head_is_written_anew_when_anything_that_it_says_may_differ() {
        let heads = Heads::default();
        let (mut written, mut number) = (Vec::new(), 0);
        let mut ask = |table: &Table, snapshot: &Arc<Snapshot>, capabilities: &Capabilities| {
            number += 1;
            let write = || {
                written.push(number);
                Ok((Format::Delta, number.to_string().into_bytes()))
            };
            heads.get((table, snapshot), capabilities, write).unwrap().1
        };
        let source = TableSource::Delta { bucket: "b".to_owned(), location: "t".to_owned() };
        let options = TableOptions::default();
        let table = Table { id: Uuid::from_u128(1), name: "t".to_owned(), source, options };
        let told =
            Table { options: TableOptions { history: true, ..TableOptions::default() }, ..table.clone() };
        let (first, next) = (Arc::new(fixture::snapshot(3)), Arc::new(fixture::snapshot(3)));
        let capabilities = Capabilities::default();
        let delta = Capabilities { accepts_delta: true, ..Capabilities::default() };
        assert_eq!(ask(&table, &first, &capabilities), "1");
        assert_eq!(ask(&table, &first, &capabilities), "1");
        assert_eq!(ask(&table, &first, &delta), "3");
        assert_eq!(ask(&table, &first, &capabilities), "1");
        assert_eq!(ask(&told, &first, &capabilities), "5");
        assert_eq!(ask(&told, &next, &capabilities), "6");
        assert_eq!(ask(&told, &next, &capabilities), "6");
        assert_eq!(written, [1, 3, 5, 6]);
    }
}
