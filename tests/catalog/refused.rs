//! Bad input is a 4xx, and nothing is written.

use http::Method;
use serde_json::{Value, json};

use crate::support::catalog::{Catalog, new_table, schema};
use crate::support::server::Server;

const TABLES: &str = "/lake/namespaces/sales/tables";

fn files_below(path: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}

#[tokio::test]
async fn what_cannot_be_right_is_named_and_changes_nothing() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    catalog.make_table("t").await;
    let before = files_below(&server.dir().join("lake"));
    let update = |update: Value| json!({"requirements": [], "updates": [update]});
    let table = |change: fn(&mut Value)| {
        let mut table = new_table("x");
        change(&mut table);
        table
    };
    let one = format!("{TABLES}/t");
    for (path, body, status) in [
        (one.as_str(), update(json!({"action": "levitate"})), 400),
        (&one, update(json!({"action": "set-location", "location": "s3://pond/t"})), 400),
        (&one, update(json!({"action": "set-location", "location": "s3://lake/../pond"})), 400),
        (
            &one,
            update(json!({"action": "set-properties", "updates": {"write.data.path": "file:///etc"}})),
            400,
        ),
        (&one, update(json!({"action": "set-current-schema", "schema-id": 9})), 400),
        (
            &one,
            update(
                json!({"action": "set-snapshot-ref", "ref-name": "b", "type": "branch", "snapshot-id": 9}),
            ),
            400,
        ),
        (&one, json!({"requirements": [{"type": "assert-nothing"}], "updates": []}), 400),
        (&one, json!({"updates": []}), 400),
        (TABLES, table(|table| table["location"] = json!("s3://pond/x")), 400),
        (TABLES, table(|table| table["location"] = json!("s3://lake")), 400),
        (TABLES, table(|table| table["location"] = json!("/etc/x")), 400),
        (TABLES, table(|table| table["name"] = json!("")), 400),
        (TABLES, table(|table| table["name"] = json!("a/b")), 400),
        (TABLES, table(|table| table["name"] = json!("a\u{1f}b")), 400),
        (TABLES, table(|table| table["schema"]["fields"][0]["type"] = json!("longest")), 400),
        (
            TABLES,
            table(|table| table["schema"]["fields"] = json!([schema()["fields"][0], schema()["fields"][0]])),
            400,
        ),
        (
            TABLES,
            table(|table| {
                table["partition-spec"] =
                    json!({"fields": [{"source-id": 9, "name": "x", "transform": "identity"}]})
            }),
            400,
        ),
        (TABLES, table(|table| table["properties"] = json!({"format-version": "9"})), 400),
        (TABLES, json!([]), 400),
        ("/lake/namespaces", json!({"namespace": []}), 400),
        ("/lake/namespaces", json!({"namespace": [""]}), 400),
        ("/lake/namespaces", json!({"namespace": ["a\u{0}b"]}), 400),
        (
            "/lake/namespaces/sales/register",
            json!({"name": "r", "metadata-location": "s3://pond/m.json"}),
            400,
        ),
        (
            "/lake/namespaces/sales/register",
            json!({"name": "r", "metadata-location": "s3://lake/none.json"}),
            404,
        ),
        ("/lake/nothing", json!({}), 404),
    ] {
        let refused = catalog.post(path, &body).await;
        assert_eq!(refused.status.as_u16(), status, "{path} {body} {}", refused.body);
        let error = &refused.body["error"];
        assert_eq!(error["code"], status, "{}", refused.body);
        assert!(!refused.message().is_empty() && error["type"].is_string(), "{}", refused.body);
    }
    assert_eq!(files_below(&server.dir().join("lake")), before);
    assert_eq!(catalog.get(TABLES).await.ok()["identifiers"].as_array().unwrap().len(), 1);
    assert_eq!(catalog.call(Method::PUT, TABLES, &json!({})).await.status, 405);
}

#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_refused_and_the_server_lives() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let body = json!({"namespace": ["x"], "properties": {"long": "y".repeat(100 << 20)}});
    let refused = catalog.post("/lake/namespaces", &body).await;
    assert_eq!(refused.status, 413, "{}", refused.body);
    assert_eq!(refused.body["error"]["code"], 413);
    assert!(server.resident_bytes() < 256 << 20, "{} bytes", server.resident_bytes());
    assert_eq!(catalog.head("/lake/namespaces/x").await, 404);
}

#[tokio::test]
async fn hostile_json_is_refused() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let url = format!("{}/_iceberg/v1{TABLES}", server.url());
    let deep = format!("{{\"name\":\"x\",\"schema\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let struct_of = |inner: String| {
        format!(
            "{{\"type\":\"struct\",\"fields\":[{{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":{inner}}}]}}"
        )
    };
    let mut nested = "\"long\"".to_owned();
    for _ in 0..2_000 {
        nested = struct_of(nested);
    }
    let nested = format!("{{\"name\":\"x\",\"schema\":{nested}}}");
    for body in [deep, nested, "{".to_owned(), "\u{0}".to_owned(), String::new(), "null".to_owned()] {
        let token = catalog.token();
        let answer = catalog.http.post(&url).bearer_auth(token).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["type"], "BadRequestException");
    }
}

#[tokio::test]
async fn who_is_refused_over_http_2_hears_so_whatever_he_still_sends() {
    let server = Server::start();
    let http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("{}/_iceberg/v1/lake/namespaces", server.url());
    for bytes in [0, 1_000, 100_000, 2 << 20] {
        for _ in 0..10 {
            let request = http.post(&url).bearer_auth("forged").body(vec![b' '; bytes]);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401, "{bytes}");
            assert!(response.text().await.unwrap().contains("NotAuthorizedException"));
        }
    }
}
