//! Multipart uploads: begin, send parts, list, complete, abort.

use std::sync::Arc;

use md5::{Digest as _, Md5};
use s3s::{S3Error, S3Request, dto};

use super::attributes::{Attributes, Checksums, Known, Parts};
use super::condition::{ReadCondition, WriteCondition};
use super::digest::{Algorithm, Hasher, composite};
use super::error::Error;
use super::object_path::ObjectKey;
use super::publish::{self, Target, existing};
use super::put::{announced, copy_range, source_of};
use super::read;
use super::refused;
use super::stage::{self, Staged, Temporary};
use super::store::{Store, blocking};
use super::upload::{self, Part, Record, Upload};
use super::wire::{self, DescribedInput};
use crate::limits::{COMPLETE_AT_ONCE_BYTES_MAX, PUT_BYTES_MAX, UPLOAD_PART_BYTES_MIN, UPLOAD_PARTS_MAX};

/// Amazon S3, `CreateMultipartUpload`.
pub(super) fn create(
    store: &Store,
    request: S3Request<dto::CreateMultipartUploadInput>,
) -> Result<dto::CreateMultipartUploadOutput, Error> {
    let S3Request { mut input, headers, .. } = request;
    refused::check_write(&headers)?;
    let key = ObjectKey::parse(&input.key)?;
    if key.is_marker() {
        return Err(Error::Key { reason: "a key that ends in a slash is a directory and holds no bytes" });
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

pub(super) fn checksum_type(is_composite: bool) -> dto::ChecksumType {
    let name = if is_composite { dto::ChecksumType::COMPOSITE } else { dto::ChecksumType::FULL_OBJECT };
    dto::ChecksumType::from_static(name)
}

fn check_number(number: i32) -> Result<i32, Error> {
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
    let staged = stage::receive(store.layout.temporary(), body, &announced).await?;
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
        Some(text) => {
            let refused =
                |_| Error::Argument { name: "x-amz-copy-source-range", reason: "it is no range".into() };
            let range = dto::Range::parse(text).map_err(refused)?.check(size);
            range.map_err(|_| Error::Range { size })?
        }
    };
    if range.end.saturating_sub(range.start) > PUT_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    let mut hasher = Hasher::new(upload.record.algorithm());
    let (temporary, mut file) = Temporary::create(store.layout.temporary())?;
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

/// Amazon S3, `AbortMultipartUpload`.
pub(super) fn abort(
    store: &Store,
    input: &dto::AbortMultipartUploadInput,
) -> Result<dto::AbortMultipartUploadOutput, Error> {
    store.bucket(&input.bucket)?;
    upload::open(store, &input.bucket, &input.key, &input.upload_id)?.remove(store, &input.bucket)?;
    Ok(dto::AbortMultipartUploadOutput::default())
}

/// An upload whose parts are known to be right, ready to be put together.
struct Ready {
    target: Target,
    upload: Upload,
    parts: Vec<Part>,
    etag: String,
}

/// Amazon S3, `CompleteMultipartUpload`.
///
/// A large object is put together after the answer has begun, because clients give up on a silent server;
/// then a failure arrives inside the answer, where S3's clients look for it.
pub(super) async fn complete(
    store: &Arc<Store>,
    request: S3Request<dto::CompleteMultipartUploadInput>,
) -> Result<dto::CompleteMultipartUploadOutput, Error> {
    let mut input = request.input;
    let asked = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
    let expected = [
        (Algorithm::Crc32, input.checksum_crc32.take()),
        (Algorithm::Crc32c, input.checksum_crc32c.take()),
        (Algorithm::Crc64Nvme, input.checksum_crc64nvme.take()),
        (Algorithm::Sha1, input.checksum_sha1.take()),
        (Algorithm::Sha256, input.checksum_sha256.take()),
    ];
    let shared = Arc::clone(store);
    let (bucket, key) = (input.bucket.clone(), input.key.clone());
    let ready = match blocking(move || prepare(&shared, input, &asked)).await? {
        Prepared::Ready(ready) => ready,
        Prepared::Done(known) => return Ok(output(bucket, key, &known)),
    };
    let total: u64 = ready.parts.iter().map(|part| part.size).sum();
    let shared = Arc::clone(store);
    let work = async move {
        let known = blocking(move || assemble(&shared, *ready, &expected)).await?;
        Ok::<_, Error>(output(bucket, key, &known))
    };
    if total <= COMPLETE_AT_ONCE_BYTES_MAX {
        return work.await;
    }
    let later = Box::pin(async move { work.await.map_err(S3Error::from) });
    Ok(dto::CompleteMultipartUploadOutput {
        future: Some(later),
        ..dto::CompleteMultipartUploadOutput::default()
    })
}

fn output(bucket: String, key: String, known: &Known) -> dto::CompleteMultipartUploadOutput {
    let checksums = known.checksums();
    dto::CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{key}")),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: Some(wire::etag(known)),
        checksum_crc32: wire::checksum(&checksums, Algorithm::Crc32),
        checksum_crc32c: wire::checksum(&checksums, Algorithm::Crc32c),
        checksum_crc64nvme: wire::checksum(&checksums, Algorithm::Crc64Nvme),
        checksum_sha1: wire::checksum(&checksums, Algorithm::Sha1),
        checksum_sha256: wire::checksum(&checksums, Algorithm::Sha256),
        checksum_type: wire::checksum_type(&checksums),
        ..dto::CompleteMultipartUploadOutput::default()
    }
}

enum Prepared {
    Ready(Box<Ready>),
    /// An earlier request did it, and its answer was lost.
    Done(Box<Known>),
}

fn prepare(
    store: &Store,
    input: dto::CompleteMultipartUploadInput,
    asked: &[dto::CompletedPart],
) -> Result<Prepared, Error> {
    let target = Target {
        bucket: store.bucket(&input.bucket)?,
        key: ObjectKey::parse(&input.key)?,
        condition: WriteCondition::of(input.if_none_match, input.if_match)?,
    };
    let upload = match upload::open(store, &input.bucket, &input.key, &input.upload_id) {
        Ok(upload) => upload,
        Err(missing) => {
            let known = existing(&target.bucket, &target.key)?;
            let wanted = etag_of(asked.iter().filter_map(|part| part.e_tag.as_ref().map(dto::ETag::value)));
            return known
                .filter(|known| known.etag() == wanted)
                .map(|known| Prepared::Done(Box::new(known)))
                .ok_or(missing);
        }
    };
    let parts = choose(&upload, asked)?;
    let total: u64 = parts.iter().map(|part| part.size).sum();
    if input.mpu_object_size.is_some_and(|size| u64::try_from(size) != Ok(total)) {
        return Err(Error::Argument {
            name: "x-amz-mp-object-size",
            reason: format!("the parts have {total} bytes together").into(),
        });
    }
    let etag = etag_of(parts.iter().map(|part| part.md5.as_str()));
    Ok(Prepared::Ready(Box::new(Ready { target, upload, parts, etag })))
}

/// The parts that the client names, each of which must be there exactly so.
fn choose(upload: &Upload, asked: &[dto::CompletedPart]) -> Result<Vec<Part>, Error> {
    if asked.is_empty() {
        return Err(Error::Argument { name: "CompleteMultipartUpload", reason: "it names no part".into() });
    }
    let there = upload.parts()?;
    let mut chosen: Vec<Part> = Vec::with_capacity(asked.len());
    for wanted in asked {
        let number = check_number(wanted.part_number.unwrap_or(0))?;
        if chosen.last().is_some_and(|before| before.number >= number) {
            return Err(Error::PartOrder);
        }
        if let Some(before) = chosen.last()
            && before.size < UPLOAD_PART_BYTES_MIN
        {
            return Err(Error::PartTooSmall { part: before.number, size: before.size });
        }
        let part = there.iter().rev().find(|part| part.number == number && is_wanted(part, wanted));
        chosen.push(part.ok_or(Error::Part { part: number })?.clone());
    }
    Ok(chosen)
}

fn is_wanted(part: &Part, wanted: &dto::CompletedPart) -> bool {
    let said = [
        (Algorithm::Crc32, &wanted.checksum_crc32),
        (Algorithm::Crc32c, &wanted.checksum_crc32c),
        (Algorithm::Crc64Nvme, &wanted.checksum_crc64nvme),
        (Algorithm::Sha1, &wanted.checksum_sha1),
        (Algorithm::Sha256, &wanted.checksum_sha256),
    ];
    wanted.e_tag.as_ref().is_some_and(|etag| etag.value() == part.md5)
        && said.into_iter().all(|(algorithm, value)| {
            let known = part_checksum(part, algorithm);
            value.is_none() || known.is_none() || *value == known
        })
}

/// The ETag of an object of parts: the MD5 of their MD5s, and their number.
fn etag_of<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0;
    for part in parts {
        md5.update(hex::decode(part).unwrap_or_default());
        count += 1;
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

fn assemble(store: &Store, ready: Ready, expected: &[(Algorithm, Option<String>)]) -> Result<Known, Error> {
    let Ready { target, upload, parts, etag } = ready;
    let algorithm = upload.record.algorithm();
    let (temporary, mut file) = Temporary::create(&target.bucket.temporary)?;
    let mut hasher = Hasher::new(algorithm);
    let is_whole = algorithm.is_some() && !upload.record.composite;
    for part in &parts {
        let mut source = upload.open_part(part)?;
        if is_whole {
            copy_range(&source, 0..part.size, &mut file, |bytes| hasher.update(bytes))?;
        } else {
            // Inside the kernel; on file systems that can, without moving a byte.
            let copied = std::io::copy(&mut source, &mut file)
                .map_err(|source| Error::Io { doing: "putting parts together", source })?;
            if copied != part.size {
                return Err(Error::Part { part: part.number });
            }
        }
    }
    let checksums = match algorithm {
        Some(algorithm) if !is_whole => composed(algorithm, &parts),
        Some(_) => hasher.finish().checksums,
        None => Checksums::default(),
    };
    for (algorithm, value) in expected {
        let computed = checksums.by_algorithm.get(algorithm.name());
        if value.is_some() && computed.is_some() && value.as_ref() != computed {
            return Err(Error::DigestMismatch { name: algorithm.header() });
        }
    }
    let described = upload.record.described.clone();
    let attributes =
        Attributes { etag, described, checksums, parts: Some(shape(&parts)), ..Attributes::default() };
    let staged = Staged { temporary, file, digests: super::digest::Digests::default() };
    let known = publish::publish(store, &target, staged, attributes)?;
    // The object stands; what is left of the upload only costs space, and an abort removes it.
    drop(upload.remove(store, &target.bucket.name));
    Ok(known)
}

/// The checksum of the parts' checksums, if every part has one.
fn composed(algorithm: Algorithm, parts: &[Part]) -> Checksums {
    let values: Option<Vec<String>> = parts.iter().map(|part| part_checksum(part, algorithm)).collect();
    let value = values.and_then(|values| composite(algorithm, &values));
    let by_algorithm = value.map(|value| (algorithm.name().to_owned(), value)).into_iter().collect();
    Checksums { by_algorithm, composite: true }
}

fn shape(parts: &[Part]) -> Parts {
    let bytes = parts.first().map_or(0, |part| part.size);
    let equal = parts.iter().rev().skip(1).all(|part| part.size == bytes)
        && parts.last().is_some_and(|last| last.size <= bytes);
    Parts { count: i32::try_from(parts.len()).unwrap_or(i32::MAX), bytes: if equal { bytes } else { 0 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_of_parts_is_the_md5_of_their_md5s() {
        // Two parts "hello" and "world".
        let parts = ["5d41402abc4b2a76b9719d911017c592", "7d793037a0760186574b0282f2f435e7"];
        assert_eq!(etag_of(parts.into_iter()), "065947336a2f2a95ba8899f3675c3be6-2");
    }
}
