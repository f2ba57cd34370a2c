//! Calls to the catalog of a running server, with a bearer token.

use std::io::Read as _;

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::admin::{Admin, http_client, now_ms, root};
use super::server::{ACCESS_KEY, SECRET_KEY, Server};

/// A client of one server's catalog; cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalog {
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    token: String,
}

/// What came back; `body` is null when there was none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// Status and the type of the error.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["error"]["type"].as_str().unwrap_or_default())
    }

    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }
}

impl Catalog {
    pub(crate) async fn new(server: &Server) -> Self {
        Self::at(&server.url()).await
    }

    pub(crate) async fn at(url: &str) -> Self {
        let (url, http) = (url.to_owned(), http_client());
        let form = format!(
            "grant_type=client_credentials&client_id={ACCESS_KEY}&client_secret={SECRET_KEY}&scope=catalog"
        );
        let answer = http
            .post(format!("{url}/_iceberg/v1/oauth/tokens"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send();
        let answer: Value = answer.await.unwrap().json().await.unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { url, http, token }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Calls `path` below `/_iceberg/v1`; a null body is none.
    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.try_call(method, path, body, &[]).await.unwrap()
    }

    /// The same with headers.
    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.try_call(method, path, body, headers).await.unwrap()
    }

    /// The same; an error when the server dies meanwhile.
    pub(crate) async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let mut request =
            self.http.request(method, format!("{}/_iceberg/v1{path}", self.url)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, headers, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &Value::Null).await
    }

    /// Loads with one coding accepted, and unpacks what comes.
    pub(crate) async fn load_packed(&self, path: &str, coding: &str) -> Answer {
        let request = self.http.get(format!("{}/_iceberg/v1{path}", self.url)).bearer_auth(&self.token);
        let response = request.header("accept-encoding", coding).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let plain = match headers.get("content-encoding").map(http::HeaderValue::as_bytes) {
            None => bytes.to_vec(),
            Some(b"gzip") => {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(bytes.as_ref()).read_to_end(&mut plain).unwrap();
                plain
            }
            Some(_) => zstd::stream::decode_all(bytes.as_ref()).unwrap(),
        };
        Answer { status, headers, body: serde_json::from_slice(&plain).unwrap() }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &Value::Null).await
    }

    pub(crate) async fn head(&self, path: &str) -> u16 {
        self.call(Method::HEAD, path, &Value::Null).await.status.as_u16()
    }

    /// The warehouse `lake` with the namespace `sales`.
    pub(crate) async fn with_sales(server: &Server) -> Self {
        let catalog = Self::new(server).await;
        catalog.post("/warehouses", &json!({"name": "lake"})).await.ok();
        catalog.post("/lake/namespaces", &json!({"namespace": ["sales"]})).await.ok();
        catalog
    }

    /// Makes a table of one column in `sales`, and gives back what the server says of it.
    pub(crate) async fn make_table(&self, name: &str) -> Value {
        self.post("/lake/namespaces/sales/tables", &new_table(name)).await.ok()
    }
}

/// What makes a table of one column.
pub(crate) fn new_table(name: &str) -> Value {
    json!({"name": name, "schema": schema()})
}

pub(crate) fn schema() -> Value {
    json!({
        "type": "struct",
        "schema-id": 0,
        "fields": [{"id": 1, "name": "id", "type": "long", "required": true}],
    })
}

/// Signs a call to the catalog for `service`.
pub(crate) async fn signed(server: &Server, method: &str, path: &str, service: &'static str) -> (u16, Value) {
    let admin = Admin::new(server);
    let request = admin.sign_for((service, method, path), b"", &root(), now_ms());
    let answer = admin.send(request).await;
    (answer.status.as_u16(), answer.body)
}
