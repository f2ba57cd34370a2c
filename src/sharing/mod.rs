//! The Delta Sharing door: one request from end to end.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Request, Response};
use uuid::Uuid;

use self::access::Access;
use self::caller::Caller;
use self::door_parts::DoorParts;
use self::error::Error;
use self::heads::Heads;
use self::list::Item;
use self::parameters::Parameters;
use self::query::Manner;
use self::query_request::{QueryRequest, Target};
use self::range::RangeRequest;
use self::reply::Reply;
use self::route::{Name, Route, TableCall, TableName};
use crate::auth;
use crate::delta::Wanted;
use crate::directory::entry::Positioned;
use crate::directory::page::{Listing as ListName, Scope};
use crate::directory::{Recipient, ShareEntry, TableEntry};
use crate::http::body::{Body, BodyError};
use crate::http::coding::Coding;

pub mod access;
pub mod body_fields;
pub mod caller;
pub mod capabilities;
pub mod change_lines;
pub mod credentials;
pub mod door_parts;
pub mod error;
pub mod feed;
pub mod file_id;
pub mod filter;
pub mod finished;
pub mod format;
pub mod heads;
pub mod list;
pub mod listing;
pub mod metadata;
pub mod packing;
pub mod parameters;
pub mod queries;
pub mod query;
pub mod query_request;
pub mod range;
pub mod range_state;
pub mod render;
pub mod reply;
pub mod request_body;
pub mod route;
pub mod run;
pub mod schema_text;
pub mod timestamp;
pub mod token;

/// By which a provider finds a request in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers recipients on one core.
pub struct Door {
    parts: DoorParts,
    heads: Heads,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("public_url", &self.parts.public_url).finish_non_exhaustive()
    }
}

impl Door {
    pub fn new(parts: DoorParts) -> Self {
        Self { parts, heads: Heads::default() }
    }

    /// The answer to one request below `/delta-sharing` or `/_delta-sharing`.
    ///
    /// All that can fail fails before the answer's first byte.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BodyError>,
    {
        let mut access = Access::begin("none");
        let mut room = Uuid::encode_buffer();
        let request_id: &str = access.request_id.hyphenated().encode_lower(&mut room);
        let (parts, body) = request.into_parts();
        if let Some(agent) = parts.headers.get(USER_AGENT) {
            access.user_agent(agent.as_bytes());
        }
        let answer = self.answer(&parts, body, &mut access).await;
        let hint_use = access.hint_use();
        let mut response = match answer {
            Ok(reply) => reply.response(access, &parts.method),
            Err(error) => {
                error.log(request_id);
                access.fail(error.kind());
                let (response, body_bytes) = error.response(request_id);
                access.sent(body_bytes);
                if parts.method == Method::HEAD { response.map(|_| Body::empty()) } else { response }
            }
        };
        if let Ok(id) = HeaderValue::from_str(request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if let Some(hint_use) = hint_use {
            response.extensions_mut().insert(hint_use);
        }
        response
    }

    async fn answer<B>(&self, parts: &Parts, body: B, access: &mut Access) -> Result<Reply, Error>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BodyError>,
    {
        let directory = self.parts.directory.load_full();
        let recipient = auth::recipient(&directory, &parts.headers, self.parts.clock.now_ms())?;
        access.recipient = Some(recipient.id());
        let route = Route::parse(&parts.method, parts.uri.path())?;
        access.call(route.call());
        let parameters = Parameters::parse(parts.uri.query());
        match route {
            Route::Shares => self.page(&parameters, recipient, ListName::Shares, recipient.shares()),
            Route::Share { share } => Ok(Reply::Json(list::share(share_of(recipient, &share)?))),
            Route::Schemas { share } => {
                let share = share_of(recipient, &share)?;
                let list = ListName::Schemas { share: share.name() };
                self.page(&parameters, recipient, list, share.schemas())
            }
            Route::Tables { share, schema } => {
                let share = share_of(recipient, &share)?;
                let schema = schema
                    .find(|name| share.schema(name))
                    .ok_or_else(|| Error::unknown("schema", &schema))?;
                let list = ListName::Tables { share: share.name(), schema: schema.name() };
                self.page(&parameters, recipient, list, schema.tables())
            }
            Route::AllTables { share } => {
                let share = share_of(recipient, &share)?;
                let list = ListName::AllTables { share: share.name() };
                self.page(&parameters, recipient, list, share.all_tables())
            }
            Route::Table { name, call } => {
                let table = table_of(recipient, &name)?;
                access.table(table.share_name(), table.schema_name(), table.name());
                let coding = Coding::negotiate(&parts.headers);
                let caller = Caller { parts: &self.parts, recipient: recipient.id(), table, coding };
                self.answer_table(caller, call, TableRequest { parts, parameters, body }, access).await
            }
        }
    }

    fn page<'a, E>(
        &self,
        parameters: &Parameters,
        recipient: Recipient<'_>,
        listing: ListName<'_>,
        entries: impl IntoIterator<Item = &'a E>,
    ) -> Result<Reply, Error>
    where
        E: Positioned + Item + 'a,
    {
        let scope = Scope { recipient: recipient.id(), listing };
        let cut = self.parts.directory.pages().cut(&parameters.page()?, &scope, entries)?;
        Ok(Reply::Json(list::page(&cut)))
    }

