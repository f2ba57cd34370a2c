//! The next versions of a table, from the one before.

use std::sync::Arc;

use super::column_mapping::partition_names;
use super::commit_reader::{Work, in_background, replay_commits};
use super::error::Error;
use super::log::{LogFile, commit_key};
use super::rebuild::Rebuilt;
use super::{features, partition};
use crate::limits::REFRESH_COMMITS_MAX;
use crate::storage::table_store::TableStore;
use crate::table::snapshot::{Snapshot, Version};

/// Whether the file that made the version is still there, and the same.
pub(super) async fn is_unchanged(store: &TableStore, tip: &LogFile) -> Result<bool, Error> {
    Ok(store.head(&tip.key).await?.is_some_and(|info| info == tip.info))
}

/// The latest version; the one before itself if there is no later commit. `None` if only a replay can tell.
///
/// Two questions to the store settle the common case: the commit is still the same, and the next one does not exist.
pub(super) async fn refresh(store: &TableStore, previous: &Rebuilt) -> Result<Option<Rebuilt>, Error> {
    let version = previous.snapshot.version;
    let (unchanged, next) =
        futures::future::try_join(is_unchanged(store, &previous.tip), find_commit(store, version + 1))
            .await?;
    if !unchanged {
        return Ok(None);
    }
    let Some(next) = next else { return Ok(Some(previous.clone())) };
    let mut version = version + 1;
    let mut commits = vec![(version, next)];
    while let Some(next) = find_commit(store, version + 1).await? {
        if commits.len() >= REFRESH_COMMITS_MAX {
            return Ok(None);
        }
        version += 1;
        commits.push((version, next));
    }
    Ok(apply(store, previous, commits).await.ok().flatten())
}

async fn find_commit(store: &TableStore, version: Version) -> Result<Option<LogFile>, Error> {
    let key = commit_key(version);
    Ok(store.head(&key).await?.map(|info| LogFile { key, info }))
}

/// Applies commits, oldest first. What goes wrong here is told better by a replay.
async fn apply(
    store: &TableStore,
    previous: &Rebuilt,
    mut commits: Vec<(Version, LogFile)>,
) -> Result<Option<Rebuilt>, Error> {
    commits.reverse();
    let Some((version, tip)) = commits.first().cloned() else { return Ok(None) };
    let work = replay_commits(store, commits, Work::new(store, version)).await?;
    let mut replayed = work.replay.finish()?;
    let before = Arc::clone(&previous.snapshot);
    let protocol = replayed.protocol.take().unwrap_or_else(|| before.protocol.clone());
    let metadata = replayed.metadata.take().unwrap_or_else(|| before.metadata.clone());
    let names = |metadata| partition_names(metadata).map_err(|source| Error::schema(version, source));
    let columns = names(&metadata)?;
    if columns != names(&before.metadata)? || features::check_mapping(&protocol, &metadata).is_err() {
        return Ok(None);
    }
    let commit_timestamp_ms = if features::has_in_commit_timestamp(&protocol, &metadata, version) {
        let read = replayed.in_commit_timestamp_ms;
        read.ok_or_else(|| Error::NoInCommitTimestamp { file: tip.key.clone() })?
    } else {
        tip.info.modified_ms
    };
    let snapshot = in_background(move || {
        let mut write = |tuple: &[u8], out: &mut Vec<u8>| partition::write_json(tuple, &columns, out);
        let files = before.files.successor(&replayed.settled, replayed.files, &mut write);
        features::check_deletion_vectors(&protocol, files.has_deletion_vectors())
            .map_err(|source| Error::Unserved { version, source })?;
        Ok(Snapshot { version, commit_timestamp_ms, protocol, metadata, files })
    });
    Ok(Some(Rebuilt { snapshot: Arc::new(snapshot.await?), tip }))
}
