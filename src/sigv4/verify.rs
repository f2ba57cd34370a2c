//! Checks the signature in the headers of a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::AUTHORIZATION;
use http::request::Parts;
use subtle::ConstantTimeEq;

use super::canonical;
use super::error::Error;
use super::signing_key::{AmzDate, Scope, derive, hmac};

/// How far the clock of a client may be from ours (Amazon S3, `RequestTimeTooSkewed`).
const SKEW_MS_MAX: u64 = 15 * 60 * 1000;

/// Checks that `parts` are signed, for one of `services` and any region, and returns the access key.
///
/// `body_sha256` is the digest of the body as received. The payload header may hold it as digits, or in
/// base64 as Iceberg's Java client sends it, or be absent; unsigned payloads are refused. The time has to
/// be within 15 minutes of `now_ms`. Comparison takes the same time wherever a signature is wrong.
pub fn verify_headers(
    parts: &Parts,
    body_sha256: &[u8; 32],
    services: &[&str],
    secret_of: &dyn Fn(&str) -> Option<String>,
    now_ms: i64,
) -> Result<String, Error> {
    let authorization = parts
        .headers
        .get(AUTHORIZATION)
        .ok_or(Error::MissingAuthorization)?
        .to_str()
        .map_err(|_| Error::MalformedAuthorization("it holds bytes outside ASCII"))?;
    let claim = Claim::parse(authorization)?;
    if !services.contains(&claim.scope.service) {
        return Err(Error::WrongService(claim.scope.service.to_owned()));
    }
    let date = date_of(parts, claim.day, now_ms)?;
    check_signed_names(parts, &claim.signed_headers)?;
    let payload = payload_of(parts, body_sha256)?;
    let request_hash = canonical::hash(parts, claim.scope.service, &claim.signed_headers, &payload)?;
    let secret_key = secret_of(claim.access_key).ok_or(Error::UnknownAccessKey)?;
    let string_to_sign = format!("{}{}", date.string_to_sign_head(&claim.scope), hex::encode(request_hash));
    let expected = hmac(&derive(&secret_key, claim.day, &claim.scope), string_to_sign.as_bytes());
    if bool::from(expected.ct_eq(&claim.signature)) {
        Ok(claim.access_key.to_owned())
    } else {
        Err(Error::SignatureMismatch)
    }
}

/// What the Authorization header says.
struct Claim<'a> {
    access_key: &'a str,
    day: &'a str,
    scope: Scope<'a>,
    signed_headers: Vec<&'a str>,
    signature: [u8; 32],
}

impl<'a> Claim<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        let fields = text
            .trim()
            .strip_prefix("AWS4-HMAC-SHA256")
            .ok_or(Error::MalformedAuthorization("it does not begin with AWS4-HMAC-SHA256"))?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
                .map(str::trim)
        };
        let credential = field("Credential").ok_or(Error::MalformedAuthorization("Credential is missing"))?;
        let names =
            field("SignedHeaders").ok_or(Error::MalformedAuthorization("SignedHeaders is missing"))?;
        let digits = field("Signature").ok_or(Error::MalformedAuthorization("Signature is missing"))?;
        let mut signature = [0; 32];
        hex::decode_to_slice(digits, &mut signature)
            .map_err(|_| Error::MalformedAuthorization("Signature is not 64 hexadecimal digits"))?;
        let malformed =
            || Error::MalformedAuthorization("Credential is not KEY/DAY/REGION/SERVICE/aws4_request");
        let mut words = credential.rsplitn(5, '/');
        if words.next() != Some("aws4_request") {
            return Err(malformed());
        }
        let (service, region) = (words.next().ok_or_else(malformed)?, words.next().ok_or_else(malformed)?);
        let (day, access_key) = (words.next().ok_or_else(malformed)?, words.next().ok_or_else(malformed)?);
        Ok(Self {
            access_key,
            day,
            scope: Scope { region, service },
            signed_headers: names.split(';').collect(),
            signature,
        })
    }
}

