//! Reading objects: `GetObject`, `HeadObject`, `GetObjectAttributes`.

use std::fs::File;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use rustix::fs::{FileType, Mode};
use rustix::io::Errno;
use s3s::dto::{self, StreamingBlob};
use s3s::stream::{ByteStream, RemainingLength};

use super::condition::ReadCondition;
use super::error::{self, Error, io};
use super::store::{Store, blocking};
use super::wire::{self, state_checksums};
use crate::limits::objects::SMALL_OBJECT_BYTES;
use crate::storage::file_read::{FileStream, read_at};
use crate::storage::files::attributes::{Described, Known, Parts};
use crate::storage::files::directories;
use crate::storage::files::error::Error as FileError;
use crate::storage::files::layout::Bucket;
use crate::storage::files::look::{is_empty, marker_of};
use crate::storage::files::object_path::FILE;
use crate::storage::files::object_path::{ObjectKey, open_beneath};

/// Content type of an object that was stored without one, as Amazon S3 has it.
const UNKNOWN_TYPE: &str = "binary/octet-stream";

/// An open object; a marker has no file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) known: Known,
    pub(super) file: Option<File>,
}

/// Opens the object of `key`.
///
/// Errors: no such key, also where only a directory of other keys lies; a symbolic link that leads out.
pub(super) fn open(bucket: &Bucket, key: &ObjectKey) -> Result<Opened, Error> {
    let missing = || Error::NoSuchKey { key: key.as_str().to_owned() };
    if key.is_marker() {
        let directory = match directories::open(bucket, key.path()) {
            Ok(directory) => directory.ok_or_else(missing)?,
            Err(FileError::KeyConflict { .. }) => return Err(missing()),
            Err(error) => return Err(error.into()),
        };
        let known = marker_of(&directory, || is_empty(&directory))?.ok_or_else(missing)?;
        return Ok(Opened { known, file: None });
    }
    let file = match open_beneath(&bucket.directory, key.path(), FILE, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO) => return Err(missing()),
        Err(errno) => return Err(directories::conflict(key.as_str(), errno).into()),
    };
    let stat = rustix::fs::fstat(&file).map_err(io("looking at an object"))?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(missing());
    }
    Ok(Opened { known: Known::of(&file)?, file: Some(File::from(file)) })
}

/// Refuses a version other than the one that every object has.
pub(super) fn check_version(version: Option<&str>) -> Result<(), Error> {
    match version {
        None | Some("" | "null") => Ok(()),
        Some(_) => Err(Error::Argument {
            name: "versionId",
            reason: "buckets keep no versions, so only null exists".into(),
        }),
    }
}

/// The part of an object that a request asks for.
#[derive(Debug)]
struct Selection {
    range: Range<u64>,
    is_partial: bool,
    parts: Option<i32>,
}

impl Selection {
    fn of(known: &Known, range: Option<dto::Range>, part: Option<i32>) -> Result<Self, Error> {
        let size = known.size;
        let parts = known.attributes.as_ref().and_then(|attributes| attributes.parts);
        match (range, part) {
            (None, None) => Ok(Self { range: 0..size, is_partial: false, parts: None }),
            (Some(range), None) => {
                let range = range.check(size).map_err(|_| Error::Range { size })?;
                Ok(Self { range, is_partial: true, parts: None })
            }
            (None, Some(part)) => Self::of_part(size, parts, part),
            (Some(_), Some(_)) => {
                Err(Error::Argument { name: "partNumber", reason: "it does not go with Range".into() })
            }
        }
    }

