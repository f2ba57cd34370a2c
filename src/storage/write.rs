//! Small objects in embedded buckets: written durably, read back, removed.
//!
//! They are objects as the S3 door writes them, with the same ETag and the same order of steps, and share its locks.
//! No symbolic link leads out of a bucket, and where things are removed none is followed at all.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::Path;

use bytes::Bytes;
use md5::{Digest, Md5};
use rustix::fs::{AtFlags, Dir, FileType, Mode};
use rustix::io::Errno;
use uuid::Uuid;

use super::error::Error;
use super::files::attributes::{self, Attributes, Known};
use super::files::data_dir::DataDir;
use super::files::directories;
use super::files::error::{Error as FileError, io};
use super::files::layout::{Bucket, sync_directory};
use super::files::object_path::{FILE, ObjectKey, open_beneath, open_directory_plainly};
use super::files::publish::{self, Place, Rule};
use super::files::remove;
use super::files::temporary::Temporary;
use crate::limits::objects::WHOLE_OBJECT_BYTES_MAX;

/// Makes the bucket `name` if there is none; whether it is new.
pub(super) fn make_bucket(files: &DataDir, name: &str) -> Result<bool, Error> {
    crate::bucket_name::check_new(name).map_err(|_| Error::BucketName { bucket: name.to_owned() })?;
    let is_new = files.layout.make_bucket(name).map_err(failed(name))?;
    if !is_new {
        // What has the name may be a file or a link, and then it is no bucket.
        files.layout.bucket(name).map_err(failed(name))?;
    }
    Ok(is_new)
}

/// Removes the bucket `name` with all that lies in it: from one moment to the next it is gone, then its files are removed.
/// What a death of the process leaves of them is removed with the next bucket.
pub(super) fn remove_bucket(files: &DataDir, data_dir: &Path, name: &str) -> Result<(), Error> {
    drop(files.layout.bucket(name).map_err(failed(name))?);
    let doing = |doing| move |source| failed_at(name, "")(FileError::Io { doing, source });
    let graves = data_dir.join(".lakeshare/removed");
    std::fs::create_dir_all(&graves).map_err(doing("making a directory"))?;
    let grave = graves.join(Uuid::new_v4().simple().to_string());
    std::fs::rename(data_dir.join(name), grave).map_err(doing("removing a bucket"))?;
    std::fs::remove_dir_all(&graves).map_err(doing("removing the files of a bucket"))
}

/// Writes an object that must not be there yet. On return it is on disk under its name, with all directories above.
///
/// Errors: [`Error::ObjectExists`]. After an error of the disk it may be there or not.
pub(super) fn put_new(files: &DataDir, bucket: &str, key: &str, bytes: &Bytes) -> Result<(), Error> {
    let size_bytes = bytes.len() as u64;
    if size_bytes > WHOLE_OBJECT_BYTES_MAX {
        let object = format!("{bucket}/{key}");
        return Err(Error::ObjectTooLarge { object, size_bytes, bytes_max: WHOLE_OBJECT_BYTES_MAX });
    }
    let failed = || failed_at(bucket, key);
    let key = &parse(bucket, key)?;
    if key.is_marker() {
        return Err(failed()(FileError::Key { reason: "a key that ends in a slash is a directory" }));
    }
    let opened = files.layout.bucket(bucket).map_err(failed())?;
    let (mut temporary, mut file) = Temporary::create(&opened.temporary).map_err(failed())?;
    let written = file.write_all(bytes);
    written.map_err(|source| failed()(FileError::Io { doing: "writing an object", source }))?;
    let etag = hex::encode(Md5::digest(bytes));
    publish::seal(&file, Attributes { etag, ..Attributes::default() }).map_err(failed())?;
    let check = |known: Option<&Known>| known.map_or(Ok(()), |_| Err(Refused::Exists));
    let place = Place { bucket, key };
    publish::give_name(files, &place, &mut temporary, &Rule::New(&check)).map_err(|refused| match refused {
        Refused::Exists => Error::ObjectExists { object: format!("{bucket}/{}", key.as_str()) },
        Refused::Files(error) => failed()(error),
    })
}

/// The whole object.
///
/// Errors: [`Error::ObjectTooLarge`] beyond `bytes_max`, before anything is read.
pub(super) fn read_whole(files: &DataDir, bucket: &str, key: &str, bytes_max: u64) -> Result<Bytes, Error> {
    let (file, size_bytes) = open(files, bucket, key)?;
    if size_bytes > bytes_max {
        let object = format!("{bucket}/{key}");
        return Err(Error::ObjectTooLarge { object, size_bytes, bytes_max });
    }
    read_on(file, (bucket, key), size_bytes)
}

/// A part of an object; fewer bytes at its end.
pub(super) fn read_part(files: &DataDir, bucket: &str, key: &str, range: Range<u64>) -> Result<Bytes, Error> {
    let (mut file, size_bytes) = open(files, bucket, key)?;
    let length = range.end.min(size_bytes).saturating_sub(range.start);
    let sought = file.seek(SeekFrom::Start(range.start));
    sought.map_err(|source| failed_at(bucket, key)(FileError::Io { doing: "reading an object", source }))?;
    read_on(file, (bucket, key), length)
}

