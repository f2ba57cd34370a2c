//! Versions of Iceberg tables: their place, their state, their files.
//!
//! Each look asks where the metadata file is now, so nobody is told of an older version than the newest at the time of
//! asking. For a table of the catalog a core can tell by itself that no pointer has moved since; for another one in an
//! embedded bucket it asks the kernel, where that can tell.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::{Mutex, MutexGuard};

use super::error::Error;
use crate::byte_cache;
use crate::clock::Clock;
use crate::delta::Wanted;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::reference::MAIN_BRANCH;
use crate::limits::catalog::TABLE_VERSIONS_MAX;
use crate::limits::iceberg::{POINTER_LOCKS, VERSIONS_CACHE_BYTES};
use crate::limits::uniform::{OUTLINED_FILES_MIN, OUTLINES_BYTES_MAX};
use crate::state::catalog::EntryName;
use crate::state::embedded::Store;
use crate::state::record::{TableSource, TableVersion};
use crate::storage::Buckets;
use crate::table::snapshot::{Snapshot, Version};
use crate::uniform::chosen::Chosen;
use crate::uniform::manifests::Manifests;
use crate::uniform::metadata_files::MetadataFiles;
use crate::uniform::moments::Moments;
use crate::uniform::naming::NAME_MAPPING;
use crate::uniform::outline::Outline;
use crate::uniform::place::Place;
use crate::uniform::pointer::{self, Pointer};
use crate::uniform::sight::{BareTable, Sight};
use crate::uniform::{self, versions};

/// What all Iceberg tables are loaded with.
pub(super) struct IcebergTables {
    buckets: Buckets,
    store: Store,
    clock: Clock,
    metadata: MetadataFiles,
    /// What the state store has, by its key.
    versions: Cache<String, Arc<[TableVersion]>, ByBytes>,
    manifests: Manifests,
    /// Of large versions that are not loaded.
    outlines: Cache<(TableSource, Version), (State, Arc<Outline>), ByBytes>,
    /// Who finds a pointer holds one until its version has a number: an older pointer must not be counted after a newer one.
    locks: Vec<Mutex<()>>,
}

impl std::fmt::Debug for IcebergTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IcebergTables").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<String, Arc<[TableVersion]>> for ByBytes {
    fn weight(&self, key: &String, rows: &Arc<[TableVersion]>) -> u64 {
        (key.len() + size_of_val::<[TableVersion]>(rows)) as u64
    }
}

impl Weighter<(TableSource, Version), (State, Arc<Outline>)> for ByBytes {
    fn weight(&self, _: &(TableSource, Version), (_, outline): &(State, Arc<Outline>)) -> u64 {
        outline.memory_bytes() as u64
    }
}

/// A version together with what tells whether it is still the one asked for. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) snapshot: Arc<Snapshot>,
    state: State,
    seen: Seen,
}

/// What a snapshot is made of: the same again gives the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    row: TableVersion,
    format_version: u8,
    schema_ids: Vec<i32>,
    name_mapping: Option<String>,
}

impl State {
    fn of(row: TableVersion, metadata: &TableMetadata) -> Self {
        Self {
            row,
            format_version: metadata.format_version(),
            schema_ids: metadata.schemas().iter().map(|schema| schema.id).collect(),
            name_mapping: metadata.properties().get(NAME_MAPPING).cloned(),
        }
    }
}

/// Where the metadata file was.
#[derive(Debug, Clone)]
struct Seen {
    pointer: Pointer,
    before: Before,
}

/// What there was before the metadata file was looked for.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// The catalog's generation.
    Catalog(u64),
    /// The directory of a table without a catalog.
    Directory(Sight),
}

impl IcebergTables {
    pub(super) fn new(buckets: Buckets, store: Store, clock: Clock) -> Self {
        Self {
            buckets,
            store,
            clock,
            metadata: MetadataFiles::default(),
            versions: byte_cache::whole(VERSIONS_CACHE_BYTES, 4 << 10, ByBytes),
            manifests: Manifests::default(),
            outlines: byte_cache::whole(OUTLINES_BYTES_MAX, 64 << 10, ByBytes),
            locks: std::iter::repeat_with(Mutex::default).take(POINTER_LOCKS).collect(),
        }
    }

