//! Which state of an Iceberg table is which version, as SQL.

use rusqlite::Connection;

use super::query::{collect, column, execute};
use crate::limits::catalog::TABLE_VERSIONS_MAX;
use crate::state::error::Error;
use crate::state::record::TableVersion;

/// All versions that are known of a source, the oldest first.
pub(super) fn list(connection: &Connection, source: &str) -> Result<Vec<TableVersion>, Error> {
    let select = "SELECT version, snapshot_id, schema_id, timestamp_ms FROM table_versions
                  WHERE source = ?1 ORDER BY version";
    collect(connection, select, [source], |row| {
        Ok(TableVersion {
            version: column(row, 0)?,
            snapshot_id: column(row, 1)?,
            schema_id: column(row, 2)?,
            timestamp_ms: column(row, 3)?,
        })
    })
}

/// Adds versions after `last`, the newest that the caller knows of. The oldest are forgotten where there are too many.
pub(super) fn add(
    connection: &Connection,
    source: &str,
    last: Option<i64>,
    added: &[TableVersion],
) -> Result<(), Error> {
    let select = "SELECT max(version) FROM table_versions WHERE source = ?1";
    let newest = collect(connection, select, [source], |row| column::<Option<i64>>(row, 0))?.pop().flatten();
    let is_first_later = added.first().is_none_or(|first| Some(first.version) > last);
    if newest != last || !is_first_later || !added.is_sorted_by(|a, b| a.version < b.version) {
        return Err(Error::VersionsChanged);
    }
    for row in added {
        execute(
            connection,
            "INSERT INTO table_versions (source, version, snapshot_id, schema_id, timestamp_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (source, row.version, row.snapshot_id, row.schema_id, row.timestamp_ms),
        )?;
    }
    let forgotten = "DELETE FROM table_versions WHERE source = ?1 AND version <= (
                         SELECT version FROM table_versions WHERE source = ?1
                         ORDER BY version DESC LIMIT 1 OFFSET ?2)";
    execute(connection, forgotten, (source, i64::try_from(TABLE_VERSIONS_MAX).unwrap_or(i64::MAX)))?;
    Ok(())
}
