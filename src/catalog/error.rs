//! Faults of the catalog door and their one wire form.

use axum::response::{IntoResponse, Response};
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::scan_kind;
use super::wire::json;
use crate::error::{Kind, chain};
use crate::state::catalog::{EntryKind, EntryName};
use crate::{auth, iceberg, limits, manifest, sigv4, state, storage};

/// Why a catalog request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Signature(#[from] sigv4::error::Error),
    #[error(
        "sign the request (Signature Version 4, service s3tables or s3), or send a bearer token from \
         /_iceberg/v1/oauth/tokens"
    )]
    NoCredential,
    #[error("the bearer token is not one of this catalog, or has ended; ask for a new one")]
    TokenRefused,
    #[error(transparent)]
    Body(#[from] auth::receive::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    /// What is to be made shares its name with something of another kind.
    #[error("{} with same name already exists: {name}", .kind.title())]
    NameTaken { kind: EntryKind, name: EntryName },
    #[error("Cannot rename {from} to {to}. {} already exists", .kind.title())]
    RenameTaken { kind: EntryKind, from: EntryName, to: EntryName },
    #[error("the body is not what this call takes: {reason}")]
    Json { reason: String },
    #[error("{field}: {reason}")]
    Field { field: String, reason: String },
    #[error("{reason}")]
    Unprocessable { reason: String },
    #[error(transparent)]
    Storage(#[from] storage::error::Error),
    #[error("the metadata at {location} cannot be read")]
    Metadata { location: String, source: Box<iceberg::error::Error> },
    #[error(transparent)]
    Change(iceberg::error::Error),
    #[error("the manifest {path} cannot be read: {source}")]
    Manifest { path: String, source: manifest::error::Error },
    #[error("there is no such {}", kind.as_str())]
    NoPlan { kind: scan_kind::Kind },
    #[error("the scan is too large for one answer; filter it, or read it without the catalog")]
    PlanTooLarge,
    #[error("the scan broke off inside the server; its log says why")]
    Scan { source: tokio::task::JoinError },
    #[error("the commit names no table")]
    NoChange,
    #[error("there are more than {} names; ask for them in pages", limits::catalog::LIST_MAX)]
    TooManyNames,
    #[error("there is nothing at {path}; GET /_iceberg/v1/config?warehouse=NAME lists the calls")]
    UnknownPath { path: String },
    #[error("{path} does not take {method}")]
    UnknownMethod { method: Method, path: String },
    #[error("too many bodies are on their way; try again in a moment")]
    Busy,
    #[error("the request broke off inside the server; its log says why")]
    Task { source: tokio::task::JoinError },
}

/// A fault as the specification spells it (`ErrorModel`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ErrorModel {
    pub(super) message: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) code: u16,
}

#[derive(Serialize)]
struct Envelope {
    error: ErrorModel,
}

