//! Objects go, durably, and empty directories with them.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::attributes::{self, Read};
use super::data_dir::DataDir;
use super::directories::{self, conflict};
use super::error::Error;
use super::layout::{Bucket, sync_directory};
use super::look::existing;
use super::object_path::ObjectKey;
use super::publish::Check;

/// Removes what lies under `key`, if `check` holds; true if something did.
///
/// The caller settles it afterwards. Errors: what the check says.
pub fn remove<E: From<Error>>(
    files: &DataDir,
    bucket: &Bucket,
    key: &ObjectKey,
    check: Option<Check<'_, E>>,
) -> Result<bool, E> {
    let _held = files.locks.hold(&bucket.name, key.path());
    if let Some(check) = check {
        check(existing(bucket, key)?.as_ref())?;
    }
    if key.is_marker() { Ok(remove_marker(files, bucket, key)?) } else { Ok(remove_file(bucket, key)?) }
}

/// Puts the removal of `key` on disk, and removes directories that hold nothing any more.
pub fn settle(files: &DataDir, bucket: &Bucket, key: &ObjectKey) -> Result<(), Error> {
    sync_removed(bucket, key.parent())?;
    directories::prune(bucket, key, &files.locks, &files.durable);
    Ok(())
}

fn remove_file(bucket: &Bucket, key: &ObjectKey) -> Result<bool, Error> {
    let parent = match directories::open(bucket, key.parent()) {
        Ok(Some(parent)) => parent,
        Ok(None) | Err(Error::KeyConflict { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    match rustix::fs::unlinkat(&parent, key.name(), AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT | Errno::ISDIR | Errno::NOTDIR | Errno::NAMETOOLONG) => Ok(false),
        // Some file systems answer so for a directory, which is no object.
        Err(Errno::PERM) if is_directory(&parent, key.name()) => Ok(false),
        Err(errno) => Err(conflict(key.as_str(), errno)),
    }
}

fn remove_marker(files: &DataDir, bucket: &Bucket, key: &ObjectKey) -> Result<bool, Error> {
    let directory = match directories::open(bucket, key.path()) {
        Ok(Some(directory)) => directory,
        Ok(None) | Err(Error::KeyConflict { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    if !matches!(attributes::read(&directory)?, Read::Absent) {
        attributes::remove(&directory)?;
        sync_directory(&directory)?;
    }
    directories::remove_empty(bucket, key.parent(), key.name(), &files.durable)
}

fn is_directory(parent: &OwnedFd, name: &str) -> bool {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
}

/// Puts on disk what was removed below `path`, if that directory still exists.
fn sync_removed(bucket: &Bucket, path: &str) -> Result<(), Error> {
    match directories::open(bucket, path) {
        Ok(Some(directory)) => sync_directory(&directory),
        Ok(None) | Err(_) => Ok(()),
    }
}
