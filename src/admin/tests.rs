//! The routes are those of the document, and handlers answer as it says.

use std::collections::BTreeSet;

use http::StatusCode;
use http::header::{ALLOW, ETAG, IF_MATCH, RETRY_AFTER};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;
use crate::directory::Directory;
use crate::directory::page::Pages;
use crate::error::Kind;
use crate::state::record::TableSource;
use admission::Refusal;

/// Refuses what lies below `missing` and what lies below `away`.
struct ByLocation;

impl Admission for ByLocation {
    fn admit<'a>(&'a self, source: &'a TableSource) -> futures::future::BoxFuture<'a, Result<(), Refusal>> {
        let TableSource::Delta { location, .. } = source;
        let refuse = |kind, text: &str| Err(Refusal { kind, source: text.into() });
        let result = match location.split('/').next() {
            Some("missing") => refuse(Kind::NotFound, "no _delta_log there"),
            Some("away") => refuse(Kind::Unavailable, "the store is away"),
            _ => Ok(()),
        };
        Box::pin(async move { result })
    }
}

struct Fixture {
    router: axum::Router,
    published: Arc<Published>,
    clock: Clock,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
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

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["errorCode"].as_str().unwrap_or_default())
    }

    fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl Fixture {
    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_if(method, path, body, None).await
    }

    async fn call_if(&self, method: &str, path: &str, body: Value, tag: Option<&str>) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.call_raw(method, &format!("/_admin/v1{path}"), text, tag).await
    }

    async fn call_raw(&self, method: &str, path: &str, body: String, tag: Option<&str>) -> Answer {
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

fn table(name: &str, location: &str) -> Value {
    json!({"name": name, "sourceType": "delta", "bucket": "sales", "location": location})
}

fn share(name: &str, tables: &[Value]) -> Value {
    json!({"name": name, "schemas": [{"name": "tpch", "tables": tables}]})
}

#[test]
fn the_routes_are_those_of_the_document() {
    let document: Value = serde_json::from_str(info::OPENAPI).unwrap();
    let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().unwrap();
            let named = item.keys().filter(|key| methods.contains(&key.as_str()));
            named.map(|method| (path.clone(), method.to_uppercase()))
        })
        .collect();
    let served: BTreeSet<(String, String)> =
        routes::routes().into_iter().map(|route| (route.path.to_owned(), route.method.to_string())).collect();
    assert_eq!(served, documented);
}

#[test]
fn the_document_points_at_what_it_has() {
    fn check(document: &Value, value: &Value) {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
        if let Some(items) = value.as_object() {
            items.values().for_each(|item| check(document, item));
        }
        if let Some(items) = value.as_array() {
            items.iter().for_each(|item| check(document, item));
        }
    }
    let document: Value = serde_json::from_str(info::OPENAPI).unwrap();
    check(&document, &document);
}

#[tokio::test]
async fn every_documented_call_is_answered_by_its_handler() {
    let fixture = fixture();
    for route in routes::routes() {
        let path = route.path.replace("{name}", "s").replace("{id}", "x");
        let answer = fixture.call(route.method.as_str(), &path, Value::Null).await;
        let other = ["METHOD_NOT_ALLOWED", "NOT_FOUND"];
        assert!(!other.contains(&answer.code().1), "{} {path}: {:?}", route.method, answer.body);
    }
    let answer = fixture.call("GET", "/openapi.json", Value::Null).await;
    assert_eq!(answer.body, serde_json::from_str::<Value>(info::OPENAPI).unwrap());
}

