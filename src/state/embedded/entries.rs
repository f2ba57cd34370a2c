//! Tables and views by name, as SQL.

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::namespaces::{self, limit_of};
use super::query::{collect, column, execute, id};
use super::warehouses;
use crate::limits::catalog as limits;
use crate::state::catalog::{Entry, EntryChange, EntryKind, EntryName, Page, Warehouse, join_levels};
use crate::state::error::Error;
use crate::state::identifier;

/// An entry that is to be made.
struct NewEntry<'a> {
    id: Uuid,
    kind: EntryKind,
    name: &'a EntryName,
    metadata_location: &'a str,
}

/// The table or view of this name. One in a namespace that does not exist does not exist either.
pub(super) fn get(connection: &Connection, warehouse: &str, name: &EntryName) -> Result<Entry, Error> {
    let warehouse = warehouses::require(connection, warehouse)?;
    find(connection, &warehouse, name)?.ok_or_else(|| Error::EntryNotFound { kind: None, name: name.clone() })
}

pub(super) fn list(
    connection: &Connection,
    warehouse: &str,
    namespace: &[String],
    kind: EntryKind,
    page: &Page,
) -> Result<Vec<String>, Error> {
    let warehouse = warehouses::require(connection, warehouse)?;
    let found = namespaces::require(connection, &warehouse, namespace)?;
    let select = "SELECT name FROM entries WHERE namespace_id = ?1 AND kind = ?2 AND name > ?3
                  ORDER BY name LIMIT ?4";
    let after = page.after.as_deref().unwrap_or_default();
    collect(connection, select, (found.row, kind.as_str(), after, limit_of(page)), |row| column(row, 0))
}

/// The metadata locations of a warehouse that begin with `prefix`, at most `limit`.
pub(super) fn locations_below(
    connection: &Connection,
    warehouse: &str,
    prefix: &str,
    limit: usize,
) -> Result<Vec<(EntryKind, String)>, Error> {
    let warehouse = warehouses::require(connection, warehouse)?;
    let select = "SELECT entries.kind, entries.metadata_location
                  FROM entries JOIN namespaces ON namespaces.id = entries.namespace_id
                  WHERE namespaces.warehouse_id = ?1
                  AND substr(entries.metadata_location, 1, length(?2)) = ?2 LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    collect(connection, select, (warehouse.id.to_string(), prefix, limit), |row| {
        Ok((kind_of(row, 0)?, column(row, 1)?))
    })
}

/// Makes the changes one after the other; the caller undoes all when one fails.
pub(super) fn change_all(
    connection: &Connection,
    warehouse: &str,
    changes: &[EntryChange],
    now_ms: i64,
) -> Result<Vec<Entry>, Error> {
    if changes.len() > limits::ENTRY_CHANGES_MAX {
        return Err(Error::TooManyChanges { count: changes.len() });
    }
    let warehouse = warehouses::require(connection, warehouse)?;
    changes.iter().map(|change| change_one(connection, &warehouse, change, now_ms)).collect()
}

fn change_one(
    connection: &Connection,
    warehouse: &Warehouse,
    change: &EntryChange,
    now_ms: i64,
) -> Result<Entry, Error> {
    match change {
        EntryChange::Create { id, kind, name, metadata_location } => {
            let new = NewEntry { id: *id, kind: *kind, name, metadata_location };
            create(connection, warehouse, &new, now_ms)
        }
        EntryChange::Swap { kind, name, expected, metadata_location } => {
            check_location(metadata_location)?;
            let entry = require(connection, warehouse, *kind, name)?;
            if entry.metadata_location != *expected {
                return Err(Error::EntryChanged { kind: *kind, name: name.clone() });
            }
            swap(connection, entry, metadata_location, now_ms)
        }
        EntryChange::Rename { kind, from, to } => {
            let target = namespaces::require(connection, warehouse, &to.namespace)?;
            let entry = require(connection, warehouse, *kind, from)?;
            if from == to {
                return Ok(entry);
            }
            identifier::check_entry(to)?;
            refuse_existing(connection, warehouse, to)?;
            rename(connection, entry, target.row, to, now_ms)
        }
        EntryChange::Remove { kind, name } => {
            let entry = require(connection, warehouse, *kind, name)?;
            execute(connection, "DELETE FROM entries WHERE id = ?1", [entry.id.to_string()])?;
            Ok(entry)
        }
    }
}