    fn of_part(size: u64, parts: Option<Parts>, part: i32) -> Result<Self, Error> {
        let Parts { count, bytes } = parts.unwrap_or(Parts { count: 1, bytes: size });
        if part < 1 || part > count {
            return Err(Error::PartNumber { parts: count });
        }
        if bytes == 0 && count > 1 {
            return Err(Error::NotServed {
                what: "reading by part number an object of unequal parts".into(),
            });
        }
        let before = u64::try_from(part - 1).unwrap_or(0);
        let start = before.saturating_mul(bytes).min(size);
        let end = if part == count { size } else { start.saturating_add(bytes).min(size) };
        Ok(Self { range: start..end, is_partial: start < end, parts: parts.map(|parts| parts.count) })
    }

    fn length(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    fn content_range(&self, size: u64) -> Option<String> {
        let Range { start, end } = self.range;
        self.is_partial.then(|| format!("bytes {start}-{}/{size}", end.saturating_sub(1)))
    }
}

enum Content {
    Read(Bytes),
    File(File),
}

/// Amazon S3, `GetObject`.
pub(super) async fn get(
    store: &Arc<Store>,
    input: dto::GetObjectInput,
) -> Result<dto::GetObjectOutput, Error> {
    check_version(input.version_id.as_deref())?;
    let key = ObjectKey::parse(&input.key)?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let (range, part, name) = (input.range, input.part_number, input.bucket);
    let shared = Arc::clone(store);
    let (known, selection, content) = blocking(move || {
        let Opened { known, file } = open(&shared.bucket(&name)?, &key)?;
        condition.check(&known)?;
        let selection = Selection::of(&known, range, part)?;
        let content = content_of(file, &selection)?;
        Ok((known, selection, content))
    })
    .await?;
    let length = wire::length(selection.length());
    let body = match content {
        Content::Read(bytes) => StreamingBlob::from(s3s::Body::from(bytes)),
        Content::File(file) => StreamingBlob::new(Blob(store.reader.read(file, selection.range.clone()))),
    };
    let described = known.described();
    let mut output = dto::GetObjectOutput {
        body: Some(body),
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(length),
        content_range: selection.content_range(known.size),
        parts_count: selection.parts,
        e_tag: Some(wire::etag(&known)),
        last_modified: Some(wire::timestamp(known.modified_ns)),
        content_type: Some(content_type(&described)),
        cache_control: described.cache_control,
        content_disposition: described.content_disposition,
        content_encoding: described.content_encoding,
        content_language: described.content_language,
        expires: described.expires.as_deref().and_then(wire::parse_time),
        metadata: Some(described.metadata.into_iter().collect()),
        ..dto::GetObjectOutput::default()
    };
    if input.checksum_mode.is_some() && !selection.is_partial {
        state_checksums!(output, &known.checksums());
    }
    Ok(output)
}

/// Small objects are read while they are open on the blocking pool: one hop instead of two.
fn content_of(file: Option<File>, selection: &Selection) -> Result<Content, Error> {
    match file {
        Some(file) if selection.length() > SMALL_OBJECT_BYTES => Ok(Content::File(file)),
        Some(file) if selection.length() > 0 => read_small(&file, selection).map(Content::Read),
        _ => Ok(Content::Read(Bytes::new())),
    }
}

fn read_small(file: &File, selection: &Selection) -> Result<Bytes, Error> {
    let failed = error::failed("reading an object");
    let wanted = usize::try_from(selection.length()).unwrap_or(0);
    let first = read_at(file, selection.range.start, wanted).map_err(failed)?;
    if first.len() == wanted {
        return Ok(first);
    }
    let mut whole = Vec::from(first);
    while whole.len() < wanted {
        let offset = selection.range.start + whole.len() as u64;
        whole.extend_from_slice(&read_at(file, offset, wanted - whole.len()).map_err(failed)?);
    }
    Ok(whole.into())
}

/// Amazon S3, `HeadObject`. A range in it is not asked for by any known client and changes nothing.
pub(super) fn head(store: &Store, input: dto::HeadObjectInput) -> Result<dto::HeadObjectOutput, Error> {
    check_version(input.version_id.as_deref())?;
    let key = ObjectKey::parse(&input.key)?;
    let Opened { known, .. } = open(&store.bucket(&input.bucket)?, &key)?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    condition.check(&known)?;
    let selection = Selection::of(&known, None, input.part_number)?;
    let described = known.described();
    let mut output = dto::HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(wire::length(selection.length())),
        parts_count: selection.parts,
        e_tag: Some(wire::etag(&known)),
        last_modified: Some(wire::timestamp(known.modified_ns)),
        content_type: Some(content_type(&described)),
        cache_control: described.cache_control,
        content_disposition: described.content_disposition,
        content_encoding: described.content_encoding,
        content_language: described.content_language,
        expires: described.expires.as_deref().and_then(wire::parse_time),
        metadata: Some(described.metadata.into_iter().collect()),
        ..dto::HeadObjectOutput::default()
    };
    if input.checksum_mode.is_some() {
        state_checksums!(output, &known.checksums());
    }
    Ok(output)
}

