//! Ranges of versions: what is asked, and whether it can be answered.

use super::access::Access;
use super::caller::Caller;
use super::capabilities::{Capabilities, Format};
use super::error::Error;
use super::feed::{FeedParts, Position};
use super::filter::FileFilter;
use super::format;
use super::metadata::{self, Extras};
use super::parameters::Parameters;
use super::query::Manner;
use super::query_request::{PageRequest, QueryRequest};
use super::range_state::{States, bare, states};
use super::render::LineWriter;
use super::reply::Reply;
use super::schema_text;
use super::timestamp;
use super::token::{self, Kind, Pinned};
use crate::delta::Wanted;
use crate::limits::{FILES_PAGE_MAX, RANGE_COMMITS_MAX};
use crate::snapshot::changes::Step;
use crate::snapshot::history::History;
use crate::table::change::Told;
use crate::table::snapshot::{Snapshot, Version};

/// A question about a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeRequest {
    told: Told,
    start: Edge,
    end: Option<Edge>,
    /// Whether the head tells of the first version, and later metadata is told where it stands.
    historical_metadata: bool,
    historical_protocol: bool,
    page: PageRequest,
    asked: Vec<(&'static str, String)>,
}

/// Where a range begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edge {
    Version(Version),
    Timestamp(String),
}

impl RangeRequest {
    /// A query with `startingVersion`.
    pub fn of_query(request: &QueryRequest, start: Version, end: Option<Version>) -> Self {
        Self {
            told: Told::Files,
            start: Edge::Version(start),
            end: end.map(Edge::Version),
            historical_metadata: true,
            historical_protocol: request.include_historical_protocol,
            page: request.page.clone(),
            asked: request.asked.clone(),
        }
    }

    /// The query string of `/changes` (Delta Sharing, "Read Change Data Feed from a Table").
    pub fn of_changes(parameters: &Parameters) -> Result<Self, Error> {
        let edge = |version: &'static str, timestamp: &'static str| match (
            parameters.version(version)?,
            parameters.get(timestamp),
        ) {
            (Some(_), Some(_)) => {
                Err(Error::parameter(timestamp, "a version and a timestamp exclude each other"))
            }
            (Some(version), None) => Ok(Some(Edge::Version(version))),
            (None, Some(text)) => {
                timestamp::parse(timestamp, text)?;
                Ok(Some(Edge::Timestamp(text.to_owned())))
            }
            (None, None) => Ok(None),
        };
        let start = edge("startingVersion", "startingTimestamp")?;
        let end = edge("endingVersion", "endingTimestamp")?;
        let start = start
            .ok_or_else(|| Error::parameter("startingVersion", "it or startingTimestamp has to be there"))?;
        if let (Edge::Version(start), Some(Edge::Version(end))) = (&start, &end)
            && end < start
        {
            return Err(Error::parameter("endingVersion", "it lies before startingVersion"));
        }
        let max_files = parameters.number("maxFiles")?;
        if max_files == Some(0) {
            return Err(Error::parameter("maxFiles", "it has to be at least 1"));
        }
        let names = [
            "startingVersion",
            "startingTimestamp",
            "endingVersion",
            "endingTimestamp",
            "includeHistoricalMetadata",
            "includeHistoricalProtocol",
        ];
        let token = parameters.get("pageToken").filter(|token| !token.is_empty());
        Ok(Self {
            told: Told::Feed,
            start,
            end,
            historical_metadata: parameters.boolean("includeHistoricalMetadata"),
            historical_protocol: parameters.boolean("includeHistoricalProtocol"),
            page: PageRequest { max_files, token: token.map(str::to_owned) },
            asked: names
                .into_iter()
                .filter_map(|name| Some((name, parameters.get(name)?.to_owned())))
                .collect(),
        })
    }
}

