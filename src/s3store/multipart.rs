//! Multipart uploads: begin, send parts, abort.

use std::ops::Range;
use std::sync::Arc;

use s3s::{S3Request, dto};

use super::condition::ReadCondition;
use super::digest::{Algorithm, Hasher};
use super::error::Error;
use super::put::{announced, copy_range, source_of};
use super::read;
use super::refused;
use super::stage::{self, Staged};
use super::store::{Store, blocking};
use super::upload::{self, Part, Record};
use super::wire::{self, DescribedInput};
use crate::limits::objects::{PUT_BYTES_MAX, UPLOAD_PARTS_MAX};
use crate::storage::files::attributes::{self, Attributes, Described};
use crate::storage::files::error::Error as FileError;
use crate::storage::files::layout::Bucket;
use crate::storage::files::object_path::ObjectKey;
use crate::storage::files::temporary::Temporary;

/// Amazon S3, `CreateMultipartUpload`.
pub(super) fn create(
    store: &Store,
    request: S3Request<dto::CreateMultipartUploadInput>,
) -> Result<dto::CreateMultipartUploadOutput, Error> {
    let S3Request { mut input, headers, .. } = request;
    refused::check_write(&headers)?;
    let key = ObjectKey::parse(&input.key)?;
    if key.is_marker() {
        return Err(FileError::Key {
            reason: "a key that ends in a slash is a directory and holds no bytes",
        }
        .into());
    }
    let bucket = store.bucket(&input.bucket)?;
    let described = DescribedInput {
        content_type: input.content_type.take(),
        cache_control: input.cache_control.take(),
        content_disposition: input.content_disposition.take(),
        content_encoding: input.content_encoding.take(),
        content_language: input.content_language.take(),
        expires: input.expires.take(),
        metadata: input.metadata.take(),
    }
    .check()?;
    check_kept(&bucket, &described)?;
    let algorithm = match input.checksum_algorithm.as_ref().map(dto::ChecksumAlgorithm::as_str) {
        None => None,
        Some(name) => Some(Algorithm::named(name).ok_or_else(|| Error::Argument {
            name: "x-amz-checksum-algorithm",
            reason: format!("{name} is no algorithm of Amazon S3").into(),
        })?),
    };
    let asked = input.checksum_type.as_ref().map(dto::ChecksumType::as_str);
    let is_composite = match asked {
        Some(kind) => kind == dto::ChecksumType::COMPOSITE,
        None => algorithm.is_some_and(|algorithm| algorithm != Algorithm::Crc64Nvme),
    };
    let record = Record {
        key: input.key.clone(),
        initiated_ns: store.clock.now_ms().saturating_mul(1_000_000),
        described,
        algorithm: algorithm.map(|algorithm| algorithm.name().to_owned()),
        composite: is_composite,
    };
    let id = upload::create(store, &bucket.name, &record)?;
    Ok(dto::CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_type: algorithm.map(|_| checksum_type(is_composite)),
        checksum_algorithm: input.checksum_algorithm,
        ..dto::CreateMultipartUploadOutput::default()
    })
}

/// Refuses now, before any part is sent, what could not be kept when the upload is completed.
fn check_kept(bucket: &Bucket, described: &Described) -> Result<(), Error> {
    let (_temporary, file) = Temporary::create(&bucket.temporary)?;
    let record = Attributes { described: described.clone(), ..Attributes::default() };
    attributes::write(&file, &record)?;
    Ok(())
}

pub(super) fn checksum_type(is_composite: bool) -> dto::ChecksumType {
    let name = if is_composite { dto::ChecksumType::COMPOSITE } else { dto::ChecksumType::FULL_OBJECT };
    dto::ChecksumType::from_static(name)
}

pub(super) fn check_number(number: i32) -> Result<i32, Error> {
    if (1..=UPLOAD_PARTS_MAX).contains(&number) {
        return Ok(number);
    }
    Err(Error::Argument {
        name: "partNumber",
        reason: format!("it goes from 1 to {UPLOAD_PARTS_MAX}").into(),
    })
}

/// The value of one checksum of a part, if it has that one.
pub(super) fn part_checksum(part: &Part, wanted: Algorithm) -> Option<String> {
    part.checksum.as_ref().filter(|(algorithm, _)| *algorithm == wanted).map(|(_, value)| value.clone())
}

