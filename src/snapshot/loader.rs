//! Loads a version once, however many ask for it.
//!
//! Every load looks at the table: nobody is told of a version older than the newest at the time of asking. Who asks
//! while another's look is under way waits for the next one, which serves all who wait by then. So a thousand
//! askers cost two looks, and a look at an unchanged table is two questions to its store. Where the kernel answers these
//! at once, as for an embedded bucket, the requests that a core takes up in one turn have one look together, and nobody
//! waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::cache::{Cache, Key, Round};
use super::error::Error;
use super::gather::{Question, gather};
use super::history::History;
use super::iceberg_tables::IcebergTables;
use super::loaded::Loaded;
use crate::clock::Clock;
use crate::delta::{self, Wanted};
use crate::iceberg::snapshot::Totals;
use crate::limits::{LOGS_READ_AT_ONCE, REPLAYS_AT_ONCE};
use crate::skip::hints::Hints;
use crate::skip::predicate::Predicate;
use crate::spill::Spill;
use crate::spill::manifest::{Kept, Tip};
use crate::state::embedded::Store;
use crate::state::record::TableSource;
use crate::storage::Buckets;
use crate::storage::table_store::TableStore;
use crate::table::snapshot::Snapshot;
use crate::telemetry::metrics::{LoadedFrom, SnapshotLoads};

/// Loads table versions and keeps them; cheap to clone, one for all cores.
#[derive(Debug, Clone)]
pub struct Loader {
    shared: Arc<Shared>,
}

/// What a loader works with.
#[derive(Debug)]
pub struct LoaderParts {
    pub buckets: Buckets,
    /// Knows the tables of the catalog, and which of their states was told as which version.
    pub store: Store,
    /// The runtime of the control plane.
    pub control: Handle,
    /// Memory for snapshots.
    pub cache_bytes: usize,
    /// Snapshots on disk; `None`: they are kept in memory only.
    pub spill: Option<Spill>,
    pub loads: SnapshotLoads,
    pub clock: Clock,
}

/// A version, or a part of its files.
#[derive(Debug, Clone)]
pub struct Part {
    pub snapshot: Arc<Snapshot>,
    /// What all files of the version are together; `None`: the snapshot has them all.
    pub totals: Option<Totals>,
}

/// How many were made.
static LOADERS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct Shared {
    /// Different for each loader of the process.
    number: u64,
    buckets: Buckets,
    iceberg: IcebergTables,
    control: Handle,
    spill: Option<Spill>,
    loads: SnapshotLoads,
    cache: Mutex<Cache>,
    replays: Semaphore,
    logs: Semaphore,
}

impl Loader {
    pub fn new(parts: LoaderParts) -> Self {
        let LoaderParts { buckets, store, control, cache_bytes, spill, loads, clock } = parts;
        let iceberg = IcebergTables::new(buckets.clone(), store, clock);
        let cache = Mutex::new(Cache::new(cache_bytes));
        let replays = Semaphore::new(REPLAYS_AT_ONCE);
        let logs = Semaphore::new(LOGS_READ_AT_ONCE);
        let number = LOADERS.fetch_add(1, Ordering::Relaxed);
        let shared = Shared { number, buckets, iceberg, control, spill, loads, cache, replays, logs };
        Self { shared: Arc::new(shared) }
    }

    /// The wanted version of a table, as it is now. Any thread may await it; all work beyond a glance at two files is
    /// done on the control plane, and goes on if the caller goes away.
    ///
    /// # Errors
    /// See [`Error`]. Failures are not kept: the next caller looks again.
    pub async fn load(&self, source: &TableSource, wanted: Wanted) -> Result<Arc<Snapshot>, Error> {
        let key = Key { source: source.clone(), wanted };
        match self.shared.glance(&key) {
            Some(snapshot) => Ok(snapshot),
            None => self.load_behind(key).await,
        }
    }

    /// The same for tasks that share a thread: those that ask before a look begins have one together.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn load_together(&self, source: &TableSource, wanted: Wanted) -> Result<Arc<Snapshot>, Error> {
        let question = Question { loader: self.shared.number, source, wanted };
        match gather(question, |key| self.shared.glance(key)).await {
            Some(snapshot) => Ok(snapshot),
            None => self.load_behind(Key { source: source.clone(), wanted }).await,
        }
    }

    /// A version, or as much of it as a question needs: of a large version that is not loaded only what its manifest list
    /// tells, and the files of those manifests that `hints` do not rule out. Without hints no file is needed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn load_part(
        &self,
        source: &TableSource,
        wanted: Wanted,
        hints: Option<&Hints>,
    ) -> Result<Part, Error> {
        if !self.shared.is_known(source, wanted) {
            let (loader, hints) = (self.clone(), hints.cloned());
            let key = Key { source: source.clone(), wanted };
            // Large, and few ask for it.
            let part = Box::pin(async move { loader.shared.part(&key, hints.as_ref()).await });
            let part = self.run(part).await;
            // What is wrong with the table is said by who loads it.
            if let Ok(Some(part)) = part {
                return Ok(part);
            }
        }
        Ok(Part { snapshot: self.load_together(source, wanted).await?, totals: None })
    }

    /// Loads on the control plane.
    async fn load_behind(&self, key: Key) -> Result<Arc<Snapshot>, Error> {
        let shared = Arc::clone(&self.shared);
        let task = self.shared.control.spawn(async move { shared.load(&key).await });
        match task.await {
            Ok(loaded) => loaded.map(|loaded| Arc::clone(loaded.snapshot())),
            Err(_) => Err(Error::BrokenOff),
        }
    }
}

