//! The embedded S3: objects are plain files below one directory.
//!
//! The wire (operations, XML, signatures, the framing of uploads) is that of the s3s crate; the files are
//! ours. One request runs like this: [`Door::handle`] refuses what s3s would take and we do not, s3s
//! verifies the signature, `access` says who may do what, `backend` hands the operation to its file, and
//! that does its file work on the blocking pool. Only large objects are read on the core that serves them.

pub mod error;

mod access;
mod aws_chunked;
mod backend;
mod bucket;
mod complete;
mod condition;
mod digest;
mod list;
mod listing;
mod multipart;
mod publish;
mod put;
mod read;
mod refused;
mod remove;
mod request_body;
mod settings;
mod sig_v2;
mod stage;
mod store;
mod upload;
mod upload_list;
mod walk;
mod wire;

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, EXPECT, HOST};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};

use self::access::{Domain, Gate, Names};
use self::aws_chunked::{Cut, Framing};
use self::backend::Backend;
use self::error::{BROKEN_BODY, Error};
use self::request_body::Held;
use self::sig_v2::Refusal;
use self::store::Store;
use crate::auth::session::Sessions;
use crate::clock::Clock;
use crate::http::body::Body;
use crate::limits::objects::S3_XML_BYTES_MAX;
use crate::sigv4::credential::Credential;
use crate::state::record::SigningCredential;
use crate::storage::Buckets;
use crate::storage::file_read::FileReader;

/// What the door is made of.
#[derive(Debug)]
pub struct StoreParts {
    /// Opened with what else writes into its buckets.
    pub buckets: Buckets,
    /// May do everything.
    pub root: Credential,
    /// May read objects by presigned URLs.
    pub signing: SigningCredential,
    /// May get and list what lies in one directory, until they end.
    pub sessions: Sessions,
    pub region: String,
    /// Base of virtual-host addressing (`bucket.domain`); `None`: by path only.
    pub domain: Option<String>,
    pub file_reader: FileReader,
    pub clock: Clock,
}

/// The S3 door. Made once for a process, because it removes the remains of the one before; cloned for each core.
#[derive(Clone)]
pub struct Door {
    service: S3Service,
    gate: Gate,
    domain: Option<Domain>,
}

impl Door {
    /// Opens the data directory and cleans up what a dead server left.
    ///
    /// Errors: the directory cannot be made, read or written.
    pub fn new(parts: StoreParts) -> Result<Self, Error> {
        let StoreParts { buckets, root, signing, sessions, region, domain, file_reader, clock } = parts;
        let gate = Gate::new(root, signing, (sessions, clock.clone()));
        let store = Store::new(buckets.files()?, region, file_reader, clock);
        let mut config = S3Config::default();
        config.xml_max_body_size = S3_XML_BYTES_MAX;
        let mut builder = S3ServiceBuilder::new(Backend::new(Arc::new(store)));
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_auth(gate.clone());
        builder.set_access(gate.clone());
        builder.set_validation(Names);
        let domain = domain.map(|domain| Domain::new(&domain));
        if let Some(domain) = domain.clone() {
            builder.set_host(domain);
        }
        Ok(Self { service: builder.build(), gate, domain })
    }

    /// Answers one request. Must run on a runtime that [`FileReader::block_on`] started, or one like it.
    pub async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let sends_body = matches!(*request.method(), Method::PUT | Method::POST);
        // Who waits for `100 Continue` has sent nothing yet, and reads a refusal at once.
        let waits = request.headers().contains_key(EXPECT);
        let (parts, body) = request.into_parts();
        let (body, rest) = request_body::hold(body);
        let response = match self.check_form(&parts) {
            Err(refusal) => answer(refusal.to_http_response()),
            Ok(()) => self.serve(parts, body, sends_body).await,
        };
        if sends_body && !waits && !response.status().is_success() {
            rest.discard().await;
        }
        response
    }

    async fn serve(&self, parts: Parts, body: Held<Incoming>, sends_body: bool) -> Response<Body> {
        let body = match Framing::of(&parts.headers) {
            Some(framing) => s3s::Body::http_body_unsync(Cut::new(body, framing)),
            None => s3s::Body::http_body_unsync(body),
        };
        let response = self.service.call(Request::from_parts(parts, body)).await;
        if sends_body && response.as_ref().is_ok_and(is_unexplained) {
            return answer(
                S3Error::with_message(S3ErrorCode::IncompleteBody, BROKEN_BODY).to_http_response(),
            );
        }
        answer(response)
    }

    /// Refuses what s3s would take and we do not: signatures of version 2 in headers, and uploads by HTML
    /// form, which it gathers in memory. URLs of version 2 are verified here.
    fn check_form(&self, parts: &Parts) -> Result<(), S3Error> {
        let header = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        if header(AUTHORIZATION).is_some_and(|value| value.starts_with("AWS ")) {
            return Err(old_signature());
        }
        let is_form = header(CONTENT_TYPE)
            .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"));
        if is_form && parts.method == Method::POST {
            let why = "Uploads by HTML form are not served; use PUT or a presigned URL.";
            return Err(S3Error::with_message(S3ErrorCode::NotImplemented, why));
        }
        if !sig_v2::is_presigned(parts.uri.query().unwrap_or("")) {
            return Ok(());
        }
        let host = header(HOST).or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
        let bucket = self.domain.as_ref().zip(host).and_then(|(domain, host)| domain.bucket_of(host));
        sig_v2::verify(parts, bucket.as_deref(), |key| self.gate.secret_of(key)).map_err(|refusal| {
            match refusal {
                Refusal::Form => old_signature(),
                Refusal::UnknownKey => access::unknown_key(),
                Refusal::Signature => S3Error::with_message(
                    S3ErrorCode::SignatureDoesNotMatch,
                    "The signature is not that of this request by this credential.",
                ),
            }
        })
    }
}

fn old_signature() -> S3Error {
    let why =
        "Signature version 2 is served for presigned GET, HEAD and PUT only; sign with AWS4-HMAC-SHA256.";
    S3Error::with_message(S3ErrorCode::AccessDenied, why)
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

/// Whether s3s answered 500 of its own accord, which it does for bodies that break off; ours carry a message.
fn is_unexplained(response: &s3s::HttpResponse) -> bool {
    response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && response.body().bytes().is_none_or(|text| !text.windows(9).any(|word| word == b"<Message>"))
}

fn answer<E>(response: Result<s3s::HttpResponse, E>) -> Response<Body> {
    let failed = |_| {
        let mut failed = Response::new(Body::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    };
    response.map_or_else(failed, |response| response.map(Body::wrap))
}