    pub(super) fn place<'a>(&'a self, source: &'a TableSource) -> Place<'a> {
        Place { buckets: &self.buckets, bucket: source.bucket(), root: source.location() }
    }

    pub(super) fn manifests(&self) -> &Manifests {
        &self.manifests
    }

    /// Outlines a version; `None` for one that has to be loaded.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) async fn outline(
        &self,
        source: &TableSource,
        wanted: Wanted,
    ) -> Result<Option<Arc<Outline>>, Error> {
        let lock = self.lock(source).await;
        let seen = self.seek(source).await?;
        let (metadata, rows) = self.read(source, &seen.pointer).await?;
        drop(lock);
        let (state, chosen) = choose(&rows, metadata, wanted)?;
        let key = (source.clone(), chosen.version);
        if let Some((_, outline)) = self.outlines.get(&key).filter(|(known, _)| *known == state) {
            return Ok(Some(outline));
        }
        let outline = Outline::of((&self.place(source), &self.manifests), &chosen, OUTLINED_FILES_MIN)
            .await?
            .map(Arc::new);
        if let Some(outline) = &outline {
            self.outlines.insert(key, (state, Arc::clone(outline)));
        }
        Ok(outline)
    }

    /// Whether no pointer of the catalog has moved since the version was found, or the table's own has not. `false` also where
    /// only a look can tell.
    pub(super) fn is_current(&self, source: &TableSource, told: &Told) -> bool {
        let Seen { pointer, before } = &told.seen;
        match before {
            Before::Catalog(generation) => *generation == self.store.entries_generation(),
            Before::Directory(sight) => self.bare(source).is_newest(pointer, *sight),
        }
    }

    fn bare<'a>(&'a self, source: &'a TableSource) -> BareTable<'a> {
        BareTable { buckets: &self.buckets, bucket: source.bucket(), location: source.location() }
    }

    /// Loads a version. `previous` is an earlier answer to the same question, or the same version.
    ///
    /// # Errors
    /// See [`Error`]. A table that is replaced while it is read is looked for once more before that is an error.
    pub(super) async fn load(
        &self,
        source: &TableSource,
        wanted: Wanted,
        previous: Option<&Told>,
    ) -> Result<Told, Error> {
        match self.look(source, wanted, previous).await {
            Err(error) if error.is_of_change() => self.look(source, wanted, previous).await,
            result => result,
        }
    }

    /// When the table came into its versions up to `latest`, or all of them.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) async fn moments(
        &self,
        source: &TableSource,
        latest: Option<Version>,
    ) -> Result<Moments, Error> {
        let _lock = self.lock(source).await;
        let seen = self.seek(source).await?;
        let (metadata, rows) = self.read(source, &seen.pointer).await?;
        Moments::new(rows, metadata, latest.unwrap_or(Version::MAX)).ok_or(Error::BrokenOff)
    }

    async fn look(
        &self,
        source: &TableSource,
        wanted: Wanted,
        previous: Option<&Told>,
    ) -> Result<Told, Error> {
        let previous = previous.filter(|told| match wanted {
            Wanted::Latest => true,
            Wanted::Version(version) => version == told.snapshot.version,
        });
        let lock = self.lock(source).await;
        let seen = self.seek(source).await?;
        if let Some(told) = previous.filter(|told| told.seen.pointer == seen.pointer) {
            return Ok(Told { seen, ..told.clone() });
        }
        let (metadata, rows) = self.read(source, &seen.pointer).await?;
        drop(lock);
        let (state, chosen) = choose(&rows, metadata, wanted)?;
        if let Some(told) = previous.filter(|told| told.state == state) {
            return Ok(Told { seen, ..told.clone() });
        }
        let snapshot = uniform::replay(&self.place(source), &self.manifests, &chosen).await?;
        Ok(Told { snapshot: Arc::new(snapshot), state, seen })
    }

    async fn lock(&self, source: &TableSource) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        source.hash(&mut hasher);
        let number = usize::try_from(hasher.finish() % POINTER_LOCKS as u64).unwrap_or_default();
        match self.locks.get(number) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }

    /// Where the metadata file is now.
    async fn seek(&self, source: &TableSource) -> Result<Seen, Error> {
        match source {
            TableSource::Uniform { warehouse, namespace, table, .. } => {
                // Read first: a pointer that moves after it makes it another number.
                let generation = self.store.entries_generation();
                let name = EntryName { namespace: namespace.clone(), name: table.clone() };
                let pointer = pointer::of_entry(&self.store, warehouse, &name).await?;
                Ok(Seen { pointer, before: Before::Catalog(generation) })
            }
            TableSource::Iceberg { bucket, location, .. } | TableSource::Delta { bucket, location } => {
                let sight = self.bare(source).sight(self.clock.now_ms());
                let pointer = pointer::of_directory(&self.buckets, bucket, location).await?;
                Ok(Seen { pointer, before: Before::Directory(sight) })
            }
        }
    }

    /// What the metadata file says, and all versions up to the one that it shows.
    async fn read(
        &self,
        source: &TableSource,
        pointer: &Pointer,
    ) -> Result<(Arc<TableMetadata>, Arc<[TableVersion]>), Error> {
        let metadata = self.metadata.load(&self.buckets, pointer).await?;
        let key = key_of(source, &metadata);
        let known: Arc<[TableVersion]> = match self.versions.get(&key) {
            Some(known) => known,
            None => self.store.list_versions(&key).await?.into(),
        };
        let added = versions::grow(&known, &metadata, reference_of(source))?;
        if added.is_empty() {
            self.versions.insert(key, Arc::clone(&known));
            return Ok((metadata, known));
        }
        let last = known.last().map(|row| row.version);
        let is_kept = self.store.add_versions(&key, last, added.clone()).await;
        if let Err(error) = is_kept {
            self.versions.remove(&key);
            return Err(error.into());
        }
        let too_many = (known.len() + added.len()).saturating_sub(TABLE_VERSIONS_MAX);
        let rows: Arc<[TableVersion]> = known.iter().copied().chain(added).skip(too_many).collect();
        self.versions.insert(key, Arc::clone(&rows));
        Ok((metadata, rows))
    }
}

