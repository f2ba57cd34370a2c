//! The embedded S3: objects are plain files below one directory.
//!
//! The wire (operations, XML, signatures, the framing of uploads) is that of the s3s crate; the files are
//! ours. One request runs like this: [`Door::handle`] refuses what s3s would take and we do not, s3s
//! verifies the signature, `access` says who may do what, `backend` hands the operation to its file, and
//! that does its file work on the blocking pool. Only large objects are read on the core that serves them.

pub mod error;
pub mod object_path;

mod access;
mod attributes;
mod aws_chunked;
mod backend;
mod bucket;
mod condition;
mod digest;
mod directories;
mod layout;
mod list;
mod listing;
mod locks;
mod multipart;
mod publish;
mod put;
mod read;
mod refused;
mod remove;
mod settings;
mod stage;
mod store;
mod upload;
mod upload_list;
mod walk;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};

use self::access::{Domain, Gate, Names};
use self::aws_chunked::{Cut, Framing};
use self::backend::Backend;
use self::error::Error;
use self::store::Store;
use crate::clock::Clock;
use crate::http::body::Body;
use crate::limits::S3_XML_BYTES_MAX;
use crate::sigv4::credential::Credential;
use crate::state::record::SigningCredential;
use crate::storage::file_read::FileReader;

/// What the door is made of.
#[derive(Debug)]
pub struct StoreParts {
    /// Buckets are the directories in it.
    pub data_dir: PathBuf,
    /// May do everything.
    pub root: Credential,
    /// May read objects by presigned URLs.
    pub signing: SigningCredential,
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
}

impl Door {
    /// Opens the data directory and cleans up what a dead server left.
    ///
    /// Errors: the directory cannot be made, read or written.
    pub fn new(parts: StoreParts) -> Result<Self, Error> {
        let StoreParts { data_dir, root, signing, region, domain, file_reader, clock } = parts;
        let store = Store::open(&data_dir, region, file_reader, clock)?;
        let mut config = S3Config::default();
        config.xml_max_body_size = S3_XML_BYTES_MAX;
        let mut builder = S3ServiceBuilder::new(Backend::new(Arc::new(store)));
        let gate = Gate::new(root, signing);
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_auth(gate.clone());
        builder.set_access(gate);
        builder.set_validation(Names);
        if let Some(domain) = domain {
            builder.set_host(Domain::new(&domain));
        }
        Ok(Self { service: builder.build() })
    }

    /// Answers one request. Must run on a runtime that [`FileReader::block_on`] started, or one like it.
    pub async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let sends_body = matches!(*request.method(), Method::PUT | Method::POST);
        if let Err(refusal) = check_form(&request) {
            return answer(refusal.to_http_response());
        }
        let framing = Framing::of(request.headers());
        let request = request.map(|body| match framing {
            Some(framing) => s3s::Body::http_body_unsync(Cut::new(body, framing)),
            None => s3s::Body::from(body),
        });
        let response = self.service.call(request).await;
        if sends_body && response.as_ref().is_ok_and(is_unexplained) {
            let refusal = "The body ended early, or is not what its signature, length or framing says.";
            return answer(S3Error::with_message(S3ErrorCode::IncompleteBody, refusal).to_http_response());
        }
        answer(response)
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

/// Refuses what s3s would take: signatures of version 2, and uploads by HTML form, which it gathers in memory.
fn check_form(request: &Request<Incoming>) -> Result<(), S3Error> {
    let header = |name| request.headers().get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let query = request.uri().query().unwrap_or("");
    let in_query =
        query.split('&').any(|pair| pair.starts_with("Signature=") || pair.starts_with("AWSAccessKeyId="));
    if in_query || header(http::header::AUTHORIZATION).is_some_and(|value| value.starts_with("AWS ")) {
        let why = "Signature version 2 is not served; sign with AWS4-HMAC-SHA256.";
        return Err(S3Error::with_message(S3ErrorCode::AccessDenied, why));
    }
    let is_form = header(http::header::CONTENT_TYPE)
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"));
    if is_form && request.method() == Method::POST {
        let why = "Uploads by HTML form are not served; use PUT or a presigned URL.";
        return Err(S3Error::with_message(S3ErrorCode::NotImplemented, why));
    }
    Ok(())
}

/// Whether s3s answered 500 of its own accord, which it does for bodies that break off; ours carry a message.
fn is_unexplained(response: &s3s::HttpResponse) -> bool {
    response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && response.body().bytes().is_none_or(|text| !text.windows(9).any(|word| word == b"<Message>"))
}

fn answer<E>(response: Result<s3s::HttpResponse, E>) -> Response<Body> {
    response.map(|response| response.map(Body::wrap)).unwrap_or_else(|_| {
        let mut failed = Response::new(Body::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}