impl Error {
    pub(super) fn field(field: &str, reason: impl Into<String>) -> Self {
        Self::Field { field: field.to_owned(), reason: reason.into() }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Signature(error) => error.kind(),
            Self::NoCredential | Self::TokenRefused => Kind::Unauthenticated,
            Self::Body(error) => error.kind(),
            Self::State(error) => error.kind(),
            Self::Storage(error) => error.kind(),
            Self::Metadata { .. } => Kind::Corrupt,
            Self::Change(error) => error.kind(),
            Self::Manifest { source, .. } => source.kind(),
            Self::PlanTooLarge => Kind::TooLarge,
            Self::Json { .. }
            | Self::Field { .. }
            | Self::Unprocessable { .. }
            | Self::NoChange
            | Self::TooManyNames
            | Self::UnknownMethod { .. } => Kind::Invalid,
            Self::UnknownPath { .. } | Self::NoPlan { .. } => Kind::NotFound,
            Self::NameTaken { .. } | Self::RenameTaken { .. } => Kind::Conflict,
            Self::Busy => Kind::Unavailable,
            Self::Task { .. } | Self::Scan { .. } => Kind::Internal,
        }
    }

    /// Whether the same request would be refused again, so that the refusal may be kept under its idempotency key.
    pub(super) fn is_final(&self) -> bool {
        match self.kind() {
            Kind::NotFound | Kind::Invalid | Kind::Unsupported | Kind::Conflict => true,
            Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::TooLarge
            | Kind::Throttled
            | Kind::Unavailable
            | Kind::Corrupt
            | Kind::Internal => false,
        }
    }

    /// The status and the specification's word for the fault.
    fn wire(&self) -> (StatusCode, &'static str) {
        if let Some(own) = self.own_wire() {
            return own;
        }
        match self.kind() {
            Kind::NotFound => (StatusCode::NOT_FOUND, "NotFoundException"),
            Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "NotAuthorizedException"),
            Kind::Forbidden => (StatusCode::FORBIDDEN, "ForbiddenException"),
            Kind::Invalid => (StatusCode::BAD_REQUEST, "BadRequestException"),
            Kind::Unsupported => (StatusCode::NOT_ACCEPTABLE, "UnsupportedOperationException"),
            Kind::Conflict => (StatusCode::CONFLICT, "AlreadyExistsException"),
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "BadRequestException"),
            Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException"),
            // Clients repeat what is 5xx, and stored bytes do not mend themselves.
            Kind::Corrupt => (StatusCode::UNPROCESSABLE_ENTITY, "UnprocessableEntityException"),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the kind, matched in full, gives all other words")]
    fn own_wire(&self) -> Option<(StatusCode, &'static str)> {
        use state::Error as State;
        Some(match self {
            Self::State(State::WarehouseNotFound { .. }) => {
                (StatusCode::NOT_FOUND, "NoSuchWarehouseException")
            }
            Self::State(State::NamespaceNotFound { .. }) => {
                (StatusCode::NOT_FOUND, "NoSuchNamespaceException")
            }
            Self::State(State::NamespaceNotEmpty { .. }) => {
                (StatusCode::CONFLICT, "NamespaceNotEmptyException")
            }
            Self::Unprocessable { .. } | Self::State(State::KeyUsed { .. }) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "UnprocessableEntityException")
            }
            Self::State(State::EntryNotFound { kind: Some(EntryKind::View), .. }) => {
                (StatusCode::NOT_FOUND, "NoSuchViewException")
            }
            Self::State(State::EntryNotFound { .. }) => (StatusCode::NOT_FOUND, "NoSuchTableException"),
            Self::State(State::EntryChanged { .. }) => (StatusCode::CONFLICT, "CommitFailedException"),
            Self::Change(error) if error.kind() == Kind::Conflict => {
                (StatusCode::CONFLICT, "CommitFailedException")
            }
            Self::Change(error) if error.kind() == Kind::Invalid => {
                (StatusCode::BAD_REQUEST, "IllegalArgumentException")
            }
            // What a commit that was cut off has done, nobody knows before he reads it back.
            Self::State(State::Commit { .. }) | Self::Task { .. } => {
                (StatusCode::INTERNAL_SERVER_ERROR, "CommitStateUnknownException")
            }
            Self::NoPlan { kind } => (StatusCode::NOT_FOUND, kind.exception()),
            Self::UnknownMethod { .. } => (StatusCode::METHOD_NOT_ALLOWED, "BadRequestException"),
            _ => return None,
        })
    }

    /// What the client reads: a fault of ours is told without its insides.
    pub(super) fn model(&self) -> ErrorModel {
        let (status, kind) = self.wire();
        ErrorModel { message: self.message(), kind: kind.to_owned(), code: status.as_u16() }
    }

    /// The same, and the log hears of a fault of ours.
    pub(super) fn told(&self) -> ErrorModel {
        let model = self.model();
        if model.code >= 500 {
            tracing::error!(kind = self.kind().as_str(), cause = chain(&self), "catalog request failed");
        }
        model
    }

    fn message(&self) -> String {
        match self.kind() {
            Kind::Internal => "the server failed; its log says why".to_owned(),
            Kind::NotFound
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::Invalid
            | Kind::Unsupported
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::Throttled
            | Kind::Unavailable
            | Kind::Corrupt => self.to_string(),
        }
    }
}

/// The answer that tells a fault.
pub(super) fn refusal(model: ErrorModel) -> Response {
    let status = StatusCode::from_u16(model.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &Envelope { error: model })
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = refusal(self.told());
        let headers = response.headers_mut();
        match self.kind() {
            Kind::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lakeshare\""));
            }
            Kind::Unavailable | Kind::Throttled => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Kind::NotFound
            | Kind::Forbidden
            | Kind::Invalid
            | Kind::Unsupported
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::Corrupt
            | Kind::Internal => {}
        }
        response
    }
}
