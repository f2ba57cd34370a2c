//! S3 requests of the commands, presigned and sent one by one.

pub(crate) mod error;
pub(crate) mod retry;
pub(crate) mod wire;

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use rusty_s3::actions::list_objects_v2::ListObjectsContent;
use rusty_s3::actions::{
    CompleteMultipartUploadResponse, CreateMultipartUpload, CreateMultipartUploadResponse,
    DeleteObjectsResponse, ListObjectsV2, ObjectIdentifier,
};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use url::Url;

use self::error::Error;
use self::wire::BucketInfo;
use super::fault::Fault;
use super::peer::{Peer, REGION};
use crate::sigv4::canonical::encode_into;

/// Life of one request's signature; a slow part of an upload has to begin within it.
const SIGNATURE_LIFE: Duration = Duration::from_hours(1);
/// Keys that one bulk delete may name (Amazon S3 API Reference, `DeleteObjects`).
pub(crate) const DELETE_KEYS_MAX: usize = 1_000;

/// The S3 door of one server.
pub(crate) struct Store {
    pub peer: Peer,
    credentials: Credentials,
}

/// What a HEAD tells of an object.
#[derive(Debug, Clone)]
pub(crate) struct ObjectInfo {
    pub size: u64,
    pub etag: Option<String>,
    /// RFC 3339.
    pub modified: String,
}

/// An object of a bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
}

/// What of an object is read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Piece<'a> {
    /// Read that very object or nothing, should it have been written anew.
    pub etag: Option<&'a str>,
    pub from: u64,
    /// `None`: up to the end.
    pub size: Option<u64>,
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub objects: Vec<ListObjectsContent>,
    /// With their trailing slash.
    pub directories: Vec<String>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
}

/// What of a bucket is listed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing<'a> {
    pub bucket: &'a str,
    pub prefix: &'a str,
    /// Everything below, or the next level only.
    pub recursive: bool,
}

impl Store {
    pub(crate) fn new(peer: Peer) -> Self {
        let credentials =
            Credentials::new(peer.credential.access_key.clone(), peer.credential.secret_key.clone());
        Self { peer, credentials }
    }

    /// All buckets; signed by headers, because a listing of buckets belongs to none.
    pub(crate) async fn list_buckets(&self, what: &str) -> Result<Vec<BucketInfo>, Fault> {
        let answer = self.peer.send(what, Method::GET, "/", None).await?;
        if !answer.status.is_success() {
            return Err(refusal(answer.status, answer.headers, &answer.body).into_fault(what, &self.peer));
        }
        wire::parse_buckets(&answer.body).map_err(|why| Error::Odd(why).into_fault(what, &self.peer))
    }

    pub(crate) async fn create_bucket(&self, name: &str) -> Result<(), Error> {
        let url = self.bucket(name)?.create_bucket(&self.credentials).sign(SIGNATURE_LIFE);
        self.send(self.peer.http.put(url)).await.map(drop)
    }

    pub(crate) async fn remove_bucket(&self, name: &str) -> Result<(), Error> {
        let url = self.bucket(name)?.delete_bucket(&self.credentials).sign(SIGNATURE_LIFE);
        self.send(self.peer.http.delete(url)).await.map(drop)
    }