/// An object and its size.
fn open(files: &DataDir, bucket: &str, key: &str) -> Result<(File, u64), Error> {
    let failed = || failed_at(bucket, key);
    let object = || format!("{bucket}/{key}");
    let opened = files.layout.bucket(bucket).map_err(failed())?;
    let parsed = parse(bucket, key)?;
    if parsed.is_marker() {
        return Err(Error::NoSuchObject { object: object() });
    }
    let file = match open_beneath(&opened.directory, parsed.path(), FILE, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO) => {
            return Err(Error::NoSuchObject { object: object() });
        }
        Err(errno) => return Err(failed()(directories::conflict(key, errno))),
    };
    let metadata = file.metadata();
    let metadata =
        metadata.map_err(|source| failed()(FileError::Io { doing: "reading an object", source }))?;
    if metadata.is_file() {
        Ok((file, metadata.len()))
    } else {
        Err(Error::NoSuchObject { object: object() })
    }
}

/// The next bytes of an object that has so many.
fn read_on(file: File, (bucket, key): (&str, &str), length: u64) -> Result<Bytes, Error> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    let read = file.take(length).read_to_end(&mut bytes);
    read.map_err(|source| failed_at(bucket, key)(FileError::Io { doing: "reading an object", source }))?;
    if bytes.len() as u64 != length {
        return Err(Error::ObjectChanged { object: format!("{bucket}/{key}") });
    }
    Ok(bytes.into())
}

/// Removes objects; those that are not there are no error. On return their removal is on disk.
pub(super) fn remove(files: &DataDir, bucket: &str, keys: &[String]) -> Result<(), Error> {
    let opened = files.layout.bucket(bucket).map_err(failed(bucket))?;
    let mut touched: Option<ObjectKey> = None;
    for key in keys {
        let parsed = parse(bucket, key)?;
        let removed = remove::remove::<FileError>(files, &opened, &parsed, None);
        if removed.map_err(failed_at(bucket, key))?
            && touched.as_ref().is_none_or(|before| before.parent() != parsed.parent())
            && let Some(before) = touched.replace(parsed)
        {
            remove::settle(files, &opened, &before).map_err(failed(bucket))?;
        }
    }
    touched.map_or(Ok(()), |last| remove::settle(files, &opened, &last).map_err(failed(bucket)))
}

/// Removes all that lies in the directory `prefix` of a bucket, itself included, and tells how many objects that were.
/// A symbolic link is removed and not followed.
pub(super) fn remove_below(files: &DataDir, bucket: &str, prefix: &str) -> Result<u64, Error> {
    let key = parse(bucket, prefix)?;
    let failed = || failed_at(bucket, prefix);
    let opened = files.layout.bucket(bucket).map_err(failed())?;
    match open_directory_plainly(&opened.directory, key.path()) {
        Ok(_) => {}
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(0),
        Err(errno) => return Err(failed()(directories::conflict(prefix, errno))),
    }
    let mut found = vec![key.path().to_owned()];
    let (mut next, mut count) = (0, 0);
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        count += empty(files, &opened, &path, &mut found).map_err(failed())?;
    }
    for path in found.iter().rev() {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let _held = files.locks.hold(bucket, path);
        directories::remove_empty(&opened, above, name, &files.durable).map_err(failed())?;
    }
    remove::settle(files, &opened, &key).map_err(failed())?;
    Ok(count)
}

/// Removes the files of one directory and adds the directories in it to `found`.
fn empty(files: &DataDir, bucket: &Bucket, path: &str, found: &mut Vec<String>) -> Result<u64, FileError> {
    let directory = match open_directory_plainly(&bucket.directory, path) {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(0),
        Err(errno) => return Err(directories::conflict(path, errno)),
    };
    let mut count = 0;
    for entry in Dir::read_from(&directory).map_err(io("reading a directory"))? {
        let entry = entry.map_err(io("reading a directory"))?;
        // A name that is no text is no part of a key; the directory of such a file stays.
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") {
            continue;
        }
        let below = format!("{path}/{name}");
        if is_directory(&directory, name, entry.file_type()) {
            found.push(below);
            continue;
        }
        let _held = files.locks.hold(&bucket.name, &below);
        match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
            Ok(()) => count += 1,
            Err(Errno::NOENT | Errno::ISDIR) => {}
            Err(errno) => return Err(directories::conflict(&below, errno)),
        }
    }
    // Else a marker would keep its directory.
    attributes::remove(&directory)?;
    sync_directory(&directory)?;
    Ok(count)
}

fn is_directory(directory: &OwnedFd, name: &str, told: FileType) -> bool {
    if told != FileType::Unknown {
        return told.is_dir();
    }
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
}

/// Why a new object did not get its name.
enum Refused {
    Exists,
    Files(FileError),
}

impl From<FileError> for Refused {
    fn from(error: FileError) -> Self {
        Self::Files(error)
    }
}

fn parse(bucket: &str, key: &str) -> Result<ObjectKey, Error> {
    ObjectKey::parse(key).map_err(failed_at(bucket, key))
}

fn failed(bucket: &str) -> impl FnOnce(FileError) -> Error {
    let object = bucket.to_owned();
    move |error| Error::of_files(object, error)
}

fn failed_at(bucket: &str, key: &str) -> impl FnOnce(FileError) -> Error {
    let object = format!("{bucket}/{key}");
    move |error| Error::of_files(object, error)
}

#[cfg(test)]
mod tests;