fn create(
    connection: &Connection,
    warehouse: &Warehouse,
    new: &NewEntry<'_>,
    now_ms: i64,
) -> Result<Entry, Error> {
    identifier::check_entry(new.name)?;
    check_location(new.metadata_location)?;
    let namespace = namespaces::require(connection, warehouse, &new.name.namespace)?;
    refuse_existing(connection, warehouse, new.name)?;
    let count = execute(
        connection,
        "INSERT INTO entries (id, namespace_id, kind, name, metadata_location, created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (id) DO NOTHING",
        (new.id.to_string(), namespace.row, new.kind.as_str(), &new.name.name, new.metadata_location, now_ms),
    )?;
    if count == 0 {
        return Err(Error::EntryIdUsed { id: new.id });
    }
    Ok(Entry {
        id: new.id,
        kind: new.kind,
        name: new.name.clone(),
        metadata_location: new.metadata_location.to_owned(),
        created_ms: now_ms,
        updated_ms: now_ms,
    })
}

fn swap(
    connection: &Connection,
    mut entry: Entry,
    metadata_location: &str,
    now_ms: i64,
) -> Result<Entry, Error> {
    metadata_location.clone_into(&mut entry.metadata_location);
    entry.updated_ms = moved_forward(&entry, now_ms);
    execute(
        connection,
        "UPDATE entries SET metadata_location = ?2, updated_ms = ?3 WHERE id = ?1",
        (entry.id.to_string(), metadata_location, entry.updated_ms),
    )?;
    Ok(entry)
}

fn rename(
    connection: &Connection,
    mut entry: Entry,
    namespace_row: i64,
    to: &EntryName,
    now_ms: i64,
) -> Result<Entry, Error> {
    entry.name = to.clone();
    entry.updated_ms = moved_forward(&entry, now_ms);
    execute(
        connection,
        "UPDATE entries SET namespace_id = ?2, name = ?3, updated_ms = ?4 WHERE id = ?1",
        (entry.id.to_string(), namespace_row, &to.name, entry.updated_ms),
    )?;
    Ok(entry)
}

/// Strictly forward, whatever the clock does.
fn moved_forward(entry: &Entry, now_ms: i64) -> i64 {
    now_ms.max(entry.updated_ms.saturating_add(1))
}

fn require(
    connection: &Connection,
    warehouse: &Warehouse,
    kind: EntryKind,
    name: &EntryName,
) -> Result<Entry, Error> {
    find(connection, warehouse, name)?
        .filter(|entry| entry.kind == kind)
        .ok_or_else(|| Error::EntryNotFound { kind: Some(kind), name: name.clone() })
}

fn refuse_existing(connection: &Connection, warehouse: &Warehouse, name: &EntryName) -> Result<(), Error> {
    match find(connection, warehouse, name)? {
        Some(entry) => Err(Error::EntryExists { kind: entry.kind, name: entry.name }),
        None => Ok(()),
    }
}

fn find(connection: &Connection, warehouse: &Warehouse, name: &EntryName) -> Result<Option<Entry>, Error> {
    if identifier::check_entry(name).is_err() {
        return Ok(None);
    }
    let select = "SELECT entries.id, kind, metadata_location, entries.created_ms, entries.updated_ms
                  FROM namespaces JOIN entries ON namespace_id = namespaces.id
                  WHERE warehouse_id = ?1 AND levels = ?2 AND name = ?3";
    let key = (warehouse.id.to_string(), join_levels(&name.namespace), &name.name);
    Ok(collect(connection, select, key, |row| read(row, name))?.pop())
}

fn check_location(location: &str) -> Result<(), Error> {
    if (1..=limits::METADATA_LOCATION_BYTES_MAX).contains(&location.len()) {
        return Ok(());
    }
    Err(Error::MetadataLocation { bytes: location.len() })
}

fn kind_of(row: &Row<'_>, index: usize) -> Result<EntryKind, Error> {
    let kind: String = column(row, index)?;
    [EntryKind::Table, EntryKind::View]
        .into_iter()
        .find(|known| known.as_str() == kind)
        .ok_or(Error::Stored { field: "the kind of an entry", value: kind })
}

fn read(row: &Row<'_>, name: &EntryName) -> Result<Entry, Error> {
    Ok(Entry {
        id: id(row, 0)?,
        kind: kind_of(row, 1)?,
        name: name.clone(),
        metadata_location: column(row, 2)?,
        created_ms: column(row, 3)?,
        updated_ms: column(row, 4)?,
    })
}

#[cfg(test)]
mod tests;