impl Loader {
    /// The versions of a table up to `latest`, and their times. Lists the log of a Delta table.
    pub async fn history(&self, source: &TableSource, latest: Arc<Snapshot>) -> Result<History, Error> {
        let (loader, source) = (self.clone(), source.clone());
        let open = async move {
            if let TableSource::Delta { .. } = &source {
                let log = delta::history::History::open(&loader.open(&source)?, &latest).await?;
                Ok(History::Log(Arc::new(log)))
            } else {
                let moments = loader.shared.iceberg.moments(&source, Some(latest.version)).await?;
                Ok(History::Snapshots(Arc::new(moments)))
            }
        };
        self.run(open).await
    }

    /// All versions of an Iceberg table, and their times, whether or not the latest can be served; `None` for a Delta table,
    /// whose history ends with a version that was read.
    pub async fn moments(&self, source: &TableSource) -> Result<Option<History>, Error> {
        if matches!(source, TableSource::Delta { .. }) {
            return Ok(None);
        }
        let (loader, source) = (self.clone(), source.clone());
        let open = async move { loader.shared.iceberg.moments(&source, None).await };
        Ok(Some(History::Snapshots(Arc::new(self.run(open).await?))))
    }

    /// Runs a task that reads a log on the control plane, when its turn comes; it goes on if the caller goes away.
    ///
    /// # Errors
    /// Those of the task, and [`Error::BrokenOff`].
    pub async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = Arc::clone(&self.shared);
        let in_turn = async move {
            let _turn = shared.logs.acquire().await.map_err(|_| Error::BrokenOff)?;
            task.await
        };
        self.shared.control.spawn(in_turn).await.unwrap_or(Err(Error::BrokenOff))
    }

    /// Starts a task on the control plane that nobody waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.control.spawn(task);
    }

    /// Computes on a thread of the control plane that may be busy for long.
    ///
    /// # Errors
    /// [`Error::BrokenOff`].
    pub async fn compute<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.shared.control.spawn_blocking(job).await.map_err(|_| Error::BrokenOff)
    }

    pub(super) fn iceberg(&self) -> &IcebergTables {
        &self.shared.iceberg
    }

    /// The objects of a Delta table.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::NoLog`] for other tables.
    pub fn open(&self, source: &TableSource) -> Result<TableStore, Error> {
        self.shared.open(source)
    }
}

