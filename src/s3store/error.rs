//! What can go wrong behind the S3 door, on the wire.

use std::borrow::Cow;
use std::io;

use http::{HeaderMap, HeaderValue, StatusCode};
use rustix::io::Errno;
use s3s::{S3Error, S3ErrorCode};

use crate::error::Kind;
use crate::storage::files::error::{self as file_error, Error as FileError, is_full, is_refused, is_short};

/// What a client reads when the fault is ours.
const OWN_FAULT: &str = "The server met a fault of its own; see the server's log.";

/// What a client reads when its body broke off or did not match.
pub(super) const BROKEN_BODY: &str =
    "The body ended early, or is not what its signature, length or framing says.";

/// A fault of an S3 operation; every variant names the thing at fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the bucket {bucket} exists already")]
    BucketExists { bucket: String },
    #[error("the bucket {bucket} still holds objects")]
    BucketNotEmpty { bucket: String },
    #[error("{bucket} cannot be the name of a bucket: {reason}")]
    BucketName { bucket: String, reason: &'static str },
    #[error("the key {key} does not exist")]
    NoSuchKey { key: String },
    #[error("the condition {condition} does not hold")]
    Precondition { condition: &'static str },
    #[error("the object has not changed")]
    NotModified { headers: HeaderMap },
    #[error("the range lies outside of the object, which has {size} bytes")]
    Range { size: u64 },
    #[error("the part number lies outside of the object, which has {parts} parts")]
    PartNumber { parts: i32 },
    #[error("{name} is not right: {reason}")]
    Argument { name: &'static str, reason: Cow<'static, str> },
    #[error("the source of the copy is the object itself, and x-amz-metadata-directive is not REPLACE")]
    CopyOntoItself,
    #[error("{name} is not valid base64 of the right length")]
    DigestForm { name: &'static str },
    #[error("the {name} of the body is not the one that was announced")]
    DigestMismatch { name: &'static str },
    #[error("the body could not be read: {source}")]
    Body { source: s3s::StdError },
    #[error("the body has {received} bytes, announced were {announced}")]
    BodyLength { received: u64, announced: i64 },
    #[error("the object is larger than {} bytes", crate::limits::objects::PUT_BYTES_MAX)]
    TooLarge,
    #[error(
        "part {part} has {size} bytes; every part but the last needs {}",
        crate::limits::objects::UPLOAD_PART_BYTES_MIN
    )]
    PartTooSmall { part: i32, size: u64 },
    #[error("part {part} was not uploaded, or has another ETag or checksum")]
    Part { part: i32 },
    #[error("the parts are not in ascending order")]
    PartOrder,
    #[error("the upload {upload} does not exist; it may have been completed or aborted")]
    NoSuchUpload { upload: String },
    #[error("{what} is not set")]
    NotConfigured { code: &'static str, what: &'static str },
    #[error("{what} is not served here")]
    NotServed { what: Cow<'static, str> },
    #[error(transparent)]
    Files(#[from] FileError),
    #[error("a task of the blocking pool broke")]
    Task { source: tokio::task::JoinError },
}

/// Names what was being done when a system call failed.
pub(super) fn io(doing: &'static str) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::Files(file_error::io(doing)(errno))
}

/// The same where the standard library made the call.
pub(super) fn failed(doing: &'static str) -> impl Fn(io::Error) -> Error + Copy {
    move |source| Error::Files(FileError::Io { doing, source })
}

impl Error {
    /// The kind that a caller can act on.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Files(error) => error.kind(),
            Self::NoSuchKey { .. } | Self::NoSuchUpload { .. } | Self::NotConfigured { .. } => Kind::NotFound,
            Self::BucketExists { .. }
            | Self::BucketNotEmpty { .. }
            | Self::Precondition { .. }
            | Self::NotModified { .. } => Kind::Conflict,
            Self::TooLarge => Kind::TooLarge,
            Self::NotServed { .. } => Kind::Unsupported,
            Self::Task { .. } => Kind::Internal,
            Self::BucketName { .. }
            | Self::Range { .. }
            | Self::PartNumber { .. }
            | Self::Argument { .. }
            | Self::CopyOntoItself
            | Self::DigestForm { .. }
            | Self::DigestMismatch { .. }
            | Self::Body { .. }
            | Self::BodyLength { .. }
            | Self::PartTooSmall { .. }
            | Self::Part { .. }
            | Self::PartOrder => Kind::Invalid,
        }
    }

    /// The code of Amazon S3's "Error responses" for this fault.
    fn code(&self) -> S3ErrorCode {
        match self {
            Self::Files(error) => code_of_files(error),
            Self::BucketExists { .. } => S3ErrorCode::BucketAlreadyOwnedByYou,
            Self::BucketNotEmpty { .. } => S3ErrorCode::BucketNotEmpty,
            Self::BucketName { .. } => S3ErrorCode::InvalidBucketName,
            Self::NoSuchKey { .. } => S3ErrorCode::NoSuchKey,
            Self::Precondition { .. } => S3ErrorCode::PreconditionFailed,
            Self::NotModified { .. } => S3ErrorCode::NotModified,
            Self::Range { .. } => S3ErrorCode::InvalidRange,
            Self::PartNumber { .. } => S3ErrorCode::Custom("InvalidPartNumber".into()),
            Self::Argument { .. } => S3ErrorCode::InvalidArgument,
            Self::CopyOntoItself => S3ErrorCode::InvalidRequest,
            Self::DigestForm { .. } => S3ErrorCode::InvalidDigest,
            Self::DigestMismatch { .. } => S3ErrorCode::BadDigest,
            Self::Body { source } => body_code(source),
            Self::BodyLength { .. } => S3ErrorCode::IncompleteBody,
            Self::TooLarge => S3ErrorCode::EntityTooLarge,
            Self::PartTooSmall { .. } => S3ErrorCode::EntityTooSmall,
            Self::Part { .. } => S3ErrorCode::InvalidPart,
            Self::PartOrder => S3ErrorCode::InvalidPartOrder,
            Self::NoSuchUpload { .. } => S3ErrorCode::NoSuchUpload,
            Self::NotServed { .. } => S3ErrorCode::NotImplemented,
            Self::NotConfigured { code, .. } => {
                S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::NoSuchResource)
            }
            Self::Task { .. } => S3ErrorCode::InternalError,
        }
    }

    /// What the client reads; faults of our own say nothing of ours.
    fn public(&self) -> String {
        let text = if let Self::Files(FileError::Io { source, .. }) = self {
            if is_full(source) {
                "The disk of this server is full. Remove objects or add space, then try again."
            } else if is_refused(source) {
                "The server may not do this to its own files; see the server's log."
            } else if is_short(source) {
                "The server is short of something for the moment. Try again."
            } else {
                OWN_FAULT
            }
        } else if matches!(self, Self::Task { .. }) {
            OWN_FAULT
        } else if matches!(self, Self::Body { .. }) {
            BROKEN_BODY
        } else {
            return capitalised(&self.to_string());
        };
        text.to_owned()
    }

    fn headers(&self) -> Option<HeaderMap> {
        if let Self::NotModified { headers } = self {
            return Some(headers.clone());
        }
        let extra = if let Self::Range { size } = self {
            (http::header::CONTENT_RANGE, HeaderValue::from_str(&format!("bytes */{size}")).ok()?)
        } else if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            (http::header::RETRY_AFTER, HeaderValue::from_static("1"))
        } else {
            return None;
        };
        // s3s takes these in place of its own.
        let form = (http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        Some(HeaderMap::from_iter([extra, form]))
    }

    /// The status: that of the kind, but where Amazon S3 fixed another one for the code.
    fn status(&self) -> StatusCode {
        let code = self.code();
        if code == S3ErrorCode::PreconditionFailed {
            StatusCode::PRECONDITION_FAILED
        } else if code == S3ErrorCode::NotModified {
            StatusCode::NOT_MODIFIED
        } else if matches!(self, Self::Range { .. } | Self::PartNumber { .. }) {
            StatusCode::RANGE_NOT_SATISFIABLE
        } else if code == S3ErrorCode::SignatureDoesNotMatch {
            StatusCode::FORBIDDEN
        } else if matches!(self, Self::Files(FileError::Io { source, .. }) if is_full(source)) {
            // Not 503: a full disk does not pass within the seconds that a client waits between attempts.
            StatusCode::INSUFFICIENT_STORAGE
        } else {
            status_of(self.kind())
        }
    }
}

