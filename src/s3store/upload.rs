//! Uploads in parts, as they lie on disk.
//!
//! One directory for each upload holds its record and a file for each part. A part's digests are in its
//! name, so data and digests appear in one rename, and two versions of one part can be told apart.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::digest::{Algorithm, Digests};
use super::error::{Error, failed, io};
use super::stage::Staged;
use super::store::Store;
use crate::bucket_name;
use crate::storage::files::attributes::{Described, Known};
use crate::storage::files::error::Error as FileError;
use crate::storage::files::layout::{DIRECTORY, DIRECTORY_MODE, make_directory, sync_directory};
use crate::storage::files::object_path::FILE;
use crate::storage::files::temporary::Temporary;

/// The record of an upload inside its directory.
const RECORD: &str = "upload.json";

/// What was said when the upload began.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) initiated_ns: i64,
    pub(super) described: Described,
    /// By its Amazon name.
    pub(super) algorithm: Option<String>,
    pub(super) composite: bool,
}

impl Record {
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm.as_deref().and_then(Algorithm::named)
    }
}

/// An open upload.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) record: Record,
    directory: OwnedFd,
}

/// A part that was received whole.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) number: i32,
    /// MD5 in hex, which is its ETag.
    pub(super) md5: String,
    pub(super) checksum: Option<(Algorithm, String)>,
    pub(super) size: u64,
    pub(super) modified_ns: i64,
    name: String,
}

/// Begins an upload and returns its id.
pub(super) fn create(store: &Store, bucket: &str, record: &Record) -> Result<String, Error> {
    let uploads = make_directory(store.files.layout.uploads(), bucket)?;
    let id = Uuid::new_v4().simple().to_string();
    let text = serde_json::to_vec(record)
        .map_err(|error| failed("writing the record of an upload")(error.into()))?;
    let (mut temporary, mut file) = Temporary::create(store.files.layout.temporary())?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .map_err(failed("writing the record of an upload"))?;
    rustix::fs::mkdirat(&uploads, &id, DIRECTORY_MODE).map_err(io("making an upload"))?;
    let directory = open_directory(&uploads, &id)?;
    rustix::fs::renameat(&temporary.directory, &temporary.name, &directory, RECORD)
        .map_err(io("making an upload"))?;
    temporary.published();
    sync_directory(&directory)?;
    sync_directory(&uploads)?;
    Ok(id)
}

/// Opens the upload `id` of `key`.
///
/// Errors: it does not exist, or is one of another key.
pub(super) fn open(store: &Store, bucket: &str, key: &str, id: &str) -> Result<Upload, Error> {
    let missing = || Error::NoSuchUpload { upload: id.chars().take(64).collect() };
    let is_ours = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_ours || !bucket_name::is_served(bucket) {
        return Err(missing());
    }
    let upload = read(store, bucket, id)?.ok_or_else(missing)?;
    if upload.record.key == key { Ok(upload) } else { Err(missing()) }
}

/// All uploads of a bucket, by key and then by age.
pub(super) fn all(store: &Store, bucket: &str) -> Result<Vec<Upload>, Error> {
    let uploads = match rustix::fs::openat(
        store.files.layout.uploads(),
        bucket,
        DIRECTORY | OFlags::NOFOLLOW,
        Mode::empty(),
    ) {
        Ok(uploads) => uploads,
        Err(Errno::NOENT) => return Ok(Vec::new()),
        Err(errno) => return Err(io("reading uploads")(errno)),
    };
    let mut all = Vec::new();
    for entry in rustix::fs::Dir::read_from(&uploads).map_err(io("reading uploads"))? {
        let entry = entry.map_err(io("reading uploads"))?;
        if let Ok(id) = entry.file_name().to_str()
            && !id.starts_with('.')
            && let Some(upload) = read(store, bucket, id)?
        {
            all.push(upload);
        }
    }
    all.sort_by(|a, b| {
        (&a.record.key, a.record.initiated_ns, &a.id).cmp(&(&b.record.key, b.record.initiated_ns, &b.id))
    });
    Ok(all)
}