/// The signed moment, if it belongs to `day` and is not too far from now.
fn date_of(parts: &Parts, day: &str, now_ms: i64) -> Result<AmzDate, Error> {
    let bad = || Error::BadHeader("x-amz-date".to_owned());
    let text = parts.headers.get("x-amz-date").and_then(|value| value.to_str().ok()).ok_or_else(bad)?;
    let moment = chrono::NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").map_err(|_| bad())?;
    let signed_ms = moment.and_utc().timestamp_millis();
    if signed_ms.abs_diff(now_ms) > SKEW_MS_MAX {
        return Err(Error::ClockSkew);
    }
    let date = AmzDate { text: text.to_owned() };
    if date.day() == day {
        Ok(date)
    } else {
        Err(Error::MalformedAuthorization("its day differs from x-amz-date"))
    }
}

/// `host` and every `x-amz-` header have to be signed, or somebody between us could change them.
fn check_signed_names(parts: &Parts, signed: &[&str]) -> Result<(), Error> {
    if !signed.contains(&"host") {
        return Err(Error::UnsignedHeader("host".to_owned()));
    }
    match parts
        .headers
        .keys()
        .find(|name| name.as_str().starts_with("x-amz-") && !signed.contains(&name.as_str()))
    {
        Some(name) => Err(Error::UnsignedHeader(name.as_str().to_owned())),
        None => Ok(()),
    }
}

