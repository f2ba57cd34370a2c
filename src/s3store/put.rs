//! Writing objects: `PutObject` and `CopyObject`.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use http::HeaderMap;
use rustix::io::Errno;
use s3s::dto;
use s3s::{S3Request, TrailingHeaders};

use super::condition::{ReadCondition, WriteCondition};
use super::digest::{Algorithm, Announced, Digests, Hasher};
use super::error::{self, Error, io};
use super::publish::{self, Target};
use super::read::{self, Opened, check_version};
use super::refused;
use super::stage::{self, Staged};
use super::store::{Store, blocking};
use super::wire::{self, DescribedInput, state_checksums};
use crate::limits::objects::{PUT_BYTES_MAX, UPLOAD_WRITE_BYTES};
use crate::storage::files::attributes::{Attributes, Described, Known};
use crate::storage::files::error::Error as FileError;
use crate::storage::files::layout::Bucket;
use crate::storage::files::object_path::ObjectKey;
use crate::storage::files::temporary::Temporary;

/// Amazon S3, `PutObject`.
pub(super) async fn put(
    store: &Arc<Store>,
    request: S3Request<dto::PutObjectInput>,
) -> Result<dto::PutObjectOutput, Error> {
    let S3Request { mut input, headers, trailing_headers, .. } = request;
    refused::check_write(&headers)?;
    let key = ObjectKey::parse(&input.key)?;
    let condition = WriteCondition::of(input.if_none_match.take(), input.if_match.take())?;
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
    let announced = announced(&headers, input.content_length, trailing_headers)?;
    let shared = Arc::clone(store);
    let name = input.bucket;
    let bucket = blocking(move || shared.bucket(&name)).await?;
    let staged = stage::receive(&bucket.temporary, input.body, &announced).await?;
    let target = Target { bucket, key, condition };
    let shared = Arc::clone(store);
    let known = blocking(move || finish_put(&shared, &target, staged, described)).await?;
    let mut output =
        dto::PutObjectOutput { e_tag: Some(wire::etag(&known)), ..dto::PutObjectOutput::default() };
    state_checksums!(output, &known.checksums());
    Ok(output)
}

/// What the request says of its body; a length that is not a number was refused by hyper.
pub(super) fn announced(
    headers: &HeaderMap,
    length: Option<i64>,
    trailers: Option<TrailingHeaders>,
) -> Result<Announced, Error> {
    Announced::of(headers, length, trailers)
}

fn finish_put(store: &Store, target: &Target, staged: Staged, described: Described) -> Result<Known, Error> {
    let Digests { checksums, length, .. } = staged.digests.clone();
    let attributes =
        Attributes { etag: staged.digests.etag(), described, checksums, ..Attributes::default() };
    if !target.key.is_marker() {
        return publish::publish(store, target, staged, attributes);
    }
    if length > 0 {
        return Err(FileError::Key {
            reason: "a key that ends in a slash is a directory and holds no bytes",
        }
        .into());
    }
    publish::publish_marker(store, target, attributes)
}

/// Amazon S3, `CopyObject`.
pub(super) async fn copy(
    store: &Arc<Store>,
    request: S3Request<dto::CopyObjectInput>,
) -> Result<dto::CopyObjectOutput, Error> {
    let S3Request { mut input, headers, .. } = request;
    refused::check_write(&headers)?;
    let key = ObjectKey::parse(&input.key)?;
    let condition = WriteCondition::of_headers(&headers)?;
    let (source_bucket, source_key) = source_of(&input.copy_source)?;
    let replaces = input.metadata_directive.as_ref().map(dto::MetadataDirective::as_str)
        == Some(dto::MetadataDirective::REPLACE);
    if !replaces && source_bucket == input.bucket && source_key == key {
        return Err(Error::CopyOntoItself);
    }
    let source_condition = ReadCondition {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since.take(),
        if_unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    let described = replaces
        .then(|| {
            DescribedInput {
                content_type: input.content_type.take(),
                cache_control: input.cache_control.take(),
                content_disposition: input.content_disposition.take(),
                content_encoding: input.content_encoding.take(),
                content_language: input.content_language.take(),
                expires: input.expires.take(),
                metadata: input.metadata.take(),
            }
            .check()
        })
        .transpose()?;
    let wanted = input.checksum_algorithm.as_ref().and_then(|name| Algorithm::named(name.as_str()));
    let shared = Arc::clone(store);
    let known = blocking(move || {
        let opened = read::open(&shared.bucket(&source_bucket)?, &source_key)?;
        source_condition.check_source(&opened.known)?;
        let target = Target { bucket: shared.bucket(&input.bucket)?, key, condition };
        let described = described.unwrap_or_else(|| opened.known.described());
        let staged = copied(&target.bucket, &opened, wanted)?;
        finish_put(&shared, &target, staged, described)
    })
    .await?;
    let mut result = dto::CopyObjectResult {
        e_tag: Some(wire::etag(&known)),
        last_modified: Some(wire::timestamp(known.modified_ns)),
        ..dto::CopyObjectResult::default()
    };
    state_checksums!(result, &known.checksums());
    Ok(dto::CopyObjectOutput { copy_object_result: Some(result), ..dto::CopyObjectOutput::default() })
}

/// Bucket and key of a copy's source.
pub(super) fn source_of(source: &dto::CopySource) -> Result<(String, ObjectKey), Error> {
    match source {
        dto::CopySource::Bucket { bucket, key, version_id } => {
            check_version(version_id.as_deref())?;
            Ok((bucket.to_string(), ObjectKey::parse(key)?))
        }
        dto::CopySource::AccessPoint { .. } | dto::CopySource::Outpost { .. } => {
            Err(Error::NotServed { what: "a copy from an access point".into() })
        }
    }
}

/// A whole object's bytes in a temporary file. The digests are computed again: a copy proves its source.
fn copied(bucket: &Bucket, opened: &Opened, wanted: Option<Algorithm>) -> Result<Staged, Error> {
    if opened.known.size > PUT_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    let kept = opened.known.checksums();
    let kept = kept.by_algorithm.keys().filter_map(|name| Algorithm::named(name));
    let mut hasher = Hasher::new(kept.chain(wanted));
    let (temporary, mut file) = Temporary::create(&bucket.temporary)?;
    if let Some(source) = &opened.file {
        copy_range(source, 0..opened.known.size, &mut file, |bytes| hasher.update(bytes))?;
    }
    Ok(Staged { temporary, file, digests: hasher.finish() })
}

/// Appends the bytes `range` of `source` to `target`, and shows them to `see`.
///
/// Errors: the source ends before the range does, because it changed meanwhile.
pub(super) fn copy_range(
    mut source: &File,
    range: std::ops::Range<u64>,
    target: &mut File,
    mut see: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let failed = error::failed("copying an object");
    rustix::fs::seek(source, rustix::fs::SeekFrom::Start(range.start)).map_err(io("copying an object"))?;
    let mut remaining = range.end.saturating_sub(range.start);
    let mut buffer = vec![0; UPLOAD_WRITE_BYTES];
    while remaining > 0 {
        let wanted = usize::try_from(remaining).unwrap_or(usize::MAX).min(buffer.len());
        let room = buffer.get_mut(..wanted).unwrap_or_default();
        let count = source.read(room).map_err(failed)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Err(io("copying an object that became shorter")(Errno::AGAIN));
        }
        see(bytes);
        target.write_all(bytes).map_err(failed)?;
        remaining = remaining.saturating_sub(bytes.len() as u64);
    }
    Ok(())
}