/// The version that is wanted, and what it is made of.
fn choose(
    rows: &[TableVersion],
    metadata: Arc<TableMetadata>,
    wanted: Wanted,
) -> Result<(State, Chosen), Error> {
    let version = match wanted {
        Wanted::Latest => None,
        Wanted::Version(version) => Some(version),
    };
    let row = versions::choose(rows, &metadata, version)?;
    let state = State::of(row, &metadata);
    let TableVersion { snapshot_id, schema_id, version, timestamp_ms, .. } = row;
    Ok((state, Chosen { metadata, snapshot_id, schema_id, version, timestamp_ms }))
}

fn reference_of(source: &TableSource) -> Option<&str> {
    match source {
        TableSource::Uniform { reference, .. } | TableSource::Iceberg { reference, .. } => {
            reference.as_deref()
        }
        TableSource::Delta { .. } => None,
    }
}

/// What versions are remembered under: another table in the same place counts anew, a renamed one counts on.
fn key_of(source: &TableSource, metadata: &TableMetadata) -> String {
    let identity = metadata.uuid().unwrap_or_else(|| metadata.location());
    let reference = reference_of(source).unwrap_or(MAIN_BRANCH);
    let parts = match source {
        TableSource::Uniform { warehouse, .. } => ["uniform", warehouse, identity, reference, ""],
        TableSource::Iceberg { bucket, location, .. } | TableSource::Delta { bucket, location } => {
            ["iceberg", bucket, identity, reference, location]
        }
    };
    serde_json::Value::from(parts.as_slice()).to_string()
}
