//! Signs the headers of a request that we send.

use http::header::{AUTHORIZATION, CONNECTION, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, USER_AGENT};
use http::request::Parts;
use sha2::{Digest, Sha256};

use super::canonical;
use super::credential::Credential;
use super::error::Error;
use super::signing_key::{AmzDate, Scope, derive, hmac};

/// What is signed in place of the body.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// The whole body.
    Bytes(&'a [u8]),
    /// The body's SHA-256.
    Digest([u8; 32]),
    /// Nothing: `UNSIGNED-PAYLOAD`, for bodies that are streamed.
    Unsigned,
}

/// Adds `host` (if missing, from the URI), `x-amz-date`, `x-amz-content-sha256` and `authorization`.
///
/// Every header present is signed but those that a client's connection may still change. A header that
/// cannot be printed is an error: a credential that somebody typed may hold any character.
pub fn sign_headers(
    parts: &mut Parts,
    payload: Payload<'_>,
    scope: &Scope<'_>,
    credential: &Credential,
    now_ms: i64,
) -> Result<(), Error> {
    let date = AmzDate::from_ms(now_ms).ok_or_else(|| Error::BadHeader("x-amz-date".to_owned()))?;
    let payload = match payload {
        Payload::Bytes(bytes) => hex::encode(Sha256::digest(bytes)),
        Payload::Digest(digest) => hex::encode(digest),
        Payload::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
    };
    if !parts.headers.contains_key(HOST) {
        let host = host_of(parts)?;
        parts.headers.insert(HOST, host);
    }
    insert(parts, "x-amz-date", &date.text)?;
    insert(parts, "x-amz-content-sha256", &payload)?;
    parts.headers.remove(AUTHORIZATION);

    let names = signed_names(parts);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let request_hash = canonical::hash(parts, scope.service, &names, &payload)?;
    let string_to_sign = format!("{}{}", date.string_to_sign_head(scope), hex::encode(request_hash));
    let key = derive(&credential.secret_key, date.day(), scope);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}",
        credential.access_key,
        date.credential_scope(scope),
        names.join(";"),
        hex::encode(hmac(&key, string_to_sign.as_bytes()))
    );
    insert(parts, "authorization", &authorization)
}

fn signed_names(parts: &Parts) -> Vec<String> {
    let mut names: Vec<String> = parts
        .headers
        .keys()
        .filter(|name| ![USER_AGENT, CONNECTION, TRANSFER_ENCODING].contains(name))
        .map(|name| name.as_str().to_owned())
        .collect();
    names.sort_unstable();
    names
}

/// Authority without a port that the scheme implies, as HTTP clients write it.
fn host_of(parts: &Parts) -> Result<HeaderValue, Error> {
    let authority = parts.uri.authority().ok_or_else(|| Error::BadHeader("host".to_owned()))?;
    let text = match (parts.uri.scheme_str(), authority.port_u16()) {
        (Some("http"), Some(80)) | (Some("https"), Some(443)) => authority.host(),
        _ => authority.as_str(),
    };
    HeaderValue::from_str(text).map_err(|source| Error::Unprintable { what: "the host", source })
}

fn insert(parts: &mut Parts, name: &'static str, text: &str) -> Result<(), Error> {
    let value = HeaderValue::from_str(text)
        .map_err(|source| Error::Unprintable { what: "the access key or the region", source })?;
    parts.headers.insert(HeaderName::from_static(name), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::{Payload, sign_headers};
    use crate::sigv4::credential::Credential;
    use crate::sigv4::signing_key::Scope;

    /// Fri, 24 May 2013 00:00:00 GMT, the moment of the manual's examples.
    const NOW_MS: i64 = 1_369_353_600_000;

    fn signature(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://examplebucket.s3.amazonaws.com{path}"))
            .body(())
            .unwrap();
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let (mut parts, ()) = request.into_parts();
        let credential = Credential {
            access_key: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        };
        let scope = Scope { region: "us-east-1", service: "s3" };
        sign_headers(&mut parts, Payload::Bytes(body), &scope, &credential, NOW_MS).unwrap();
        let text = parts.headers["authorization"].to_str().unwrap();
        assert!(text.starts_with(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
        ));
        text.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// Amazon S3 API Reference, "Signature Calculations: Transferring Payload in a Single Chunk", its four examples.
    #[test]
    fn signatures_are_those_of_the_s3_manual() {
        assert_eq!(
            signature("GET", "/test.txt", &[("range", "bytes=0-9")], b""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
        assert_eq!(
            signature("PUT", "/test$file.text", &put, b"Welcome to Amazon S3."),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        assert_eq!(
            signature("GET", "/?lifecycle", &[], b""),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert_eq!(
            signature("GET", "/?max-keys=2&prefix=J", &[], b""),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn an_access_key_that_no_header_can_hold_is_an_error() {
        let (mut parts, ()) = Request::get("http://localhost:9000/b").body(()).unwrap().into_parts();
        let credential = Credential { access_key: "a\nb".into(), secret_key: String::new() };
        let scope = Scope { region: "us-east-1", service: "s3" };
        assert!(sign_headers(&mut parts, Payload::Unsigned, &scope, &credential, NOW_MS).is_err());
    }
}
