//! What lies under a key.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode};
use rustix::io::Errno;

use super::attributes::{self, Known, Read};
use super::directories::{self, conflict};
use super::error::{Error, io};
use super::layout::Bucket;
use super::object_path::{FILE, ObjectKey, open_beneath};

/// What lies under `key` now: an object, or a marker for a key that ends in a slash.
pub fn existing(bucket: &Bucket, key: &ObjectKey) -> Result<Option<Known>, Error> {
    if key.is_marker() {
        return match directories::open(bucket, key.path()) {
            Ok(Some(directory)) => marker_of(&directory, || is_empty(&directory)),
            Ok(None) | Err(Error::KeyConflict { .. }) => Ok(None),
            Err(error) => Err(error),
        };
    }
    match open_beneath(&bucket.directory, key.path(), FILE, Mode::empty()) {
        Ok(file) => {
            let stat = rustix::fs::fstat(&file).map_err(io("looking at an object"))?;
            if FileType::from_raw_mode(stat.st_mode).is_file() {
                Known::of(&file).map(Some)
            } else {
                Ok(None)
            }
        }
        // A link that leads out is replaced by a write like any name, and is no object to a condition.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO | Errno::LOOP | Errno::XDEV) => {
            Ok(None)
        }
        Err(errno) => Err(conflict(key.as_str(), errno)),
    }
}

/// The marker that an open directory is. Without extended attributes an empty directory counts as one.
pub fn marker_of(directory: &OwnedFd, is_empty: impl FnOnce() -> bool) -> Result<Option<Known>, Error> {
    let record = match attributes::read(directory)? {
        Read::Record(record) => Some(*record),
        Read::Unsupported if is_empty() => None,
        Read::Absent | Read::Unsupported => return Ok(None),
    };
    let stat = rustix::fs::fstat(directory).map_err(io("looking at a marker"))?;
    Ok(Some(Known::marker(&stat, record)))
}

/// Whether an open directory has no entries.
pub fn is_empty(directory: &OwnedFd) -> bool {
    rustix::fs::Dir::read_from(directory).is_ok_and(|mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| matches!(entry.file_name().to_bytes(), b"." | b"..")))
    })
}