#[tokio::test]
async fn a_share_is_made_shown_changed_and_removed() {
    let fixture = fixture();
    let made = fixture.call("POST", "/shares", share("Test", &[table("orders", "tpch/orders/")])).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!(made.headers["location"], "/_admin/v1/shares/Test");
    let shown = fixture.call("GET", "/shares/tEST", Value::Null).await;
    assert_eq!(shown.body, made.body);
    assert_eq!(shown.body["share"]["schemas"][0]["tables"][0], table("orders", "tpch/orders"));
    assert_eq!(shown.body["share"]["createdAt"], "2026-01-25T23:52:59.000Z");
    assert_eq!(shown.headers[ETAG], made.headers[ETAG]);
    let patch = json!({
        "description": "for tests",
        "remove": [{"schema": "TPCH", "name": "ORDERS"}],
        "add": [{"schema": "tpch", "table": table("orders", "tpch/orders2")}],
    });
    let patched = fixture.call("PATCH", "/shares/test", patch).await;
    assert_eq!(patched.status, StatusCode::OK, "{:?}", patched.body);
    assert_eq!(patched.body["share"]["description"], "for tests");
    assert_eq!(patched.body["share"]["schemas"][0]["tables"], json!([table("orders", "tpch/orders2")]));
    assert_ne!(patched.headers[ETAG], made.headers[ETAG]);
    let cleared = fixture.call("PATCH", "/shares/test", json!({"description": null})).await;
    assert_eq!(cleared.body["share"].get("description"), None);
    let listed = fixture.call("GET", "/shares", Value::Null).await;
    assert_eq!(listed.body["shares"], json!([cleared.body["share"]]));
    let removed = fixture.call("DELETE", "/shares/test", Value::Null).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let gone = fixture.call("GET", "/shares/test", Value::Null).await;
    assert_eq!(gone.code(), (404, "SHARE_NOT_FOUND"));
}

