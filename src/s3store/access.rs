//! Who may do what at the S3 door.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::DeleteObjectsInput;
use s3s::host::{S3Host, VirtualHost};
use s3s::path::S3Path;
use s3s::validation::NameValidation;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};
use subtle::ConstantTimeEq;

use super::sig_v2;
use crate::auth::session::{Grant, Reach, Sessions};
use crate::bucket_name;
use crate::clock::Clock;
use crate::limits::PRESIGNED_SECONDS_MAX;
use crate::sigv4::credential::Credential;
use crate::state::record::SigningCredential;

/// Added by proxies on the way, so that it cannot have been signed.
const ADDED_ON_THE_WAY: &str = "x-amz-cf-id";

/// The two credentials that this door knows, and what tells sessions from forgeries.
#[derive(Clone)]
pub(super) struct Gate {
    known: Arc<(Credential, SigningCredential)>,
    sessions: Sessions,
    clock: Clock,
}

impl Gate {
    pub(super) fn new(
        root: Credential,
        signing: SigningCredential,
        (sessions, clock): (Sessions, Clock),
    ) -> Self {
        Self { known: Arc::new((root, signing)), sessions, clock }
    }

    /// The secret of an access key that this door knows.
    pub(super) fn secret_of(&self, access_key: &str) -> Option<String> {
        if self.is_root(access_key) {
            return Some(self.known.0.secret_key.clone());
        }
        if self.is_signing(access_key) {
            return Some(self.known.1.secret_key.clone());
        }
        self.sessions.secret_of(access_key)
    }

    fn is_root(&self, access_key: &str) -> bool {
        self.known.0.access_key.as_bytes().ct_eq(access_key.as_bytes()).into()
    }

    fn is_signing(&self, access_key: &str) -> bool {
        self.known.1.access_key.as_bytes().ct_eq(access_key.as_bytes()).into()
    }
}

/// Operations on one object that change nothing.
const READING: [&str; 2] = ["GetObject", "HeadObject"];

/// Operations on one object that write or delete it. A copy reads a second object, so it is none of them.
const WRITING: [&str; 7] = [
    "PutObject",
    "DeleteObject",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
    "ListParts",
];

/// What a session may do within its directory: get and list, and with leave to write also put and delete.
fn check_session(grant: &Grant, context: &S3AccessContext<'_>) -> S3Result<()> {
    let writes = grant.reach == Reach::Write;
    let query = context.uri().query().unwrap_or("");
    let operation = context.s3_op().name();
    let is_within = match context.s3_path() {
        S3Path::Object { bucket, key } => {
            let may = READING.contains(&operation) || writes && WRITING.contains(&operation);
            may && grant.holds(bucket, key)
        }
        S3Path::Bucket { bucket } => match operation {
            "ListObjects" | "ListObjectsV2" => {
                let mut prefixes =
                    url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "prefix");
                let prefix = prefixes.next().map(|(_, value)| value.into_owned()).unwrap_or_default();
                prefixes.next().is_none() && grant.may_list(bucket, &prefix)
            }
            "HeadBucket" | "GetBucketLocation" => **bucket == *grant.bucket,
            // Which keys, is known once the body is read.
            "DeleteObjects" => writes && **bucket == *grant.bucket,
            _ => false,
        },
        S3Path::Root => false,
    };
    if is_within {
        Ok(())
    } else {
        Err(denied("This session may do no more than it was given, and in its directory only."))
    }
}

/// The session token of a request, in a header or in the query of a presigned URL.
fn session_token(context: &S3AccessContext<'_>) -> Option<String> {
    let header = context.headers().get("x-amz-security-token").and_then(|value| value.to_str().ok());
    let in_query = || {
        let query = context.uri().query().unwrap_or("");
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == "X-Amz-Security-Token").map(|(_, value)| value.into_owned())
    };
    header.map(str::to_owned).or_else(in_query)
}

pub(super) fn unknown_key() -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidAccessKeyId, "This access key does not exist here.")
}

fn denied(why: &'static str) -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, why)
}

#[async_trait::async_trait]
impl S3Auth for Gate {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.secret_of(access_key).map(SecretKey::from).ok_or_else(unknown_key)
    }
}

#[async_trait::async_trait]
impl S3Access for Gate {
    /// Called when the signature has been found right, or when there is none.
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = context.credentials() else {
            return Err(denied("Anonymous requests are not served; sign the request."));
        };
        let query = context.uri().query().unwrap_or("");
        let operation = context.s3_op().name();
        let reads_an_object = matches!(operation, "GetObject" | "HeadObject");
        if sig_v2::is_presigned(query) {
            let is_served = reads_an_object || operation == "PutObject";
            if self.is_root(&credentials.access_key) && is_served {
                return Ok(());
            }
            return Err(denied("URLs of signature version 2 may only get, head and put an object."));
        }
        check_signed_headers(query, context.headers())?;
        check_life(query)?;
        if self.is_root(&credentials.access_key) {
            return Ok(());
        }
        if Sessions::is_session(&credentials.access_key) {
            let now_ms = self.clock.now_ms();
            let open = |token: String| self.sessions.open(&credentials.access_key, &token, now_ms);
            let why = "The session token is missing, has expired or does not belong to this access key.";
            let expired = || S3Error::with_message(S3ErrorCode::ExpiredToken, why);
            let grant = session_token(context).and_then(open).ok_or_else(expired)?;
            check_session(&grant, context)?;
            context.extensions_mut().insert(grant);
            return Ok(());
        }
        if self.is_signing(&credentials.access_key) && is_presigned(query) && reads_an_object {
            return Ok(());
        }
        Err(denied("This credential may only read objects by presigned URLs."))
    }

    /// The keys of a bulk delete stand in its body: a session may name none outside of its directory.
    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        let Some(grant) = request.extensions.get::<Grant>() else { return Ok(()) };
        let DeleteObjectsInput { bucket, delete, .. } = &request.input;
        if delete.objects.iter().all(|object| grant.holds(bucket, &object.key)) {
            return Ok(());
        }
        Err(denied("This session may delete objects of its directory only."))
    }
}

