//! Shares and tokens come, change, conflict and go.

use std::sync::Arc;

use http::StatusCode;
use http::header::{ETAG, RETRY_AFTER};
use serde_json::{Value, json};

use super::fixture::{Fixture, fixture, share, table};

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