/// The last line of the canonical request: always digits, whatever form the header has.
fn payload_of(parts: &Parts, body_sha256: &[u8; 32]) -> Result<String, Error> {
    let digits = hex::encode(body_sha256);
    let Some(value) = parts.headers.get("x-amz-content-sha256") else {
        return Ok(digits);
    };
    let text = value.to_str().map_err(|_| Error::BadHeader("x-amz-content-sha256".to_owned()))?;
    if text == "UNSIGNED-PAYLOAD" || text.starts_with("STREAMING-") {
        Err(Error::PayloadNotSigned)
    } else if text == digits || BASE64.decode(text).is_ok_and(|digest| digest == body_sha256) {
        Ok(digits)
    } else {
        Err(Error::PayloadMismatch)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::{BASE64, Engine, Error, verify_headers};
    use crate::sigv4::credential::Credential;
    use crate::sigv4::sign::{Payload, sign_headers};
    use crate::sigv4::signing_key::Scope;

    const NOW_MS: i64 = 1_790_000_000_000;
    const S3: Scope<'_> = Scope { region: "eu-west-3", service: "s3" };

    fn credential() -> Credential {
        Credential { access_key: "admin/key".into(), secret_key: "correct horse".into() }
    }

    fn signed(uri: &str, body: &[u8]) -> Parts {
        let (mut parts, ()) =
            Request::post(uri).header("x-amz-meta-a", " two   words ").body(()).unwrap().into_parts();
        sign_headers(&mut parts, Payload::Bytes(body), &S3, &credential(), NOW_MS).unwrap();
        parts
    }

    fn verify_at(parts: &Parts, body: &[u8], now_ms: i64) -> Result<String, Error> {
        let secret_of = |key: &str| (key == "admin/key").then(|| "correct horse".to_owned());
        verify_headers(parts, &Sha256::digest(body).into(), &["s3", "s3tables"], &secret_of, now_ms)
    }

    fn verify(parts: &Parts, body: &[u8]) -> Result<String, Error> {
        verify_at(parts, body, NOW_MS)
    }

    proptest! {
        #[test]
        fn what_we_sign_we_verify(path in "(/[a-zA-Z0-9 %+~ü:=&$]{0,8}){1,4}", value in "[ -~ü]{0,20}", body: Vec<u8>) {
            let encode = |text: &str| percent_encoding::utf8_percent_encode(
                text, percent_encoding::NON_ALPHANUMERIC).to_string();
            let path = path.split('/').map(encode).collect::<Vec<_>>().join("/");
            let parts = signed(&format!("http://localhost:9000{path}?b={}&a", encode(&value)), &body);
            prop_assert_eq!(verify(&parts, &body).unwrap(), "admin/key");
        }
    }

    #[test]
    fn any_changed_part_breaks_the_signature() {
        let uri = "http://localhost:9000/_admin/v1/shares?a=1";
        let change: [fn(&mut Parts); 4] = [
            |parts| parts.method = http::Method::DELETE,
            |parts| parts.uri = "http://localhost:9000/_admin/v1/tokens?a=1".parse().unwrap(),
            |parts| parts.uri = "http://localhost:9000/_admin/v1/shares?a=2".parse().unwrap(),
            |parts| drop(parts.headers.insert("x-amz-meta-a", "other".parse().unwrap())),
        ];
        for change in change {
            let mut parts = signed(uri, b"{}");
            change(&mut parts);
            assert!(matches!(verify(&parts, b"{}"), Err(Error::SignatureMismatch)));
        }
        assert!(matches!(verify(&signed(uri, b"{}"), b"[]"), Err(Error::PayloadMismatch)));
    }

    #[test]
    fn http2_requests_without_a_host_header_verify_by_their_authority() {
        let mut parts = signed("http://localhost:9000/a", b"");
        parts.headers.remove("host");
        assert!(verify(&parts, b"").is_ok());
    }

    #[test]
    fn base64_payload_digest_is_signed_as_digits() {
        let uri = "http://localhost:9000/a";
        let body = b"{\"name\":1}";
        let (mut parts, ()) =
            Request::post(uri).header("host", "localhost:9000").body(()).unwrap().into_parts();
        let date = super::AmzDate::from_ms(NOW_MS).unwrap();
        parts.headers.insert("x-amz-date", date.text.parse().unwrap());
        parts.headers.insert("x-amz-content-sha256", BASE64.encode(Sha256::digest(body)).parse().unwrap());
        let names = ["host", "x-amz-content-sha256", "x-amz-date"];
        let digits = hex::encode(Sha256::digest(body));
        let hash = super::canonical::hash(&parts, "s3", &names, &digits).unwrap();
        let text = format!("{}{}", date.string_to_sign_head(&S3), hex::encode(hash));
        let signature = super::hmac(&super::derive("correct horse", date.day(), &S3), text.as_bytes());
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=admin/key/{}, SignedHeaders={}, Signature={}",
            date.credential_scope(&S3),
            names.join(";"),
            hex::encode(signature)
        );
        parts.headers.insert("authorization", authorization.parse().unwrap());
        assert_eq!(verify(&parts, body).unwrap(), "admin/key");
    }

    #[test]
    fn clocks_may_differ_by_fifteen_minutes_and_no_more() {
        let parts = signed("http://localhost:9000/a", b"");
        for skew_ms in [-900_000, 0, 900_000] {
            assert!(verify_at(&parts, b"", NOW_MS + skew_ms).is_ok());
        }
        for skew_ms in [-901_000, 901_000, i64::MAX - NOW_MS] {
            assert!(matches!(verify_at(&parts, b"", NOW_MS + skew_ms), Err(Error::ClockSkew)));
        }
    }

    #[test]
    fn unsigned_payloads_unsigned_headers_and_other_services_are_refused() {
        let sign = |payload: Payload<'_>, service: &str| {
            let (mut parts, ()) = Request::get("http://localhost:9000/a").body(()).unwrap().into_parts();
            let scope = Scope { region: "us-east-1", service };
            sign_headers(&mut parts, payload, &scope, &credential(), NOW_MS).unwrap();
            parts
        };
        assert!(matches!(verify(&sign(Payload::Unsigned, "s3"), b""), Err(Error::PayloadNotSigned)));
        assert!(matches!(verify(&sign(Payload::Bytes(b""), "iam"), b""), Err(Error::WrongService(_))));
        assert!(verify(&sign(Payload::Bytes(b""), "s3tables"), b"").is_ok());
        let mut parts = sign(Payload::Bytes(b""), "s3");
        parts.headers.insert("x-amz-copy-source", "/b/k".parse().unwrap());
        assert!(matches!(verify(&parts, b""), Err(Error::UnsignedHeader(_))));
    }

    #[test]
    fn hostile_authorization_headers_are_errors() {
        for text in [
            "",
            "Basic abc",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request,SignedHeaders=host,Signature=zz",
            "AWS4-HMAC-SHA256 Credential=/,SignedHeaders=,Signature=00",
            "AWS4-HMAC-SHA256 Credential=aws4_request,SignedHeaders=;;,Signature=",
        ] {
            let mut parts = signed("http://localhost:9000/a", b"");
            parts.headers.insert("authorization", text.parse().unwrap());
            assert!(matches!(verify(&parts, b""), Err(Error::MalformedAuthorization(_))), "{text}");
        }
    }
}
