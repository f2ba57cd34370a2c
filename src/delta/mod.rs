//! Delta logs: from files in `_delta_log` to a snapshot.

mod action;
mod change_line;
pub mod changes;
mod checkpoint;
mod checkpoint_adds;
pub mod checkpoint_columns;
mod checkpoint_parsed;
mod checkpoint_replay;
mod checkpoint_rows;
mod checkpoint_source;
mod checkpoint_units;
pub mod column_mapping;
mod commit;
mod commit_line;
mod commit_reader;
mod commit_reduce;
mod commit_scan;
pub mod deletion_vector;
pub mod error;
pub mod features;
mod fields;
mod hint;
pub mod history;
mod live_files;
mod log;
pub mod partition;
pub mod path;
mod rebuild;
mod refresh;
mod replay;
mod stats;

use std::sync::Arc;

use error::Error;
use log::{Log, LogFile};
use rebuild::Rebuilt;

use crate::storage::glimpse::Glimpse;
use crate::storage::table_store::{ObjectInfo, TableStore};
use crate::table::snapshot::{Snapshot, Version};

/// Which version of a table is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wanted {
    Latest,
    Version(Version),
}

/// A version of a table together with what tells whether it is still the one asked for. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Loaded {
    rebuilt: Rebuilt,
    is_replayed: bool,
}

impl Loaded {
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.rebuilt.snapshot
    }

    /// The key and the facts of the object that made the version.
    pub fn tip(&self) -> (&str, &ObjectInfo) {
        (&self.rebuilt.tip.key, &self.rebuilt.tip.info)
    }

    /// Whether the last load read the log from its checkpoint on.
    pub fn is_replayed(&self) -> bool {
        self.is_replayed
    }

    /// What an earlier process loaded, to load from. Nothing is asked of the store.
    ///
    /// # Errors
    /// [`Error::Unserved`], if that process served what this one does not.
    pub fn of_kept(snapshot: Arc<Snapshot>, key: String, info: ObjectInfo) -> Result<Self, Error> {
        features::check_table(&snapshot)
            .map_err(|source| Error::Unserved { version: snapshot.version, source })?;
        let rebuilt = Rebuilt { snapshot, tip: LogFile { key, info } };
        Ok(Self { rebuilt, is_replayed: false })
    }

    /// Whether this is still what `wanted` means, as far as `look` shows it: the same two questions as those of
    /// [`load`], by key. `false` also where a look is not enough.
    pub fn is_current(&self, wanted: Wanted, look: impl Fn(&str) -> Glimpse) -> bool {
        let Rebuilt { snapshot, tip } = &self.rebuilt;
        let is_tip = matches!(look(&tip.key), Glimpse::There(info) if info == tip.info);
        is_tip
            && match wanted {
                Wanted::Latest => look(&log::commit_key(snapshot.version + 1)) == Glimpse::Absent,
                Wanted::Version(version) => version == snapshot.version,
            }
    }
}

/// Loads a version. With the answer of an earlier load, of the same table and the same `wanted`, it costs two
/// questions to the store if nothing happened since, and reads only the new commits otherwise.
///
/// Must run on a tokio runtime; long work goes to its blocking threads.
///
/// # Errors
/// See [`Error`]. A log that changes while it is read is listed once more before that is an error.
pub async fn load(store: &TableStore, wanted: Wanted, previous: Option<&Loaded>) -> Result<Loaded, Error> {
    if let Some(previous) = previous
        && let Some(rebuilt) = from_previous(store, wanted, &previous.rebuilt).await?
    {
        return Ok(Loaded { rebuilt, is_replayed: false });
    }
    let mut result = from_log(store, wanted).await;
    if result.as_ref().is_err_and(Error::is_of_change) {
        result = from_log(store, wanted).await;
    }
    match result {
        Ok(rebuilt) => Ok(Loaded { rebuilt, is_replayed: true }),
        Err(Error::Storage { source }) if (Error::Storage { source: source.clone() }).is_of_change() => {
            Err(Error::LogChanged { source })
        }
        Err(error) => Err(error),
    }
}

async fn from_previous(
    store: &TableStore,
    wanted: Wanted,
    previous: &Rebuilt,
) -> Result<Option<Rebuilt>, Error> {
    match wanted {
        Wanted::Latest => refresh::refresh(store, previous).await,
        Wanted::Version(version) => {
            let same =
                version == previous.snapshot.version && refresh::is_unchanged(store, &previous.tip).await?;
            Ok(same.then(|| previous.clone()))
        }
    }
}

async fn from_log(store: &TableStore, wanted: Wanted) -> Result<Rebuilt, Error> {
    let hint = hint::last_checkpoint(store).await;
    if let Some(first) = hint.filter(|&first| !matches!(wanted, Wanted::Version(version) if version < first))
    {
        let log = Log::list(store, first).await?;
        if log.has_checkpoint_from(first) {
            match rebuild_wanted(store, &log, wanted).await {
                // Older files, which were not listed, may help.
                Err(error) if error.is_of_checkpoint() => {}
                Err(Error::MissingCommit { .. } | Error::VersionGone { .. }) => {}
                result => return result,
            }
        }
    }
    let log = Log::list(store, 0).await?;
    rebuild_wanted(store, &log, wanted).await
}

async fn rebuild_wanted(store: &TableStore, log: &Log, wanted: Wanted) -> Result<Rebuilt, Error> {
    let Some(latest) = log.latest() else { return Err(Error::NotATable { table: store.name().to_owned() }) };
    let version = match wanted {
        Wanted::Latest => latest,
        Wanted::Version(version) if version > latest => {
            return Err(Error::VersionTooNew { wanted: version, latest });
        }
        Wanted::Version(version) => version,
    };
    let oldest = log.oldest().unwrap_or(0);
    if version < oldest {
        return Err(Error::VersionGone { wanted: version, oldest, latest });
    }
    rebuild::rebuild(store, log, version).await
}
