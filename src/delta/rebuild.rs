//! Rebuilds a version from a checkpoint and the commits after it.

use std::sync::Arc;

use super::checkpoint_replay::replay_checkpoint;
use super::commit_reader::{Work, in_background, replay_commits};
use super::error::Error;
use super::features;
use super::log::{Log, LogFile, Segment};
use super::replay::Replayed;
use crate::storage::table_store::TableStore;
use crate::table::snapshot::{Metadata, Protocol, Snapshot, Version};

/// A version as it was read, with the file that made it.
#[derive(Debug, Clone)]
pub(super) struct Rebuilt {
    pub(super) snapshot: Arc<Snapshot>,
    /// The commit of the version, or its checkpoint where the commit has been cleaned up.
    pub(super) tip: LogFile,
}

/// Rebuilds `version` from what the listing shows; it is neither later than the latest nor older than the oldest.
///
/// A checkpoint that cannot be read is passed over for an older one, and at last for the commits alone.
pub(super) async fn rebuild(store: &TableStore, log: &Log, version: Version) -> Result<Rebuilt, Error> {
    let mut unreadable = None;
    for segment in log.segments(version) {
        match rebuild_from(store, log, &segment, version).await {
            Err(error) if error.is_of_checkpoint() => {
                tracing::warn!(table = store.name(), version, %error, "a checkpoint is passed over");
                unreadable.get_or_insert(error);
            }
            result => return result,
        }
    }
    let missing =
        || Error::MissingCommit { wanted: version, missing: log.missing_commit(version).unwrap_or(version) };
    Err(unreadable.unwrap_or_else(missing))
}

async fn rebuild_from(
    store: &TableStore,
    log: &Log,
    segment: &Segment<'_>,
    version: Version,
) -> Result<Rebuilt, Error> {
    let commits = segment.commits.iter().map(|&(version, file)| (version, file.clone())).collect();
    let mut work = replay_commits(store, commits, Work::new(store, version)).await?;
    if let Some((_, checkpoint)) = segment.checkpoint {
        work = replay_checkpoint(store, checkpoint, work).await?;
    }
    let mut replayed = work.replay.finish()?;
    let protocol = replayed.protocol.take().ok_or(Error::MissingProtocol { version })?;
    let metadata = replayed.metadata.take().ok_or(Error::MissingMetadata { version })?;
    let in_checkpoint = segment.checkpoint.and_then(|(_, checkpoint)| checkpoint.files().first());
    let Some(tip) = log.commit(version).or(in_checkpoint).cloned() else {
        return Err(Error::MissingCommit { wanted: version, missing: version });
    };
    let commit_timestamp_ms = if features::has_in_commit_timestamp(&protocol, &metadata, version) {
        in_commit_timestamp(store, version, &tip, replayed.in_commit_timestamp_ms).await?
    } else {
        tip.info.modified_ms
    };
    let head = Head { version, commit_timestamp_ms, protocol, metadata };
    let snapshot = in_background(move || head.with_files(replayed)).await?;
    Ok(Rebuilt { snapshot: Arc::new(snapshot), tip })
}

/// All of a snapshot but its files.
struct Head {
    version: Version,
    commit_timestamp_ms: i64,
    protocol: Protocol,
    metadata: Metadata,
}

impl Head {
    fn with_files(self, replayed: Replayed) -> Result<Snapshot, Error> {
        let files = replayed.into_file_list(self.version, &self.metadata)?;
        features::check_deletion_vectors(&self.protocol, files.has_deletion_vectors())
            .map_err(|source| Error::Unserved { version: self.version, source })?;
        Ok(Snapshot {
            version: self.version,
            commit_timestamp_ms: self.commit_timestamp_ms,
            protocol: self.protocol,
            files,
            metadata: self.metadata,
        })
    }
}

/// The time that the commit of `version` carries; the file's time only where the commit has been cleaned up.
async fn in_commit_timestamp(
    store: &TableStore,
    version: Version,
    tip: &LogFile,
    replayed: Option<i64>,
) -> Result<i64, Error> {
    if let Some(timestamp_ms) = replayed {
        return Ok(timestamp_ms);
    }
    if tip.key != super::log::commit_key(version) {
        return Ok(tip.info.modified_ms);
    }
    // A checkpoint stood for the commit, so it has not been read yet.
    let work = replay_commits(store, vec![(version, tip.clone())], Work::new(store, version)).await?;
    let read = work.replay.finish()?.in_commit_timestamp_ms;
    read.ok_or_else(|| Error::NoInCommitTimestamp { file: tip.key.clone() })
}
