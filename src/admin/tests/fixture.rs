//! The routes over a store in a temporary directory.

use std::sync::Arc;

use http::header::IF_MATCH;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::super::admission::{Admission, Refusal};
use super::super::context::{Context, Inner};
use super::super::publisher::Publisher;
use super::super::routes;
use crate::clock::Clock;
use crate::directory::page::Pages;
use crate::directory::{Directory, Published};
use crate::error::Kind;
use crate::state::change::NewTable;
use crate::state::embedded::Store;

/// Refuses what lies below `missing` and what lies below `away`.
struct ByLocation;

impl Admission for ByLocation {
    fn admit<'a>(&'a self, table: &'a NewTable) -> futures::future::BoxFuture<'a, Result<(), Refusal>> {
        let refuse = |kind, text: &str| Err(Refusal { kind, source: text.into() });
        let result = match table.source.location().split('/').next() {
            Some("missing") => refuse(Kind::NotFound, "no _delta_log there"),
            Some("away") => refuse(Kind::Unavailable, "the store is away"),
            _ => Ok(()),
        };
        Box::pin(async move { result })
    }
}

pub(super) struct Fixture {
    pub(super) router: axum::Router,
    pub(super) published: Arc<Published>,
    pub(super) clock: Clock,
    _dir: tempfile::TempDir,
}

pub(super) fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(1_769_385_179_000);
    let store = Store::open(dir.path(), clock.clone()).unwrap();
    let pages = Pages::new(store.page_key());
    let published = Arc::new(Published::new(Directory::default(), pages));
    let inner = Inner {
        publisher: Publisher::new(store.clone(), Arc::clone(&published)),
        store,
        published: Arc::clone(&published),
        admission: Arc::new(ByLocation),
        public_url: "https://share.example".into(),
        region: "us-east-1".into(),
        io_mode: "pread".into(),
        clock: clock.clone(),
        started_ms: clock.now_ms(),
    };
    let router = routes::router(Context { inner: Arc::new(inner) });
    Fixture { router, published, clock, _dir: dir }
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["errorCode"].as_str().unwrap_or_default())
    }

    pub(super) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl Fixture {
    pub(super) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_if(method, path, body, None).await
    }

    pub(super) async fn call_if(&self, method: &str, path: &str, body: Value, tag: Option<&str>) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.call_raw(method, &format!("/_admin/v1{path}"), text, tag).await
    }

    pub(super) async fn call_raw(&self, method: &str, path: &str, body: String, tag: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(tag) = tag {
            request = request.header(IF_MATCH, tag);
        }
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

pub(super) fn table(name: &str, location: &str) -> Value {
    json!({"name": name, "sourceType": "delta", "bucket": "sales", "location": location})
}

pub(super) fn share(name: &str, tables: &[Value]) -> Value {
    json!({"name": name, "schemas": [{"name": "tpch", "tables": tables}]})
}