#[tokio::test]
async fn an_answered_change_is_published() {
    let fixture = fixture();
    fixture.call("POST", "/shares", share("a", &[table("t", "x")])).await;
    fixture.call("POST", "/shares", share("b", &[table("t", "x")])).await;
    let body =
        json!({"additionalShares": ["B", "a"], "expiresAt": "2026-01-26T00:00:00Z", "description": "d"});
    let made = fixture.call("POST", "/shares/A/tokens", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!(made.body["shares"], json!(["a", "b"]));
    assert_eq!(made.headers["cache-control"], "no-store");
    let token = made.body["token"].as_str().unwrap();
    assert_eq!(
        made.body["profile"],
        json!({
            "shareCredentialsVersion": 1,
            "endpoint": "https://share.example/delta-sharing",
            "bearerToken": token,
            "expirationTime": "2026-01-26T00:00:00.000Z",
        })
    );
    let digest = crate::auth::token::digest(token);
    let opens = || {
        let directory = fixture.published.load_full();
        let recipient = directory.recipient(&digest, fixture.clock.now_ms());
        recipient.map(|recipient| recipient.shares().map(|share| share.name().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(opens().unwrap(), ["a", "b"]);
    fixture.call("DELETE", "/shares/a", Value::Null).await;
    assert_eq!(opens().unwrap(), ["b"]);
    let listed = fixture.call("GET", "/shares/b/tokens", Value::Null).await;
    assert_eq!(listed.body["tokens"][0]["shares"], json!(["b"]));
    assert!(!listed.body.to_string().contains(token));
    let id = made.body["tokenId"].as_str().unwrap();
    let removed = fixture.call("DELETE", &format!("/tokens/{id}"), Value::Null).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(opens(), None);
    let again = fixture.call("DELETE", &format!("/tokens/{id}"), Value::Null).await;
    assert_eq!(again.code(), (404, "TOKEN_NOT_FOUND"));
}

#[tokio::test]
async fn a_token_needs_no_body() {
    let fixture = fixture();
    fixture.call("POST", "/shares", json!({"name": "s"})).await;
    let made = fixture.call("POST", "/shares/s/tokens", Value::Null).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!(made.body.get("expiresAt"), None);
    let missing = fixture.call("POST", "/shares/s/tokens", json!({"additionalShares": ["zz"]})).await;
    assert_eq!(missing.code(), (404, "SHARE_NOT_FOUND"));
    assert!(missing.message().contains("zz"));
}

#[tokio::test]
async fn a_table_that_cannot_be_served_refuses_the_call() {
    let fixture = fixture();
    let body = share("s", &[table("good", "x"), table("bad", "missing/x"), table("worse", "away")]);
    let refused = fixture.call("POST", "/shares", body).await;
    assert_eq!(refused.code(), (400, "TABLE_DATA_NOT_FOUND"));
    assert_eq!(
        refused.message(),
        "schemas[0].tables[1]: table tpch.bad at \"missing/x\" in bucket \"sales\" cannot be shared: \
         no _delta_log there"
    );
    assert_eq!(fixture.call("GET", "/shares/s", Value::Null).await.status, StatusCode::NOT_FOUND);
    let away = fixture.call("POST", "/shares", share("s", &[table("t", "away/x")])).await;
    assert_eq!(away.code(), (503, "TEMPORARILY_UNAVAILABLE"));
    assert_eq!(away.headers[RETRY_AFTER], "1");
}

#[tokio::test]
async fn taken_names_conflict_in_any_case_before_tables_are_loaded() {
    let fixture = fixture();
    fixture.call("POST", "/shares", share("s", &[table("t", "x")])).await;
    let again = fixture.call("POST", "/shares", share("S", &[table("t", "missing")])).await;
    assert_eq!(again.code(), (409, "SHARE_ALREADY_EXISTS"));
    let add = json!({"add": [{"schema": "TPCH", "table": table("T", "missing")}]});
    let taken = fixture.call("PATCH", "/shares/s", add).await;
    assert_eq!(taken.code(), (409, "TABLE_ALREADY_EXISTS"));
    let twice = fixture.call("POST", "/shares", share("u", &[table("t", "x"), table("T", "y")])).await;
    assert_eq!(twice.code().0, 400);
    assert!(twice.message().starts_with("schemas[0].tables[1]: "), "{}", twice.message());
    let absent = json!({"remove": [{"schema": "tpch", "name": "zz"}]});
    let absent = fixture.call("PATCH", "/shares/s", absent).await;
    assert_eq!(absent.code(), (404, "TABLE_NOT_FOUND"));
}

#[tokio::test]
async fn a_stale_etag_changes_nothing() {
    let fixture = fixture();
    let made = fixture.call("POST", "/shares", share("s", &[table("t", "x")])).await;
    let tag = made.headers[ETAG].to_str().unwrap().to_owned();
    let describe = |text: &str| json!({"description": text});
    let first = fixture.call_if("PATCH", "/shares/s", describe("one"), Some(&tag)).await;
    assert_eq!(first.status, StatusCode::OK);
    for (method, body) in [("PATCH", describe("two")), ("DELETE", Value::Null)] {
        let stale = fixture.call_if(method, "/shares/s", body, Some(&tag)).await;
        assert_eq!(stale.code(), (412, "PRECONDITION_FAILED"), "{method}");
    }
    let shown = fixture.call("GET", "/shares/s", Value::Null).await;
    assert_eq!(shown.body["share"]["description"], "one");
    assert_eq!(
        fixture.call_if("DELETE", "/shares/s", Value::Null, Some("*")).await.status,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named() {
    let fixture = fixture();
    for (body, expected) in [
        ("", "not a JSON object"),
        ("{", "EOF"),
        ("[]", "not a JSON object"),
        (r#"{"name":7}"#, "name: invalid type"),
        (r#"{"nam":"x"}"#, "unknown field `nam`"),
        (
            r#"{"name":"x","schemas":[{"name":"y","tables":[{"name":"t","sourceType":"delta","buket":"b"}]}]}"#,
            "`buket`",
        ),
        (
            r#"{"name":"x","schemas":[{"name":"y","tables":[{"name":"t","sourceType":1}]}]}"#,
            "schemas[0].tables[0].sourceType",
        ),
        (r#"{"name":"x","schemas":[{"name":"y","tables":[]}]}"#, "schemas[0].tables: is empty"),
        (r#"{"name":"a b"}"#, "name: the share name"),
        (r#"{"name":"x","schemas":[{"name":"y.z","tables":[]}]}"#, "schemas[0].name: the schema name"),
        (r#"{"name":"x"} x"#, "trailing characters"),
        (r#"{"name":"x","name":"y"}"#, "duplicate field"),
    ] {
        let answer = fixture.call_raw("POST", "/_admin/v1/shares", body.into(), None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.message().contains(expected), "{body}: {}", answer.message());
    }
    let deep = "[".repeat(100_000);
    let answer = fixture.call_raw("POST", "/_admin/v1/shares", deep, None).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let past = fixture.call("POST", "/shares/s/tokens", json!({"expiresAt": "2020-01-01T00:00:00Z"})).await;
    assert!(past.message().starts_with("expiresAt: "), "{}", past.message());
    let long = json!({"name": "x", "description": "d".repeat(limits::DESCRIPTION_BYTES_MAX + 1)});
    assert!(fixture.call("POST", "/shares", long).await.message().starts_with("description: "));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_json() {
    let fixture = fixture();
    for path in ["/nothing", "/shares/a/b/c", "/shares/", ""] {
        assert_eq!(fixture.call("GET", path, Value::Null).await.code(), (404, "NOT_FOUND"), "{path}");
    }
    let method = fixture.call("PUT", "/shares/s", Value::Null).await;
    assert_eq!(method.code(), (405, "METHOD_NOT_ALLOWED"));
    let allowed = method.headers[ALLOW].to_str().unwrap();
    assert!(allowed.contains("PATCH") && allowed.contains("GET"), "{allowed}");
    let id = fixture.call("DELETE", "/tokens/not-an-id", Value::Null).await;
    assert_eq!(id.status, StatusCode::BAD_REQUEST);
    let utf8 = fixture.call("GET", "/shares/%ff", Value::Null).await;
    assert_eq!(utf8.status, StatusCode::BAD_REQUEST);
    assert!(utf8.message().contains("UTF-8"), "{}", utf8.message());
    assert_eq!(
        fixture.call("GET", "/shares/..%2F..%2Fx", Value::Null).await.code(),
        (404, "SHARE_NOT_FOUND")
    );
}

#[tokio::test]
async fn the_older_api_replaces_schemas_whole_and_keeps_what_stays() {
    let fixture = fixture();
    let path = "/minio/admin/v4/delta-sharing/shares";
    let body = share("s", &[table("a", "x"), table("b", "y")]).to_string();
    assert_eq!(fixture.call_raw("POST", path, body, None).await.status, StatusCode::CREATED);
    let ids = |fixture: &Fixture| {
        let directory = fixture.published.load_full();
        let tables = directory.shares()[0].all_tables();
        tables.map(|table| (table.name().to_owned(), table.record().id)).collect::<Vec<_>>()
    };
    let before = ids(&fixture);
    let body = share("s", &[table("a", "x"), table("b", "y2"), table("c", "z")]);
    let body = json!({"schemas": body["schemas"]}).to_string();
    let replaced = fixture.call_raw("PUT", &format!("{path}/s"), body, None).await;
    assert_eq!(replaced.status, StatusCode::OK, "{:?}", replaced.body);
    let after = ids(&fixture);
    assert_eq!(after.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1].1, before[1].1);
    let emptied = fixture.call_raw("PUT", &format!("{path}/s"), r#"{"schemas":[]}"#.into(), None).await;
    assert_eq!(emptied.body["share"]["schemas"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_are_all_visible_once_answered() {
    let fixture = Arc::new(fixture());
    let tasks = (0..32).map(|index| {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move {
            let name = format!("share{index}");
            let made = fixture.call("POST", "/shares", json!({"name": name})).await;
            assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
            let is_visible =
                || fixture.published.load_full().shares().iter().any(|share| share.name() == name);
            assert!(is_visible(), "{name} is answered but not visible");
            if index % 2 == 0 {
                fixture.call("DELETE", &format!("/shares/{name}"), Value::Null).await;
                assert!(!is_visible(), "{name} is removed but still visible");
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(fixture.published.load_full().shares().len(), 16);
}

#[test]
fn the_door_knows_its_paths() {
    for path in ["/_admin", "/_admin/v1/shares", "/minio/admin/v4/delta-sharing/shares"] {
        assert!(Door::serves(path), "{path}");
    }
    for path in ["/_administration", "/minio/admin/v4/delta-sharing-x", "/minio/health/live", "/"] {
        assert!(!Door::serves(path), "{path}");
    }
}
