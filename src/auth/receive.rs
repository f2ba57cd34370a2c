//! Reads a request whose signature holds for head and body.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::Kind;
use crate::http::body;
use crate::sigv4;
use crate::sigv4::credential::Credential;

const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Signature(#[from] sigv4::error::Error),
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("the body did not arrive within {seconds_max} seconds")]
    TooSlow { seconds_max: u64 },
    #[error("the body broke off")]
    Broken { source: hyper::Error },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Signature(error) => error.kind(),
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::TooSlow { .. } | Self::Broken { .. } => Kind::Invalid,
        }
    }
}

/// What a door takes of a body.
#[derive(Debug, Clone, Copy)]
pub struct BodyTerms {
    pub bytes_max: usize,
    /// Bytes of a body that is too large which are read and thrown away: a client that is still sending would
    /// otherwise meet a broken connection instead of the answer.
    pub discard_bytes_max: usize,
    pub seconds_max: u64,
}

/// Checks the signature over the head, and with it over the digest of the body that is still to come;
/// so nobody without the secret makes us read a body.
pub fn check_head(
    parts: &Parts,
    root: &Credential,
    services: &[&str],
    now_ms: i64,
) -> Result<[u8; 32], sigv4::error::Error> {
    let digest = signed_digest(&parts.headers)?;
    check_digest(parts, &digest, (root, services), now_ms)?;
    Ok(digest)
}

/// Whether the head names the digest of its body. Botocore leaves it out for services other than S3, so that the signature
/// can be checked with the body only.
pub fn names_digest(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_SHA256)
}

/// Checks the signature over a head and the digest of its body.
pub fn check_digest(
    parts: &Parts,
    digest: &[u8; 32],
    (root, services): (&Credential, &[&str]),
    now_ms: i64,
) -> Result<(), sigv4::error::Error> {
    let secret_of = |access_key: &str| {
        let is_root = bool::from(access_key.as_bytes().ct_eq(root.access_key.as_bytes()));
        is_root.then(|| root.secret_key.clone())
    };
    sigv4::verify::verify_headers(parts, digest, services, &secret_of, now_ms).map(|_| ())
}

/// The digest that the client has signed, in hex or in base64.
fn signed_digest(headers: &HeaderMap) -> Result<[u8; 32], sigv4::error::Error> {
    if !headers.contains_key(http::header::AUTHORIZATION) {
        return Err(sigv4::error::Error::MissingAuthorization);
    }
    let value = headers
        .get(CONTENT_SHA256)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| sigv4::error::Error::BadHeader(CONTENT_SHA256.to_owned()))?;
    let bytes = hex::decode(value).ok().or_else(|| STANDARD.decode(value).ok()).unwrap_or_default();
    bytes.try_into().map_err(|_| sigv4::error::Error::PayloadNotSigned)
}

/// The length that the head declares, in bytes; `None` where the body is sent in chunks.
pub fn declared_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads the body whole.
pub async fn read_body(headers: &HeaderMap, mut body: Incoming, terms: BodyTerms) -> Result<Bytes, Error> {
    let BodyTerms { bytes_max, discard_bytes_max, seconds_max } = terms;
    if declared_bytes(headers).unwrap_or(0) > discard_bytes_max {
        return Err(Error::TooLarge { bytes_max });
    }
    let read = async {
        let (mut bytes, mut byte_count) = (BytesMut::new(), 0_usize);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|source| Error::Broken { source })?;
            let Ok(data) = frame.into_data() else { continue };
            byte_count = byte_count.saturating_add(data.len());
            if byte_count <= bytes_max {
                bytes.extend_from_slice(&data);
            } else if byte_count > discard_bytes_max {
                break;
            } else {
                bytes = BytesMut::new();
            }
        }
        if byte_count > bytes_max { Err(Error::TooLarge { bytes_max }) } else { Ok(bytes.freeze()) }
    };
    tokio::time::timeout(Duration::from_secs(seconds_max), read)
        .await
        .map_err(|_| Error::TooSlow { seconds_max })?
}

/// Reads the body of a refused request and throws it away: over HTTP/2 some clients that are still sending lose the answer
/// otherwise. Gives up on what is too much or too slow; a client that waits for `100 Continue` is not told to send.
pub async fn discard(headers: &HeaderMap, body: Incoming) {
    if !headers.contains_key(EXPECT) {
        body::discard(body).await;
    }
}

/// Compares a body with its signed digest.
pub fn check_body(body: &[u8], digest: &[u8; 32]) -> Result<(), sigv4::error::Error> {
    if bool::from(Sha256::digest(body).ct_eq(digest.as_slice())) {
        Ok(())
    } else {
        Err(sigv4::error::Error::PayloadMismatch)
    }
}
