//! The canonical request: one spelling for all that is signed.

use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;
use sha2::{Digest, Sha256};

use super::error::Error;

/// Whether a byte stays as it is in a URL (RFC 3986, section 2.3).
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Appends `bytes` percent-encoded with capital digits; `/` stays when `keep_slash`.
pub fn encode_into(bytes: &[u8], keep_slash: bool, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if is_unreserved(*byte) || (keep_slash && *byte == b'/') {
            out.push(*byte);
        } else {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// The SHA-256 of the canonical request.
///
/// `service` decides the form of the path: S3 encodes it once, every other service twice. `signed_headers`
/// are lower-case names in order; `payload` is the last line.
pub fn hash(parts: &Parts, service: &str, signed_headers: &[&str], payload: &str) -> Result<[u8; 32], Error> {
    let mut text = Vec::with_capacity(512);
    text.extend_from_slice(parts.method.as_str().as_bytes());
    text.push(b'\n');
    path_into(parts.uri.path(), service, &mut text);
    text.push(b'\n');
    query_into(parts.uri.query().unwrap_or_default(), &mut text);
    text.push(b'\n');
    for name in signed_headers {
        header_into(parts, name, &mut text)?;
    }
    text.push(b'\n');
    text.extend_from_slice(signed_headers.join(";").as_bytes());
    text.push(b'\n');
    text.extend_from_slice(payload.as_bytes());
    Ok(Sha256::digest(&text).into())
}

/// The `host` that is signed: the header, or the authority of HTTP/2.
pub fn host(parts: &Parts) -> Option<&[u8]> {
    match parts.headers.get(HOST) {
        Some(value) => Some(value.as_bytes()),
        None => parts.uri.authority().map(|authority| authority.as_str().as_bytes()),
    }
}

/// S3's path in its one spelling; that of other services as it was sent, and encoded once more.
fn path_into(path: &str, service: &str, out: &mut Vec<u8>) {
    if service == "s3" {
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
        encode_into(&decoded, true, out);
    } else {
        encode_into(path.as_bytes(), true, out);
    }
}

/// Decoded and encoded again, so that one pair has one spelling; then sorted by the encoded bytes.
fn query_into(query: &str, out: &mut Vec<u8>) {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (recode(name), recode(value))
        })
        .collect();
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

fn recode(text: &str) -> Vec<u8> {
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
    let mut encoded = Vec::with_capacity(text.len());
    encode_into(&decoded, false, &mut encoded);
    encoded
}

/// One line `name:value`; values are trimmed, runs of blanks become one, several values are joined by `,`.
fn header_into(parts: &Parts, name: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    if name == "host" {
        let host = host(parts).ok_or_else(|| Error::BadHeader(name.to_owned()))?;
        out.extend_from_slice(host);
    } else {
        values_into(&parts.headers, name, out)?;
    }
    out.push(b'\n');
    Ok(())
}

fn values_into(headers: &HeaderMap, name: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut count = 0;
    for value in headers.get_all(name) {
        if count > 0 {
            out.push(b',');
        }
        count += 1;
        let mut words = value.as_bytes().split(|byte| *byte == b' ' || *byte == b'\t');
        let mut first = true;
        for word in words.by_ref().filter(|word| !word.is_empty()) {
            if !first {
                out.push(b' ');
            }
            first = false;
            out.extend_from_slice(word);
        }
    }
    if count == 0 { Err(Error::BadHeader(name.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{encode_into, path_into, query_into};

    #[test]
    fn reserved_bytes_are_encoded_with_capital_digits() {
        let mut out = Vec::new();
        encode_into("a b/ü~+:%".as_bytes(), true, &mut out);
        assert_eq!(out, b"a%20b/%C3%BC~%2B%3A%25");
        out.clear();
        encode_into(b"a/b", false, &mut out);
        assert_eq!(out, b"a%2Fb");
    }

    #[test]
    fn query_is_sorted_by_encoded_bytes_and_has_one_spelling() {
        let mut out = Vec::new();
        query_into("prefix=a%2fb&lifecycle&max-keys=2&A=%7e", &mut out);
        assert_eq!(out, b"A=~&lifecycle=&max-keys=2&prefix=a%2Fb");
    }

    #[test]
    fn other_services_encode_the_path_twice() {
        let mut out = Vec::new();
        path_into("/a%20b/c", "s3", &mut out);
        assert_eq!(out, b"/a%20b/c");
        out.clear();
        path_into("/a%20b/c", "s3tables", &mut out);
        assert_eq!(out, b"/a%2520b/c");
        out.clear();
        // Java's client sends a blank as a plus sign, and signs that.
        path_into("/dd+name:1", "s3tables", &mut out);
        assert_eq!(out, b"/dd%2Bname%3A1");
    }
}
