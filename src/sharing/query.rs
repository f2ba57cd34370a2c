//! The files of one version, whole or page by page.

use std::sync::Arc;

use http::HeaderMap;

use super::access::Access;
use super::caller::Caller;
use super::capabilities::{self, Capabilities, Format};
use super::error::Error;
use super::format::{self, Choice};
use super::listing::ListingParts;
use super::metadata::{self, Extras};
use super::query_request::{QueryRequest, Target};
use super::render::{EndTokens, LineWriter};
use super::reply::Reply;
use super::token::{Kind, Parameters, Pinned};
use crate::delta::Wanted;
use crate::iceberg::snapshot::Totals;
use crate::limits::FILES_PAGE_MAX;
use crate::skip::predicate::Predicate;
use crate::skip::pruner::Pruner;
use crate::snapshot::loader::Part as Loaded;
use crate::table::file_list::FileList;
use crate::table::page::PagePosition;
use crate::table::snapshot::Version;

/// What the headers of a request say about its answer.
pub struct Manner {
    pub capabilities: Capabilities,
    pub file_id_hash: Option<Format>,
}

impl Manner {
    pub fn parse(headers: &HeaderMap) -> Result<Self, Error> {
        Ok(Self {
            capabilities: Capabilities::parse(headers)?,
            file_id_hash: capabilities::file_id_hash(headers)?,
        })
    }