    /// What is known of an object; `None` when there is none.
    pub(crate) async fn head(&self, place: Place<'_>) -> Result<Option<ObjectInfo>, Error> {
        let bucket = self.bucket(place.bucket)?;
        let url = bucket.head_object(Some(&self.credentials), checked(place.key)?).sign(SIGNATURE_LIFE);
        match self.send(self.peer.http.head(url)).await {
            Ok(answer) => Ok(Some(describe(answer.headers()))),
            Err(error) if error.is_status(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One page of a listing, from `after` on.
    pub(crate) async fn list(&self, listing: Listing<'_>, after: Option<&str>) -> Result<Page, Error> {
        let bucket = self.bucket(listing.bucket)?;
        let mut action = bucket.list_objects_v2(Some(&self.credentials));
        action.with_prefix(listing.prefix);
        if !listing.recursive {
            action.with_delimiter("/");
        }
        if let Some(token) = after {
            action.with_continuation_token(token);
        }
        let text = self.text(self.peer.http.get(action.sign(SIGNATURE_LIFE))).await?;
        let answer = ListObjectsV2::parse_response(&text).map_err(|error| Error::Odd(error.to_string()))?;
        Ok(Page {
            objects: answer.contents,
            directories: answer.common_prefixes.into_iter().map(|common| common.prefix).collect(),
            next: answer.next_continuation_token,
        })
    }

    /// Removes up to [`DELETE_KEYS_MAX`] objects and gives those that stayed, with the reason.
    pub(crate) async fn remove(&self, bucket: &str, keys: &[String]) -> Result<Vec<(String, String)>, Error> {
        let bucket = self.bucket(bucket)?;
        let objects: Vec<ObjectIdentifier> = keys.iter().cloned().map(ObjectIdentifier::new).collect();
        let mut action = bucket.delete_objects(Some(&self.credentials), objects.iter());
        action.set_quiet(true);
        let url = action.sign(SIGNATURE_LIFE);
        let (body, md5) = action.body_with_md5();
        let request = self.peer.http.post(url).header("content-md5", md5).body(body);
        let text = self.text(request).await?;
        let answer = DeleteObjectsResponse::parse(&text).map_err(|error| Error::Odd(error.to_string()))?;
        Ok(answer
            .errors
            .into_iter()
            .map(|error| (error.key, format!("{} ({})", error.message, error.code)))
            .collect())
    }

    /// Begins to read an object, or the piece of it that is wanted.
    pub(crate) async fn get(&self, place: Place<'_>, piece: Piece<'_>) -> Result<reqwest::Response, Error> {
        let bucket = self.bucket(place.bucket)?;
        let url = bucket.get_object(Some(&self.credentials), checked(place.key)?).sign(SIGNATURE_LIFE);
        let mut request = self.peer.http.get(url);
        if let Some(etag) = piece.etag {
            request = request.header(http::header::IF_MATCH, etag);
        }
        match (piece.from, piece.size) {
            (0, None) => {}
            (from, None) => request = request.header(http::header::RANGE, format!("bytes={from}-")),
            (from, Some(size)) => {
                let last = from.saturating_add(size).saturating_sub(1);
                request = request.header(http::header::RANGE, format!("bytes={from}-{last}"));
            }
        }
        self.send(request).await
    }

    /// Writes an object of `size` bytes at once.
    pub(crate) async fn put(&self, place: Place<'_>, size: u64, body: reqwest::Body) -> Result<(), Error> {
        let bucket = self.bucket(place.bucket)?;
        let url = bucket.put_object(Some(&self.credentials), checked(place.key)?).sign(SIGNATURE_LIFE);
        let request = self.peer.http.put(url).header(http::header::CONTENT_LENGTH, size).body(body);
        self.send(request).await.map(drop)
    }

    /// Has the server copy an object, without its bytes passing here.
    pub(crate) async fn copy(&self, from: Place<'_>, to: Place<'_>) -> Result<(), Error> {
        let bucket = self.bucket(to.bucket)?;
        let source = copy_source(from)?;
        let mut action = bucket.put_object(Some(&self.credentials), checked(to.key)?);
        action.headers_mut().insert("x-amz-copy-source", source.clone());
        let url = action.sign(SIGNATURE_LIFE);
        let text = self.text(self.peer.http.put(url).header("x-amz-copy-source", source)).await?;
        // A copy may fail after the head of the answer has left (Amazon S3 API Reference, CopyObject).
        match wire::parse_error(text.as_bytes()) {
            Some(error) => Err(late_refusal(error)),
            None => Ok(()),
        }
    }

    /// Opens a multipart upload and gives its id.
    pub(crate) async fn begin_upload(&self, place: Place<'_>) -> Result<String, Error> {
        let bucket = self.bucket(place.bucket)?;
        let url =
            bucket.create_multipart_upload(Some(&self.credentials), checked(place.key)?).sign(SIGNATURE_LIFE);
        let text = self.text(self.peer.http.post(url)).await?;
        let answer: CreateMultipartUploadResponse =
            CreateMultipartUpload::parse_response(&text).map_err(|error| Error::Odd(error.to_string()))?;
        Ok(answer.upload_id().to_owned())
    }

    /// Sends part `number` (from 1) and gives its entity tag.
    pub(crate) async fn put_part(
        &self,
        place: Place<'_>,
        upload: &str,
        number: u16,
        part: bytes::Bytes,
    ) -> Result<String, Error> {
        let bucket = self.bucket(place.bucket)?;
        let url = bucket
            .upload_part(Some(&self.credentials), checked(place.key)?, number, upload)
            .sign(SIGNATURE_LIFE);
        let answer = self.send(self.peer.http.put(url).body(part)).await?;
        header(answer.headers(), "etag").ok_or_else(|| Error::Odd("a part has no ETag".to_owned()))
    }

    /// Makes an object of the parts, given by their entity tags from part 1 on.
    pub(crate) async fn complete_upload(
        &self,
        place: Place<'_>,
        upload: &str,
        etags: &[String],
    ) -> Result<(), Error> {
        let bucket = self.bucket(place.bucket)?;
        let etags = etags.iter().map(String::as_str);
        let action =
            bucket.complete_multipart_upload(Some(&self.credentials), checked(place.key)?, upload, etags);
        let url = action.sign(SIGNATURE_LIFE);
        let text = self.text(self.peer.http.post(url).body(action.body())).await?;
        if let Some(error) = wire::parse_error(text.as_bytes()) {
            return Err(late_refusal(error));
        }
        CompleteMultipartUploadResponse::parse(&text).map(drop).map_err(|error| Error::Odd(error.to_string()))
    }

    /// Gives up a multipart upload, so that its parts do not stay behind.
    pub(crate) async fn abort_upload(&self, place: Place<'_>, upload: &str) -> Result<(), Error> {
        let bucket = self.bucket(place.bucket)?;
        let url = bucket
            .abort_multipart_upload(Some(&self.credentials), checked(place.key)?, upload)
            .sign(SIGNATURE_LIFE);
        self.send(self.peer.http.delete(url)).await.map(drop)
    }

    fn bucket(&self, name: &str) -> Result<Bucket, Error> {
        let endpoint: Url = self.peer.endpoint.clone();
        Bucket::new(endpoint, UrlStyle::Path, checked(name)?.to_owned(), REGION)
            .map_err(|error| Error::Odd(error.to_string()))
    }

    /// Sends a request and gives the answer once its status says that it succeeded.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Error> {
        let answer = request.send().await.map_err(|error| Error::Unanswered(error.without_url()))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.unwrap_or_default();
        Err(refusal(status, headers, &body))
    }

    async fn text(&self, request: reqwest::RequestBuilder) -> Result<String, Error> {
        let answer = self.send(request).await?;
        answer.text().await.map_err(|error| Error::Unanswered(error.without_url()))
    }
}

/// Every answer that is no success, in S3's words where it has any; a HEAD has none.
fn refusal(status: StatusCode, headers: HeaderMap, body: &[u8]) -> Error {
    let info = wire::parse_error(body).unwrap_or_default();
    let code = if info.code.is_empty() { plain_code(status) } else { info.code };
    Error::Refused { status, code, message: info.message, headers: Box::new(headers) }
}

fn plain_code(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Unknown").replace(' ', "")
}

/// An error told after a head that promised success.
fn late_refusal(info: wire::ErrorInfo) -> Error {
    Error::Refused {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: info.code,
        message: info.message,
        headers: Box::new(HeaderMap::new()),
    }
}

fn describe(headers: &HeaderMap) -> ObjectInfo {
    let size = header(headers, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let modified = header(headers, "last-modified")
        .and_then(|text| chrono::DateTime::parse_from_rfc2822(&text).ok())
        .map(|moment| moment.to_rfc3339())
        .unwrap_or_default();
    ObjectInfo { size, etag: header(headers, "etag"), modified }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A name that an address can hold: URL parsers resolve `.` and `..`, also when they are percent-encoded.
fn checked(name: &str) -> Result<&str, Error> {
    let is_walk = |part: &str| matches!(part, "." | "..");
    if name.is_empty() || name.split('/').any(is_walk) { Err(Error::Name(name.to_owned())) } else { Ok(name) }
}

fn copy_source(from: Place<'_>) -> Result<String, Error> {
    let mut source = vec![b'/'];
    encode_into(checked(from.bucket)?.as_bytes(), false, &mut source);
    source.push(b'/');
    encode_into(checked(from.key)?.as_bytes(), true, &mut source);
    String::from_utf8(source).map_err(|error| Error::Odd(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_urls_resolve_are_never_sent() {
        for name in ["", ".", "..", "a/../b", "a/.", "./a"] {
            assert!(checked(name).is_err(), "{name}");
        }
        for name in ["a", "...", "a..b/.c", "a//b", "/a"] {
            assert!(checked(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn copy_sources_are_percent_encoded() {
        let from = Place { bucket: "b", key: "d=1 2/ä.parquet" };
        assert_eq!(copy_source(from).unwrap(), "/b/d%3D1%202/%C3%A4.parquet");
    }

    #[test]
    fn a_refusal_without_words_is_named_by_its_status() {
        let error = refusal(StatusCode::NOT_FOUND, HeaderMap::new(), b"");
        assert_eq!(error.code(), Some("NotFound"));
        assert!(!error.is_passing());
        assert!(refusal(StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new(), b"").is_passing());
    }
}
