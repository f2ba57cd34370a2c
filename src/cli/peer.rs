//! One server that an alias stands for, and signed requests to it.

use http::{HeaderMap, Method, Request, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::aliases::{StoredAlias, parse_server_url};
use super::context::Context;
use super::fault::Fault;
use super::transport;
use crate::clock::Clock;
use crate::sigv4::canonical::encode_into;
use crate::sigv4::credential::Credential;
use crate::sigv4::sign::{Payload, sign_headers};
use crate::sigv4::signing_key::Scope;

/// The region that servers of one machine answer to.
pub(crate) const REGION: &str = "us-east-1";
/// Largest answer that is taken into memory: more JSON than any share has.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// A difference of clocks that is worth a word; signatures are refused from 15 minutes on.
const SKEW_SECONDS_NOTICED: i64 = 300;

/// A server, the key pair for it, and the connections to it.
pub(crate) struct Peer {
    /// The alias, or the address where there is no alias yet.
    pub name: String,
    pub endpoint: Url,
    pub credential: Credential,
    pub http: reqwest::Client,
    pub clock: Clock,
}

/// A request as it is signed: whole, for one service.
pub(crate) struct Call<'a> {
    /// Part of the signature's scope; it decides how the path is spelt when it is signed.
    pub service: &'static str,
    pub method: Method,
    /// Percent-encoded, begins with `/`.
    pub path: &'a str,
    pub json: Option<Vec<u8>>,
}

/// A whole answer.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A body as it is sent; `what` is what the user wanted.
pub(crate) fn json_of(what: &str, body: Option<&impl Serialize>) -> Result<Option<Vec<u8>>, Fault> {
    body.map(serde_json::to_vec).transpose().map_err(|error| Fault::refused(what, error.to_string()))
}

impl Peer {
    /// The server of `alias`; nothing is sent yet.
    pub(crate) fn find(context: &Context, alias: &str) -> Result<Self, Fault> {
        let stored = context.server(alias)?;
        Self::new(context, alias, &stored)
    }

    pub(crate) fn new(context: &Context, name: &str, stored: &StoredAlias) -> Result<Self, Fault> {
        let endpoint = parse_server_url(&stored.url)?;
        let http = context.trust.client(&endpoint)?;
        let credential =
            Credential { access_key: stored.access_key.clone(), secret_key: stored.secret_key.clone() };
        Ok(Self { name: name.to_owned(), endpoint, credential, http, clock: context.clock.clone() })
    }

    /// Sends a request signed by its headers and reads the whole answer, whatever its status.
    ///
    /// `path` is percent-encoded and begins with `/`; `what` is what the user wanted, for complaints.
    pub(crate) async fn send(
        &self,
        what: &str,
        method: Method,
        path: &str,
        json: Option<Vec<u8>>,
    ) -> Result<Answer, Fault> {
        self.call(what, Call { service: "s3", method, path, json }).await
    }

