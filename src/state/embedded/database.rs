//! The database file: its lock, its permissions, its connections.

use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::limits;
use crate::state::error::Error;

/// The database's name in the state directory.
pub(super) const FILE_NAME: &str = "state.db";
const LOCK_NAME: &str = "state.lock";

/// Held while a server uses the state; the system gives it up when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Makes `dir` and the database file, closes both to other users, and takes the lock.
pub(super) fn prepare(dir: &Path) -> Result<Lock, Error> {
    let file_error = |action: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { action, path, source }
    };
    std::fs::create_dir_all(dir).map_err(file_error("make the directory", dir))?;
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
        .map_err(file_error("close to other users", dir))?;
    let open_private = |path: &Path| {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
        let file = file.map_err(file_error("open", path))?;
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(file_error("close to other users", path))?;
        Ok::<File, Error>(file)
    };
    let lock = open_private(&dir.join(LOCK_NAME))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(Error::Locked { path: dir.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => {
            return Err(Error::File { action: "lock", path: dir.join(LOCK_NAME), source });
        }
    }
    // SQLite gives its log the mode of the database, so the database has to be private from the start.
    open_private(&dir.join(FILE_NAME))?;
    Ok(Lock { _file: lock })
}

/// A connection whose commits reach the disk before they return.
pub(super) fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(limits::STATE_BUSY_MS_MAX))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|source| Error::Sqlite { action: "open its database", source })
}

/// Readers go on while the writer commits, and a commit is one write and one flush.
pub(super) fn use_write_ahead_log(connection: &Connection, path: &Path) -> Result<(), Error> {
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|source| Error::Sqlite { action: "turn on its write-ahead log", source })?;
    if mode == "wal" { Ok(()) } else { Err(Error::WriteAheadLog { path: path.to_owned() }) }
}

/// A connection for reading only.
pub(super) fn forbid_writes(connection: &Connection) -> Result<(), Error> {
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|source| Error::Sqlite { action: "forbid writes to its reader", source })
}

/// Makes the names of new files durable.
pub(super) fn sync_directory(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|source| Error::File {
        action: "flush",
        path: dir.to_owned(),
        source,
    })
}
