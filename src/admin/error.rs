//! Faults of the admin door and their one wire form.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Method, StatusCode};
use serde::Serialize;

use crate::error::{Kind, chain};
use crate::{auth, sigv4, state};

/// Why an admin request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Signature(#[from] sigv4::error::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    #[error(transparent)]
    Token(#[from] auth::token::Error),
    #[error("the body is not what this call takes: {reason}")]
    Json { reason: String },
    #[error("{field}: {reason}")]
    Field { field: String, reason: String },
    #[error("{field}: there is no sourceType {source_type:?}, but \"delta\", \"uniform\" and \"iceberg\"")]
    SourceType { field: String, source_type: String },
    #[error(transparent)]
    Body(#[from] auth::receive::Error),
    #[error("there is nothing at {path}; GET /_admin/v1/openapi.json lists every call")]
    UnknownPath { path: String },
    #[error("{path} does not take {method}; GET /_admin/v1/openapi.json lists every call")]
    UnknownMethod { method: Method, path: String },
    #[error("{field}: table {table} {place} cannot be shared")]
    Table {
        field: String,
        table: String,
        /// Where it lies, in words.
        place: String,
        kind: Kind,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the change is stored but not yet visible to recipients; repeat a change, or restart the server")]
    NotPublished { source: state::Error },
    #[error("too many admin requests at once; try again in a moment")]
    Busy,
    #[error("the request broke off inside the server; its log says why")]
    Task { source: tokio::task::JoinError },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    error_code: &'a str,
    message: String,
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Signature(error) => error.kind(),
            Self::State(error) => error.kind(),
            Self::Token(error) => error.kind(),
            Self::Body(error) => error.kind(),
            Self::Json { .. } | Self::Field { .. } => Kind::Invalid,
            Self::SourceType { .. } => Kind::Unsupported,
            Self::UnknownPath { .. } | Self::UnknownMethod { .. } => Kind::NotFound,
            Self::Table { kind, .. } => kind_of_refused_table(*kind),
            Self::NotPublished { .. } | Self::Busy => Kind::Unavailable,
            Self::Task { .. } => Kind::Internal,
        }
    }

    /// Two faults have a status of their own; the kind decides for all others.
    fn status(&self) -> StatusCode {
        if matches!(self, Self::State(state::Error::ShareChanged { .. })) {
            return StatusCode::PRECONDITION_FAILED;
        }
        if matches!(self, Self::UnknownMethod { .. }) {
            return StatusCode::METHOD_NOT_ALLOWED;
        }
        match self.kind() {
            Kind::NotFound => StatusCode::NOT_FOUND,
            // As S3 answers: a signature has no challenge that a 401 could carry.
            Kind::Unauthenticated | Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Invalid | Kind::Unsupported => StatusCode::BAD_REQUEST,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Corrupt | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word that scripts compare.
    fn code(&self) -> &'static str {
        if let Some(code) = self.own_code() {
            return code;
        }
        match self.kind() {
            Kind::NotFound => "NOT_FOUND",
            Kind::Unauthenticated | Kind::Forbidden => "ACCESS_DENIED",
            Kind::Invalid => "INVALID_PARAMETER_VALUE",
            Kind::Unsupported => "UNSUPPORTED_OPERATION",
            Kind::Conflict => "CONFLICT",
            Kind::TooLarge => "REQUEST_TOO_LARGE",
            Kind::Throttled => "TOO_MANY_REQUESTS",
            Kind::Unavailable => "TEMPORARILY_UNAVAILABLE",
            Kind::Corrupt => "STATE_CORRUPT",
            Kind::Internal => "INTERNAL_ERROR",
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the kind, matched in full, gives all other codes")]
    fn own_code(&self) -> Option<&'static str> {
        match self {
            Self::State(state::Error::ShareNotFound { .. }) => Some("SHARE_NOT_FOUND"),
            Self::State(state::Error::TableNotFound { .. }) => Some("TABLE_NOT_FOUND"),
            Self::State(state::Error::TokenNotFound { .. }) => Some("TOKEN_NOT_FOUND"),
            Self::State(state::Error::ShareExists { .. }) => Some("SHARE_ALREADY_EXISTS"),
            Self::State(state::Error::TableExists { .. }) => Some("TABLE_ALREADY_EXISTS"),
            Self::State(state::Error::ShareChanged { .. }) => Some("PRECONDITION_FAILED"),
            Self::UnknownMethod { .. } => Some("METHOD_NOT_ALLOWED"),
            Self::Table { kind: Kind::NotFound, .. } => Some("TABLE_DATA_NOT_FOUND"),
            Self::Table { kind: Kind::Corrupt, .. } => Some("TABLE_CORRUPT"),
            Self::Json { .. } => Some("MALFORMED_REQUEST"),
            _ => None,
        }
    }

    /// The operator may read why a table is refused; causes inside the server stay in its log.
    fn message(&self) -> String {
        if matches!(self, Self::Table { .. }) { chain(self) } else { self.to_string() }
    }
}

/// A table that is refused for good is a fault of the request; a store that is away may come back.
fn kind_of_refused_table(kind: Kind) -> Kind {
    match kind {
        Kind::NotFound
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::Invalid
        | Kind::Conflict
        | Kind::TooLarge
        | Kind::Corrupt => Kind::Invalid,
        Kind::Unsupported => Kind::Unsupported,
        Kind::Throttled | Kind::Unavailable => Kind::Unavailable,
        Kind::Internal => Kind::Internal,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(kind = self.kind().as_str(), cause = chain(&self), "admin request failed");
        }
        let body = ErrorBody { error_code: self.code(), message: self.message() };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, super::wire::JSON);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, http::HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_table_is_the_callers_to_mend() {
        let refused = |kind| Error::Table {
            field: "schemas[0].tables[0]".into(),
            table: "tpch.orders".into(),
            place: "at \"tpch/orders\" in bucket \"sales\"".into(),
            kind,
            source: "no _delta_log there".into(),
        };
        assert_eq!(refused(Kind::NotFound).status(), StatusCode::BAD_REQUEST);
        assert_eq!(refused(Kind::Corrupt).status(), StatusCode::BAD_REQUEST);
        assert_eq!(refused(Kind::Unavailable).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            refused(Kind::NotFound).message(),
            "schemas[0].tables[0]: table tpch.orders at \"tpch/orders\" in bucket \"sales\" cannot be shared: \
             no _delta_log there"
        );
    }

    #[test]
    fn a_stale_etag_and_a_wrong_method_have_their_own_status() {
        let stale = Error::State(state::Error::ShareChanged { name: "s".into() });
        assert_eq!((stale.status(), stale.code()), (StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED"));
        let method = Error::UnknownMethod { method: Method::PUT, path: "/x".into() };
        assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
        let exists = Error::State(state::Error::ShareExists { name: "s".into() });
        assert_eq!(exists.status(), StatusCode::CONFLICT);
    }
}