    /// What tokens of this request are bound to: what it asks, and the form of the answer.
    pub fn parameters(&self, asked: &[(&'static str, String)]) -> Parameters {
        let formats = match (self.capabilities.accepts_parquet, self.capabilities.accepts_delta) {
            (true, true) => "both",
            (_, true) => "delta",
            (_, false) => "parquet",
        };
        let fields = asked.iter().map(|(name, value)| (*name, Some(value.as_str())));
        let hash = self.file_id_hash.map(Format::as_str);
        Parameters::of(fields.chain([("responseformat", Some(formats)), ("fileidhash", hash)]))
    }
}

/// The format of an answer about one version, and its first two lines.
pub fn head(caller: &Caller<'_>, manner: &Manner, part: &Loaded) -> Result<(Format, Vec<u8>), Error> {
    let choice = format::choose(&manner.capabilities, &part.snapshot)?;
    let files = caller.files(&part.snapshot)?;
    Ok(head_of(caller, choice, part, &files))
}

/// `files` are those of the part that are shared.
fn head_of(caller: &Caller<'_>, choice: Choice, part: &Loaded, files: &FileList) -> (Format, Vec<u8>) {
    let snapshot = &*part.snapshot;
    let totals = Totals { size_bytes: files.size_bytes(), file_count: files.file_count() };
    let totals = part.totals.unwrap_or(totals);
    let format = choice.format();
    let mut lines = Vec::with_capacity(2 * snapshot.metadata.schema_string.len() + 1024);
    let directory = caller.directory();
    let extras = Extras {
        version: None,
        totals: Some((totals.size_bytes, totals.file_count)),
        shows_change_feed: caller.options().history,
        directory: directory.as_deref(),
    };
    metadata::push_head(snapshot, choice, &extras, &mut lines);
    (format, lines)
}

/// Answers a query for one version.
pub async fn answer(
    caller: Caller<'_>,
    manner: &Manner,
    request: &QueryRequest,
    access: &mut Access,
) -> Result<Reply, Error> {
    caller.check_history(request.target.parameter())?;
    let parameters = manner.parameters(&request.asked);
    let (wanted, after) = wanted(&caller, request, &parameters).await?;
    let loaded = caller.load_part(wanted, Some(&request.hints)).await?;
    let snapshot = &loaded.snapshot;
    access.version = Some(snapshot.version);
    let choice = format::choose(&manner.capabilities, snapshot)?;
    let files = caller.files(snapshot)?;
    let (format, head) = head_of(&caller, choice, &loaded, &files);
    let predicate = Predicate::compile(&request.hints, &snapshot.metadata);
    access.conditions(&predicate);
    let part = cut(&caller, request, files, after).await?;
    let version = snapshot.version;
    if part.end.is_some() && wanted == Wanted::Latest && loaded.totals.is_none() {
        // Kept under its number, it need not be rebuilt for the next page when the table has gone on.
        caller.load(Wanted::Version(version)).await?;
    }
    let tokens = EndTokens {
        refresh: wants_refresh_token(request).then(|| {
            caller.tokens().seal(Kind::Refresh, &parameters, &Pinned::snapshot(version, Vec::new()))
        }),
        next_page: part.end.map(|end| {
            let pinned = Pinned::snapshot(version, end.to_bytes().to_vec());
            caller.tokens().seal(Kind::Page, &parameters, &pinned)
        }),
    };
    let is_negotiated = manner.capabilities.include_end_stream_action;
    let has_end = is_negotiated || request.page.is_asked() || wants_refresh_token(request);
    let now_ms = caller.parts.clock.now_ms();
    let parts = ListingParts {
        version,
        files: part.files,
        head,
        lines: LineWriter::new(caller.signing(), format, manner.file_id_hash.unwrap_or(format), now_ms),
        pruner: Pruner::new(predicate),
        row_limit: part.row_limit,
        end: has_end.then_some(tokens),
        coding: caller.coding,
        finished: Arc::clone(&caller.parts.finished),
        clock: caller.parts.clock.clone(),
    };
    let echo = Capabilities::echo(format, is_negotiated);
    Ok(Reply::Files { parts: Box::new(parts), echo, file_id_hash: manner.file_id_hash })
}

/// Also who redeems a token gets a new one, or could do so once only.
fn wants_refresh_token(request: &QueryRequest) -> bool {
    request.include_refresh_token || request.refresh_token.is_some()
}

/// Which version is meant, and after which file to go on. A token that pins a version needs no history: its version
/// was the latest when it was made.
async fn wanted(
    caller: &Caller<'_>,
    request: &QueryRequest,
    parameters: &Parameters,
) -> Result<(Wanted, Option<PagePosition>), Error> {
    if let Some(token) = &request.page.token {
        let pinned = caller.tokens().open(Kind::Page, parameters, token)?;
        let after = PagePosition::from_bytes(&pinned.rest).ok_or(Error::Token { name: "pageToken" })?;
        return Ok((Wanted::Version(pinned.start), Some(after)));
    }
    if let Some(token) = &request.refresh_token {
        let pinned = caller.tokens().open(Kind::Refresh, parameters, token)?;
        return Ok((Wanted::Version(pinned.start), None));
    }
    if let Some(pinned) = request.pinned {
        return Ok((pinned, None));
    }
    Ok((target(caller, &request.target).await?, None))
}

/// The version that a target names.
///
/// # Errors
/// [`Error::BeforeStart`], and those of timestamps.
pub async fn target(caller: &Caller<'_>, target: &Target) -> Result<Wanted, Error> {
    let version: Version = match target {
        Target::Latest | Target::Range { .. } => return Ok(Wanted::Latest),
        Target::Version(version) => *version,
        Target::Timestamp(text) => caller.version_at("timestamp", text).await?,
    };
    caller.check_start(version)?;
    Ok(Wanted::Version(version))
}

/// The files of one answer.
struct Part {
    files: FileList,
    row_limit: Option<u64>,
    /// Where the next page begins, if there is one.
    end: Option<PagePosition>,
}

/// Cuts the list to what is asked for. Whoever may come back, for a page or for fresh URLs, gets the rows of a limit in an
/// order that stays; others get them in the order of the list, which costs nothing.
async fn cut(
    caller: &Caller<'_>,
    request: &QueryRequest,
    files: FileList,
    after: Option<PagePosition>,
) -> Result<Part, Error> {
    let (is_paged, row_limit) = (request.page.is_asked(), request.row_limit);
    let comes_back = is_paged || wants_refresh_token(request);
    if !(is_paged || comes_back && row_limit.is_some()) {
        return Ok(Part { files, row_limit, end: None });
    }
    let files_max = request.page.max_files.and_then(|count| usize::try_from(count).ok());
    let files_max = files_max.map_or(FILES_PAGE_MAX, |count| count.min(FILES_PAGE_MAX));
    let cut = caller.parts.loader.compute(move || {
        let files = row_limit.map_or(files.clone(), |rows| files.with_rows(rows));
        if is_paged { files.page(after, files_max) } else { (files, None) }
    });
    let (files, end) = cut.await?;
    Ok(Part { files, row_limit: None, end })
}
