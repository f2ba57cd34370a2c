//! What a recipient is told when a request fails.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use crate::directory::page;
use crate::encode::json::string_into;
use crate::error::Kind;
use crate::http::body::Body;
use crate::{auth, delta, snapshot, uniform};

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
    #[error("version {version} of the table is not shared; its history is shared since version {start}")]
    BeforeStart { version: i64, start: i64 },
    #[error(
        "'{parameter}' lies before the oldest available version {version}, which was committed at {time}"
    )]
    TimestampBefore { parameter: &'static str, version: i64, time: String },
    #[error(
        "version {version} of the table lists files that lie outside of it, where this share may not lead; \
         its provider can allow the place or share a deep clone"
    )]
    FilesElsewhere { version: i64 },
    #[error("'{parameter}' lies after the latest version {version}, which was committed at {time}")]
    TimestampAfter { parameter: &'static str, version: i64, time: String },
    #[error("the directory of this table is not shared; query the table for presigned URLs")]
    DirectoryNotShared,
    #[error("the range from version {start} to version {end} is empty")]
    EmptyRange { start: i64, end: i64 },
    #[error("the range has more than {count_max} versions; ask for fewer at once")]
    RangeTooLong { count_max: i64 },
    #[error(
        "the table does not record its changes in version {version}; begin after it, or end before it, or query \
         versions instead ('delta.enableChangeDataFeed' is not 'true' there)"
    )]
    ChangesNotRecorded { version: i64 },
    #[error(
        "version {version} of the table removes files without saying their size and partition values, so its changes \
         cannot be told; begin after it"
    )]
    BareRemove { version: i64 },
    #[error("the {name} has expired, was changed, or belongs to another request; ask again without it")]
    Token { name: &'static str },
    #[error(
        "only files of some values of '{column}' are shared, and version {version} of the table is not partitioned by it"
    )]
    FilterColumn { column: String, version: i64 },
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
    #[error(transparent)]
    Snapshot(#[from] snapshot::error::Error),
}

impl Error {
    pub fn parameter(name: &'static str, reason: &'static str) -> Self {
        Self::Parameter { name, reason }
    }