/// The status of each kind at this door.
fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Unauthenticated | Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Invalid | Kind::TooLarge => StatusCode::BAD_REQUEST,
        Kind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Throttled | Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Corrupt | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error> for S3Error {
    fn from(error: Error) -> Self {
        let status = error.status();
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
            tracing::error!(error = &error as &dyn std::error::Error, "an S3 request failed on this server");
        }
        let mut wire = Self::with_message(error.code(), error.public());
        wire.set_status_code(status);
        if let Some(headers) = error.headers() {
            wire.set_headers(headers);
        }
        wire.set_source(Box::new(error));
        wire
    }
}

/// The same for what is wrong with files.
fn code_of_files(error: &FileError) -> S3ErrorCode {
    match error {
        FileError::NoSuchBucket { .. } => S3ErrorCode::NoSuchBucket,
        FileError::KeyTooLong => S3ErrorCode::KeyTooLongError,
        FileError::LeadsOut { .. } => S3ErrorCode::AccessDenied,
        FileError::KeyConflict { .. } => S3ErrorCode::Custom("ObjectPathConflict".into()),
        FileError::Key { .. } => S3ErrorCode::InvalidArgument,
        FileError::MetadataTooLarge { .. } => S3ErrorCode::MetadataTooLarge,
        FileError::MetadataUnsupported { .. } => S3ErrorCode::NotImplemented,
        FileError::Contended { .. } => S3ErrorCode::ServiceUnavailable,
        FileError::Io { source, .. } if is_full(source) => S3ErrorCode::Custom("InsufficientStorage".into()),
        FileError::Io { source, .. } if is_refused(source) => S3ErrorCode::AccessDenied,
        FileError::Io { source, .. } if is_short(source) => S3ErrorCode::SlowDown,
        FileError::Io { .. } => S3ErrorCode::InternalError,
    }
}