/// Answers with the changes of a range.
pub async fn answer(
    caller: Caller<'_>,
    manner: &Manner,
    request: &RangeRequest,
    access: &mut Access,
) -> Result<Reply, Error> {
    caller.check_history(Some(match request.told {
        Told::Files => "startingVersion",
        Told::Feed => "/changes",
    }))?;
    let parameters = manner.parameters(&request.asked);
    let latest = caller.load(Wanted::Latest).await?;
    let history = caller.history(&latest).await?;
    let (pinned, position) = pinned(&caller, request, &history, &parameters).await?;
    access.version = Some(pinned.start);
    let changes = caller.parts.loader.changes(caller.source(), &history)?;
    let surveyed = changes.survey(pinned.start..=pinned.end).await?;
    let states = states(&caller, &changes, &latest, (&pinned, &surveyed)).await?;
    let steps = surveyed.steps;
    let checked = Checked { caller: &caller, manner, request, steps: &steps };
    let format = checked.check(&states)?;
    let head = checked.head(&states, format)?;
    let is_negotiated = manner.capabilities.include_end_stream_action;
    let now_ms = caller.parts.clock.now_ms();
    let tokens = caller.tokens();
    let files_max = request.page.max_files.and_then(|count| usize::try_from(count).ok());
    let parts = FeedParts {
        changes,
        told: request.told,
        filter: caller.options().partition_filter.clone(),
        start_metadata: states.start.1,
        head,
        shows_change_feed: true,
        tells_metadata: request.historical_metadata,
        tells_protocol: request.historical_protocol && format == Format::Delta,
        lines: LineWriter::new(caller.signing(), format, manner.file_id_hash.unwrap_or(format), now_ms),
        clock: caller.parts.clock.clone(),
        position,
        files_max: request
            .page
            .is_asked()
            .then(|| files_max.map_or(FILES_PAGE_MAX, |count| count.min(FILES_PAGE_MAX))),
        has_end: is_negotiated || request.page.is_asked(),
        coding: caller.coding,
        next_token: {
            let sealer = tokens.sealer.clone();
            let (recipient, share, table, now_ms) =
                (tokens.recipient, tokens.share, tokens.table, tokens.now_ms);
            let pinned = pinned.clone();
            Box::new(move |position: Position| {
                let tokens = token::Tokens { sealer: &sealer, recipient, share, table, now_ms };
                let pinned = Pinned { rest: position.to_bytes(), ..pinned.clone() };
                tokens.seal(Kind::RangePage, &parameters, &pinned)
            })
        },
        steps,
    };
    let echo = Capabilities::echo(format, is_negotiated);
    let loader = caller.parts.loader.clone();
    let version = pinned.start;
    Ok(Reply::Changes { parts: Box::new(parts), loader, version, echo, file_id_hash: manner.file_id_hash })
}

/// The versions that are meant, and where in them to go on.
async fn pinned(
    caller: &Caller<'_>,
    request: &RangeRequest,
    history: &History,
    parameters: &token::Parameters,
) -> Result<(Pinned, Position), Error> {
    let (pinned, position) = if let Some(token) = &request.page.token {
        let pinned = caller.tokens().open(Kind::RangePage, parameters, token)?;
        let position = Position::from_bytes(&pinned.rest).ok_or(Error::Token { name: "pageToken" })?;
        (pinned, position)
    } else {
        let (start, end) = resolve(caller, request, history).await?;
        let latest = history.latest();
        (Pinned { start, end, latest, rest: Vec::new() }, Position { version: start, file: 0 })
    };
    caller.check_start(pinned.start)?;
    Ok((pinned, position))
}

async fn resolve(
    caller: &Caller<'_>,
    request: &RangeRequest,
    history: &History,
) -> Result<(Version, Version), Error> {
    let latest = history.latest();
    let start = match &request.start {
        Edge::Version(version) => *version,
        Edge::Timestamp(text) => {
            let name = "startingTimestamp";
            caller.at_or_after(history, name, timestamp::parse(name, text)?).await?
        }
    };
    let too_new = |wanted| {
        crate::snapshot::error::Error::from(crate::delta::error::Error::VersionTooNew { wanted, latest })
    };
    if start > latest {
        return Err(too_new(start).into());
    }
    let end = match &request.end {
        None => latest,
        // A feed may be asked up to a version that is still to come, a query may not.
        Some(Edge::Version(version)) if request.told == Told::Feed => (*version).min(latest),
        Some(Edge::Version(version)) if *version > latest => return Err(too_new(*version).into()),
        Some(Edge::Version(version)) => *version,
        Some(Edge::Timestamp(text)) => {
            let name = "endingTimestamp";
            match caller.at_or_before(history, name, timestamp::parse(name, text)?).await {
                Err(Error::TimestampAfter { .. }) => latest,
                found => found?,
            }
        }
    };
    if end < start {
        return Err(Error::EmptyRange { start, end });
    }
    if end - start >= RANGE_COMMITS_MAX {
        return Err(Error::RangeTooLong { count_max: RANGE_COMMITS_MAX });
    }
    Ok((start, end))
}

/// A range on its way to an answer.
struct Checked<'a> {
    caller: &'a Caller<'a>,
    manner: &'a Manner,
    request: &'a RangeRequest,
    steps: &'a [Step],
}