fn read(store: &Store, bucket: &str, id: &str) -> Result<Option<Upload>, Error> {
    let path = format!("{bucket}/{id}");
    let directory = match open_directory(store.files.layout.uploads(), &path) {
        Ok(directory) => directory,
        Err(Error::Files(FileError::Io { source, .. })) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let Ok(file) = rustix::fs::openat(&directory, RECORD, FILE | OFlags::NOFOLLOW, Mode::empty()) else {
        return Ok(None);
    };
    let mut text = Vec::new();
    File::from(file).read_to_end(&mut text).map_err(failed("reading the record of an upload"))?;
    let Ok(record) = serde_json::from_slice(&text) else { return Ok(None) };
    Ok(Some(Upload { id: id.to_owned(), record, directory }))
}

fn open_directory(at: &OwnedFd, path: &str) -> Result<OwnedFd, Error> {
    rustix::fs::openat(at, path, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()).map_err(io("opening an upload"))
}

impl Upload {
    /// The parts as they stand, by number; of two with one number the later one comes last.
    pub(super) fn parts(&self) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.directory).map_err(io("reading an upload"))? {
            let entry = entry.map_err(io("reading an upload"))?;
            let Some(mut part) = entry.file_name().to_str().ok().and_then(parse_name) else { continue };
            if let Ok(stat) = rustix::fs::statat(&self.directory, &part.name, AtFlags::SYMLINK_NOFOLLOW) {
                let known = Known::plain(&stat);
                part.size = known.size;
                part.modified_ns = known.modified_ns;
                parts.push(part);
            }
        }
        parts.sort_by_key(|part| (part.number, part.modified_ns));
        Ok(parts)
    }

    /// Keeps a received part; it replaces an earlier one of the same number.
    pub(super) fn keep(
        &self,
        store: &Store,
        bucket: &str,
        number: i32,
        mut staged: Staged,
    ) -> Result<Part, Error> {
        staged.file.sync_all().map_err(failed("writing a part to disk"))?;
        let name = name_of(number, &staged.digests, self.record.algorithm());
        let _held = store.files.locks.hold(bucket, &self.id);
        let earlier: Vec<Part> = self.parts()?.into_iter().filter(|part| part.number == number).collect();
        match rustix::fs::renameat(
            &staged.temporary.directory,
            &staged.temporary.name,
            &self.directory,
            &name,
        ) {
            Ok(()) => staged.temporary.published(),
            Err(Errno::NOENT) => return Err(Error::NoSuchUpload { upload: self.id.clone() }),
            Err(errno) => return Err(io("keeping a part")(errno)),
        }
        for part in earlier.iter().filter(|part| part.name != name) {
            let _ = rustix::fs::unlinkat(&self.directory, &part.name, AtFlags::empty());
        }
        sync_directory(&self.directory)?;
        let known = Known::of(&staged.file)?;
        let mut part = parse_name(&name).ok_or(Error::Part { part: number })?;
        part.size = known.size;
        part.modified_ns = known.modified_ns;
        Ok(part)
    }

    /// Opens the bytes of a part. Errors: the upload was aborted meanwhile.
    pub(super) fn open_part(&self, part: &Part) -> Result<File, Error> {
        rustix::fs::openat(&self.directory, &part.name, FILE | OFlags::NOFOLLOW, Mode::empty())
            .map(File::from)
            .map_err(|errno| match errno {
                Errno::NOENT => Error::NoSuchUpload { upload: self.id.clone() },
                errno => io("reading a part")(errno),
            })
    }

    /// Removes the upload and all its parts; the record goes first, so that no half of it is seen.
    pub(super) fn remove(self, store: &Store, bucket: &str) -> Result<(), Error> {
        let _held = store.files.locks.hold(bucket, &self.id);
        let _ = rustix::fs::unlinkat(&self.directory, RECORD, AtFlags::empty());
        for part in self.parts()? {
            let _ = rustix::fs::unlinkat(&self.directory, &part.name, AtFlags::empty());
        }
        let path = format!("{bucket}/{}", self.id);
        match rustix::fs::unlinkat(store.files.layout.uploads(), path, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY) => Ok(()),
            Err(errno) => Err(io("removing an upload")(errno)),
        }
    }
}

/// `00001-<md5>` or `00001-<md5>-<algorithm>-<checksum in hex>`.
fn name_of(number: i32, digests: &Digests, algorithm: Option<Algorithm>) -> String {
    let plain = format!("{number:05}-{}", digests.etag());
    let by_algorithm = &digests.checksums.by_algorithm;
    let chosen = algorithm
        .filter(|algorithm| by_algorithm.contains_key(algorithm.name()))
        .or_else(|| by_algorithm.keys().next().and_then(|name| Algorithm::named(name)));
    let checksum = chosen.and_then(|algorithm| {
        let bytes = BASE64.decode(by_algorithm.get(algorithm.name())?).ok()?;
        Some(format!("-{}-{}", algorithm.name(), hex::encode(bytes)))
    });
    plain + &checksum.unwrap_or_default()
}

fn parse_name(name: &str) -> Option<Part> {
    let mut pieces = name.split('-');
    let number = pieces.next().filter(|digits| digits.len() == 5)?.parse().ok()?;
    let md5 = pieces.next().filter(|text| text.len() == 32)?.to_owned();
    let checksum = match (pieces.next(), pieces.next()) {
        (Some(algorithm), Some(value)) => {
            Some((Algorithm::named(algorithm)?, BASE64.encode(hex::decode(value).ok()?)))
        }
        _ => None,
    };
    Some(Part { number, md5, checksum, size: 0, modified_ns: 0, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::digest::Hasher;
    use super::*;

    #[test]
    fn a_part_carries_its_digests_in_its_name() {
        let mut hasher = Hasher::new([Algorithm::Crc32]);
        hasher.update(b"hello");
        let name = name_of(7, &hasher.finish(), Some(Algorithm::Crc32));
        assert_eq!(name, "00007-5d41402abc4b2a76b9719d911017c592-CRC32-3610a686");
        let part = parse_name(&name).unwrap();
        assert_eq!((part.number, part.checksum), (7, Some((Algorithm::Crc32, "NhCmhg==".to_owned()))));
        assert!(parse_name("upload.json").is_none());
        assert!(parse_name("00001-short").is_none());
    }
}
