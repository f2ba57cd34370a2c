//! State in SQLite, for a server that stands alone.
//!
//! One thread writes and commits what is queued together; one thread reads. A change is answered after
//! its commit has reached the disk (write-ahead log, `synchronous=FULL`), so what was acknowledged
//! survives the loss of the process and of power.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use uuid::Uuid;

use super::catalog::{
    Entry, EntryChange, EntryKind, EntryName, KeptAnswer, Namespace, NamespaceChanged, NamespaceUpdate, Page,
    Warehouse,
};
use super::change::{GrantedToken, NewShare, NewToken, SharePatch, ShareStamp};
use super::error::Error;
use super::record::{Share, SigningCredential, TableVersion, Token};
use crate::clock::Clock;

mod answers;
mod database;
mod entries;
mod namespaces;
mod query;
mod schema;
mod settings;
mod shares;
mod sources;
mod tokens;
mod versions;
mod warehouses;
mod worker;

use settings::Settings;
use worker::Worker;

/// The embedded state store. Clones share one database; the last one closes it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // Dropped in this order: both threads end before another server may open the file.
    writer: Worker,
    reader: Worker,
    settings: Settings,
    clock: Clock,
    path: PathBuf,
    /// Raised after each commit that may have changed entries, before anybody hears of it.
    entries_generation: Arc<AtomicU64>,
    _lock: database::Lock,
}

