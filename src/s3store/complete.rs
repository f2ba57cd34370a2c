//! Completing an upload: its parts become one object.

use std::sync::Arc;

use md5::{Digest as _, Md5};
use s3s::{S3Error, S3Request, dto};

use super::condition::WriteCondition;
use super::digest::{Algorithm, Digests, Hasher, composite};
use super::error::{Error, failed};
use super::multipart::{check_number, part_checksum};
use super::publish::{self, Target};
use super::put::copy_range;
use super::stage::Staged;
use super::store::{Store, blocking};
use super::upload::{self, Part, Upload};
use super::wire::{self, state_checksums};
use crate::limits::objects::{COMPLETE_AT_ONCE_BYTES_MAX, UPLOAD_PART_BYTES_MIN};
use crate::storage::files::attributes::{Attributes, Checksums, Known, Parts};
use crate::storage::files::look::existing;
use crate::storage::files::object_path::ObjectKey;
use crate::storage::files::temporary::Temporary;

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
    let mut output = dto::CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{key}")),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: Some(wire::etag(known)),
        ..dto::CompleteMultipartUploadOutput::default()
    };
    state_checksums!(output, &known.checksums());
    output
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
            let copied = std::io::copy(&mut source, &mut file).map_err(failed("putting parts together"))?;
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
    let staged = Staged { temporary, file, digests: Digests::default() };
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