/// A body that s3s refused: its types are private, so its words have to do.
fn body_code(source: &s3s::StdError) -> S3ErrorCode {
    let text = source.to_string();
    if text.contains("SignatureMismatch") {
        S3ErrorCode::SignatureDoesNotMatch
    } else if text.contains("Sha256Mismatch") {
        S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into())
    } else {
        S3ErrorCode::IncompleteBody
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str() + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(error: Error) -> S3Error {
        error.into()
    }

    #[test]
    fn a_full_disk_is_507_and_says_what_to_do() {
        let error = wire(io("writing")(Errno::NOSPC));
        assert_eq!(error.status_code(), Some(StatusCode::INSUFFICIENT_STORAGE));
        assert_eq!(error.code().as_str(), "InsufficientStorage");
        assert!(error.message().unwrap().contains("Remove objects"));
    }

    #[test]
    fn a_fault_of_our_own_tells_the_client_nothing_of_ours() {
        let error = wire(io("opening a secret place")(Errno::IO));
        assert_eq!(error.status_code(), Some(StatusCode::INTERNAL_SERVER_ERROR));
        assert!(!error.message().unwrap().contains("secret place"));
    }

    #[test]
    fn a_lost_race_is_412_and_a_missing_key_404() {
        let lost = wire(Error::Precondition { condition: "If-None-Match" });
        assert_eq!(lost.status_code(), Some(StatusCode::PRECONDITION_FAILED));
        assert_eq!(lost.code(), &S3ErrorCode::PreconditionFailed);
        let missing = wire(Error::NoSuchKey { key: "a".to_owned() });
        assert_eq!(missing.status_code(), Some(StatusCode::NOT_FOUND));
    }

    #[test]
    fn too_many_open_files_asks_the_client_to_wait() {
        let error = wire(io("opening")(Errno::MFILE));
        assert_eq!(error.status_code(), Some(StatusCode::SERVICE_UNAVAILABLE));
        assert!(error.headers().unwrap().contains_key(http::header::RETRY_AFTER));
    }
}