    async fn answer_table<B>(
        &self,
        caller: Caller<'_>,
        call: TableCall,
        request: TableRequest<'_, B>,
        access: &mut Access,
    ) -> Result<Reply, Error>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BodyError>,
    {
        let TableRequest { parts, parameters, body } = request;
        match call {
            TableCall::Table => Ok(Reply::Json(list::table(caller.table))),
            TableCall::Version => version(caller, &parameters, access).await,
            TableCall::Metadata => {
                let target = parameters.target()?;
                let manner = Manner::parse(&parts.headers)?;
                caller.check_history(target.parameter())?;
                let part = caller.load_part(query::target(&caller, &target).await?, None).await?;
                let version = part.snapshot.version;
                access.version = Some(version);
                let subject = (caller.table.record(), &part.snapshot);
                let write = || query::head(&caller, &manner, &part);
                let (format, lines) = self.heads.get(subject, &manner.capabilities, write)?;
                Ok(Reply::Head { version, format, lines })
            }
            TableCall::Query => {
                let manner = Manner::parse(&parts.headers)?;
                let body = request_body::read(body).await?;
                let request = QueryRequest::parse(&body)?;
                let question = (&manner, body.as_ref(), &request);
                match queries::submit(caller, &parts.headers, question, access).await? {
                    Some(pending) => Ok(pending),
                    None => answer_query(caller, &manner, &request, access).await,
                }
            }
            TableCall::QueryInfo => {
                let id = parts.uri.path().rsplit('/').next().unwrap_or_default();
                let asked = queries::open(&caller, id, &request_body::read(body).await?)?;
                answer_query(caller, &asked.manner, &asked.request, access).await
            }
            TableCall::TemporaryCredentials => {
                credentials::answer(caller, &request_body::read(body).await?, access).await
            }
            TableCall::Changes => {
                let manner = Manner::parse(&parts.headers)?;
                let request = RangeRequest::of_changes(&parameters)?;
                range::answer(caller, &manner, &request, access).await
            }
        }
    }
}

/// A request for a table that its sender may see.
struct TableRequest<'a, B> {
    parts: &'a Parts,
    parameters: Parameters,
    body: B,
}

/// A snapshot, or the files that a range of versions added and removed.
async fn answer_query(
    caller: Caller<'_>,
    manner: &Manner,
    request: &QueryRequest,
    access: &mut Access,
) -> Result<Reply, Error> {
    if let Target::Range { start, end } = request.target {
        let request = RangeRequest::of_query(request, start, end);
        return range::answer(caller, manner, &request, access).await;
    }
    query::answer(caller, manner, request, access).await
}

/// The latest version, or the first from a time on.
async fn version(caller: Caller<'_>, parameters: &Parameters, access: &mut Access) -> Result<Reply, Error> {
    let version = match parameters.get("startingTimestamp") {
        None => caller.load_part(Wanted::Latest, None).await?.snapshot.version,
        Some(text) => {
            caller.check_history(Some("startingTimestamp"))?;
            caller.version_from("startingTimestamp", text).await?
        }
    };
    access.version = Some(version);
    Ok(Reply::Version(version))
}

fn share_of<'a>(recipient: Recipient<'a>, share: &Name) -> Result<&'a ShareEntry, Error> {
    share.find(|name| recipient.share(name)).ok_or_else(|| Error::unknown("share", share))
}

fn table_of<'a>(recipient: Recipient<'a>, name: &TableName) -> Result<&'a TableEntry, Error> {
    let share = share_of(recipient, &name.share)?;
    let schema = name.schema.find(|schema| share.schema(schema));
    let schema = schema.ok_or_else(|| Error::unknown("schema", &name.schema))?;
    let table = name.table.find(|table| schema.table(table));
    table.ok_or_else(|| Error::unknown("table", &name.table))
}

#[cfg(test)]
mod fixture;
