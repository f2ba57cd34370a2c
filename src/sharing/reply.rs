//! What a request is answered with, and its headers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY};
use http::{Method, Response};

use super::access::Access;
use super::capabilities::{self, Capabilities, Format};
use super::feed::{Feed, FeedParts};
use super::listing::{Listing, ListingParts};
use crate::http::body::Body;
use crate::http::coding::Coding;
use crate::snapshot::loader::Loader;
use crate::table::snapshot::Version;

/// The header that every answer about a table carries.
const TABLE_VERSION: HeaderName = HeaderName::from_static("delta-table-version");
const CAPABILITIES: HeaderName = HeaderName::from_static(capabilities::HEADER);
/// Answers are for one recipient and hold URLs that open files.
const NOT_STORED: HeaderValue = HeaderValue::from_static("no-store, private");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// The character set is named because Python decodes by it.
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson; charset=utf-8");

/// An answer with data.
pub enum Reply {
    /// One line of JSON.
    Json(Vec<u8>),
    /// A header and no body.
    Version(Version),
    /// The two lines of a table's head.
    Head { version: Version, format: Format, lines: Bytes },
    /// The id of a query whose answer is fetched later.
    Pending { version: Version, echo: &'static str, line: Vec<u8> },
    /// The head and the files.
    Files { parts: Box<ListingParts>, echo: &'static str, file_id_hash: Option<Format> },
    /// The head and the changes of a range; the loader's threads read them.
    Changes {
        parts: Box<FeedParts>,
        loader: Loader,
        version: Version,
        echo: &'static str,
        file_id_hash: Option<Format>,
    },
}

impl Reply {
    /// The answer; `access` is written when its last byte is.
    pub fn response(self, mut access: Access, method: &Method) -> Response<Body> {
        let mut headers = HeaderMap::new();
        let body = match self {
            Self::Json(json) => {
                headers.insert(CONTENT_TYPE, JSON);
                headers.insert(CACHE_CONTROL, NOT_STORED);
                whole(json, method, &mut access)
            }
            Self::Version(version) => {
                headers.insert(TABLE_VERSION, version.into());
                whole(Vec::new(), method, &mut access)
            }
            Self::Head { version, format, lines } => {
                insert_table(&mut headers, version, Capabilities::echo(format, false));
                whole(lines, method, &mut access)
            }
            Self::Pending { version, echo, line } => {
                insert_table(&mut headers, version, echo);
                whole(line, method, &mut access)
            }
            Self::Files { parts, echo, file_id_hash } => {
                insert_table(&mut headers, parts.version, echo);
                insert_hash(&mut headers, file_id_hash);
                insert_coding(&mut headers, parts.coding);
                Body::wrap(Listing::new(*parts, access))
            }
            Self::Changes { parts, loader, version, echo, file_id_hash } => {
                insert_table(&mut headers, version, echo);
                insert_hash(&mut headers, file_id_hash);
                insert_coding(&mut headers, parts.coding);
                if method == Method::HEAD {
                    access.finish();
                    Body::empty()
                } else {
                    Body::wrap(Feed::start(*parts, &loader, access))
                }
            }
        };
        let mut response = Response::new(body);
        *response.headers_mut() = headers;
        response
    }
}

fn insert_table(headers: &mut HeaderMap, version: Version, capabilities: &'static str) {
    headers.insert(TABLE_VERSION, version.into());
    headers.insert(CONTENT_TYPE, NDJSON);
    headers.insert(CACHE_CONTROL, NOT_STORED);
    headers.insert(CAPABILITIES, HeaderValue::from_static(capabilities));
}

/// Spark fails without the echo of what it asked for.
fn insert_hash(headers: &mut HeaderMap, file_id_hash: Option<Format>) {
    if let Some(hash) = file_id_hash {
        let name = HeaderName::from_static(capabilities::FILE_ID_HASH_HEADER);
        headers.insert(name, HeaderValue::from_static(hash.as_str()));
    }
}

/// How the lines are packed, which depends on what the request accepts.
fn insert_coding(headers: &mut HeaderMap, coding: Coding) {
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding.header() {
        headers.insert(CONTENT_ENCODING, coding);
    }
}

fn whole(bytes: impl Into<Bytes>, method: &Method, access: &mut Access) -> Body {
    let bytes = bytes.into();
    access.finish();
    if method == Method::HEAD {
        return Body::empty();
    }
    access.sent(bytes.len());
    Body::full(bytes)
}