/// Whether the query itself carries the signature, exactly as s3s decides it.
fn is_presigned(query: &str) -> bool {
    parameter(query, "X-Amz-Signature").is_some()
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    })
}

/// Refuses `x-amz-` headers that nobody signed, so that a presigned upload cannot become a copy.
///
/// Amazon S3, "Signing and authenticating REST requests": all of them and the host must be signed.
fn check_signed_headers(query: &str, headers: &HeaderMap) -> S3Result<()> {
    let signed = match parameter(query, "X-Amz-SignedHeaders") {
        Some(names) => percent_encoding::percent_decode_str(names).decode_utf8_lossy().into_owned(),
        None => headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once("SignedHeaders="))
            .map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or("").to_owned())
            .unwrap_or_default(),
    };
    let is_signed = |name: &str| signed.split(';').any(|listed| listed.eq_ignore_ascii_case(name));
    let needs = |name: &str| name.starts_with("x-amz-") && name != ADDED_ON_THE_WAY;
    if !is_signed("host") || headers.keys().any(|name| needs(name.as_str()) && !is_signed(name.as_str())) {
        return Err(denied("There were headers present in the request which were not signed."));
    }
    Ok(())
}

/// Refuses URLs that live longer than Amazon S3 lets them.
fn check_life(query: &str) -> S3Result<()> {
    let Some(seconds) = parameter(query, "X-Amz-Expires") else { return Ok(()) };
    if seconds.parse::<u32>().is_ok_and(|seconds| seconds <= PRESIGNED_SECONDS_MAX) {
        return Ok(());
    }
    let why = "X-Amz-Expires must be a number of seconds, at most seven days.";
    Err(S3Error::with_message(S3ErrorCode::AuthorizationQueryParametersError, why))
}

/// Bucket names in paths: any directory that is a bucket, also one that Amazon's rules would not allow.
pub(super) struct Names;

impl NameValidation for Names {
    fn validate_bucket_name(&self, name: &str) -> bool {
        bucket_name::is_served(name)
    }
}

/// Virtual-host addressing below one domain; every other host is addressed by path.
#[derive(Debug, Clone)]
pub(super) struct Domain {
    /// With a dot in front.
    suffix: String,
}

impl Domain {
    pub(super) fn new(domain: &str) -> Self {
        Self { suffix: format!(".{}", domain.to_ascii_lowercase()) }
    }

    /// The bucket that a host names.
    pub(super) fn bucket_of(&self, host: &str) -> Option<String> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        name.strip_suffix(&self.suffix).map(str::to_owned)
    }
}

impl S3Host for Domain {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        Ok(match self.bucket_of(host) {
            Some(bucket) => VirtualHost::new(host).with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn an_amazon_header_that_nobody_signed_is_refused() {
        let query = "X-Amz-SignedHeaders=host%3Bx-amz-acl&X-Amz-Signature=0";
        assert!(
            check_signed_headers(query, &headers(&[("x-amz-acl", "private"), ("range", "bytes=0-")])).is_ok()
        );
        assert!(check_signed_headers(query, &headers(&[("x-amz-copy-source", "a/b")])).is_err());
        let signed = "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;x-amz-date, Signature=0";
        assert!(
            check_signed_headers("", &headers(&[("authorization", signed), ("x-amz-date", "1")])).is_ok()
        );
        assert!(
            check_signed_headers("", &headers(&[("authorization", signed), ("x-amz-copy-source", "1")]))
                .is_err()
        );
        let without_host = "AWS4-HMAC-SHA256 Credential=a/b,SignedHeaders=x-amz-date,Signature=0";
        assert!(check_signed_headers("", &headers(&[("authorization", without_host)])).is_err());
    }

    #[test]
    fn a_url_lives_seven_days_at_most() {
        assert!(check_life("X-Amz-Expires=604800").is_ok());
        assert!(check_life("X-Amz-Expires=604801").is_err());
        assert!(check_life("X-Amz-Expires=soon").is_err());
        assert!(check_life("list-type=2").is_ok());
    }

    #[test]
    fn only_a_parameter_of_that_name_makes_a_request_presigned() {
        assert!(is_presigned("a=b&X-Amz-Signature=0"));
        assert!(!is_presigned("a=X-Amz-Signature=0"));
        assert!(!is_presigned("NX-Amz-Signature=0"));
    }

    #[test]
    fn hosts_outside_the_domain_are_addressed_by_path() {
        let domain = Domain::new("S3.example.com");
        let bucket = |host: &str| domain.parse_host_header(host).unwrap().bucket().map(str::to_owned);
        assert_eq!(bucket("tables.s3.example.com:9000").as_deref(), Some("tables"));
        assert_eq!(bucket("s3.example.com"), None);
        assert_eq!(bucket("localhost:9000"), None);
    }
}
