//! The tables of the database and how older ones become current.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::state::error::Error;

/// "LKSH": marks the file as ours, so that another program's database is never written to.
const APPLICATION_ID: i64 = 0x4c4b_5348;

/// Step n leads from schema n to schema n + 1. Steps that were released never change.
const STEPS: &[&str] = &[
    "
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE shares (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL UNIQUE,
    description TEXT,
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schemas (
    id       TEXT PRIMARY KEY,
    share_id TEXT NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    name_key TEXT NOT NULL,
    UNIQUE (share_id, name_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE tables (
    id          TEXT PRIMARY KEY,
    schema_id   TEXT NOT NULL REFERENCES schemas (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL,
    source_type TEXT NOT NULL,
    bucket      TEXT,
    location    TEXT,
    UNIQUE (schema_id, name_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id          TEXT PRIMARY KEY,
    digest      BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    description TEXT,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE token_shares (
    token_id TEXT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
    share_id TEXT NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, share_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX token_shares_by_share ON token_shares (share_id);
",
    "
ALTER TABLE shares ADD COLUMN properties TEXT NOT NULL DEFAULT '{}';
ALTER TABLE tables ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
",
    "
CREATE TABLE warehouses (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE namespaces (
    id           INTEGER PRIMARY KEY,
    warehouse_id TEXT NOT NULL REFERENCES warehouses (id),
    parent_id    INTEGER REFERENCES namespaces (id),
    levels       TEXT NOT NULL,
    properties   TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL,
    UNIQUE (warehouse_id, levels)
) STRICT;

CREATE INDEX namespaces_by_parent ON namespaces (parent_id, warehouse_id, levels);

CREATE TABLE entries (
    id                TEXT PRIMARY KEY,
    namespace_id      INTEGER NOT NULL REFERENCES namespaces (id),
    kind              TEXT NOT NULL,
    name              TEXT NOT NULL,
    metadata_location TEXT NOT NULL,
    created_ms        INTEGER NOT NULL,
    updated_ms        INTEGER NOT NULL,
    UNIQUE (namespace_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX entries_by_kind ON entries (namespace_id, kind, name);

CREATE TABLE answers (
    key        TEXT NOT NULL UNIQUE,
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    answer     BLOB NOT NULL,
    expires_ms INTEGER NOT NULL,
    bytes      INTEGER NOT NULL
) STRICT;

CREATE INDEX answers_by_end ON answers (expires_ms);

CREATE TABLE answers_total (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    bytes INTEGER NOT NULL
) STRICT;

INSERT INTO answers_total VALUES (1, 0);

CREATE TRIGGER answer_kept AFTER INSERT ON answers BEGIN
    UPDATE answers_total SET bytes = bytes + new.bytes;
END;

CREATE TRIGGER answer_removed AFTER DELETE ON answers BEGIN
    UPDATE answers_total SET bytes = bytes - old.bytes;
END;
",
    "
ALTER TABLE tables ADD COLUMN namespace TEXT;
ALTER TABLE tables ADD COLUMN entry TEXT;
ALTER TABLE tables ADD COLUMN reference TEXT;

CREATE TABLE table_versions (
    source       TEXT NOT NULL,
    version      INTEGER NOT NULL,
    snapshot_id  INTEGER,
    schema_id    INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    PRIMARY KEY (source, version)
) STRICT, WITHOUT ROWID;
",
];

/// Brings the database at `path` to the current schema, in one transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let sqlite = |source| Error::Sqlite { action: "bring its database up to date", source };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let ask =
        |question: &str| transaction.query_row(question, [], |row| row.get::<_, i64>(0)).map_err(sqlite);
    let is_empty = ask("SELECT count(*) FROM sqlite_schema")? == 0;
    let is_ours = ask("PRAGMA application_id")? == APPLICATION_ID;
    if !is_empty && !is_ours {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    let found = ask("PRAGMA user_version")?;
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step).map_err(sqlite)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
    transaction.pragma_update(None, "user_version", known).map_err(sqlite)?;
    transaction.commit().map_err(sqlite)
}

/// Lays the schema that the first release had.
#[cfg(test)]
pub(super) fn lay_first(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(STEPS.first().copied().unwrap_or_default())?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", 1)
}
