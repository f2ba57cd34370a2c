//! Small conversions between what we know of objects and s3s's types.

use std::time::{Duration, UNIX_EPOCH};

use s3s::dto::{self, ETag, Timestamp};

use super::digest::Algorithm;
use super::error::Error;
use crate::limits::objects::USER_METADATA_BYTES_MAX;
use crate::storage::files::attributes::{Checksums, Described, Known};
use crate::storage::files::error::Error as FileError;

/// The one owner of everything: this server has one root credential.
const OWNER: &str = "lakeshare";

pub(super) fn owner() -> dto::Owner {
    dto::Owner { display_name: Some(OWNER.to_owned()), id: Some(OWNER.to_owned()) }
}

/// A point in time of nanoseconds since the Unix epoch; before it counts as the epoch.
pub(super) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0)))
}

/// The same in whole seconds, as HTTP dates have it.
pub(super) fn timestamp_seconds(nanoseconds: i64) -> Timestamp {
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    Timestamp::from(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

pub(super) fn etag(known: &Known) -> ETag {
    ETag::Strong(known.etag())
}

/// A size as the wire has it.
pub(super) fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The checksums of an object as S3 answers them.
pub(super) fn checksums(known: &Checksums) -> dto::Checksum {
    let value = |algorithm: Algorithm| known.by_algorithm.get(algorithm.name()).cloned();
    let name = if known.composite { dto::ChecksumType::COMPOSITE } else { dto::ChecksumType::FULL_OBJECT };
    dto::Checksum {
        checksum_crc32: value(Algorithm::Crc32),
        checksum_crc32c: value(Algorithm::Crc32c),
        checksum_crc64nvme: value(Algorithm::Crc64Nvme),
        checksum_sha1: value(Algorithm::Sha1),
        checksum_sha256: value(Algorithm::Sha256),
        checksum_type: (!known.is_empty()).then(|| dto::ChecksumType::from_static(name)),
    }
}

/// Puts the checksums of an object into an answer: most answers have these six fields among their own.
macro_rules! state_checksums {
    ($output:ident, $known:expr) => {
        let checksums = $crate::s3store::wire::checksums($known);
        $output.checksum_crc32 = checksums.checksum_crc32;
        $output.checksum_crc32c = checksums.checksum_crc32c;
        $output.checksum_crc64nvme = checksums.checksum_crc64nvme;
        $output.checksum_sha1 = checksums.checksum_sha1;
        $output.checksum_sha256 = checksums.checksum_sha256;
        $output.checksum_type = checksums.checksum_type;
    };
}
pub(super) use state_checksums;

/// The headers with which an object is described, as PUT, copy and uploads bring them.
#[derive(Debug, Default)]
pub(super) struct DescribedInput {
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) metadata: Option<dto::Metadata>,
}

impl DescribedInput {
    /// Errors: more user metadata than Amazon S3 takes.
    pub(super) fn check(self) -> Result<Described, Error> {
        let metadata: std::collections::BTreeMap<String, String> =
            self.metadata.unwrap_or_default().into_iter().collect();
        if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
            > USER_METADATA_BYTES_MAX
        {
            return Err(FileError::MetadataTooLarge { limit: USER_METADATA_BYTES_MAX }.into());
        }
        Ok(Described {
            content_type: self.content_type,
            cache_control: self.cache_control,
            content_disposition: self.content_disposition,
            content_encoding: self.content_encoding.as_deref().and_then(without_framing),
            content_language: self.content_language,
            expires: self.expires.as_ref().and_then(format_time),
            metadata,
        })
    }
}

/// `aws-chunked` is the framing of the upload, not a property of the object.
fn without_framing(encodings: &str) -> Option<String> {
    let kept: Vec<&str> = encodings
        .split(',')
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

fn format_time(time: &Timestamp) -> Option<String> {
    let mut text = Vec::new();
    time.format(dto::TimestampFormat::DateTime, &mut text).ok()?;
    String::from_utf8(text).ok()
}

/// A time that [`DescribedInput::check`] wrote.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    Timestamp::parse(dto::TimestampFormat::DateTime, text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_of_an_upload_is_not_kept_as_its_encoding() {
        assert_eq!(without_framing("aws-chunked"), None);
        assert_eq!(without_framing("gzip, aws-chunked").as_deref(), Some("gzip"));
        assert_eq!(without_framing("gzip,br").as_deref(), Some("gzip,br"));
    }

    #[test]
    fn times_survive_their_record() {
        let time = timestamp_seconds(1_700_000_000_123_456_789);
        assert_eq!(parse_time(&format_time(&time).unwrap()), Some(time));
    }

    #[test]
    fn user_metadata_has_a_bound() {
        let metadata = std::iter::once(("k".to_owned(), "v".repeat(USER_METADATA_BYTES_MAX))).collect();
        let described = DescribedInput { metadata: Some(metadata), ..DescribedInput::default() }.check();
        assert!(matches!(described, Err(Error::Files(FileError::MetadataTooLarge { .. }))));
    }
}