    /// A share, schema or table that does not exist, or that the caller may not see: nobody can tell which.
    pub fn unknown(what: &'static str, name: &impl ToString) -> Self {
        Self::Unknown { what, name: name.to_string() }
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
            | Self::BodyCut
            | Self::BeforeStart { .. }
            | Self::TimestampBefore { .. }
            | Self::TimestampAfter { .. }
            | Self::EmptyRange { .. }
            | Self::RangeTooLong { .. }
            | Self::Token { .. } => Kind::Invalid,
            Self::BodyTooLarge { .. } => Kind::TooLarge,
            Self::HistoryNotShared { .. }
            | Self::FilterColumn { .. }
            | Self::ChangesNotRecorded { .. }
            | Self::BareRemove { .. }
            | Self::DirectoryNotShared
            | Self::FilesElsewhere { .. }
            | Self::UnknownFormat { .. }
            | Self::NeedsDelta { .. }
            | Self::MissingFeatures { .. } => Kind::Unsupported,
            Self::Schema { .. } => Kind::Corrupt,
            Self::Page(error) => error.kind(),
            Self::Snapshot(error) => error.kind(),
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
        if self.is_of_version() {
            return (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE");
        }
        if self.is_of_table() && matches!(self.kind(), Kind::Invalid | Kind::TooLarge) {
            return (StatusCode::BAD_REQUEST, "TABLE_NOT_READABLE");
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

    /// The text for the recipient: nothing of ours where the fault is ours, the provider's or the storage's.
    fn public(&self, request_id: &str) -> String {
        if self.is_of_version() {
            return self.to_string();
        }
        if let Self::Snapshot(error) = self
            && let Some(reason) = reason_of(error)
        {
            return format!("the table cannot be served: {reason}");
        }
        let provider_has_to_act = match self.kind() {
            Kind::Internal => "the server failed",
            Kind::Corrupt => "the table's files are damaged",
            Kind::Unavailable => {
                return format!(
                    "the table's storage does not answer; try again later (request id {request_id})"
                );
            }
            Kind::NotFound if self.is_of_table() => "the table's files are not where they were shared",
            Kind::Forbidden if self.is_of_table() => "the server may not read the table's files",
            Kind::Unauthenticated
            | Kind::Invalid
            | Kind::Unsupported
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::Throttled
                if self.is_of_table() =>
            {
                "the table cannot be read"
            }
            Kind::NotFound
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::Invalid
            | Kind::Unsupported
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::Throttled => return self.to_string(),
        };
        format!("{provider_has_to_act}; tell the provider the request id {request_id}")
    }

    /// Whether the request names versions that there are not, or no longer, or too many of them.
    fn is_of_version(&self) -> bool {
        matches!(self, Self::Snapshot(error) if error.is_of_version())
    }

    /// Whether the fault lies with the table and not with the request.
    fn is_of_table(&self) -> bool {
        matches!(self, Self::Snapshot(_) | Self::Schema { .. }) && !self.is_of_version()
    }

    /// Writes the whole chain of causes to the log where the recipient is told little.
    pub fn log(&self, request_id: &str) {
        if self.is_of_table() {
            let mut text = self.to_string();
            let mut cause = std::error::Error::source(self);
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            tracing::warn!(request_id, kind = self.kind().as_str(), error = text, "a table was not served");
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

/// What a recipient may know of why a table is not served: features and rules, never places.
fn reason_of(error: &snapshot::error::Error) -> Option<String> {
    use snapshot::error::Error as Snapshot;
    match error {
        Snapshot::Delta(error) => reason_of_delta(error),
        Snapshot::Uniform(error) => reason_of_uniform(error),
        Snapshot::MetadataFile(error) => error.unserved(),
        Snapshot::Storage(_)
        | Snapshot::Pointer(_)
        | Snapshot::Versions(_)
        | Snapshot::State(_)
        | Snapshot::NoLog
        | Snapshot::BrokenOff => None,
    }
}

fn reason_of_uniform(error: &uniform::error::Error) -> Option<String> {
    use uniform::error::Error as Uniform;
    if let Uniform::Unserved { source } = error {
        Some(source.to_string())
    } else if let Uniform::Path { source, .. } = error {
        Some(format!("the path of one of its files: {source}"))
    } else if let Uniform::ManifestList { source, .. } | Uniform::Manifest { source, .. } = error {
        (source.kind() == Kind::Unsupported).then(|| format!("one of its manifests: {source}"))
    } else if let Uniform::Deletes { source } = error {
        (source.kind() == Kind::Unsupported).then(|| source.to_string())
    } else if let Uniform::AtVersion { version, source } = error {
        reason_of_uniform(source).map(|reason| format!("in version {version}: {reason}"))
    } else {
        None
    }
}

fn reason_of_delta(error: &delta::error::Error) -> Option<String> {
    if let delta::error::Error::Unserved { source, .. } = error {
        Some(source.to_string())
    } else if let delta::error::Error::Path { source, .. } = error {
        Some(format!("the path of one of its files: {source}"))
    } else if let delta::error::Error::DeletionVector { source, .. } = error {
        Some(format!("the deletion vector of one of its files: {source}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage;

    fn wire(error: &Error) -> (u16, String) {
        (error.wire().0.as_u16(), error.public("r-1"))
    }

    fn storage(error: storage::error::Error) -> Error {
        Error::Snapshot(snapshot::error::Error::Storage(error))
    }

    #[test]
    fn faults_of_a_table_tell_nothing_of_where_it_lies() {
        let place = || "lake/secret/t".to_owned();
        for (error, status) in [
            (storage(storage::error::Error::NoSuchBucket { bucket: place() }), 404),
            (storage(storage::error::Error::Location { location: place() }), 400),
            (storage(storage::error::Error::OutsideBucket { object: place() }), 403),
            (storage(storage::error::Error::ObjectChanged { object: place() }), 503),
            (
                storage(storage::error::Error::ObjectTooLarge {
                    object: place(),
                    size_bytes: 9,
                    bytes_max: 8,
                }),
                400,
            ),
            (Error::Snapshot(delta::error::Error::NotATable { table: place() }.into()), 404),
            (Error::Snapshot(snapshot::error::Error::BrokenOff), 500),
        ] {
            let (found, text) = wire(&error);
            assert_eq!(found, status, "{error}");
            assert!(!text.contains("secret") && text.contains("r-1"), "{text}");
        }
    }

    #[test]
    fn features_that_are_not_served_are_named() {
        let source = delta::features::Fault::Features { features: vec!["fooBar".into()] };
        let error = Error::Snapshot(delta::error::Error::Unserved { version: 3, source }.into());
        let (status, text) = wire(&error);
        assert_eq!(status, 400);
        assert!(text.contains("fooBar"), "{text}");
        let source = crate::manifest::error::Error::Codec { name: "bzip2".to_owned() };
        let error = uniform::error::Error::Manifest { path: "s3://lake/secret/m".to_owned(), source };
        let (status, text) = wire(&Error::Snapshot(error.into()));
        assert_eq!(status, 400);
        assert!(text.contains("compressed with bzip2") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn only_passing_faults_may_be_retried() {
        let (response, bytes) =
            storage(storage::error::Error::ObjectChanged { object: String::new() }).response("r");
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "1");
        assert!(bytes > 0);
        let (response, _) = Error::NoRoute.response("r");
        assert_eq!((response.status().as_u16(), response.headers().get(RETRY_AFTER)), (404, None));
    }
}
