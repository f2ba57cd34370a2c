//! What an S3 server refused, or why it did not answer.

use std::path::PathBuf;

use http::{HeaderMap, StatusCode};

use crate::cli::fault::Fault;
use crate::cli::peer::Peer;
use crate::cli::transport;

/// One request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the server did not answer")]
    Unanswered(#[source] reqwest::Error),
    #[error("{message} ({code})")]
    Refused { status: StatusCode, code: String, message: String, headers: Box<HeaderMap> },
    #[error("the answer is not one of an S3 server: {0}")]
    Odd(String),
    #[error("the name '{0}' cannot be asked for, because addresses give . and .. another meaning")]
    Name(String),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

impl Error {
    /// Whether the same request may succeed a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unanswered(error) => !error.is_builder(),
            Self::Refused { status, .. } => {
                status.is_server_error() && *status != StatusCode::NOT_IMPLEMENTED
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::Odd(_) | Self::Name(_) | Self::File { .. } => false,
        }
    }

    pub(crate) fn is_status(&self, wanted: StatusCode) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == wanted)
    }

    /// S3's own word for the error.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Unanswered(_) | Self::Odd(_) | Self::Name(_) | Self::File { .. } => None,
        }
    }

    /// The error as told to the user; `what` is what the user wanted.
    pub(crate) fn into_fault(self, what: impl Into<String>, peer: &Peer) -> Fault {
        let what = what.into();
        match self {
            Self::Unanswered(error) => transport::no_answer(&what, &peer.endpoint, &error),
            Self::Refused { status, code, message, headers } => {
                let advice = advice(peer, status, &code, &headers);
                let message = message.trim_end_matches('.');
                let why = match (plain_words(&code), message) {
                    (Some(words), _) => words.to_owned(),
                    (None, "") => format!("{code} (status {})", status.as_u16()),
                    (None, message) => message.to_owned(),
                };
                Fault::refused(what, why).coded(code).advise(advice)
            }
            Self::Odd(why) => {
                let server = peer.endpoint.origin().ascii_serialization();
                Fault::refused(what, format!("{server} does not answer like an S3 server ({why})"))
                    .advise("Check the address with `lakeshare alias list`.")
            }
            Self::Name(_) => Fault::refused(what, self.to_string()),
            Self::File { path, source } => {
                let Fault { why, .. } = Fault::io("", &source);
                Fault::refused(what, format!("{}: {why}", path.display()))
            }
        }
    }
}

/// What the codes mean that servers leave without a message, or with one for programmers.
fn plain_words(code: &str) -> Option<&'static str> {
    match code {
        "SignatureDoesNotMatch" => Some("the secret key is wrong"),
        "InvalidAccessKeyId" => Some("the access key is not known there"),
        "RequestTimeTooSkewed" => Some("the clocks of this machine and of the server differ too much"),
        _ => None,
    }
}

fn advice(peer: &Peer, status: StatusCode, code: &str, headers: &HeaderMap) -> String {
    match code {
        "NoSuchBucket" => {
            return format!(
                "`lakeshare ls {0}` shows the buckets; `lakeshare mb {0}/BUCKET` makes one.",
                peer.name
            );
        }
        "BucketNotEmpty" => {
            return format!("Empty it first: lakeshare rm --recursive --force {}/BUCKET", peer.name);
        }
        "BucketAlreadyOwnedByYou" | "BucketAlreadyExists" => {
            return "Use --ignore-existing where an existing bucket is as good.".to_owned();
        }
        "InvalidBucketName" => return "Choose another name, for example: sales-2026.".to_owned(),
        _ => {}
    }
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => peer.credential_advice(headers),
        StatusCode::INSUFFICIENT_STORAGE => "The server's disk is full: make room on it.".to_owned(),
        status if status.is_server_error() => "Try again in a moment; the server's log says more.".to_owned(),
        _ => String::new(),
    }
}
