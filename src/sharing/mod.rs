//! The Delta Sharing door: one request from end to end.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Request, Response};

use self::access::Access;
use self::capabilities::{Capabilities, Format};
use self::error::Error;
use self::list::Item;
use self::listing::ListingParts;
use self::parameters::Parameters;
use self::query_request::QueryRequest;
use self::render::{LineWriter, Signing};
use self::reply::Reply;
use self::route::{Name, Route, TableCall, TableName};
use crate::auth;
use crate::clock::Clock;
use crate::delta::Wanted;
use crate::directory::entry::Positioned;
use crate::directory::page::{Listing as ListName, Scope};
use crate::directory::{Published, Recipient, ShareEntry, TableEntry};
use crate::http::body::{Body, BodyError};
use crate::sigv4::credential::Credential;
use crate::skip::predicate::Predicate;
use crate::skip::pruner::Pruner;
use crate::snapshot::loader::Loader;
use crate::state::record::{SigningCredential, TableSource};
use crate::table::snapshot::Snapshot;

pub mod access;
pub mod capabilities;
pub mod error;
pub mod format;
pub mod list;
pub mod listing;
pub mod metadata;
pub mod parameters;
pub mod query_request;
pub mod render;
pub mod reply;
pub mod request_body;
pub mod route;
pub mod schema_text;

/// What a door is made of.
pub struct DoorParts {
    pub directory: Arc<Published>,
    pub loader: Loader,
    pub signing: SigningCredential,
    /// `scheme://host[:port]` as recipients reach the S3 door.
    pub public_url: String,
    pub region: String,
    /// Seconds that each URL lives at least.
    pub url_expiry_seconds: u64,
    pub clock: Clock,
}

/// Answers recipients on one core.
pub struct Door {
    parts: DoorParts,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("public_url", &self.parts.public_url).finish_non_exhaustive()
    }
}

impl Door {
    pub fn new(parts: DoorParts) -> Self {
        Self { parts }
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
        let request_id = access.request_id.to_string();
        let (parts, body) = request.into_parts();
        if let Some(agent) = parts.headers.get(USER_AGENT) {
            access.user_agent(agent.as_bytes());
        }
        let answer = self.answer(&parts, body, &mut access).await;
        let hint_use = access.hint_use();
        let mut response = match answer {
            Ok(reply) => reply.response(access, &parts.method),
            Err(error) => {
                error.log(&request_id);
                access.fail(error.kind());
                let (response, body_bytes) = error.response(&request_id);
                access.sent(body_bytes);
                if parts.method == Method::HEAD { response.map(|_| Body::empty()) } else { response }
            }
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("x-request-id", id);
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
                self.answer_table(table, call, TableRequest { parts, parameters, body }, access).await
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
        table: &TableEntry,
        call: TableCall,
        request: TableRequest<'_, B>,
        access: &mut Access,
    ) -> Result<Reply, Error>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BodyError>,
    {
        match call {
            TableCall::Version => {
                request.parameters.check_version_call()?;
                let snapshot = self.load(table, access).await?;
                Ok(Reply::Version(snapshot.version))
            }
            TableCall::Metadata => {
                request.parameters.check_metadata_call()?;
                let capabilities = Capabilities::parse(&request.parts.headers)?;
                let snapshot = self.load(table, access).await?;
                let (format, lines) = head(&capabilities, &snapshot)?;
                Ok(Reply::Head { version: snapshot.version, format, lines })
            }
            TableCall::Query => self.query(table, request, access).await,
            TableCall::Changes => Err(Error::NotServed {
                what: "/changes",
                instead: "the change data feed is not shared; query the table for its latest version",
            }),
            TableCall::QueryInfo => Err(Error::NotServed {
                what: "/queries",
                instead: "queries are answered at once, so there is none to ask for",
            }),
            TableCall::TemporaryCredentials => Err(Error::NotServed {
                what: "/temporary-table-credentials",
                instead: "query the table for presigned URLs",
            }),
        }
    }

    async fn query<B>(
        &self,
        table: &TableEntry,
        request: TableRequest<'_, B>,
        access: &mut Access,
    ) -> Result<Reply, Error>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BodyError>,
    {
        let capabilities = Capabilities::parse(&request.parts.headers)?;
        let file_id_hash = capabilities::file_id_hash(&request.parts.headers)?;
        let query = QueryRequest::parse(&request_body::read(request.body).await?)?;
        let snapshot = self.load(table, access).await?;
        let (format, head) = head(&capabilities, &snapshot)?;
        let predicate = Predicate::compile(&query.hints, &snapshot.metadata);
        access.conditions(&predicate);
        let now_ms = self.parts.clock.now_ms();
        let lines = LineWriter::new(self.signing(table), format, file_id_hash.unwrap_or(format), now_ms);
        let parts = ListingParts {
            snapshot,
            head,
            lines,
            pruner: Pruner::new(predicate),
            row_limit: query.row_limit,
            with_end: capabilities.include_end_stream_action,
            clock: self.parts.clock.clone(),
        };
        Ok(Reply::Files { parts: Box::new(parts), format, file_id_hash })
    }

    async fn load(&self, table: &TableEntry, access: &mut Access) -> Result<Arc<Snapshot>, Error> {
        let snapshot = self.parts.loader.load(&table.record().source, Wanted::Latest).await?;
        access.version = Some(snapshot.version);
        Ok(snapshot)
    }

    fn signing(&self, table: &TableEntry) -> Signing {
        let TableSource::Delta { bucket, location } = &table.record().source;
        let signing = &self.parts.signing;
        Signing {
            endpoint: self.parts.public_url.clone(),
            bucket: bucket.clone(),
            location: location.clone(),
            region: self.parts.region.clone(),
            credential: Credential {
                access_key: signing.access_key.clone(),
                secret_key: signing.secret_key.clone(),
            },
            expires_seconds: self.parts.url_expiry_seconds,
        }
    }
}

/// A request for a table that its sender may see.
struct TableRequest<'a, B> {
    parts: &'a Parts,
    parameters: Parameters,
    body: B,
}

/// The format of an answer and its first two lines.
fn head(capabilities: &Capabilities, snapshot: &Snapshot) -> Result<(Format, Vec<u8>), Error> {
    let choice = format::choose(capabilities, snapshot)?;
    let format = choice.format();
    let mut lines = Vec::with_capacity(2 * snapshot.metadata.schema_string.len() + 1024);
    metadata::push_head(snapshot, choice, &mut lines);
    Ok((format, lines))
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
