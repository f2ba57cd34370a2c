//! What the server says of itself and of its calls.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::context::{Context, json};
use super::wire::{self, InfoAnswer};

/// Every call of the admin API (OpenAPI 3.1), kept by hand and held against the routes by a test.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

pub(super) async fn info(State(context): State<Context>) -> Response {
    let directory = context.published.load_full();
    json(
        StatusCode::OK,
        &InfoAnswer {
            version: env!("CARGO_PKG_VERSION"),
            server_id: context.store.server_id(),
            public_url: &context.public_url,
            region: &context.region,
            io_mode: &context.io_mode,
            uptime_seconds: context.clock.now_ms().saturating_sub(context.started_ms) / 1_000,
            share_count: directory.shares().len(),
            token_count: directory.token_count(),
        },
    )
}

pub(super) async fn openapi() -> Response {
    let mut response = Response::new(Body::from(OPENAPI));
    response.headers_mut().insert(CONTENT_TYPE, wire::JSON);
    response
}
