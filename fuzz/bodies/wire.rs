//! What requests say of themselves.

use http::{HeaderMap, HeaderValue};
use lakeshare::s3store::object_path::ObjectKey;
use lakeshare::sharing::capabilities::{Capabilities, HEADER, file_id_hash};
use lakeshare::sharing::query_request::QueryRequest;

pub fn capabilities(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(HEADER, value.clone());
    if let Ok(found) = Capabilities::parse(&headers) {
        assert!(found.accepts_parquet || found.accepts_delta, "there is always a format");
    }
    headers.insert("fileidhash", value);
    // Whether it is one is not the question.
    let _ = file_id_hash(&headers);
}

/// A key that is taken stays below its bucket.
pub fn object_key(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(key) = ObjectKey::parse(text) else { return };
    assert_eq!(key.as_str(), text);
    assert!(!key.path().starts_with('/') && !key.path().is_empty());
    for part in key.path().split('/') {
        assert!(!part.is_empty() && part != "." && part != ".." && !part.contains('\0'));
    }
    assert_ne!(key.path().split('/').next(), Some(".lakeshare"));
    let whole = if key.parent().is_empty() {
        key.name().to_owned()
    } else {
        format!("{}/{}", key.parent(), key.name())
    };
    assert_eq!(whole, key.path());
}

pub fn query_body(bytes: &[u8]) {
    if let Err(error) = QueryRequest::parse(bytes) {
        let kind = error.kind().as_str();
        assert!(kind == "invalid" || kind == "unsupported", "{kind}");
    }
}
