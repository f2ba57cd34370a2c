//! Which versions a log still has, and when they were committed.

use std::collections::BTreeMap;

use super::error::{Error, LineFault};
use super::features;
use super::log::{Log, LogFile};
use crate::limits::{COMMIT_LINE_BYTES_MAX, FIRST_LINE_BYTES};
use crate::storage::table_store::TableStore;
use crate::table::snapshot::{Snapshot, Version};

/// The property that names the version from which commits carry their own time.
const ENABLEMENT_VERSION: &str = "delta.inCommitTimestampEnablementVersion";

/// The versions of a table up to one that is known, with their times.
///
/// A commit's time is the in-commit timestamp from the version on that enabled it. Before, it is the time of the
/// file, moved forward where it does not lie after the time of the version before ("In-Commit Timestamps").
#[derive(Debug)]
pub struct History {
    store: TableStore,
    /// Without a gap up to `latest`.
    commits: BTreeMap<Version, LogFile>,
    /// By the times of the files, strictly ascending.
    file_times_ms: BTreeMap<Version, i64>,
    first: Version,
    latest: Version,
    in_commit_from: Option<Version>,
}

/// A version and its time in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub version: Version,
    pub timestamp_ms: i64,
}

impl History {
    /// Lists the log; reads no file of it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn open(store: &TableStore, latest: &Snapshot) -> Result<Self, Error> {
        let log = Log::list(store, 0).await?;
        let mut file_times_ms = BTreeMap::new();
        let mut before = i64::MIN;
        for (version, file) in log.commits() {
            before = file.info.modified_ms.max(before.saturating_add(1));
            file_times_ms.insert(version, before);
        }
        let mut commits = BTreeMap::new();
        let known = log.commits().rev().skip_while(|&(version, _)| version > latest.version);
        for (expected, (version, file)) in (0..=latest.version).rev().zip(known) {
            if version != expected {
                break;
            }
            commits.insert(version, file.clone());
        }
        let oldest_commit = commits.keys().next().copied().unwrap_or(latest.version);
        let first = match oldest_commit {
            0 => 0,
            // A checkpoint right before the oldest commit is as good as a commit.
            oldest => log.oldest_checkpoint_from(oldest - 1).map_or(latest.version, |base| base.max(oldest)),
        };
        Ok(Self {
            store: store.clone(),
            commits,
            file_times_ms,
            first,
            latest: latest.version,
            in_commit_from: in_commit_from(latest),
        })
    }

    /// The oldest version that can be rebuilt and whose commit is still there.
    pub fn first(&self) -> Version {
        self.first
    }

    pub fn latest(&self) -> Version {
        self.latest
    }

    /// The oldest version from which on no commit is missing.
    pub fn first_commit(&self) -> Version {
        self.commits.keys().next().copied().unwrap_or(self.latest)
    }

    pub(super) fn commit(&self, version: Version) -> Option<&LogFile> {
        self.commits.get(&version)
    }

    /// The time of a commit that carries none of its own.
    pub(super) fn file_time_ms(&self, version: Version) -> Option<i64> {
        self.file_times_ms.get(&version).copied()
    }

    pub(super) fn has_own_time(&self, version: Version) -> bool {
        self.in_commit_from.is_some_and(|from| version >= from)
    }

    /// When `version` was committed.
    ///
    /// # Errors
    /// Those of the store; [`Error::VersionGone`] if its commit is not there, [`Error::NoInCommitTimestamp`].
    pub async fn time_of(&self, version: Version) -> Result<i64, Error> {
        let gone = || Error::VersionGone { wanted: version, oldest: self.first, latest: self.latest };
        let file = self.commit(version).ok_or_else(gone)?;
        if self.has_own_time(version) {
            in_commit_timestamp(&self.store, file).await
        } else {
            self.file_time_ms(version).ok_or_else(gone)
        }
    }

    /// The latest version that was committed at `timestamp_ms` or before; `None` before the first.
    pub async fn at_or_before(&self, timestamp_ms: i64) -> Result<Option<Version>, Error> {
        let after = self.first_after(timestamp_ms).await?;
        Ok(Some(after - 1).filter(|&version| version >= self.first))
    }

    /// The first version that was committed at `timestamp_ms` or after; `None` after the latest.
    pub async fn at_or_after(&self, timestamp_ms: i64) -> Result<Option<Version>, Error> {
        let Some(before) = timestamp_ms.checked_sub(1) else { return Ok(Some(self.first)) };
        let version = self.first_after(before).await?;
        Ok(Some(version).filter(|&version| version <= self.latest))
    }

    /// The oldest available version and its time.
    pub async fn oldest_moment(&self) -> Result<Moment, Error> {
        Ok(Moment { version: self.first, timestamp_ms: self.time_of(self.first).await? })
    }

    pub async fn latest_moment(&self) -> Result<Moment, Error> {
        Ok(Moment { version: self.latest, timestamp_ms: self.time_of(self.latest).await? })
    }

    /// The first version after a time, one more than the latest if there is none.
    ///
    /// The commit that enabled in-commit timestamps splits the search: the times of files before it may lie after it,
    /// where a table was copied.
    async fn first_after(&self, timestamp_ms: i64) -> Result<Version, Error> {
        let end = self.latest + 1;
        let split = self.in_commit_from.map_or(end, |from| from.clamp(self.first, end));
        if split < end && self.time_of(split).await? <= timestamp_ms {
            return self.search(split + 1, end, timestamp_ms).await;
        }
        self.search(self.first, split, timestamp_ms).await
    }

    /// The first of the versions from `low` that lies after a time; `high` if none before it does.
    async fn search(&self, mut low: Version, mut high: Version, timestamp_ms: i64) -> Result<Version, Error> {
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time_of(middle).await? > timestamp_ms {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }
}

fn in_commit_from(latest: &Snapshot) -> Option<Version> {
    let is_enabled = features::has_in_commit_timestamp(&latest.protocol, &latest.metadata, latest.version);
    let version = latest.metadata.configuration.get(ENABLEMENT_VERSION);
    is_enabled.then(|| version.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// The time in `commitInfo`, which is the first action of such a commit.
async fn in_commit_timestamp(store: &TableStore, file: &LogFile) -> Result<i64, Error> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        commit_info: Option<CommitInfo>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CommitInfo {
        in_commit_timestamp: Option<i64>,
    }
    let fault = |source| Error::Line { file: file.key.clone(), line: 1, source };
    let mut bytes = FIRST_LINE_BYTES;
    loop {
        let start = store.read_range(&file.key, &file.info, 0..bytes).await?;
        let end = memchr::memchr(b'\n', &start);
        if end.is_none() && bytes < file.info.size_bytes {
            if bytes > COMMIT_LINE_BYTES_MAX as u64 {
                return Err(fault(LineFault::TooLong));
            }
            bytes *= 8;
            continue;
        }
        let line = start.get(..end.unwrap_or(start.len())).unwrap_or_default();
        let line: Line =
            serde_json::from_slice(line).map_err(|error| fault(LineFault::NotJson(error.to_string())))?;
        let timestamp_ms = line.commit_info.and_then(|info| info.in_commit_timestamp);
        return timestamp_ms.ok_or_else(|| Error::NoInCommitTimestamp { file: file.key.clone() });
    }
}
