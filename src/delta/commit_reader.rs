//! Brings commits, and JSON checkpoints, from the store into a replay.

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::action::Action;
use super::checkpoint_columns::Fault;
use super::commit::CommitParser;
use super::error::Error;
use super::log::LogFile;
use super::replay::Replay;
use crate::limits::{COMMIT_BYTES_MAX, COMMIT_PIECE_BYTES, COMMITS_FETCHED_AT_ONCE};
use crate::storage::table_store::TableStore;
use crate::table::snapshot::Version;

/// A replay and what parses for it.
pub(super) struct Work {
    pub(super) replay: Replay,
    parser: CommitParser,
}

impl Work {
    pub(super) fn new(store: &TableStore, version: Version) -> Box<Self> {
        Box::new(Self { replay: Replay::new(store, version), parser: CommitParser::default() })
    }

    fn apply(&mut self, commit: &SmallCommit) -> Result<(), Error> {
        self.parser.start(&commit.key);
        self.feed(&commit.bytes)?;
        self.finish(commit.version)
    }

    fn feed(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.parser.feed(piece, &mut |action| self.replay.act(action))
    }

    fn finish(&mut self, version: Version) -> Result<(), Error> {
        self.parser.finish(&mut |action| self.replay.act(action))?;
        self.replay.end_commit(version)
    }
}

/// Does `job` on a thread that may be busy for long.
///
/// # Errors
/// Those of `job`; [`Error::BrokenOff`] if it panicked or the runtime shuts down.
pub(super) async fn in_background<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(job).await.map_err(|_| Error::BrokenOff)?
}

/// Replays a checkpoint that is lines of JSON; its sidecars are still to be read.
///
/// # Errors
/// [`Error::CheckpointLine`] and [`Error::CheckpointContent`], or [`Error::Storage`].
pub(super) async fn replay_json_checkpoint(
    store: &TableStore,
    file: &LogFile,
    mut work: Box<Work>,
) -> Result<Box<Work>, Error> {
    if file.info.size_bytes > COMMIT_BYTES_MAX as u64 {
        return Err(Error::CheckpointContent { file: file.key.clone(), source: Fault::TooLarge });
    }
    work.parser.start(&file.key);
    let mut offset = 0;
    while offset < file.info.size_bytes {
        let piece = store.read_range(&file.key, &file.info, offset..offset + COMMIT_PIECE_BYTES).await?;
        offset += COMMIT_PIECE_BYTES;
        let is_last = offset >= file.info.size_bytes;
        work = in_background(move || {
            let Work { replay, parser } = &mut *work;
            let act = &mut |action: Action<'_>| replay.act_of_checkpoint(action);
            parser.feed(&piece, act).map_err(of_checkpoint)?;
            if is_last {
                parser.finish(act).map_err(of_checkpoint)?;
            }
            Ok(work)
        })
        .await?;
    }
    Ok(work)
}

fn of_checkpoint(error: Error) -> Error {
    if let Error::Line { file, line, source } = error {
        Error::CheckpointLine { file, line, source }
    } else {
        error
    }
}

struct SmallCommit {
    version: Version,
    key: String,
    bytes: Bytes,
}

enum Fetched {
    Small(SmallCommit),
    Large(Version, LogFile),
}

async fn fetch(store: &TableStore, version: Version, file: LogFile) -> Result<Fetched, Error> {
    let size_bytes = file.info.size_bytes;
    if size_bytes > COMMIT_BYTES_MAX as u64 {
        return Err(Error::CommitTooLarge { file: file.key, size_bytes });
    }
    if size_bytes > COMMIT_PIECE_BYTES {
        return Ok(Fetched::Large(version, file));
    }
    let (bytes, _) = store.read(&file.key, COMMIT_BYTES_MAX as u64).await?;
    Ok(Fetched::Small(SmallCommit { version, key: file.key, bytes }))
}

/// Replays `commits`, which come newest first. Small ones are fetched side by side, large ones piece by piece.
pub(super) async fn replay_commits(
    store: &TableStore,
    commits: Vec<(Version, LogFile)>,
    mut work: Box<Work>,
) -> Result<Box<Work>, Error> {
    let fetches = commits.into_iter().map(|(version, file)| fetch(store, version, file));
    let in_flight = stream::iter(fetches).buffered(COMMITS_FETCHED_AT_ONCE);
    let mut batches = std::pin::pin!(in_flight.ready_chunks(COMMITS_FETCHED_AT_ONCE));
    while let Some(batch) = batches.next().await {
        let mut small = Vec::new();
        for commit in batch {
            match commit? {
                Fetched::Small(commit) => small.push(commit),
                Fetched::Large(version, file) => {
                    work = replay_small(std::mem::take(&mut small), work).await?;
                    work = replay_large(store, version, &file, work).await?;
                }
            }
        }
        work = replay_small(small, work).await?;
    }
    Ok(work)
}

async fn replay_small(commits: Vec<SmallCommit>, mut work: Box<Work>) -> Result<Box<Work>, Error> {
    in_background(move || {
        commits.iter().try_for_each(|commit| work.apply(commit))?;
        Ok(work)
    })
    .await
}

async fn replay_large(
    store: &TableStore,
    version: Version,
    file: &LogFile,
    mut work: Box<Work>,
) -> Result<Box<Work>, Error> {
    work.parser.start(&file.key);
    let mut offset = 0;
    while offset < file.info.size_bytes {
        let piece = store.read_range(&file.key, &file.info, offset..offset + COMMIT_PIECE_BYTES).await?;
        offset += COMMIT_PIECE_BYTES;
        work = in_background(move || {
            work.feed(&piece)?;
            Ok(work)
        })
        .await?;
    }
    in_background(move || {
        work.finish(version)?;
        Ok(work)
    })
    .await
}
