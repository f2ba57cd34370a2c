//! Answers with a body of JSON, and without one.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::http::body::Chunks;

/// Content type of every answer.
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_parts(status, vec![serde_json::to_vec(body).unwrap_or_default().into()])
}

/// An answer whose JSON comes in pieces.
pub(super) fn json_parts(status: StatusCode, parts: Vec<Bytes>) -> Response {
    let mut response = Response::new(Body::new(Chunks::new(parts)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// An answer without a body.
pub(super) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
