//! What is wrong with a request is told in JSON.

use http::StatusCode;
use http::header::ALLOW;
use serde_json::{Value, json};

use super::fixture::fixture;
use crate::limits;

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
