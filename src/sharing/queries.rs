//! Queries that are asked first and answered later.
//!
//! The id of such a query is its question, sealed: the body, the headers that decide the form of the answer, and the version
//! that was the latest when it was asked. So the server remembers nothing, the id works on every server of one
//! state, and nobody can ask with another's id.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::body_fields::Fields;
use super::caller::Caller;
use super::capabilities::{self, Capabilities};
use super::error::Error;
use super::format;
use super::query::{self, Manner};
use super::query_request::{QueryRequest, Target, page_of};
use super::reply::Reply;
use super::token::{Kind, Parameters, Pinned};
use crate::delta::Wanted;
use crate::limits::QUERY_TOKEN_BYTES_MAX;

/// What an id holds beside the version.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    body: String,
    capabilities: String,
    file_id_hash: Option<String>,
}

/// Gives a query its id; `None` if it is to be answered at once, because nobody asked for an id or because the question
/// is too long for one.
///
/// # Errors
/// What of the question is wrong or not shared: it is said now and not to who fetches the answer.
pub async fn submit(
    caller: Caller<'_>,
    headers: &HeaderMap,
    (manner, body, request): (&Manner, &[u8], &QueryRequest),
    access: &mut Access,
) -> Result<Option<Reply>, Error> {
    let is_asked = manner.capabilities.async_query && request.idempotency_key.is_some();
    let is_later = request.page.token.is_some() || request.refresh_token.is_some();
    if !caller.parts.async_queries || !is_asked || is_later {
        return Ok(None);
    }
    caller.check_history(request.target.parameter())?;
    let snapshot = caller.load_part(query::target(&caller, &request.target).await?, None).await?.snapshot;
    let format = format::choose(&manner.capabilities, &snapshot)?.format();
    access.version = Some(snapshot.version);
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let question = Question {
        body: String::from_utf8_lossy(body).into_owned(),
        // The last word on the format counts, and only this one is left to be read.
        capabilities: format!(
            "readerfeatures={};includeendstreamaction={};responseformat={}",
            manner.capabilities.reader_features.join(","),
            manner.capabilities.include_end_stream_action,
            format.as_str()
        ),
        file_id_hash: text(capabilities::FILE_ID_HASH_HEADER),
    };
    let Ok(rest) = serde_json::to_vec(&question) else { return Ok(None) };
    let pinned = Pinned::snapshot(snapshot.version, rest);
    let id = caller.tokens().seal(Kind::Query, &Parameters::NONE, &pinned);
    if id.len() > QUERY_TOKEN_BYTES_MAX {
        return Ok(None);
    }
    let line = format!("{{\"queryStatus\":{{\"queryId\":\"{id}\",\"status\":\"pending\"}}}}\n");
    let echo = Capabilities::echo_pending(format);
    Ok(Some(Reply::Pending { version: snapshot.version, echo, line: line.into_bytes() }))
}

/// A query as it was asked, with the page that is wanted now.
pub struct Asked {
    pub manner: Manner,
    pub request: QueryRequest,
}

/// Opens the id of a query.
///
/// # Errors
/// [`Error::Unknown`] for an id that is not this recipient's, or none, or has ended.
pub fn open(caller: &Caller<'_>, id: &str, body: &[u8]) -> Result<Asked, Error> {
    let unknown = || Error::unknown("query", &"of this id");
    let pinned = caller.tokens().open(Kind::Query, &Parameters::NONE, id).map_err(|_| unknown())?;
    let question: Question = serde_json::from_slice(&pinned.rest).map_err(|_| unknown())?;
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&question.capabilities) {
        headers.insert(capabilities::HEADER, value);
    }
    if let Some(value) = question.file_id_hash.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(capabilities::FILE_ID_HASH_HEADER, value);
    }
    let mut request = QueryRequest::parse(question.body.as_bytes())?;
    let page = page_of(&Fields::parse(body)?)?;
    request.page.max_files = page.max_files.or(request.page.max_files);
    if page.token.is_some() {
        request.include_refresh_token = false;
        request.page.token = page.token;
    }
    match &mut request.target {
        Target::Latest => request.pinned = Some(Wanted::Version(pinned.start)),
        Target::Range { end, .. } => *end = end.or(Some(pinned.start)),
        Target::Version(_) | Target::Timestamp(_) => {}
    }
    Ok(Asked { manner: Manner::parse(&headers)?, request })
}
