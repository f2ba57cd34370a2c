//! Nobody without the secret, and nobody between, gets anything done.

use http::HeaderValue;
use http::header::AUTHORIZATION;
use lakeshare::sigv4::credential::Credential;
use serde_json::Value;

use crate::support::admin::{Admin, now_ms, root};
use crate::support::server::Server;

const SHARES: &str = "/_admin/v1/shares";
const MINUTE_MS: i64 = 60_000;

async fn shares_of(admin: &Admin) -> usize {
    let answer = admin.call("GET", "/shares", &Value::Null).await;
    answer.body["shares"].as_array().unwrap().len()
}

#[tokio::test]
async fn wrong_signatures_are_refused() {
    let server = Server::start();
    let admin = Admin::new(&server);
    let body = br#"{"name":"s"}"#;
    let wrong_secret = Credential { secret_key: "guess".to_owned(), ..root() };
    let unknown_key = Credential { access_key: "somebody".to_owned(), ..root() };
    for credential in [wrong_secret, unknown_key] {
        let answer = admin.send(admin.sign(("POST", SHARES), body, &credential, now_ms())).await;
        assert_eq!(answer.code(), (403, "ACCESS_DENIED"));
    }
    for value in [None, Some("Bearer dapi1"), Some("AWS4-HMAC-SHA256 nonsense"), Some("Basic bGFrZTpsYWtl")] {
        let mut request = admin.sign(("POST", SHARES), body, &root(), now_ms());
        request.headers_mut().remove(AUTHORIZATION);
        if let Some(value) = value {
            request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static(value));
        }
        assert_eq!(admin.send(request).await.status, 403, "{value:?}");
    }
    assert_eq!(shares_of(&admin).await, 0);
}

#[tokio::test]
async fn a_replay_after_fifteen_minutes_is_refused() {
    let server = Server::start();
    let admin = Admin::new(&server);
    for (minutes, status) in [(-16, 403), (16, 403), (-14, 200), (14, 200)] {
        let at_ms = now_ms() + minutes * MINUTE_MS;
        let answer = admin.send(admin.sign(("GET", SHARES), b"", &root(), at_ms)).await;
        assert_eq!(answer.status, status, "{minutes} minutes: {:?}", answer.body);
    }
}

#[tokio::test]
async fn a_request_that_was_changed_on_its_way_is_refused() {
    let server = Server::start();
    let admin = Admin::new(&server);
    let signed = || admin.sign(("POST", SHARES), br#"{"name":"s"}"#, &root(), now_ms());

    let mut other_body = signed();
    *other_body.body_mut() = br#"{"name":"x"}"#.to_vec();
    let answer = admin.send(other_body).await;
    assert_eq!(answer.code(), (400, "INVALID_PARAMETER_VALUE"));
    assert!(answer.message().contains("x-amz-content-sha256"), "{}", answer.message());

    let mut other_path = signed();
    *other_path.uri_mut() = format!("{}/_admin/v1/shares/s/tokens", server.url()).parse().unwrap();
    assert_eq!(admin.send(other_path).await.status, 403);

    let mut other_method = signed();
    *other_method.method_mut() = http::Method::PUT;
    assert_eq!(admin.send(other_method).await.status, 403);

    let mut other_query = signed();
    *other_query.uri_mut() = format!("{}{SHARES}?x=1", server.url()).parse().unwrap();
    assert_eq!(admin.send(other_query).await.status, 403);

    let mut unsigned_body = signed();
    unsigned_body.headers_mut().insert("x-amz-content-sha256", HeaderValue::from_static("UNSIGNED-PAYLOAD"));
    assert_eq!(admin.send(unsigned_body).await.status, 400);

    assert_eq!(shares_of(&admin).await, 0);
}

#[tokio::test]
async fn a_signed_call_over_http_2_is_taken() {
    let files = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = Server::start_with(&[
        "--tls-cert",
        &certificate.to_string_lossy(),
        "--tls-key",
        &key.to_string_lossy(),
    ]);
    let admin = Admin::over_tls(&server, made.cert.pem().as_bytes());
    let made = admin.call("POST", "/shares", &serde_json::json!({"name": "s"})).await;
    assert_eq!((made.status.as_u16(), made.version), (201, http::Version::HTTP_2), "{:?}", made.body);
}
