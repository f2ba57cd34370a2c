//! Signed calls to the admin door of a running server.

use http::{HeaderMap, HeaderValue, Request, StatusCode, Version};
use lakeshare::clock::Clock;
use lakeshare::sigv4::credential::Credential;
use lakeshare::sigv4::sign::{Payload, sign_headers};
use lakeshare::sigv4::signing_key::Scope;
use serde_json::Value;

use super::server::{ACCESS_KEY, SECRET_KEY, Server};

/// A client with one connection pool of its own.
#[derive(Clone)]
pub(crate) struct Admin {
    url: String,
    http: reqwest::Client,
}

/// What came back; `body` is null when there was none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// Status and error code.
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["errorCode"].as_str().unwrap_or_default())
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// The credential of a server that nobody configured.
pub(crate) fn root() -> Credential {
    Credential { access_key: ACCESS_KEY.to_owned(), secret_key: SECRET_KEY.to_owned() }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    Clock::system().now_ms()
}

/// An HTTP client with a connection pool of its own.
pub(crate) fn http_client() -> reqwest::Client {
    // A second installation in one process is refused, and then the first one serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Admin {
    pub(crate) fn new(server: &Server) -> Self {
        Self { url: server.url(), http: http_client() }
    }

    /// The same over TLS, which also means HTTP/2; trusts `certificate`.
    pub(crate) fn over_tls(server: &Server, certificate: &[u8]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate = reqwest::Certificate::from_pem(certificate).unwrap();
        let http = reqwest::Client::builder().no_proxy().add_root_certificate(certificate);
        Self { url: format!("https://localhost:{}", server.address.port()), http: http.build().unwrap() }
    }

    /// A request signed by `credential` at `at_ms`, ready to be sent or to be spoilt first.
    pub(crate) fn sign(
        &self,
        (method, path): (&str, &str),
        body: &[u8],
        credential: &Credential,
        at_ms: i64,
    ) -> Request<Vec<u8>> {
        self.sign_for(("s3", method, path), body, credential, at_ms)
    }

    /// The same for another service.
    pub(crate) fn sign_for(
        &self,
        (service, method, path): (&'static str, &str, &str),
        body: &[u8],
        credential: &Credential,
        at_ms: i64,
    ) -> Request<Vec<u8>> {
        let uri = format!("{}{path}", self.url);
        let request = Request::builder().method(method).uri(uri).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let scope = Scope { region: "us-east-1", service };
        sign_headers(&mut parts, Payload::Bytes(body), &scope, credential, at_ms).unwrap();
        Request::from_parts(parts, body.to_vec())
    }

    /// Sends `request` as it is; an error when the connection breaks.
    pub(crate) async fn try_send(&self, request: Request<Vec<u8>>) -> Result<Answer, reqwest::Error> {
        let response = self.http.execute(request.try_into().unwrap()).await?;
        let (status, version, headers) = (response.status(), response.version(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, version, headers, body })
    }

    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    /// Calls `path` below `/_admin/v1`; a null body is none.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.try_call(method, path, body).await.unwrap()
    }

    /// The same; an error when the server dies meanwhile.
    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, reqwest::Error> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let path = format!("/_admin/v1{path}");
        self.try_send(self.sign((method, &path), &bytes, &root(), now_ms())).await
    }

    /// The same under the condition `If-Match: tag`.
    pub(crate) async fn call_if(&self, method: &str, path: &str, body: &Value, tag: &HeaderValue) -> Answer {
        let path = format!("/_admin/v1{path}");
        let bytes = body.to_string().into_bytes();
        let mut request = self.sign((method, &path), &bytes, &root(), now_ms());
        request.headers_mut().insert(http::header::IF_MATCH, tag.clone());
        self.send(request).await
    }
}

/// Lists the shares that `token` opens, over `http`: the status and the names.
pub(crate) async fn shares_of(http: &reqwest::Client, url: &str, token: &str) -> (u16, Vec<String>) {
    let request = http.get(format!("{url}/delta-sharing/shares")).bearer_auth(token);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let items = body["items"].as_array().cloned().unwrap_or_default();
    (status, items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect())
}
