//! A small S3 client that signs by itself and hides nothing.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use lakeshare::clock::Clock;
use lakeshare::sigv4::credential::Credential;
use lakeshare::sigv4::sign::{Payload, sign_headers};
use lakeshare::sigv4::signing_key::Scope;

use rusty_s3::{Credentials, S3Action, UrlStyle};

use super::server::{ACCESS_KEY, SECRET_KEY, Server};

/// One connection pool and one credential; calls wait for their answer.
pub struct S3 {
    url: String,
    credential: Credential,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The text of the first element `name` in the body.
    pub fn element(&self, name: &str) -> String {
        self.elements(name).into_iter().next().unwrap_or_default()
    }

    /// The texts of all elements `name` in the body, as they are written.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body);
        text.split(&format!("<{name}>"))
            .skip(1)
            .filter_map(|rest| rest.split('<').next().map(str::to_owned))
            .collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The S3 error code.
    pub fn code(&self) -> String {
        self.element("Code")
    }
}

impl S3 {
    /// With the server's root credential.
    pub fn of(server: &Server) -> Self {
        Self::new(server.url(), ACCESS_KEY, SECRET_KEY)
    }

    pub fn new(url: String, access_key: &str, secret_key: &str) -> Self {
        // A second installation in one process is refused, and then the first one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            url,
            credential: Credential { access_key: access_key.to_owned(), secret_key: secret_key.to_owned() },
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            http: reqwest::Client::new(),
        }
    }

    /// Signs and sends. `path` is percent-encoded, with its query. Errors: the connection broke.
    pub fn try_call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, reqwest::Error> {
        let body = body.into();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let scope = Scope { region: "us-east-1", service: "s3" };
        let now_ms = Clock::system().now_ms();
        sign_headers(&mut parts, Payload::Bytes(&body), &scope, &self.credential, now_ms).unwrap();
        self.send(Request::from_parts(parts, body))
    }

    /// The same where a broken connection is a failed test.
    pub fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.try_call(method, path, headers, body).unwrap()
    }

    /// Sends a request as it is, unsigned or presigned.
    pub fn send(&self, request: Request<Bytes>) -> Result<Answer, reqwest::Error> {
        self.runtime.block_on(async {
            let answer = self.http.execute(reqwest::Request::try_from(request)?).await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Ok(Answer { status, headers, body: answer.bytes().await? })
        })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], "")
    }

    pub fn put(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.call(Method::PUT, path, &[], body)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], "")
    }

    /// Signs `signed` and sends `sent` in its place.
    pub fn call_with_body(&self, path: &str, signed: &str, sent: &'static str) -> Answer {
        let request = Request::builder().method(Method::PUT).uri(format!("{}{path}", self.url));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let scope = Scope { region: "us-east-1", service: "s3" };
        let now_ms = Clock::system().now_ms();
        sign_headers(&mut parts, Payload::Bytes(signed.as_bytes()), &scope, &self.credential, now_ms)
            .unwrap();
        self.send(Request::from_parts(parts, Bytes::from_static(sent.as_bytes()))).unwrap()
    }

    /// A presigned URL by another's signer; the empty key lists the bucket.
    pub fn presign(&self, method: &Method, bucket: &str, key: &str, seconds: u64) -> String {
        let endpoint = self.url.parse().unwrap();
        let bucket = rusty_s3::Bucket::new(endpoint, UrlStyle::Path, bucket.to_owned(), "us-east-1").unwrap();
        let credentials = Credentials::new(&self.credential.access_key, &self.credential.secret_key);
        let (credentials, expires) = (Some(&credentials), Duration::from_secs(seconds));
        let url = match *method {
            Method::GET if key.is_empty() => bucket.list_objects_v2(credentials).sign(expires),
            Method::GET => bucket.get_object(credentials, key).sign(expires),
            Method::HEAD => bucket.head_object(credentials, key).sign(expires),
            Method::PUT => bucket.put_object(credentials, key).sign(expires),
            Method::DELETE => bucket.delete_object(credentials, key).sign(expires),
            _ => panic!("no URL for {method}"),
        };
        url.to_string()
    }

    pub fn presign_put(&self, bucket: &str, key: &str) -> String {
        self.presign(&Method::PUT, bucket, key, 60)
    }

    /// All keys below `prefix`, over as many pages as it takes.
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let mut token = String::new();
        loop {
            let page = self.get(&format!("/{bucket}?list-type=2&prefix={prefix}{token}"));
            assert_eq!(page.status, 200, "{page:?}");
            keys.extend(page.elements("Key"));
            match page.element("NextContinuationToken").as_str() {
                "" => return keys,
                next => token = format!("&continuation-token={next}"),
            }
        }
    }
}