impl Checked<'_> {
    /// The one format in which the whole range can be told.
    ///
    /// # Errors
    /// What of the range is not shared, not recorded, or cannot be told.
    fn check(&self, states: &States) -> Result<Format, Error> {
        let mut versions = self.versions(states);
        for version in &versions {
            FileFilter::new(&self.caller.options().partition_filter, version.version, &version.metadata)?;
            if self.request.told == Told::Feed && !version.metadata.has_change_feed() {
                return Err(Error::ChangesNotRecorded { version: version.version });
            }
        }
        let is_partitioned = versions.iter().any(|version| !version.metadata.partition_columns.is_empty());
        let lacks_files = |step: &&Step| step.lacks_files(self.request.told, is_partitioned);
        if let Some(step) = self.steps.iter().find(lacks_files) {
            return Err(Error::BareRemove { version: step.version() });
        }
        let leads_elsewhere =
            |step: &&Step| step.outside().iter().any(|place| !self.caller.options().allows(place));
        if let Some(step) = self.steps.iter().find(leads_elsewhere) {
            return Err(Error::FilesElsewhere { version: step.version() });
        }
        if !self.request.historical_metadata {
            versions.push(bare(states.latest_version, &states.latest));
        }
        let with_vectors = self.steps.iter().find(|step| step.tells_deletion_vectors(self.request.told));
        let with_vectors = with_vectors.map(Step::version);
        let parquet = Capabilities { accepts_delta: false, ..self.manner.capabilities.clone() };
        let delta = Capabilities { accepts_parquet: false, ..self.manner.capabilities.clone() };
        let obstacle =
            self.manner.capabilities.accepts_parquet.then(|| in_parquet(&parquet, &versions, with_vectors));
        match obstacle {
            Some(Ok(())) => Ok(Format::Parquet),
            Some(Err(error)) if !self.manner.capabilities.accepts_delta => Err(error),
            _ => {
                versions.iter().try_for_each(|version| format::choose(&delta, version).map(drop))?;
                let knows_vectors = delta.reader_features.iter().any(|feature| feature == "deletionvectors");
                if let Some(version) = with_vectors.filter(|_| !knows_vectors) {
                    return Err(Error::MissingFeatures { version, missing: "deletionVectors".to_owned() });
                }
                Ok(Format::Delta)
            }
        }
    }

    /// One snapshot without files for the start and each later change of protocol or metadata.
    fn versions(&self, states: &States) -> Vec<Snapshot> {
        let start = self.steps.first().map_or(states.latest_version, Step::version);
        let mut state = states.start.clone();
        let mut versions = vec![bare(start, &state)];
        for step in self.steps.iter().skip(1) {
            if step.protocol().is_none() && step.metadata().is_none() {
                continue;
            }
            state.0 = step.protocol().cloned().unwrap_or(state.0);
            state.1 = step.metadata().cloned().unwrap_or(state.1);
            versions.push(bare(step.version(), &state));
        }
        versions
    }

    fn head(&self, states: &States, format: Format) -> Result<Vec<u8>, Error> {
        let start = self.steps.first().map_or(states.latest_version, Step::version);
        let (version, state) = if self.request.historical_metadata {
            (start, &states.start)
        } else {
            (states.latest_version, &states.latest)
        };
        let extras = Extras { version: Some(version), shows_change_feed: true, ..Extras::default() };
        let choice = format::choice_of(format, &state.1, version)?;
        let mut lines = Vec::new();
        if format == Format::Delta && self.request.historical_protocol {
            metadata::push_protocol_line(&state.0, Some(version), &mut lines);
            metadata::push_metadata_line(&state.1, choice, &extras, &mut lines);
        } else {
            metadata::push_head(&bare(version, state), choice, &extras, &mut lines);
        }
        Ok(lines)
    }
}

/// Whether parquet can express all versions, and the step from each to the next.
fn in_parquet(
    capabilities: &Capabilities,
    versions: &[Snapshot],
    with_vectors: Option<Version>,
) -> Result<(), Error> {
    if let Some(version) = with_vectors {
        let obstacle = "has files of which rows are deleted (deletionVectors)".to_owned();
        return Err(Error::NeedsDelta { version, obstacle });
    }
    for version in versions {
        format::choose(capabilities, version)?;
    }
    for (before, after) in versions.iter().zip(versions.iter().skip(1)) {
        let (before, after) =
            (&before.metadata.schema_string, (after.version, &after.metadata.schema_string));
        if let Some(obstacle) = schema_text::lost_column(before, after.1) {
            return Err(Error::NeedsDelta { version: after.0, obstacle });
        }
    }
    Ok(())
}
