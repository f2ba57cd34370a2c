//! What can be wrong with a signed request.

use crate::error::Kind;

/// A request that cannot be signed, or whose signature does not hold. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the request has no Authorization header")]
    MissingAuthorization,
    #[error("the Authorization header is not a Signature Version 4 one: {0}")]
    MalformedAuthorization(&'static str),
    #[error("the header '{0}' is missing or not readable")]
    BadHeader(String),
    #[error("the header '{0}' has to be among the signed headers")]
    UnsignedHeader(String),
    #[error("the signature is for the service '{0}', which is not served here")]
    WrongService(String),
    #[error(
        "x-amz-date differs by more than 15 minutes from the server's time; check the clock of the client"
    )]
    ClockSkew,
    #[error("unsigned and streamed payloads are not accepted here; sign the SHA-256 of the body")]
    PayloadNotSigned,
    #[error("x-amz-content-sha256 is not the SHA-256 of the body")]
    PayloadMismatch,
    #[error("the access key is not known")]
    UnknownAccessKey,
    #[error("the signature does not match; check the secret key, and that no proxy rewrites the request")]
    SignatureMismatch,
    #[error("{what} cannot be sent in a header")]
    Unprintable { what: &'static str, source: http::header::InvalidHeaderValue },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::MissingAuthorization
            | Self::MalformedAuthorization(_)
            | Self::WrongService(_)
            | Self::ClockSkew
            | Self::UnknownAccessKey
            | Self::SignatureMismatch => Kind::Unauthenticated,
            Self::BadHeader(_)
            | Self::UnsignedHeader(_)
            | Self::PayloadNotSigned
            | Self::PayloadMismatch
            | Self::Unprintable { .. } => Kind::Invalid,
        }
    }
}
