//! Protocol and metadata at the ends of a range.

use std::sync::Arc;

use super::caller::Caller;
use super::error::Error;
use super::token::Pinned;
use crate::delta::Wanted;
use crate::limits::RANGE_HEAD_COMMITS_MAX;
use crate::snapshot::changes::{Changes, Step, Surveyed};
use crate::table::file_list::FileList;
use crate::table::snapshot::{Metadata, Protocol, Snapshot, Version};

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
    changes: &Changes,
    latest: &Arc<Snapshot>,
    (pinned, surveyed): (&Pinned, &Surveyed),
) -> Result<States, Error> {
    let state_of = |snapshot: &Snapshot| (snapshot.protocol.clone(), snapshot.metadata.clone());
    let mut pinned_latest = if pinned.latest == latest.version {
        state_of(latest)
    } else {
        state_of(&*caller.load(Wanted::Version(pinned.latest)).await?)
    };
    if let Some(demands) = &surveyed.demands {
        pinned_latest.0.demand(demands);
    }
    let first = surveyed.steps.first();
    let protocol = first.and_then(Step::protocol).or(surveyed.demands.as_ref());
    let start = match protocol.zip(first.and_then(Step::metadata)) {
        Some((protocol, metadata)) => (protocol.clone(), metadata.clone()),
        None if is_same_since(changes, pinned, &surveyed.steps).await? => pinned_latest.clone(),
        None => state_of(&*caller.load(Wanted::Version(pinned.start)).await?),
    };
    Ok(States { start, latest: pinned_latest, latest_version: pinned.latest })
}

/// Whether protocol and metadata of the first version are still those of the latest.
async fn is_same_since(changes: &Changes, pinned: &Pinned, steps: &[Step]) -> Result<bool, Error> {
    let changes_state = |step: &Step| step.protocol().is_some() || step.metadata().is_some();
    if steps.iter().skip(1).any(changes_state) || pinned.latest - pinned.end > RANGE_HEAD_COMMITS_MAX {
        return Ok(false);
    }
    let later = changes.survey(pinned.end + 1..=pinned.latest).await?;
    Ok(!later.steps.iter().any(changes_state))
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
