//! Runs one statement; every failure says what was being done.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::state::error::Error;

fn reading(source: rusqlite::Error) -> Error {
    Error::Sqlite { action: "read", source }
}

/// Runs a change and returns the number of rows that it touched.
pub(super) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, Error> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(|source| Error::Sqlite { action: "write", source })
}

/// All rows of a question, each through `read`.
pub(super) fn collect<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(reading)?;
    let mut rows = statement.query(params).map_err(reading)?;
    let mut collected = Vec::new();
    while let Some(row) = rows.next().map_err(reading)? {
        collected.push(read(row)?);
    }
    Ok(collected)
}

/// The column number `index` of `row`.
pub(super) fn column<T: FromSql>(row: &Row<'_>, index: usize) -> Result<T, Error> {
    row.get(index).map_err(reading)
}

/// The id in column number `index`.
pub(super) fn id(row: &Row<'_>, index: usize) -> Result<Uuid, Error> {
    let text: String = column(row, index)?;
    Uuid::parse_str(&text).map_err(|_| Error::Stored { field: "an id", value: text })
}

/// Maps of text and options always become JSON.
pub(super) fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn from_json<T: DeserializeOwned>(field: &'static str, text: String) -> Result<T, Error> {
    serde_json::from_str(&text).map_err(|_| Error::Stored { field, value: text })
}
