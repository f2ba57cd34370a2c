//! Shares hold tables that can be served, and change without loss.

use http::header::ETAG;
use lakeshare::limits;
use serde_json::{Value, json};

use crate::support::admin::{Admin, now_ms, root};
use crate::support::delta_table;
use crate::support::server::Server;

fn table(name: &str, location: &str) -> Value {
    json!({"name": name, "sourceType": "delta", "bucket": "sales", "location": location})
}

#[tokio::test]
async fn a_share_of_a_real_table_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    delta_table::write_empty(dir.path(), "sales", "tpch/orders");
    let mut server = Server::start_in(dir.path(), &[]);
    let admin = Admin::new(&server);
    let body = json!({
        "name": "Test",
        "description": "a first share",
        "schemas": [{"name": "tpch", "tables": [table("orders", "tpch/orders/")]}],
    });
    let made = admin.call("POST", "/shares", &body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(made.body["share"]["schemas"][0]["tables"][0], table("orders", "tpch/orders"));
    assert!(server.terminate().success());
    let server = Server::start_in(dir.path(), &[]);
    let shown = Admin::new(&server).call("GET", "/shares/test", &Value::Null).await;
    assert_eq!(shown.body, made.body);
    assert_eq!(shown.headers[ETAG], made.headers[ETAG]);
}

#[tokio::test]
async fn a_table_that_cannot_be_served_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    delta_table::write_empty(dir.path(), "sales", "good");
    let newer = json!({
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["telepathy"],
        "writerFeatures": ["telepathy"],
    });
    delta_table::write_with_protocol(dir.path(), ("sales", "newer"), &newer);
    std::fs::create_dir_all(dir.path().join("sales/torn/_delta_log")).unwrap();
    std::fs::write(dir.path().join("sales/torn/_delta_log/00000000000000000000.json"), "{\"metaDa").unwrap();
    let server = Server::start_in(dir.path(), &[]);
    let admin = Admin::new(&server);
    let elsewhere = json!({"name": "t", "sourceType": "delta", "bucket": "nowhere", "location": "good"});
    for (bad, word) in [
        (table("t", "absent"), "absent"),
        (table("t", "newer"), "telepathy"),
        (table("t", "torn"), "torn"),
        (elsewhere, "nowhere"),
    ] {
        let body = json!({"name": "s", "schemas": [{"name": "d", "tables": [table("ok", "good"), bad]}]});
        let refused = admin.call("POST", "/shares", &body).await;
        assert_eq!(refused.status, 400, "{:?}", refused.body);
        let message = refused.message();
        assert!(message.contains("schemas[0].tables[1]") && message.contains(word), "{message}");
        assert_eq!(admin.call("GET", "/shares/s", &Value::Null).await.status, 404);
    }
    let made = admin.call("POST", "/shares", &json!({"name": "s"})).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let patch = json!({"add": [{"schema": "d", "table": table("t", "newer")}]});
    let refused = admin.call("PATCH", "/shares/s", &patch).await;
    assert_eq!(refused.code(), (400, "UNSUPPORTED_OPERATION"), "{:?}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_with_one_etag_exactly_one_happens() {
    let server = Server::start();
    let admin = Admin::new(&server);
    let made = admin.call("POST", "/shares", &json!({"name": "s"})).await;
    let tag = made.headers[ETAG].clone();
    let changes = (0..8).map(|number| {
        let (admin, tag) = (Admin::new(&server), tag.clone());
        tokio::spawn(async move {
            let body = json!({"description": format!("change {number}")});
            admin.call_if("PATCH", "/shares/s", &body, &tag).await
        })
    });
    let mut happened = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        let answer = change.await.unwrap();
        if answer.status == 200 {
            happened.push(answer);
        } else {
            assert_eq!(answer.code(), (412, "PRECONDITION_FAILED"));
        }
    }
    assert_eq!(happened.len(), 1);
    let shown = admin.call("GET", "/shares/s", &Value::Null).await;
    assert_eq!(shown.body, happened[0].body);
    let removal = admin.call_if("DELETE", "/shares/s", &Value::Null, &tag).await;
    assert_eq!(removal.status, 412);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_so() {
    let server = Server::start();
    let admin = Admin::new(&server);
    let body = json!({"name": "s", "description": "d".repeat(limits::ADMIN_BODY_BYTES_MAX)});
    let answer = admin.call("POST", "/shares", &body).await;
    assert_eq!(answer.code(), (413, "REQUEST_TOO_LARGE"));
    let after = admin.call("POST", "/shares", &json!({"name": "s"})).await;
    assert_eq!(after.status, 201);
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named() {
    let server = Server::start();
    let admin = Admin::new(&server);
    for (body, word) in [
        ("{\"name\":", "line 1"),
        ("{\"name\":7}", "name: "),
        ("{\"name\":\"s\",\"schemes\":[]}", "`schemes`"),
        (
            "{\"name\":\"s\",\"schemas\":[{\"name\":\"x\",\"tables\":[{\"name\":3}]}]}",
            "schemas[0].tables[0].name",
        ),
        ("\u{feff}{}", "not a JSON object"),
    ] {
        let request = admin.sign(("POST", "/_admin/v1/shares"), body.as_bytes(), &root(), now_ms());
        let answer = admin.send(request).await;
        assert_eq!(answer.code(), (400, "MALFORMED_REQUEST"), "{body}: {:?}", answer.body);
        assert!(answer.message().contains(word), "{body}: {}", answer.message());
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_json() {
    let server = Server::start();
    let admin = Admin::new(&server);
    assert_eq!(admin.call("GET", "/nothing", &Value::Null).await.code(), (404, "NOT_FOUND"));
    assert_eq!(admin.call("PUT", "/shares", &Value::Null).await.code(), (405, "METHOD_NOT_ALLOWED"));
    let document = admin.call("GET", "/openapi.json", &Value::Null).await;
    assert_eq!(document.body["openapi"], "3.1.0");
    let info = admin.call("GET", "/info", &Value::Null).await;
    assert_eq!(info.body["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info.body["publicUrl"], server.url());
    let older = admin.sign(("GET", "/minio/admin/v4/delta-sharing/shares"), b"", &root(), now_ms());
    assert_eq!(admin.send(older).await.body, json!({"shares": []}));
}
