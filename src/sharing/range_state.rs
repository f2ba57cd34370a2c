//! Protocol and metadata at the ends of a range.

use std::sync::Arc;

use super::caller::Caller;
use super::error::Error;
use super::token::Pinned;
use crate::delta::Wanted;
use crate::delta::changes::{self, Commit};
use crate::delta::history::History;
use crate::limits::RANGE_HEAD_COMMITS_MAX;
use crate::table::file_list::FileList;
use crate::table::snapshot::{Metadata, Protocol, Snapshot, Version};

/// What the commits of a range are known to hold before their files are told.
pub async fn survey(
    caller: &Caller<'_>,
    history: &Arc<History>,
    start: Version,
    end: Version,
) -> Result<Vec<Commit>, Error> {
    let loader = &caller.parts.loader;
    let (store, history) = (loader.open(caller.source())?, Arc::clone(history));
    Ok(loader.run(async move { Ok(changes::survey(&store, &history, start..=end).await?) }).await?)
}

/// What a version demands of readers, and what it says of itself.
pub type State = (Protocol, Metadata);

/// The states that the head of an answer may tell.
pub struct States {
    pub start: State,
    pub latest: State,
    pub latest_version: Version,
}

/// Finds the state at the start without a replay where nothing changed it since: the next versions of a stream are asked for
/// every few seconds.
pub async fn states(
    caller: &Caller<'_>,
    history: &Arc<History>,
    latest: &Arc<Snapshot>,
    (pinned, commits): (&Pinned, &[Commit]),
) -> Result<States, Error> {
    let state_of = |snapshot: &Snapshot| (snapshot.protocol.clone(), snapshot.metadata.clone());
    let pinned_latest = if pinned.latest == latest.version {
        state_of(latest)
    } else {
        state_of(&*caller.load(Wanted::Version(pinned.latest)).await?)
    };
    let start = match commits.first() {
        Some(Commit { protocol: Some(protocol), metadata: Some(metadata), .. }) => {
            (protocol.clone(), metadata.clone())
        }
        _ if is_same_since(caller, history, pinned, commits).await? => pinned_latest.clone(),
        _ => state_of(&*caller.load(Wanted::Version(pinned.start)).await?),
    };
    Ok(States { start, latest: pinned_latest, latest_version: pinned.latest })
}

/// Whether protocol and metadata of the first version are still those of the latest.
async fn is_same_since(
    caller: &Caller<'_>,
    history: &Arc<History>,
    pinned: &Pinned,
    commits: &[Commit],
) -> Result<bool, Error> {
    let changes_state = |commit: &Commit| commit.protocol.is_some() || commit.metadata.is_some();
    if commits.iter().skip(1).any(changes_state) || pinned.latest - pinned.end > RANGE_HEAD_COMMITS_MAX {
        return Ok(false);
    }
    let later = survey(caller, history, pinned.end + 1, pinned.latest).await?;
    Ok(!later.iter().any(changes_state))
}

/// A version without its files.
pub fn bare(version: Version, (protocol, metadata): &State) -> Snapshot {
    Snapshot {
        version,
        commit_timestamp_ms: 0,
        protocol: protocol.clone(),
        metadata: metadata.clone(),
        files: FileList::default(),
    }
}
