//! Loads a version once, however many ask for it.
//!
//! Every load looks at the table: nobody is told of a version older than the newest at the time of asking. Who asks
//! while another's look is under way waits for the next one, which serves all who wait by then. So a thousand
//! askers cost two looks, and a look at an unchanged table is two questions to its store.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::cache::{Cache, Key, Round};
use super::error::Error;
use crate::delta::history::History;
use crate::delta::{self, Loaded, Wanted};
use crate::limits::{LOGS_READ_AT_ONCE, REPLAYS_AT_ONCE};
use crate::state::record::TableSource;
use crate::storage::Buckets;
use crate::storage::table_store::TableStore;
use crate::table::snapshot::Snapshot;

/// Loads table versions and keeps them; cheap to clone, one for all cores.
#[derive(Debug, Clone)]
pub struct Loader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    buckets: Buckets,
    control: Handle,
    cache: Mutex<Cache>,
    replays: Semaphore,
    logs: Semaphore,
}

impl Loader {
    /// A loader that works on the runtime `control` and keeps up to `cache_bytes` of snapshots.
    pub fn new(buckets: Buckets, control: Handle, cache_bytes: usize) -> Self {
        let cache = Mutex::new(Cache::new(cache_bytes));
        let replays = Semaphore::new(REPLAYS_AT_ONCE);
        let logs = Semaphore::new(LOGS_READ_AT_ONCE);
        Self { shared: Arc::new(Shared { buckets, control, cache, replays, logs }) }
    }

    /// The wanted version of a table, as it is now. Any thread may await it; all work is done on the control plane,
    /// and goes on if the caller goes away.
    ///
    /// # Errors
    /// See [`Error`]. Failures are not kept: the next caller looks again.
    pub async fn load(&self, source: &TableSource, wanted: Wanted) -> Result<Arc<Snapshot>, Error> {
        let shared = Arc::clone(&self.shared);
        let key = Key { source: source.clone(), wanted };
        let task = self.shared.control.spawn(async move { shared.load(&key).await });
        match task.await {
            Ok(loaded) => loaded.map(|loaded| Arc::clone(loaded.snapshot())),
            Err(_) => Err(Error::BrokenOff),
        }
    }
}

impl Loader {
    /// The versions of a table up to `latest`, and their times. Lists the log.
    pub async fn history(&self, source: &TableSource, latest: Arc<Snapshot>) -> Result<Arc<History>, Error> {
        let (loader, source) = (self.clone(), source.clone());
        let open = async move { Ok(Arc::new(History::open(&loader.open(&source)?, &latest).await?)) };
        self.run(open).await
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

    /// The objects of a table.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(&self, source: &TableSource) -> Result<TableStore, Error> {
        let TableSource::Delta { bucket, location } = source;
        Ok(self.shared.buckets.open(bucket, location)?)
    }
}

impl Shared {
    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
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
        let TableSource::Delta { bucket, location } = &key.source;
        let store = self.buckets.open(bucket, location)?;
        // A refresh is small; a replay waits for its turn.
        let _turn = match previous {
            Some(_) => None,
            None => Some(self.replays.acquire().await.map_err(|_| Error::BrokenOff)?),
        };
        Ok(delta::load(&store, key.wanted, previous).await?)
    }
}
