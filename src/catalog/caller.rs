//! Who asks: a signature or a bearer token, on one URL.

use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::error::Error;
use crate::auth::{self, receive};

/// Services that a request may be signed for: engines sign for `s3tables` or, by older settings, for `s3`.
const SERVICES: [&str; 2] = ["s3tables", "s3"];

/// How a request has shown who sends it.
pub(super) enum Proof {
    /// Signed over the head; the body has to have this SHA-256.
    Signed {
        digest: [u8; 32],
    },
    /// Signed over head and body, whose SHA-256 the head does not name.
    SignedWithBody,
    Bearer,
    /// A request for a token, which carries the secret itself.
    InBody,
}

/// The identity behind a request: the access key that signed it, or for which its token was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller(pub(super) String);

impl Proof {
    pub(super) fn caller(&self, context: &Context) -> Caller {
        match self {
            Self::Signed { .. } | Self::SignedWithBody | Self::Bearer => {
                Caller(context.root.access_key.clone())
            }
            Self::InBody => Caller(String::new()),
        }
    }
}

/// What the head of a request proves.
///
/// # Errors
/// [`Error::Signature`], [`Error::NoCredential`] and [`Error::TokenRefused`]: nobody whom we know.
pub(super) fn prove(parts: &Parts, context: &Context) -> Result<Proof, Error> {
    let now_ms = context.clock.now_ms();
    let scheme = parts.headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    if scheme.starts_with(b"AWS4-HMAC-SHA256") {
        if !receive::names_digest(&parts.headers) {
            return Ok(Proof::SignedWithBody);
        }
        let digest = receive::check_head(parts, &context.root, &SERVICES, now_ms)?;
        return Ok(Proof::Signed { digest });
    }
    let token = auth::bearer(&parts.headers).ok_or(Error::NoCredential)?;
    if context.tokens.is_live(token, now_ms) { Ok(Proof::Bearer) } else { Err(Error::TokenRefused) }
}

/// Checks a signature that holds for head and body together.
///
/// # Errors
/// [`Error::Signature`]: nobody whom we know.
pub(super) fn check_with_body(parts: &Parts, body: &[u8], context: &Context) -> Result<(), Error> {
    let digest = Sha256::digest(body).into();
    let known = (&context.root, &SERVICES[..]);
    Ok(receive::check_digest(parts, &digest, known, context.clock.now_ms())?)
}
