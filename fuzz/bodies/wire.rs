//! What requests say of themselves.

use http::{HeaderMap, HeaderValue, Method, Uri};
use lakeshare::sharing::capabilities::{Capabilities, HEADER, file_id_hash};
use lakeshare::sharing::parameters::Parameters;
use lakeshare::sharing::query_request::QueryRequest;
use lakeshare::sharing::route::Route;
use lakeshare::sharing::timestamp;
use lakeshare::storage::files::object_path::ObjectKey;

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

/// The bytes are a path and its query, as far as they make a URI.
pub fn request_target(bytes: &[u8]) {
    let Ok(uri) = Uri::try_from(bytes) else { return };
    for method in [Method::GET, Method::POST] {
        if let Err(error) = Route::parse(&method, uri.path()) {
            let kind = error.kind().as_str();
            assert!(kind == "invalid" || kind == "not_found", "{kind}");
        }
    }
    let parameters = Parameters::parse(uri.query());
    // Whether they are right is not the question.
    let _ = (parameters.page(), parameters.target(), parameters.number("maxFiles"), parameters.boolean("a"));
    if let Some(text) = parameters.get("startingTimestamp")
        && let Ok(time) = timestamp::parse("startingTimestamp", text)
    {
        assert!((0..=1).contains(&(time.ceiling_ms - time.floor_ms)));
    }
}
