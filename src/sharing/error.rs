//! What a recipient is told when a request fails.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use crate::auth;
use crate::directory::page;
use crate::encode::json::string_into;
use crate::error::Kind;
use crate::http::body::Body;

/// Why a request is not answered with data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Auth(#[from] auth::Error),
    #[error("there is nothing at this path; endpoints begin with /shares below the endpoint of your profile")]
    NoRoute,
    #[error("this path takes {allow} only")]
    Method { allow: &'static str },
    #[error("a name in the path cannot be right: {0}")]
    Name(&'static str),
    #[error("{what} '{name}' does not exist or is not shared with you")]
    Unknown { what: &'static str, name: String },
    #[error("'{name}' is wrong: {reason}")]
    Parameter { name: &'static str, reason: &'static str },
    #[error("the body is not JSON: {0}")]
    Body(#[source] serde_json::Error),
    #[error("the body has to be a JSON object")]
    BodyShape,
    #[error("the body did not arrive whole")]
    BodyCut,
    #[error("the body is larger than {bytes_max} bytes")]
    BodyTooLarge { bytes_max: usize },
    #[error(
        "'{parameter}' is not served: the history of this table is not shared; leave it out to read the latest version"
    )]
    HistoryNotShared { parameter: &'static str },
    #[error("'{what}' is not served here yet; {instead}")]
    NotServed { what: &'static str, instead: &'static str },
    #[error("responseformat={format} is not spoken here; ask for parquet, delta or both")]
    UnknownFormat { format: String },
    #[error(
        "version {version} of the table {obstacle}, which responseFormat=parquet cannot express; use a client \
         that accepts responseFormat=delta (delta-sharing-spark 3.1 or later, delta-sharing for Python 1.1 or later)"
    )]
    NeedsDelta { version: i64, obstacle: String },
    #[error(
        "version {version} of the table needs readers that know {missing}; the client does not list \
         these in readerfeatures, so use a later one"
    )]
    MissingFeatures { version: i64, missing: String },
    #[error("the schema of version {version} of the table is not readable")]
    Schema { version: i64, source: serde_json::Error },
    #[error(transparent)]
    Page(#[from] page::Error),
}

impl Error {
    pub fn parameter(name: &'static str, reason: &'static str) -> Self {
        Self::Parameter { name, reason }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Auth(error) => error.kind(),
            Self::NoRoute | Self::Unknown { .. } => Kind::NotFound,
            Self::Method { .. }
            | Self::Name(_)
            | Self::Parameter { .. }
            | Self::Body(_)
            | Self::BodyShape
            | Self::BodyCut => Kind::Invalid,
            Self::BodyTooLarge { .. } => Kind::TooLarge,
            Self::HistoryNotShared { .. }
            | Self::NotServed { .. }
            | Self::UnknownFormat { .. }
            | Self::NeedsDelta { .. }
            | Self::MissingFeatures { .. } => Kind::Unsupported,
            Self::Schema { .. } => Kind::Corrupt,
            Self::Page(error) => error.kind(),
        }
    }

    /// The status and the protocol's word for it. Clients repeat whatever is 5xx or 429, so a fault that
    /// stays is always another 4xx.
    fn wire(&self) -> (StatusCode, &'static str) {
        if matches!(self, Self::Method { .. }) {
            return (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED_OPERATION");
        }
        if matches!(self, Self::Body(_) | Self::BodyShape | Self::BodyCut) {
            return (StatusCode::BAD_REQUEST, "MALFORMED_REQUEST");
        }
        match self.kind() {
            Kind::NotFound => (StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST"),
            Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            Kind::Forbidden => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
            Kind::Invalid => (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE"),
            Kind::Unsupported => (StatusCode::BAD_REQUEST, "UNSUPPORTED_OPERATION"),
            Kind::Conflict => (StatusCode::CONFLICT, "CONFLICT"),
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_TOO_LARGE"),
            Kind::Throttled => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
            Kind::Corrupt => (StatusCode::BAD_REQUEST, "TABLE_NOT_READABLE"),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
        }
    }

    /// The text for the recipient: nothing of ours where the fault is ours or the storage's.
    fn public(&self, request_id: &str) -> String {
        match self.kind() {
            Kind::Internal => format!("the server failed; tell the provider the request id {request_id}"),
            Kind::Corrupt => {
                format!("the table's files are damaged; tell the provider the request id {request_id}")
            }
            Kind::Unavailable => {
                format!("the table's storage does not answer; try again later (request id {request_id})")
            }
            Kind::NotFound
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::Invalid
            | Kind::Unsupported
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::Throttled => self.to_string(),
        }
    }

    /// The answer: `{"errorCode","message"}` on one line.
    pub fn response(&self, request_id: &str) -> (Response<Body>, usize) {
        let (status, code) = self.wire();
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(b"{\"errorCode\":");
        string_into(code, &mut body);
        body.extend_from_slice(b",\"message\":");
        string_into(&self.public(request_id), &mut body);
        body.push(b'}');
        let body_bytes = body.len();
        let mut response = Response::new(Body::full(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Self::Method { allow } = self {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.kind().is_retryable() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        (response, body_bytes)
    }
}
