//! Which call answers which method and path.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::routing::{self, MethodRouter};

use super::context::Context;
use super::error::Error;
use super::{info, shares, tokens};

/// Where the admin API lies.
pub(super) const PREFIX: &str = "/_admin/v1";
/// Where clients of `AIStor` look for the calls on shares.
pub(super) const OLDER_PREFIXES: [&str; 2] =
    ["/minio/admin/v4/delta-sharing", "/minio/admin/v3/delta-sharing"];

/// Calls of one method: their path below the prefix.
pub(super) struct Route {
    pub(super) path: &'static str,
    handler: MethodRouter<Context>,
}

fn route(path: &'static str, handler: MethodRouter<Context>) -> Route {
    Route { path, handler }
}

/// Every call of `/_admin/v1`.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = share_routes();
    routes.push(route("/shares/{name}", routing::patch(shares::patch)));
    routes.push(route("/info", routing::get(info::info)));
    routes.push(route("/openapi.json", routing::get(info::openapi)));
    routes
}

/// The calls that both prefixes have.
fn share_routes() -> Vec<Route> {
    vec![
        route("/shares", routing::get(shares::list)),
        route("/shares", routing::post(shares::create)),
        route("/shares/{name}", routing::get(shares::get)),
        route("/shares/{name}", routing::delete(shares::remove)),
        route("/shares/{name}/tokens", routing::get(tokens::list)),
        route("/shares/{name}/tokens", routing::post(tokens::create)),
        route("/tokens/{id}", routing::delete(tokens::remove)),
    ]
}

/// All calls under all prefixes; what is not there is told in JSON too.
pub(super) fn router(context: Context) -> Router {
    let mut router = Router::new();
    for Route { path, handler, .. } in routes() {
        router = router.route(&format!("{PREFIX}{path}"), handler);
    }
    for prefix in OLDER_PREFIXES {
        for Route { path, handler, .. } in share_routes() {
            router = router.route(&format!("{prefix}{path}"), handler);
        }
        router = router.route(&format!("{prefix}/shares/{{name}}"), routing::put(shares::replace));
    }
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        // The door has read and measured the body already.
        .layer(DefaultBodyLimit::disable())
        .with_state(context)
}

async fn unknown_path(request: Request) -> Error {
    Error::UnknownPath { path: request.uri().path().to_owned() }
}

async fn unknown_method(request: Request) -> Error {
    Error::UnknownMethod { method: request.method().clone(), path: request.uri().path().to_owned() }
}
