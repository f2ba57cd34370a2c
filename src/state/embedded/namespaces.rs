//! Namespaces with their properties, as SQL.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::query::{collect, column, execute, from_json, json_of};
use super::warehouses;
use crate::limits::catalog as limits;
use crate::state::catalog::{
    Namespace, NamespaceChanged, NamespaceUpdate, Page, Warehouse, join_levels, split_levels,
};
use crate::state::error::Error;
use crate::state::identifier;

/// A namespace and the number of its row.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) row: i64,
    pub(super) namespace: Namespace,
}

pub(super) fn create(
    connection: &Connection,
    warehouse: &str,
    levels: Vec<String>,
    properties: BTreeMap<String, String>,
    now_ms: i64,
) -> Result<Namespace, Error> {
    identifier::check_namespace(&levels)?;
    check_properties(&properties)?;
    let warehouse = warehouses::require(connection, warehouse)?;
    let parent = match levels.split_last() {
        Some((_, parent)) if !parent.is_empty() => Some(require(connection, &warehouse, parent)?.row),
        _ => None,
    };
    let namespace = Namespace { levels, properties, created_ms: now_ms, updated_ms: now_ms };
    let count = execute(
        connection,
        "INSERT INTO namespaces (warehouse_id, parent_id, levels, properties, created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (warehouse_id, levels) DO NOTHING",
        (
            warehouse.id.to_string(),
            parent,
            join_levels(&namespace.levels),
            json_of(&namespace.properties),
            now_ms,
        ),
    )?;
    if count == 0 {
        return Err(Error::NamespaceExists { levels: namespace.levels });
    }
    Ok(namespace)
}

pub(super) fn get(connection: &Connection, warehouse: &str, levels: &[String]) -> Result<Namespace, Error> {
    let warehouse = warehouses::require(connection, warehouse)?;
    require(connection, &warehouse, levels).map(|found| found.namespace)
}

/// The namespaces directly in `parent`; those of the first level where it is empty.
pub(super) fn list(
    connection: &Connection,
    warehouse: &str,
    parent: &[String],
    page: &Page,
) -> Result<Vec<Vec<String>>, Error> {
    let warehouse = warehouses::require(connection, warehouse)?;
    let parent = if parent.is_empty() { None } else { Some(require(connection, &warehouse, parent)?.row) };
    let select = "SELECT levels FROM namespaces
                  WHERE parent_id IS ?1 AND warehouse_id = ?2 AND levels > ?3 ORDER BY levels LIMIT ?4";
    let after = page.after.as_deref().unwrap_or_default();
    collect(connection, select, (parent, warehouse.id.to_string(), after, limit_of(page)), |row| {
        Ok(split_levels(&column::<String>(row, 0)?))
    })
}

pub(super) fn update(
    connection: &Connection,
    warehouse: &str,
    levels: &[String],
    update: NamespaceUpdate,
    now_ms: i64,
) -> Result<NamespaceChanged, Error> {
    if let Some(key) = update.removals.iter().find(|key| update.updates.contains_key(*key)) {
        return Err(Error::PropertyTwice { key: key.clone() });
    }
    let warehouse = warehouses::require(connection, warehouse)?;
    let Found { row, namespace } = require(connection, &warehouse, levels)?;
    let mut properties = namespace.properties;
    let (removed, missing) = update.removals.into_iter().partition(|key| properties.remove(key).is_some());
    let updated = update.updates.keys().cloned().collect();
    properties.extend(update.updates);
    check_properties(&properties)?;
    let updated_ms = now_ms.max(namespace.updated_ms.saturating_add(1));
    execute(
        connection,
        "UPDATE namespaces SET properties = ?2, updated_ms = ?3 WHERE id = ?1",
        (row, json_of(&properties), updated_ms),
    )?;
    Ok(NamespaceChanged { updated, removed, missing })
}

pub(super) fn remove(connection: &Connection, warehouse: &str, levels: &[String]) -> Result<(), Error> {
    let warehouse = warehouses::require(connection, warehouse)?;
    let found = require(connection, &warehouse, levels)?;
    let count = execute(
        connection,
        "DELETE FROM namespaces WHERE id = ?1
         AND NOT EXISTS (SELECT 1 FROM namespaces WHERE parent_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM entries WHERE namespace_id = ?1)",
        [found.row],
    )?;
    if count == 0 {
        return Err(Error::NamespaceNotEmpty { levels: levels.to_vec() });
    }
    Ok(())
}

fn find(connection: &Connection, warehouse: &Warehouse, levels: &[String]) -> Result<Option<Found>, Error> {
    // A name that holds the separator would be taken for two levels.
    if identifier::check_namespace(levels).is_err() {
        return Ok(None);
    }
    let select = "SELECT id, levels, properties, created_ms, updated_ms FROM namespaces
                  WHERE warehouse_id = ?1 AND levels = ?2";
    Ok(collect(connection, select, (warehouse.id.to_string(), join_levels(levels)), read)?.pop())
}

pub(super) fn require(
    connection: &Connection,
    warehouse: &Warehouse,
    levels: &[String],
) -> Result<Found, Error> {
    find(connection, warehouse, levels)?.ok_or_else(|| Error::NamespaceNotFound { levels: levels.to_vec() })
}

/// As many names as are told at once.
pub(super) fn limit_of(page: &Page) -> i64 {
    i64::try_from(page.limit.clamp(1, limits::CATALOG_PAGE_MAX)).unwrap_or(1)
}

fn check_properties(properties: &BTreeMap<String, String>) -> Result<(), Error> {
    let count = properties.len();
    let bytes = properties.iter().fold(0_usize, |sum, (key, value)| sum + key.len() + value.len());
    if count > limits::NAMESPACE_PROPERTIES_MAX || bytes > limits::NAMESPACE_PROPERTIES_BYTES_MAX {
        return Err(Error::NamespaceProperties { count, bytes });
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Found, Error> {
    let namespace = Namespace {
        levels: split_levels(&column::<String>(row, 1)?),
        properties: from_json("a namespace's properties", column(row, 2)?)?,
        created_ms: column(row, 3)?,
        updated_ms: column(row, 4)?,
    };
    Ok(Found { row: column(row, 0)?, namespace })
}
