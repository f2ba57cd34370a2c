//! Reads a request whose signature holds for head and body.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::Error;
use crate::limits;
use crate::sigv4;
use crate::sigv4::credential::Credential;

/// Services that a request may be signed for.
const SERVICES: [&str; 1] = ["s3"];
const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// Checks the signature over the head, and with it over the digest of the body that is still to come;
/// so nobody without the secret makes us read a body.
pub(super) fn check_head(parts: &Parts, root: &Credential, now_ms: i64) -> Result<[u8; 32], Error> {
    let digest = signed_digest(&parts.headers)?;
    let secret_of = |access_key: &str| {
        let is_root = bool::from(access_key.as_bytes().ct_eq(root.access_key.as_bytes()));
        is_root.then(|| root.secret_key.clone())
    };
    sigv4::verify::verify_headers(parts, &digest, &SERVICES, &secret_of, now_ms)?;
    Ok(digest)
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

/// Reads the body and compares it with its signed digest.
///
/// A body that is too large is read on for a while and thrown away: a client that is still sending
/// would otherwise meet a broken connection instead of the answer.
pub(super) async fn read_body(
    headers: &HeaderMap,
    mut body: Incoming,
    digest: &[u8; 32],
) -> Result<Bytes, Error> {
    let deadline = Duration::from_secs(limits::ADMIN_BODY_SECONDS_MAX);
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok()).unwrap_or(0);
    if declared > limits::ADMIN_BODY_DISCARD_BYTES_MAX {
        return Err(Error::BodyTooLarge);
    }
    let read = async {
        let (mut bytes, mut byte_count) = (BytesMut::new(), 0_usize);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|source| Error::BodyBroken { source })?;
            let Ok(data) = frame.into_data() else { continue };
            byte_count = byte_count.saturating_add(data.len());
            if byte_count <= limits::ADMIN_BODY_BYTES_MAX {
                bytes.extend_from_slice(&data);
            } else if byte_count > limits::ADMIN_BODY_DISCARD_BYTES_MAX {
                break;
            }
        }
        if byte_count > limits::ADMIN_BODY_BYTES_MAX { Err(Error::BodyTooLarge) } else { Ok(bytes.freeze()) }
    };
    let bytes = tokio::time::timeout(deadline, read).await.map_err(|_| Error::BodyTooSlow)??;
    if bool::from(Sha256::digest(&bytes).ct_eq(digest.as_slice())) {
        Ok(bytes)
    } else {
        Err(sigv4::error::Error::PayloadMismatch.into())
    }
}