impl Store {
    /// Opens the state in the directory `dir`, which is made (mode 0700) if it does not exist.
    ///
    /// # Errors
    /// [`Error::Locked`] while another server uses it, [`Error::Newer`] when a later version wrote it,
    /// [`Error::Foreign`] when the file belongs to another program.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, Error> {
        let lock = database::prepare(dir)?;
        let path = dir.join(database::FILE_NAME);
        let mut connection = database::connect(&path)?;
        schema::migrate(&mut connection, &path)?;
        database::use_write_ahead_log(&connection, &path)?;
        let settings = settings::load_or_make(&mut connection)?;
        let reading = database::connect(&path)?;
        database::forbid_writes(&reading)?;
        database::sync_directory(dir)?;
        let writer = Worker::start("state-writer", connection, worker::Mode::Write)?;
        let reader = Worker::start("state-reader", reading, worker::Mode::Read)?;
        Ok(Self {
            inner: Arc::new(Inner {
                writer,
                reader,
                settings,
                clock,
                path,
                entries_generation: Arc::default(),
                _lock: lock,
            }),
        })
    }

    /// The file that holds the state.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The key pair that presigned URLs are signed with; made at the first start.
    pub fn signing_credential(&self) -> SigningCredential {
        self.inner.settings.signing.clone()
    }

    /// The key that page tokens are sealed with; made at the first start.
    pub fn page_key(&self) -> &[u8; 32] {
        &self.inner.settings.page_key
    }

    /// Names this installation; made at the first start.
    pub fn server_id(&self) -> Uuid {
        self.inner.settings.server_id
    }

    pub async fn create_share(&self, share: NewShare) -> Result<Share, Error> {
        let now_ms = self.inner.clock.now_ms();
        self.write(move |connection| shares::create(connection, &share, now_ms)).await
    }

    /// The share named `name`, in any case.
    pub async fn get_share(&self, name: &str) -> Result<Share, Error> {
        let name = name.to_owned();
        self.read(move |connection| shares::get(connection, &name)).await
    }

    /// All shares, sorted by name.
    pub async fn list_shares(&self) -> Result<Vec<Share>, Error> {
        self.read(shares::list).await
    }

    /// Changes a share. With `expected`, only if the share is in one of these states.
    ///
    /// An empty patch changes nothing, `updated_ms` included; any other moves `updated_ms` forward even
    /// when the clock stands still.
    pub async fn update_share(
        &self,
        name: &str,
        patch: SharePatch,
        expected: Option<Vec<ShareStamp>>,
    ) -> Result<Share, Error> {
        let (name, now_ms) = (name.to_owned(), self.inner.clock.now_ms());
        self.write(move |connection| shares::update(connection, &name, &patch, expected.as_deref(), now_ms))
            .await
    }

    /// Removes a share and all tokens that open nothing else.
    pub async fn remove_share(&self, name: &str, expected: Option<Vec<ShareStamp>>) -> Result<(), Error> {
        let name = name.to_owned();
        self.write(move |connection| shares::remove(connection, &name, expected.as_deref())).await
    }

    pub async fn create_token(&self, token: NewToken) -> Result<GrantedToken, Error> {
        let now_ms = self.inner.clock.now_ms();
        self.write(move |connection| tokens::create(connection, &token, now_ms)).await
    }

    /// The tokens that open the share named `share`, oldest first, expired ones included.
    pub async fn list_tokens(&self, share: &str) -> Result<Vec<GrantedToken>, Error> {
        let share = share.to_owned();
        self.read(move |connection| tokens::list(connection, &share)).await
    }

    pub async fn remove_token(&self, id: Uuid) -> Result<(), Error> {
        self.write(move |connection| tokens::remove(connection, id)).await
    }

    /// Everything that a directory is built from, as of one moment.
    pub async fn load_all(&self) -> Result<(Vec<Share>, Vec<Token>), Error> {
        self.read(|connection| Ok((shares::list(connection)?, tokens::load_all(connection)?))).await
    }

    pub async fn create_warehouse(&self, name: &str) -> Result<Warehouse, Error> {
        let (name, now_ms) = (name.to_owned(), self.inner.clock.now_ms());
        self.write(move |connection| warehouses::create(connection, &name, now_ms)).await
    }

    pub async fn get_warehouse(&self, name: &str) -> Result<Warehouse, Error> {
        let name = name.to_owned();
        self.read(move |connection| warehouses::require(connection, &name)).await
    }

    /// All warehouses, sorted by name.
    pub async fn list_warehouses(&self) -> Result<Vec<Warehouse>, Error> {
        self.read(warehouses::list).await
    }

    /// Removes a warehouse that has no namespace; its bucket stays.
    pub async fn remove_warehouse(&self, name: &str) -> Result<(), Error> {
        let name = name.to_owned();
        self.write(move |connection| warehouses::remove(connection, &name)).await
    }

    /// Makes a namespace; the one that it lies in must exist.
    pub async fn create_namespace(
        &self,
        warehouse: &str,
        levels: Vec<String>,
        properties: BTreeMap<String, String>,
        answer: Option<KeptAnswer>,
    ) -> Result<Namespace, Error> {
        let warehouse = warehouse.to_owned();
        self.change(answer, move |connection, now_ms| {
            namespaces::create(connection, &warehouse, levels, properties, now_ms)
        })
        .await
    }

    pub async fn get_namespace(&self, warehouse: &str, levels: &[String]) -> Result<Namespace, Error> {
        let (warehouse, levels) = (warehouse.to_owned(), levels.to_vec());
        self.read(move |connection| namespaces::get(connection, &warehouse, &levels)).await
    }

    /// The namespaces directly in `parent`, those of the first level where it is empty, sorted.
    pub async fn list_namespaces(
        &self,
        warehouse: &str,
        parent: &[String],
        page: Page,
    ) -> Result<Vec<Vec<String>>, Error> {
        let (warehouse, parent) = (warehouse.to_owned(), parent.to_vec());
        self.read(move |connection| namespaces::list(connection, &warehouse, &parent, &page)).await
    }

    /// Changes the properties of a namespace and moves its `updated_ms` forward.
    pub async fn update_namespace(
        &self,
        warehouse: &str,
        levels: &[String],
        update: NamespaceUpdate,
        answer: Option<KeptAnswer>,
    ) -> Result<NamespaceChanged, Error> {
        let (warehouse, levels) = (warehouse.to_owned(), levels.to_vec());
        self.change(answer, move |connection, now_ms| {
            namespaces::update(connection, &warehouse, &levels, update, now_ms)
        })
        .await
    }

    /// Removes a namespace that holds nothing.
    pub async fn remove_namespace(
        &self,
        warehouse: &str,
        levels: &[String],
        answer: Option<KeptAnswer>,
    ) -> Result<(), Error> {
        let (warehouse, levels) = (warehouse.to_owned(), levels.to_vec());
        self.change(answer, move |connection, _| namespaces::remove(connection, &warehouse, &levels)).await
    }

    /// The table or view of this name. One in a namespace that does not exist is not found either.
    pub async fn get_entry(&self, warehouse: &str, name: &EntryName) -> Result<Entry, Error> {
        let (warehouse, name) = (warehouse.to_owned(), name.clone());
        self.read(move |connection| entries::get(connection, &warehouse, &name)).await
    }

    /// The names of the tables or of the views in a namespace, sorted.
    pub async fn list_entries(
        &self,
        warehouse: &str,
        namespace: &[String],
        kind: EntryKind,
        page: Page,
    ) -> Result<Vec<String>, Error> {
        let (warehouse, namespace) = (warehouse.to_owned(), namespace.to_vec());
        self.read(move |connection| entries::list(connection, &warehouse, &namespace, kind, &page)).await
    }

    /// A number that is another one after each change to tables and views. What was read while it stood at a number is true
    /// as long as it stands there; asking costs one load of memory.
    pub fn entries_generation(&self) -> u64 {
        self.inner.entries_generation.load(Ordering::Acquire)
    }

    /// The versions of an Iceberg table that are remembered under `source`, the oldest first.
    pub async fn list_versions(&self, source: &str) -> Result<Vec<TableVersion>, Error> {
        let source = source.to_owned();
        self.read(move |connection| versions::list(connection, &source)).await
    }

    /// Remembers versions, the oldest first, all later than `last`, which is the newest of the source so far.
    ///
    /// # Errors
    /// [`Error::VersionsChanged`] if another one is the newest; then nothing is added.
    pub async fn add_versions(
        &self,
        source: &str,
        last: Option<i64>,
        added: Vec<TableVersion>,
    ) -> Result<(), Error> {
        let source = source.to_owned();
        self.write(move |connection| versions::add(connection, &source, last, &added)).await
    }

    /// Makes all changes, one after the other, or none. Gives back what each left, or what it removed.
    pub async fn change_entries(
        &self,
        warehouse: &str,
        changes: Vec<EntryChange>,
        answer: Option<KeptAnswer>,
    ) -> Result<Vec<Entry>, Error> {
        let warehouse = warehouse.to_owned();
        let now_ms = self.inner.clock.now_ms();
        let generation = Arc::clone(&self.inner.entries_generation);
        let work = move |connection: &Connection| {
            keep_answer(connection, answer.as_ref(), now_ms)?;
            entries::change_all(connection, &warehouse, &changes, now_ms)
        };
        self.inner.writer.run_counted(work, generation).await
    }

    /// The metadata locations of a warehouse that begin with `prefix`, at most `limit`. Looks at each entry.
    pub async fn locations_below(
        &self,
        warehouse: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(EntryKind, String)>, Error> {
        let (warehouse, prefix) = (warehouse.to_owned(), prefix.to_owned());
        self.read(move |connection| entries::locations_below(connection, &warehouse, &prefix, limit)).await
    }

    /// The answer that is kept under `key`, if it has not expired.
    pub async fn find_answer(&self, key: Uuid) -> Result<Option<KeptAnswer>, Error> {
        let now_ms = self.inner.clock.now_ms();
        self.read(move |connection| answers::find(connection, key, now_ms)).await
    }

    /// Keeps an answer that belongs to no change: a refusal that will stay one.
    pub async fn keep_answer(&self, answer: KeptAnswer) -> Result<(), Error> {
        self.change(Some(answer), |_, _| Ok(())).await
    }

    /// Makes a change and keeps its answer, if one is to be kept: both or neither.
    ///
    /// # Errors
    /// [`Error::KeyUsed`] before anything that is wrong with the change: who sent a request twice has to hear of the first.
    async fn change<T: Send + 'static>(
        &self,
        answer: Option<KeptAnswer>,
        work: impl FnOnce(&Connection, i64) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let now_ms = self.inner.clock.now_ms();
        self.write(move |connection| {
            keep_answer(connection, answer.as_ref(), now_ms)?;
            work(connection, now_ms)
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.inner.writer.run(work).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.inner.reader.run(work).await
    }
}

fn keep_answer(connection: &Connection, answer: Option<&KeptAnswer>, now_ms: i64) -> Result<(), Error> {
    answer.map_or(Ok(()), |answer| answers::keep(connection, answer, now_ms))
}

#[cfg(test)]
mod tests;
