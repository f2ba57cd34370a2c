//! Which call answers which method and path.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::routing::{self, MethodRouter};

use super::context::Context;
use super::error::Error;
use super::{commit, config, credentials, namespaces, oauth, plan, reports, tables, views, warehouses};

/// Where the catalog lies.
pub(super) const ROOT: &str = "/_iceberg";
/// Where clients exchange a credential for a token; the one call that needs no proof in its head.
pub(super) const TOKENS: &str = "/_iceberg/v1/oauth/tokens";

/// One call: its path below [`ROOT`], as the specification spells it.
struct Route {
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<Context>,
}

fn get<H: axum::handler::Handler<T, Context>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: "GET", path, handler: routing::get(handler) }
}

fn head<H: axum::handler::Handler<T, Context>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: "HEAD", path, handler: routing::head(handler) }
}

fn post<H: axum::handler::Handler<T, Context>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: "POST", path, handler: routing::post(handler) }
}

fn delete<H: axum::handler::Handler<T, Context>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: "DELETE", path, handler: routing::delete(handler) }
}

/// The calls of the specification that clients ask for in the configuration.
fn catalog_routes() -> Vec<Route> {
    namespace_routes().into_iter().chain(table_routes()).chain(view_routes()).collect()
}

fn namespace_routes() -> Vec<Route> {
    const ALL: &str = "/v1/{prefix}/namespaces";
    const ONE: &str = "/v1/{prefix}/namespaces/{namespace}";
    vec![
        get(ALL, namespaces::list),
        post(ALL, namespaces::create),
        head(ONE, namespaces::exists),
        get(ONE, namespaces::get),
        delete(ONE, namespaces::remove),
        post("/v1/{prefix}/namespaces/{namespace}/properties", namespaces::update),
    ]
}

fn table_routes() -> Vec<Route> {
    const ALL: &str = "/v1/{prefix}/namespaces/{namespace}/tables";
    const ONE: &str = "/v1/{prefix}/namespaces/{namespace}/tables/{table}";
    vec![
        get(ALL, tables::list),
        post(ALL, tables::create),
        head(ONE, tables::exists),
        get(ONE, tables::load),
        post(ONE, commit::commit),
        delete(ONE, tables::remove),
        get("/v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials", credentials::get),
        post("/v1/{prefix}/namespaces/{namespace}/tables/{table}/sign", credentials::sign),
        post("/v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics", reports::report),
        post("/v1/{prefix}/namespaces/{namespace}/tables/{table}/plan", plan::plan),
        get("/v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}", plan::fetch),
        delete("/v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}", plan::cancel),
        post("/v1/{prefix}/namespaces/{namespace}/tables/{table}/tasks", plan::tasks),
        post("/v1/{prefix}/namespaces/{namespace}/register", tables::register),
        post("/v1/{prefix}/tables/rename", tables::rename),
        post("/v1/{prefix}/transactions/commit", commit::transaction),
    ]
}

fn view_routes() -> Vec<Route> {
    const ALL: &str = "/v1/{prefix}/namespaces/{namespace}/views";
    const ONE: &str = "/v1/{prefix}/namespaces/{namespace}/views/{view}";
    vec![
        get(ALL, views::list),
        post(ALL, views::create),
        head(ONE, views::exists),
        get(ONE, views::load),
        post(ONE, views::commit),
        delete(ONE, views::remove),
        post("/v1/{prefix}/namespaces/{namespace}/register-view", views::register),
        post("/v1/{prefix}/views/rename", views::rename),
    ]
}

/// Calls around the catalog, which no client asks for by name.
fn own_routes() -> Vec<Route> {
    vec![
        get("/v1/config", config::config),
        post("/v1/oauth/tokens", oauth::tokens),
        get("/v1/warehouses", warehouses::list),
        post("/v1/warehouses", warehouses::create),
        get("/v1/warehouses/{name}", warehouses::get),
        delete("/v1/warehouses/{name}", warehouses::remove),
    ]
}

/// The calls as the configuration lists them, `GET /v1/{prefix}/namespaces`.
pub(super) fn endpoints() -> Vec<String> {
    catalog_routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect()
}

/// All calls; what is not there is told in JSON too.
pub(super) fn router(context: Context) -> Router {
    let mut router = Router::new();
    for Route { path, handler, .. } in catalog_routes().into_iter().chain(own_routes()) {
        router = router.route(&format!("{ROOT}{path}"), handler);
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
