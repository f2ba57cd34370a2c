//! Presigned URLs of signature version 2.
//!
//! s3s verifies them as well, but compares in a time that tells how much was right, and version 2 leaves
//! most of the query unsigned. So only requests with nothing else in their query come through here, and
//! only after a comparison in constant time. (Amazon S3, "Authenticating requests (AWS Signature Version 2)".)

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use http::{HeaderMap, Method};
use sha1::Sha1;

/// Query parameters that the signature covers and that change nothing but headers of the answer.
const OVERRIDES: [&str; 6] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

/// Why a URL of version 2 is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is no presigned GET, HEAD or PUT, or its query holds more than its signature covers.
    Form,
    UnknownKey,
    Signature,
}

/// Whether s3s would take the request for one of version 2: it looks for the decoded name.
pub(super) fn is_presigned(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "Signature")
}

/// Verifies the signature of a presigned GET, HEAD or PUT; the expiry is s3s's to check.
///
/// `bucket` is the one in the host, if the domain says so; `secret_of` gives the secret of an access key.
pub(super) fn verify(
    parts: &Parts,
    bucket: Option<&str>,
    secret_of: impl FnOnce(&str) -> Option<String>,
) -> Result<(), Refusal> {
    if !matches!(parts.method, Method::GET | Method::HEAD | Method::PUT) {
        return Err(Refusal::Form);
    }
    let query = parts.uri.query().unwrap_or("");
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let single = |wanted: &str| {
        let mut values = pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_ref());
        let first = values.next();
        if values.next().is_some() { Err(Refusal::Form) } else { Ok(first) }
    };
    let is_known =
        |name: &str| matches!(name, "AWSAccessKeyId" | "Signature" | "Expires") || OVERRIDES.contains(&name);
    if !pairs.iter().all(|(name, _)| is_known(name)) {
        return Err(Refusal::Form);
    }
    let access_key = single("AWSAccessKeyId")?.ok_or(Refusal::Form)?;
    let signature = single("Signature")?.ok_or(Refusal::Form)?;
    let expires = single("Expires")?.ok_or(Refusal::Form)?;
    let mut resource = bucket.map(|bucket| format!("/{bucket}")).unwrap_or_default() + parts.uri.path();
    let mut separator = '?';
    for name in OVERRIDES {
        if let Some(value) = single(name)? {
            resource.push(separator);
            resource.push_str(name);
            if !value.is_empty() {
                resource.push('=');
                resource.push_str(value);
            }
            separator = '&';
        }
    }
    let secret = secret_of(access_key).ok_or(Refusal::UnknownKey)?;
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).map_err(|_| Refusal::Signature)?;
    mac.update(string_to_sign(&parts.method, &parts.headers, expires, &resource).as_bytes());
    let claimed = BASE64.decode(signature).map_err(|_| Refusal::Signature)?;
    mac.verify_slice(&claimed).map_err(|_| Refusal::Signature)
}

fn string_to_sign(method: &Method, headers: &HeaderMap, expires: &str, resource: &str) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut names: Vec<&str> =
        headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-")).collect();
    names.sort_unstable();
    let mut amazon = String::new();
    for name in names {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::trim).collect();
        amazon.extend([name, ":", &values.join(","), "\n"]);
    }
    format!("{method}\n{}\n{}\n{expires}\n{amazon}{resource}", text("content-md5"), text("content-type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Amazon's manual, "Query string request authentication alternative".
    const URL: &str = "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE\
        &Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

    fn parts(method: Method, url: &str) -> Parts {
        http::Request::builder().method(method).uri(url).body(()).unwrap().into_parts().0
    }

    fn secret(access_key: &str) -> Option<String> {
        (access_key == "AKIAIOSFODNN7EXAMPLE").then(|| "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned())
    }

    #[test]
    fn the_manuals_example_verifies() {
        assert_eq!(verify(&parts(Method::GET, URL), Some("johnsmith"), secret), Ok(()));
    }

    #[test]
    fn anything_else_does_not() {
        let bucket = Some("johnsmith");
        assert_eq!(verify(&parts(Method::PUT, URL), bucket, secret), Err(Refusal::Signature));
        assert_eq!(verify(&parts(Method::DELETE, URL), bucket, secret), Err(Refusal::Form));
        assert_eq!(
            verify(&parts(Method::GET, &format!("{URL}&uploads")), bucket, secret),
            Err(Refusal::Form)
        );
        assert_eq!(
            verify(&parts(Method::GET, &format!("{URL}&Expires=9")), bucket, secret),
            Err(Refusal::Form)
        );
        assert_eq!(verify(&parts(Method::GET, URL), bucket, |_| None), Err(Refusal::UnknownKey));
    }

    #[test]
    fn an_unsigned_amazon_header_breaks_the_signature() {
        let mut parts = parts(Method::GET, URL);
        parts.headers.insert("x-amz-copy-source", "b/k".parse().unwrap());
        assert_eq!(verify(&parts, Some("johnsmith"), secret), Err(Refusal::Signature));
    }

    #[test]
    fn an_encoded_name_is_recognised_like_s3s_does() {
        assert!(is_presigned("Sign%61ture=x"));
        assert!(!is_presigned("X-Amz-Signature=x"));
    }
}
