//! Digests of uploaded bytes: the ETag and announced checksums.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::HeaderMap;
use md5::{Digest as _, Md5};
use s3s::TrailingHeaders;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto;

use super::error::Error;
use crate::storage::files::attributes::Checksums;

/// A checksum that Amazon S3 knows ("Checking object integrity").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(super) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The name in `x-amz-sdk-checksum-algorithm` and in our records.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header and trailer that carries its value.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}

/// What a request announces about its body.
#[derive(Debug, Default)]
pub(super) struct Announced {
    pub(super) length: Option<i64>,
    md5: Option<[u8; 16]>,
    values: Vec<(Algorithm, String)>,
    wanted: BTreeSet<Algorithm>,
    /// Values that are to come after the body.
    promised: BTreeSet<Algorithm>,
    trailers: Option<TrailingHeaders>,
}

impl Announced {
    /// Reads the headers of a PUT or of a part; `trailers` fills while the body is read.
    ///
    /// Errors: a digest that is not base64 of its length, an unknown algorithm.
    pub(super) fn of(
        headers: &HeaderMap,
        length: Option<i64>,
        trailers: Option<TrailingHeaders>,
    ) -> Result<Self, Error> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut announced = Self { length, trailers, ..Self::default() };
        if let Some(value) = text("content-md5") {
            let bytes = BASE64.decode(value).ok().and_then(|bytes| bytes.try_into().ok());
            announced.md5 = Some(bytes.ok_or(Error::DigestForm { name: "Content-MD5" })?);
        }
        let trailing = text("x-amz-trailer").unwrap_or("");
        for algorithm in Algorithm::ALL {
            if let Some(value) = text(algorithm.header()) {
                announced.values.push((algorithm, value.to_owned()));
                announced.wanted.insert(algorithm);
            }
            if trailing.split(',').any(|name| name.trim().eq_ignore_ascii_case(algorithm.header())) {
                announced.wanted.insert(algorithm);
                announced.promised.insert(algorithm);
            }
        }
        if let Some(name) = text("x-amz-sdk-checksum-algorithm") {
            announced.wanted.insert(Algorithm::named(name).ok_or_else(|| Error::Argument {
                name: "x-amz-sdk-checksum-algorithm",
                reason: format!("{name} is no algorithm of Amazon S3").into(),
            })?);
        }
        Ok(announced)
    }

    /// Computes this one as well, whether or not the client says what it must be.
    pub(super) fn want(&mut self, algorithm: Algorithm) {
        self.wanted.insert(algorithm);
    }

    pub(super) fn hasher(&self) -> Hasher {
        Hasher::new(self.wanted.iter().copied())
    }

    /// Compares what was received with what was announced, in headers and trailers.
    pub(super) fn check(&self, received: &Digests) -> Result<(), Error> {
        if let Some(announced) = self.length
            && u64::try_from(announced) != Ok(received.length)
        {
            return Err(Error::BodyLength { received: received.length, announced });
        }
        if self.md5.is_some_and(|md5| md5 != received.md5) {
            return Err(Error::DigestMismatch { name: "Content-MD5" });
        }
        let trailers = self.trailers.as_ref().and_then(TrailingHeaders::take).unwrap_or_default();
        for algorithm in Algorithm::ALL {
            let computed = received.checksums.by_algorithm.get(algorithm.name());
            let in_head = self
                .values
                .iter()
                .filter(|(named, _)| *named == algorithm)
                .map(|(_, value)| value.as_bytes());
            let in_trailer = trailers.get_all(algorithm.header()).iter().map(http::HeaderValue::as_bytes);
            if self.promised.contains(&algorithm) && !trailers.contains_key(algorithm.header()) {
                return Err(Error::DigestMismatch { name: algorithm.header() });
            }
            for value in in_head.chain(in_trailer) {
                if computed.is_some_and(|computed| computed.as_bytes() != value) {
                    return Err(Error::DigestMismatch { name: algorithm.header() });
                }
            }
        }
        Ok(())
    }
}

/// Digests that are fed as bytes arrive.
pub(super) struct Hasher {
    md5: Md5,
    checksums: ChecksumHasher,
    length: u64,
}