impl Shared {
    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, source: &TableSource) -> Result<TableStore, Error> {
        match source {
            TableSource::Delta { bucket, location } => Ok(self.buckets.open(bucket, location)?),
            TableSource::Uniform { .. } | TableSource::Iceberg { .. } => Err(Error::NoLog),
        }
    }

    /// What is kept, if a look from this thread shows that it is the wanted version still.
    fn glance(&self, key: &Key) -> Option<Arc<Snapshot>> {
        let (entry, _) = self.cache().arrive(key);
        let loaded = entry.last.try_lock().ok()?.as_ref()?.loaded.clone()?;
        let is_current = match &loaded {
            Loaded::Delta(loaded) => {
                let (bucket, location) = (key.source.bucket(), key.source.location());
                loaded.is_current(key.wanted, |key| self.buckets.glimpse(bucket, location, key))
            }
            Loaded::Iceberg(told) => self.iceberg.is_current(&key.source, told),
        };
        is_current.then(|| Arc::clone(loaded.snapshot()))
    }

    /// Whether to load a version costs little: it is there, or one that has most of its manifests.
    fn is_known(&self, source: &TableSource, wanted: Wanted) -> bool {
        let key = |wanted| Key { source: source.clone(), wanted };
        // Nothing but its log tells what a Delta table is.
        matches!(source, TableSource::Delta { .. })
            || self.cache().holds(&key(wanted))
            || self.cache().holds(&key(Wanted::Latest))
    }

    async fn part(&self, key: &Key, hints: Option<&Hints>) -> Result<Option<Part>, Error> {
        let Some(outline) = self.iceberg.outline(&key.source, key.wanted).await? else { return Ok(None) };
        let (totals, head) = (Some(outline.totals()), outline.head());
        let Some(hints) = hints else { return Ok(Some(Part { snapshot: Arc::clone(head), totals })) };
        let predicate = Predicate::compile(hints, &head.metadata);
        let place = self.iceberg.place(&key.source);
        let part = outline.part((&place, self.iceberg.manifests()), predicate).await?;
        Ok(part.map(|snapshot| {
            self.loads.count(LoadedFrom::Part);
            Part { snapshot: Arc::new(snapshot), totals }
        }))
    }

    async fn load(&self, key: &Key) -> Result<Loaded, Error> {
        let (entry, arrived) = self.cache().arrive(key);
        let mut last = entry.last.lock().await;
        if let Some(round) = last.as_ref().filter(|round| arrived < round.began) {
            return round.result.clone();
        }
        let began = self.cache().next_tick();
        let previous = last.take().and_then(|round| round.loaded);
        let result = match previous.clone().or_else(|| self.latest_of(key)) {
            Some(known) => self.look(key, Some(&known)).await,
            None => self.look(key, None).await,
        };
        let loaded = result.as_ref().ok().cloned().or(previous);
        let held_bytes = loaded.as_ref().map(|loaded| loaded.snapshot().memory_bytes());
        *last = Some(Round { began, result: result.clone(), loaded });
        drop(last);
        self.cache().settle(key, &entry, held_bytes);
        result
    }

    /// The latest version as it is kept, if it is the wanted one: whoever pages through it asks by number.
    fn latest_of(&self, key: &Key) -> Option<Loaded> {
        let Wanted::Version(version) = key.wanted else { return None };
        let entry = self.cache().find(&Key { source: key.source.clone(), wanted: Wanted::Latest })?;
        let last = entry.last.try_lock().ok()?;
        let loaded = last.as_ref()?.loaded.clone()?;
        Some(loaded).filter(|loaded| loaded.snapshot().version == version)
    }

    async fn look(&self, key: &Key, previous: Option<&Loaded>) -> Result<Loaded, Error> {
        // A refresh is small; a replay waits for its turn.
        let _turn = match previous {
            Some(_) => None,
            None => Some(self.replays.acquire().await.map_err(|_| Error::BrokenOff)?),
        };
        match (&key.source, previous) {
            (TableSource::Delta { .. }, Some(Loaded::Delta(previous))) => {
                self.look_at_log(key, Some(previous)).await.map(Loaded::Delta)
            }
            (TableSource::Delta { .. }, _) => self.look_at_log(key, None).await.map(Loaded::Delta),
            (TableSource::Uniform { .. } | TableSource::Iceberg { .. }, _) => {
                self.look_at_metadata(key, previous).await
            }
        }
    }

    async fn look_at_log(&self, key: &Key, previous: Option<&delta::Loaded>) -> Result<delta::Loaded, Error> {
        let store = self.open(&key.source)?;
        let restored = match previous {
            Some(_) => None,
            None => self.restore(key).await,
        };
        let known = previous.or(restored.as_ref());
        let loaded = delta::load(&store, key.wanted, known).await?;
        if !known.is_some_and(|known| Arc::ptr_eq(known.snapshot(), loaded.snapshot())) {
            self.loads.count(if loaded.is_replayed() { LoadedFrom::Log } else { LoadedFrom::Refresh });
            self.keep(key, &loaded);
        }
        Ok(loaded)
    }

    /// Of Iceberg tables nothing is kept on disk: their manifests are as good.
    async fn look_at_metadata(&self, key: &Key, previous: Option<&Loaded>) -> Result<Loaded, Error> {
        let previous = previous.and_then(|loaded| match loaded {
            Loaded::Iceberg(told) => Some(told),
            Loaded::Delta(_) => None,
        });
        let told = self.iceberg.load(&key.source, key.wanted, previous).await?;
        if !previous.is_some_and(|previous| Arc::ptr_eq(&previous.snapshot, &told.snapshot)) {
            self.loads.count(if previous.is_none() { LoadedFrom::Log } else { LoadedFrom::Refresh });
        }
        Ok(Loaded::Iceberg(told))
    }

    /// The table as it is on disk, which may be behind its log.
    async fn restore(&self, key: &Key) -> Option<delta::Loaded> {
        let spill = self.spill.as_ref()?;
        let wanted = match key.wanted {
            Wanted::Latest => None,
            Wanted::Version(version) => Some(version),
        };
        let Kept { snapshot, tip } = spill.restore(&key.source, wanted).await?;
        match delta::Loaded::of_kept(snapshot, tip.key, tip.info) {
            Ok(loaded) => {
                self.loads.count(LoadedFrom::Disk);
                Some(loaded)
            }
            Err(error) => {
                tracing::warn!(%error, "a snapshot on disk is not served; the log is read instead");
                spill.forget(&key.source);
                None
            }
        }
    }

    /// Has the latest version of a table written to disk.
    fn keep(&self, key: &Key, loaded: &delta::Loaded) {
        if let (Some(spill), Wanted::Latest) = (&self.spill, key.wanted) {
            let (key_of_tip, info) = loaded.tip();
            let tip = Tip { key: key_of_tip.to_owned(), info: info.clone() };
            spill.keep(&key.source, &Kept { snapshot: Arc::clone(loaded.snapshot()), tip });
        }
    }
}