fn content_type(described: &Described) -> String {
    let said = described.content_type.clone().filter(|text| !text.is_empty());
    said.unwrap_or_else(|| UNKNOWN_TYPE.to_owned())
}

/// Amazon S3, `GetObjectAttributes`.
pub(super) fn attributes(
    store: &Store,
    input: &dto::GetObjectAttributesInput,
) -> Result<dto::GetObjectAttributesOutput, Error> {
    check_version(input.version_id.as_deref())?;
    let key = ObjectKey::parse(&input.key)?;
    let Opened { known, .. } = open(&store.bucket(&input.bucket)?, &key)?;
    // Some clients send one header with all names, others a header for each.
    let names = || input.object_attributes.iter().flat_map(|names| names.as_str().split(',')).map(str::trim);
    let asked = |name: &str| names().any(|asked| asked == name);
    let checksums = known.checksums();
    let parts = known.attributes.as_ref().and_then(|attributes| attributes.parts);
    let counted = parts.map(|parts| dto::GetObjectAttributesParts {
        total_parts_count: Some(parts.count),
        ..dto::GetObjectAttributesParts::default()
    });
    Ok(dto::GetObjectAttributesOutput {
        e_tag: asked("ETag").then(|| wire::etag(&known)),
        checksum: (asked("Checksum") && !checksums.is_empty()).then(|| wire::checksums(&checksums)),
        object_parts: if asked("ObjectParts") { counted } else { None },
        object_size: asked("ObjectSize").then(|| wire::length(known.size)),
        storage_class: asked("StorageClass")
            .then(|| dto::StorageClass::from_static(dto::StorageClass::STANDARD)),
        last_modified: Some(wire::timestamp(known.modified_ns)),
        ..dto::GetObjectAttributesOutput::default()
    })
}

/// A file on its way to the client, which tells s3s how much is to come.
struct Blob(FileStream);

impl Stream for Blob {
    type Item = Result<Bytes, s3s::StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context).map_err(Into::into)
    }
}

impl ByteStream for Blob {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(usize::try_from(self.0.remaining()).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(size: u64, parts: Option<Parts>, part: i32) -> Result<Range<u64>, Error> {
        Selection::of_part(size, parts, part).map(|selection| selection.range)
    }

    #[test]
    fn parts_of_one_size_are_read_by_number() {
        let parts = Some(Parts { count: 3, bytes: 10 });
        assert_eq!(part(25, parts, 1).unwrap(), 0..10);
        assert_eq!(part(25, parts, 3).unwrap(), 20..25);
        assert!(matches!(part(25, parts, 4), Err(Error::PartNumber { parts: 3 })));
        assert_eq!(part(25, None, 1).unwrap(), 0..25);
        assert!(matches!(part(25, None, 2), Err(Error::PartNumber { parts: 1 })));
        assert!(matches!(part(25, Some(Parts { count: 3, bytes: 0 }), 2), Err(Error::NotServed { .. })));
    }
}