/// Amazon S3, `UploadPart`.
pub(super) async fn put_part(
    store: &Arc<Store>,
    request: S3Request<dto::UploadPartInput>,
) -> Result<dto::UploadPartOutput, Error> {
    let S3Request { input, headers, trailing_headers, .. } = request;
    refused::check_write(&headers)?;
    let number = check_number(input.part_number)?;
    let mut announced = announced(&headers, input.content_length, trailing_headers)?;
    let dto::UploadPartInput { bucket, key, upload_id, body, .. } = input;
    let (shared, name) = (Arc::clone(store), bucket.clone());
    let upload = blocking(move || upload::open(&shared, &name, &key, &upload_id)).await?;
    if let Some(algorithm) = upload.record.algorithm() {
        announced.want(algorithm);
    }
    let staged = stage::receive(store.files.layout.temporary(), body, &announced).await?;
    let shared = Arc::clone(store);
    let part = blocking(move || upload.keep(&shared, &bucket, number, staged)).await?;
    Ok(dto::UploadPartOutput {
        e_tag: Some(dto::ETag::Strong(part.md5.clone())),
        checksum_crc32: part_checksum(&part, Algorithm::Crc32),
        checksum_crc32c: part_checksum(&part, Algorithm::Crc32c),
        checksum_crc64nvme: part_checksum(&part, Algorithm::Crc64Nvme),
        checksum_sha1: part_checksum(&part, Algorithm::Sha1),
        checksum_sha256: part_checksum(&part, Algorithm::Sha256),
        ..dto::UploadPartOutput::default()
    })
}

/// Amazon S3, `UploadPartCopy`.
pub(super) fn copy_part(
    store: &Store,
    mut input: dto::UploadPartCopyInput,
) -> Result<dto::UploadPartCopyOutput, Error> {
    let number = check_number(input.part_number)?;
    let (source_bucket, source_key) = source_of(&input.copy_source)?;
    let upload = upload::open(store, &input.bucket, &input.key, &input.upload_id)?;
    let opened = read::open(&store.bucket(&source_bucket)?, &source_key)?;
    let condition = ReadCondition {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since.take(),
        if_unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    condition.check_source(&opened.known)?;
    let size = opened.known.size;
    let range = match input.copy_source_range.as_deref() {
        None => 0..size,
        Some(text) => source_range(text, size)?,
    };
    if range.end.saturating_sub(range.start) > PUT_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    let mut hasher = Hasher::new(upload.record.algorithm());
    let (temporary, mut file) = Temporary::create(store.files.layout.temporary())?;
    if let Some(source) = &opened.file {
        copy_range(source, range, &mut file, |bytes| hasher.update(bytes))?;
    }
    let staged = Staged { temporary, file, digests: hasher.finish() };
    let part = upload.keep(store, &input.bucket, number, staged)?;
    let result = dto::CopyPartResult {
        e_tag: Some(dto::ETag::Strong(part.md5.clone())),
        last_modified: Some(wire::timestamp(part.modified_ns)),
        checksum_crc32: part_checksum(&part, Algorithm::Crc32),
        checksum_crc32c: part_checksum(&part, Algorithm::Crc32c),
        checksum_crc64nvme: part_checksum(&part, Algorithm::Crc64Nvme),
        checksum_sha1: part_checksum(&part, Algorithm::Sha1),
        checksum_sha256: part_checksum(&part, Algorithm::Sha256),
    };
    Ok(dto::UploadPartCopyOutput { copy_part_result: Some(result), ..dto::UploadPartCopyOutput::default() })
}

/// A range that a part is copied from: both ends are given, and both lie inside of the source.
fn source_range(text: &str, size: u64) -> Result<Range<u64>, Error> {
    match dto::Range::parse(text) {
        Ok(dto::Range::Int { first, last: Some(last) }) if first <= last && last < size => {
            Ok(first..last + 1)
        }
        Ok(dto::Range::Int { last: Some(_), .. }) => Err(Error::Range { size }),
        Ok(dto::Range::Int { last: None, .. } | dto::Range::Suffix { .. }) | Err(_) => Err(Error::Argument {
            name: "x-amz-copy-source-range",
            reason: "it has to have the form bytes=FIRST-LAST".into(),
        }),
    }
}

/// Amazon S3, `AbortMultipartUpload`.
pub(super) fn abort(
    store: &Store,
    input: &dto::AbortMultipartUploadInput,
) -> Result<dto::AbortMultipartUploadOutput, Error> {
    store.bucket(&input.bucket)?;
    upload::open(store, &input.bucket, &input.key, &input.upload_id)?.remove(store, &input.bucket)?;
    Ok(dto::AbortMultipartUploadOutput::default())
}