impl Hasher {
    pub(super) fn new(wanted: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut checksums = ChecksumHasher::default();
        for algorithm in wanted {
            match algorithm {
                Algorithm::Crc32 => checksums.crc32 = Some(Crc32::new()),
                Algorithm::Crc32c => checksums.crc32c = Some(Crc32c::new()),
                Algorithm::Crc64Nvme => checksums.crc64nvme = Some(Crc64Nvme::new()),
                Algorithm::Sha1 => checksums.sha1 = Some(Sha1::new()),
                Algorithm::Sha256 => checksums.sha256 = Some(Sha256::new()),
            }
        }
        Self { md5: Md5::new(), checksums, length: 0 }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.checksums.update(bytes);
        self.length += bytes.len() as u64;
    }

    pub(super) fn finish(self) -> Digests {
        Digests {
            md5: self.md5.finalize().into(),
            checksums: checksums_of(self.checksums.finalize()),
            length: self.length,
        }
    }
}

/// The digests of bytes that were received whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Digests {
    pub(super) md5: [u8; 16],
    pub(super) checksums: Checksums,
    pub(super) length: u64,
}

impl Digests {
    /// The ETag of a single PUT, without quotes.
    pub(super) fn etag(&self) -> String {
        hex::encode(self.md5)
    }
}

fn checksums_of(computed: dto::Checksum) -> Checksums {
    let values = [
        (Algorithm::Crc32, computed.checksum_crc32),
        (Algorithm::Crc32c, computed.checksum_crc32c),
        (Algorithm::Crc64Nvme, computed.checksum_crc64nvme),
        (Algorithm::Sha1, computed.checksum_sha1),
        (Algorithm::Sha256, computed.checksum_sha256),
    ];
    let known =
        values.into_iter().filter_map(|(algorithm, value)| Some((algorithm.name().to_owned(), value?)));
    Checksums { by_algorithm: known.collect(), composite: false }
}

/// The checksum of checksums: of the parts' raw values, one after the other ("COMPOSITE").
pub(super) fn composite(algorithm: Algorithm, values: &[String]) -> Option<String> {
    let mut hasher = Hasher::new([algorithm]);
    for value in values {
        hasher.update(&BASE64.decode(value).ok()?);
    }
    let value = hasher.finish().checksums.by_algorithm.remove(algorithm.name())?;
    Some(format!("{value}-{}", values.len()))
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

    fn check(pairs: &[(&'static str, &str)], body: &[u8]) -> Result<Digests, Error> {
        let announced = Announced::of(&headers(pairs), None, None)?;
        let mut hasher = announced.hasher();
        hasher.update(body);
        let digests = hasher.finish();
        announced.check(&digests).map(|()| digests)
    }

    #[test]
    fn an_announced_md5_and_crc32_are_checked() {
        // "hello": MD5 by RFC 1321's algorithm, CRC-32 by ISO HDLC.
        assert_eq!(
            check(&[("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], b"hello").unwrap().etag(),
            "5d41402abc4b2a76b9719d911017c592"
        );
        assert!(check(&[("x-amz-checksum-crc32", "NhCmhg==")], b"hello").is_ok());
        let wrong = check(&[("x-amz-checksum-crc32", "NhCmhg==")], b"hullo");
        assert!(matches!(wrong, Err(Error::DigestMismatch { .. })));
        assert!(matches!(check(&[("content-md5", "kaputt")], b""), Err(Error::DigestForm { .. })));
    }

    #[test]
    fn an_algorithm_without_a_value_is_computed() {
        let digests = check(&[("x-amz-sdk-checksum-algorithm", "SHA256")], b"").unwrap();
        assert_eq!(
            digests.checksums.by_algorithm.get("SHA256").map(String::as_str),
            Some("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        );
    }

    #[test]
    fn a_body_of_another_length_is_incomplete() {
        let announced = Announced::of(&HeaderMap::new(), Some(6), None).unwrap();
        let mut hasher = announced.hasher();
        hasher.update(b"hello");
        assert!(matches!(
            announced.check(&hasher.finish()),
            Err(Error::BodyLength { received: 5, announced: 6 })
        ));
    }
}
