//! Listing of uploads in progress and of their parts.

use s3s::dto;

use super::digest::Algorithm;
use super::error::Error;
use super::multipart::{checksum_type, part_checksum};
use super::store::Store;
use super::upload::{self, Part, Upload};
use super::wire;
use crate::limits::objects::S3_LIST_KEYS_MAX;

fn page_size(asked: Option<i32>, name: &'static str) -> Result<usize, Error> {
    let asked = usize::try_from(asked.unwrap_or(1_000))
        .map_err(|_| Error::Argument { name, reason: "it is negative".into() })?;
    Ok(asked.min(S3_LIST_KEYS_MAX))
}

/// Amazon S3, `ListParts`.
pub(super) fn parts(store: &Store, input: dto::ListPartsInput) -> Result<dto::ListPartsOutput, Error> {
    store.bucket(&input.bucket)?;
    let upload = upload::open(store, &input.bucket, &input.key, &input.upload_id)?;
    let size = page_size(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or(0);
    let mut following: Vec<Part> = Vec::new();
    for part in upload.parts()?.into_iter().filter(|part| part.number > marker) {
        // Two files of one number are the remains of a crash; the later one counts.
        following.pop_if(|before| before.number == part.number);
        following.push(part);
    }
    let is_truncated = following.len() > size;
    following.truncate(size);
    Ok(dto::ListPartsOutput {
        next_part_number_marker: following.last().map(|part| part.number),
        parts: Some(following.iter().map(wire_part).collect()),
        is_truncated: Some(is_truncated),
        part_number_marker: Some(marker),
        max_parts: i32::try_from(size).ok(),
        checksum_algorithm: upload
            .record
            .algorithm()
            .map(|algorithm| dto::ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload.record.algorithm().map(|_| checksum_type(upload.record.composite)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        owner: Some(wire::owner()),
        initiator: Some(initiator()),
        storage_class: Some(dto::StorageClass::from_static(dto::StorageClass::STANDARD)),
        ..dto::ListPartsOutput::default()
    })
}

fn initiator() -> dto::Initiator {
    let dto::Owner { display_name, id } = wire::owner();
    dto::Initiator { display_name, id }
}

fn wire_part(part: &Part) -> dto::Part {
    dto::Part {
        part_number: Some(part.number),
        e_tag: Some(dto::ETag::Strong(part.md5.clone())),
        size: Some(wire::length(part.size)),
        last_modified: Some(wire::timestamp(part.modified_ns)),
        checksum_crc32: part_checksum(part, Algorithm::Crc32),
        checksum_crc32c: part_checksum(part, Algorithm::Crc32c),
        checksum_crc64nvme: part_checksum(part, Algorithm::Crc64Nvme),
        checksum_sha1: part_checksum(part, Algorithm::Sha1),
        checksum_sha256: part_checksum(part, Algorithm::Sha256),
    }
}

/// Amazon S3, `ListMultipartUploads`.
pub(super) fn uploads(
    store: &Store,
    input: dto::ListMultipartUploadsInput,
) -> Result<dto::ListMultipartUploadsOutput, Error> {
    store.bucket(&input.bucket)?;
    let size = page_size(input.max_uploads, "max-uploads")?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input.delimiter.clone().unwrap_or_default();
    let key_marker = input.key_marker.clone().unwrap_or_default();
    let id_marker = input.upload_id_marker.clone().unwrap_or_default();
    let mut following = Vec::new();
    let mut prefixes: Vec<String> = Vec::new();
    let mut passed_marker = false;
    let mut is_truncated = false;
    for upload in upload::all(store, &input.bucket)? {
        let key = upload.record.key.as_str();
        // Within the marker's key, uploads are in order of age: those after the marker's id are still to come.
        let is_after = key > key_marker.as_str() || (key == key_marker && passed_marker);
        passed_marker |= key == key_marker && upload.id == id_marker;
        if !is_after || !key.starts_with(&prefix) {
            continue;
        }
        let folded = fold(key, &prefix, &delimiter);
        if folded.is_some() && folded.as_ref() == prefixes.last() {
            continue;
        }
        if following.len() + prefixes.len() == size {
            is_truncated = true;
            break;
        }
        match folded {
            Some(folded) => prefixes.push(folded),
            None => following.push(upload),
        }
    }
    let last = following.last().filter(|_| is_truncated);
    Ok(dto::ListMultipartUploadsOutput {
        next_key_marker: last.map(|upload| upload.record.key.clone()),
        next_upload_id_marker: last.map(|upload| upload.id.clone()),
        uploads: Some(following.iter().map(wire_upload).collect()),
        common_prefixes: Some(
            prefixes.into_iter().map(|prefix| dto::CommonPrefix { prefix: Some(prefix) }).collect(),
        ),
        is_truncated: Some(is_truncated),
        max_uploads: i32::try_from(size).ok(),
        bucket: Some(input.bucket),
        prefix: input.prefix,
        delimiter: input.delimiter,
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        ..dto::ListMultipartUploadsOutput::default()
    })
}

fn fold(key: &str, prefix: &str, delimiter: &str) -> Option<String> {
    if delimiter.is_empty() {
        return None;
    }
    let end = prefix.len() + key.get(prefix.len()..)?.find(delimiter)? + delimiter.len();
    key.get(..end).map(str::to_owned)
}

fn wire_upload(upload: &Upload) -> dto::MultipartUpload {
    dto::MultipartUpload {
        key: Some(upload.record.key.clone()),
        upload_id: Some(upload.id.clone()),
        initiated: Some(wire::timestamp(upload.record.initiated_ns)),
        initiator: Some(initiator()),
        owner: Some(wire::owner()),
        storage_class: Some(dto::StorageClass::from_static(dto::StorageClass::STANDARD)),
        ..dto::MultipartUpload::default()
    }
}