    /// The same for a service of the caller's choice.
    pub(crate) async fn call(&self, what: &str, call: Call<'_>) -> Result<Answer, Fault> {
        let request = self.signed(call).map_err(|why| {
            Fault::refused(what, why)
                .advise(format!("Correct the alias: lakeshare alias set {} URL", self.name))
        })?;
        let response = self
            .http
            .execute(request)
            .await
            .map_err(|error| transport::no_answer(what, &self.endpoint, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.read_body(what, response).await?;
        Ok(Answer { status, headers, body })
    }

    /// The value in an answer that was taken.
    pub(crate) fn parsed<T: DeserializeOwned>(&self, what: &str, answer: &Answer) -> Result<T, Fault> {
        serde_json::from_slice(&answer.body).map_err(|error| self.stranger(what, &error.to_string()))
    }

    fn signed(&self, Call { service, method, path, json }: Call<'_>) -> Result<reqwest::Request, String> {
        let uri = format!("{}{path}", self.endpoint.origin().ascii_serialization());
        let mut builder = Request::builder().method(method).uri(uri);
        if json.is_some() {
            builder = builder.header("content-type", "application/json");
        }
        let request = builder.body(json.unwrap_or_default()).map_err(|error| error.to_string())?;
        let (mut parts, body) = request.into_parts();
        let scope = Scope { region: REGION, service };
        sign_headers(&mut parts, Payload::Bytes(&body), &scope, &self.credential, self.clock.now_ms())
            .map_err(|error| error.to_string())?;
        Request::from_parts(parts, body).try_into().map_err(|error: reqwest::Error| error.to_string())
    }

    /// The whole body of an answer, within its bound.
    pub(crate) async fn read_body(
        &self,
        what: &str,
        mut response: reqwest::Response,
    ) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(Fault::refused(what, format!("the answer of {} never ends", self.name)));
                }
                Ok(None) => return Ok(body),
                Err(error) => return Err(transport::no_answer(what, &self.endpoint, &error)),
            }
        }
    }

    /// An answer that no Lakeshare server gives.
    pub(crate) fn stranger(&self, what: &str, why: &str) -> Fault {
        let server = self.endpoint.origin().ascii_serialization();
        Fault::refused(what, format!("{server} does not answer like a Lakeshare server ({why})"))
            .advise("Check the address with `lakeshare alias list`, and that server and command line have the same version.")
    }

    /// What to do when the server refuses the key pair: clocks are compared before the keys are suspected.
    pub(crate) fn credential_advice(&self, headers: &HeaderMap) -> String {
        let theirs = headers
            .get(http::header::DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
        if let Some(theirs) = theirs {
            let seconds = self.clock.now_ms() / 1_000 - theirs.timestamp();
            if seconds.abs() > SKEW_SECONDS_NOTICED {
                let (side, minutes) = (if seconds > 0 { "ahead of" } else { "behind" }, seconds.abs() / 60);
                return format!(
                    "The clock of this machine is {minutes} minutes {side} the server's: set one of them right."
                );
            }
        }
        format!(
            "Check the key pair, and set it anew: lakeshare alias set {} {} ACCESS_KEY SECRET_KEY",
            self.name,
            self.endpoint.origin().ascii_serialization()
        )
    }
}

/// One segment of a path; whoever reads names keeps `.` and `..` away, which URL parsers would resolve.
pub(crate) fn encoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    encode_into(segment.as_bytes(), false, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(now_ms: i64) -> Peer {
        Peer {
            name: "local".to_owned(),
            endpoint: Url::parse("http://127.0.0.1:9000").unwrap(),
            credential: Credential { access_key: "a".to_owned(), secret_key: "s".to_owned() },
            http: crate::cli::transport::TlsTrust::default()
                .client(&Url::parse("http://127.0.0.1:9000").unwrap())
                .unwrap(),
            clock: Clock::fixed(now_ms),
        }
    }

    #[test]
    fn requests_are_signed_and_keep_their_path() {
        let path = "/_admin/v1/shares/a%20b";
        let call = Call { service: "s3", method: Method::POST, path, json: Some(b"{}".to_vec()) };
        let request = peer(1_369_353_600_000).signed(call).unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:9000/_admin/v1/shares/a%20b");
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert!(authorization.contains("Credential=a/20130524/us-east-1/s3/aws4_request"), "{authorization}");
        assert!(authorization.contains("host;"), "{authorization}");
    }

    #[test]
    fn a_wrong_clock_is_suspected_before_the_keys() {
        let mut headers = HeaderMap::new();
        headers.insert("date", "Fri, 24 May 2013 00:00:00 GMT".parse().unwrap());
        let now_ms = 1_369_353_600_000;
        assert!(peer(now_ms).credential_advice(&headers).contains("alias set local http://127.0.0.1:9000"));
        let advice = peer(now_ms - 20 * 60_000).credential_advice(&headers);
        assert!(advice.contains("20 minutes behind the server's"), "{advice}");
    }
}
