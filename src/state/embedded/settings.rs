//! Secrets and names of this installation, made once.

use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use super::query::{collect, column, execute};
use crate::state::error::Error;
use crate::state::record::SigningCredential;

pub(super) struct Settings {
    pub(super) signing: SigningCredential,
    pub(super) page_key: [u8; 32],
    pub(super) server_id: Uuid,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("server_id", &self.server_id).finish_non_exhaustive()
    }
}

/// Reads the settings; those that are absent are made and kept.
pub(super) fn load_or_make(connection: &mut Connection) -> Result<Settings, Error> {
    let sqlite = |source| Error::Sqlite { action: "read its settings", source };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let access_key = text(&transaction, "signing_access_key", || {
        Ok(format!("LAKE{}", hex::encode_upper(random::<8>()?)))
    })?;
    let secret_key = text(&transaction, "signing_secret_key", || Ok(hex::encode(random::<20>()?)))?;
    let server_id = text(&transaction, "server_id", || Ok(Uuid::new_v4().to_string()))?;
    let page_key = value(&transaction, "page_key", || Ok(random::<32>()?.to_vec()))?;
    transaction.commit().map_err(sqlite)?;
    let stored = |field: &'static str| move |value: String| Error::Stored { field, value };
    Ok(Settings {
        signing: SigningCredential { access_key, secret_key },
        page_key: page_key
            .try_into()
            .map_err(|bytes: Vec<u8>| stored("page_key")(format!("{} bytes", bytes.len())))?,
        server_id: Uuid::parse_str(&server_id).map_err(|_| stored("server_id")(server_id))?,
    })
}

fn text(
    connection: &Connection,
    name: &'static str,
    make: impl FnOnce() -> Result<String, Error>,
) -> Result<String, Error> {
    let bytes = value(connection, name, || make().map(String::into_bytes))?;
    String::from_utf8(bytes)
        .map_err(|error| Error::Stored { field: name, value: format!("{} bytes", error.as_bytes().len()) })
}

fn value(
    connection: &Connection,
    name: &'static str,
    make: impl FnOnce() -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    let select = "SELECT value FROM settings WHERE name = ?1";
    if let Some(found) = collect(connection, select, [name], |row| column(row, 0))?.pop() {
        return Ok(found);
    }
    let fresh = make()?;
    execute(connection, "INSERT INTO settings (name, value) VALUES (?1, ?2)", (name, &fresh))?;
    Ok(fresh)
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|source| Error::Random { source })?;
    Ok(bytes)
}
