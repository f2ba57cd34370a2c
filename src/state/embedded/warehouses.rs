//! Warehouses, as SQL.

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::query::{collect, column, execute, id};
use crate::state::catalog::Warehouse;
use crate::state::error::Error;
use crate::state::identifier;

pub(super) fn create(connection: &Connection, name: &str, now_ms: i64) -> Result<Warehouse, Error> {
    identifier::check_warehouse(name)?;
    let warehouse = Warehouse { id: Uuid::new_v4(), name: name.to_owned(), created_ms: now_ms };
    let count = execute(
        connection,
        "INSERT INTO warehouses (id, name, created_ms) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
        (warehouse.id.to_string(), name, now_ms),
    )?;
    if count == 0 {
        return Err(Error::WarehouseExists { name: name.to_owned() });
    }
    Ok(warehouse)
}

pub(super) fn list(connection: &Connection) -> Result<Vec<Warehouse>, Error> {
    collect(connection, "SELECT id, name, created_ms FROM warehouses ORDER BY name", [], read)
}

pub(super) fn remove(connection: &Connection, name: &str) -> Result<(), Error> {
    let warehouse = require(connection, name)?;
    let count = execute(
        connection,
        "DELETE FROM warehouses WHERE id = ?1
         AND NOT EXISTS (SELECT 1 FROM namespaces WHERE warehouse_id = ?1)",
        [warehouse.id.to_string()],
    )?;
    if count == 0 {
        return Err(Error::WarehouseNotEmpty { name: name.to_owned() });
    }
    Ok(())
}

pub(super) fn require(connection: &Connection, name: &str) -> Result<Warehouse, Error> {
    collect(connection, "SELECT id, name, created_ms FROM warehouses WHERE name = ?1", [name], read)?
        .pop()
        .ok_or_else(|| Error::WarehouseNotFound { name: name.to_owned() })
}

fn read(row: &Row<'_>) -> Result<Warehouse, Error> {
    Ok(Warehouse { id: id(row, 0)?, name: column(row, 1)?, created_ms: column(row, 2)? })
}
