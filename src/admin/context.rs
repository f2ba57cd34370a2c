//! What every handler of the admin door works with.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::admission::Admission;
use super::error::Error;
use super::publisher::Publisher;
use super::wire;
use crate::clock::Clock;
use crate::directory::Published;
use crate::state::embedded::Store;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) published: Arc<Published>,
    pub(super) publisher: Publisher,
    pub(super) admission: Arc<dyn Admission>,
    pub(super) public_url: String,
    pub(super) region: String,
    pub(super) io_mode: String,
    pub(super) clock: Clock,
    pub(super) started_ms: i64,
}

impl std::ops::Deref for Context {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl Context {
    /// To be called after each commit and before its answer.
    pub(super) async fn publish(&self) -> Result<(), Error> {
        self.publisher.publish().await.map_err(|source| Error::NotPublished { source })
    }
}

/// A JSON body; what is wrong with it is told with the path of the field.
pub(super) struct Payload<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Payload<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Error::Json { reason: error.body_text() })?;
        parse(&bytes).map(Payload)
    }
}

/// The same where an empty body means that every field is absent.
pub(super) struct OptionalPayload<T>(pub(super) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalPayload<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Error::Json { reason: error.body_text() })?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    // serde would take an array for the fields of an object in order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Error::Json { reason: "it is not a JSON object".into() });
    }
    axum::Json::from_bytes(bytes).map(|axum::Json(value)| value).map_err(|rejection| {
        // The source is the parser's text, which begins with the path of the field.
        let source = std::error::Error::source(&rejection).map(ToString::to_string);
        let reason = source.unwrap_or_else(|| rejection.body_text());
        Error::Json { reason }
    })
}

/// The one name in a path, percent-decoded.
pub(super) struct InPath(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Error::Field { field: "the path".into(), reason: error.body_text() })?;
        Ok(Self(name))
    }
}

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = Response::new(Body::from(serde_json::to_vec(body).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, wire::JSON);
    response
}

/// An answer without a body.
pub(super) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
