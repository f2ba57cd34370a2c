//! Tokens and what they open, as SQL.

use std::collections::HashMap;

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::query::{collect, column, execute, id};
use super::shares;
use crate::limits;
use crate::state::change::{GrantedToken, NewToken};
use crate::state::error::Error;
use crate::state::name;
use crate::state::record::{Share, Token};

pub(super) fn create(connection: &Connection, new: &NewToken, now_ms: i64) -> Result<GrantedToken, Error> {
    let opens = require_all(connection, &new.shares)?;
    let token = Token {
        id: Uuid::new_v4(),
        digest: new.digest,
        share_ids: opens.iter().map(|share| share.id).collect(),
        description: new.description.clone(),
        created_ms: now_ms,
        expires_ms: new.expires_ms,
    };
    let id = token.id.to_string();
    execute(
        connection,
        "INSERT INTO tokens (id, digest, description, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        (&id, token.digest, &token.description, now_ms, token.expires_ms),
    )?;
    for share in &opens {
        let insert = "INSERT INTO token_shares (token_id, share_id) VALUES (?1, ?2)";
        execute(connection, insert, (&id, share.id.to_string()))?;
    }
    Ok(GrantedToken { token, share_names: opens.into_iter().map(|share| share.name).collect() })
}

pub(super) fn list(connection: &Connection, share: &str) -> Result<Vec<GrantedToken>, Error> {
    let share = shares::require(connection, share)?;
    let select = "SELECT id, digest, description, created_ms, expires_ms FROM tokens
                  WHERE id IN (SELECT token_id FROM token_shares WHERE share_id = ?1)
                  ORDER BY created_ms, id";
    let tokens = collect(connection, select, [share.id.to_string()], token_of)?;
    tokens.into_iter().map(|token| with_shares(connection, token)).collect()
}

pub(super) fn load_all(connection: &Connection) -> Result<Vec<Token>, Error> {
    let mut opens: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let select = "SELECT token_id, share_id FROM token_shares JOIN shares ON shares.id = share_id
                  ORDER BY shares.name_key";
    collect(connection, select, [], |row| {
        opens.entry(id(row, 0)?).or_default().push(id(row, 1)?);
        Ok(())
    })?;
    let select = "SELECT id, digest, description, created_ms, expires_ms FROM tokens ORDER BY created_ms, id";
    let mut tokens = collect(connection, select, [], token_of)?;
    for token in &mut tokens {
        token.share_ids = opens.remove(&token.id).unwrap_or_default();
    }
    Ok(tokens)
}

pub(super) fn remove(connection: &Connection, id: Uuid) -> Result<(), Error> {
    match execute(connection, "DELETE FROM tokens WHERE id = ?1", [id.to_string()])? {
        0 => Err(Error::TokenNotFound { id }),
        _ => Ok(()),
    }
}

/// Removes the tokens that open `share` and nothing else: they go with it.
pub(super) fn remove_opening_only(connection: &Connection, share: Uuid) -> Result<(), Error> {
    execute(
        connection,
        "DELETE FROM tokens WHERE id IN (SELECT token_id FROM token_shares WHERE share_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM token_shares WHERE token_id = tokens.id AND share_id <> ?1)",
        [share.to_string()],
    )
    .map(|_| ())
}

/// The named shares, each once, sorted by name.
fn require_all(connection: &Connection, names: &[String]) -> Result<Vec<Share>, Error> {
    if names.is_empty() || names.len() > limits::TOKEN_SHARES_MAX {
        return Err(Error::TokenShares { count: names.len() });
    }
    let mut opens =
        names.iter().map(|name| shares::require(connection, name)).collect::<Result<Vec<_>, _>>()?;
    opens.sort_by(|a, b| name::fold(&a.name).cmp(&name::fold(&b.name)));
    opens.dedup_by(|a, b| a.id == b.id);
    Ok(opens)
}

fn with_shares(connection: &Connection, mut token: Token) -> Result<GrantedToken, Error> {
    let select = "SELECT shares.id, shares.name FROM token_shares JOIN shares ON shares.id = share_id
                  WHERE token_id = ?1 ORDER BY shares.name_key";
    let share_names = collect(connection, select, [token.id.to_string()], |row| {
        token.share_ids.push(id(row, 0)?);
        column(row, 1)
    })?;
    Ok(GrantedToken { token, share_names })
}

fn token_of(row: &Row<'_>) -> Result<Token, Error> {
    Ok(Token {
        id: id(row, 0)?,
        digest: column(row, 1)?,
        share_ids: Vec::new(),
        description: column(row, 2)?,
        created_ms: column(row, 3)?,
        expires_ms: column(row, 4)?,
    })
}
