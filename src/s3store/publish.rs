//! A staged file becomes an object: at once, durably, conditionally.
//!
//! The order is: attributes and bytes to disk, then the name, then the directory to disk, then the answer.
//! A crash before the name leaves a temporary file, which the next start removes; a crash after it leaves
//! the whole object. Nothing in between is visible.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, RenameFlags};
use rustix::io::Errno;

use super::attributes::{self, Attributes, Known, Read};
use super::condition::WriteCondition;
use super::directories::{self, conflict};
use super::error::{Error, io};
use super::layout::{Bucket, sync_directory};
use super::object_path::{ObjectKey, open_beneath};
use super::stage::{Staged, Temporary};
use super::store::Store;
use super::walk::{FILE, marker_of};
use crate::limits::PUBLISH_ATTEMPTS_MAX;

/// Where a write goes, and when it may.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) bucket: Bucket,
    pub(super) key: ObjectKey,
    pub(super) condition: WriteCondition,
}

/// Publishes `staged` under `target`; `attributes` bring what the client said, the file gives the rest.
///
/// Errors: the condition does not hold; a part of the path is an object, or the key a directory of others.
pub(super) fn publish(
    store: &Store,
    target: &Target,
    mut staged: Staged,
    mut attributes: Attributes,
) -> Result<Known, Error> {
    let Target { bucket, key, condition } = target;
    let fresh = Known::of(&staged.file)?;
    attributes.size = fresh.size;
    attributes.modified_ns = fresh.modified_ns;
    attributes::write(&staged.file, &attributes)?;
    staged.file.sync_all().map_err(|source| Error::Io { doing: "writing an object to disk", source })?;

    let _held = store.locks.hold(&bucket.name, key.path());
    for _ in 0..PUBLISH_ATTEMPTS_MAX {
        // Opened again each time: the bucket may have been removed, and be another one now.
        let bucket = store.bucket(&bucket.name)?;
        if *condition != WriteCondition::Always {
            condition.check(key.as_str(), existing(&bucket, key)?.as_ref())?;
        }
        let Some(parent) = directories::open_or_make(&bucket, key.parent(), &store.durable)? else {
            continue;
        };
        match give_name(&mut staged.temporary, &parent, key.name(), condition) {
            Ok(()) => {
                sync_directory(&parent)?;
                return Known::of(&staged.file);
            }
            Err(Errno::NOENT) => {}
            Err(Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY) => {
                make_way(store, &bucket, key, condition)?;
            }
            Err(errno) => return Err(conflict(key.as_str(), errno)),
        }
    }
    Err(Error::Contended { key: key.as_str().to_owned() })
}

/// Moves the temporary file to its name; over what is there only if the condition allows it.
fn give_name(
    temporary: &mut Temporary,
    parent: &OwnedFd,
    name: &str,
    condition: &WriteCondition,
) -> rustix::io::Result<()> {
    let from = temporary.directory.as_fd();
    if *condition != WriteCondition::Absent {
        rustix::fs::renameat(from, &temporary.name, parent, name)?;
        temporary.published();
        return Ok(());
    }
    match rustix::fs::renameat_with(from, &temporary.name, parent, name, RenameFlags::NOREPLACE) {
        Ok(()) => temporary.published(),
        // The file system does not know the flag; a link does not replace either.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(from, &temporary.name, parent, name, AtFlags::empty())?;
        }
        Err(errno) => return Err(errno),
    }
    Ok(())
}

/// Something lies under the name already. An object decides the condition; an empty directory makes way.
fn make_way(
    store: &Store,
    bucket: &Bucket,
    key: &ObjectKey,
    condition: &WriteCondition,
) -> Result<(), Error> {
    if let Some(known) = existing(bucket, key)? {
        return condition.check(key.as_str(), Some(&known));
    }
    // No lock is taken here: the key's own lock is that of a directory of the same path.
    if directories::remove_empty(bucket, key.parent(), key.name(), &store.durable)? {
        return Ok(());
    }
    Err(conflict(key.as_str(), Errno::ISDIR))
}

/// What lies under `key` now: an object, or a marker for a key that ends in a slash.
pub(super) fn existing(bucket: &Bucket, key: &ObjectKey) -> Result<Option<Known>, Error> {
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

/// Whether an open directory has no entries.
pub(super) fn is_empty(directory: &OwnedFd) -> bool {
    rustix::fs::Dir::read_from(directory).is_ok_and(|mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| matches!(entry.file_name().to_bytes(), b"." | b"..")))
    })
}

/// Makes the directory of a marker and its record.
///
/// Errors: the condition does not hold; an object lies on the way or under the name.
pub(super) fn publish_marker(
    store: &Store,
    target: &Target,
    mut attributes: Attributes,
) -> Result<Known, Error> {
    let Target { bucket, key, condition } = target;
    attributes.modified_ns = store.clock.now_ms().saturating_mul(1_000_000);
    attributes::EMPTY_ETAG.clone_into(&mut attributes.etag);
    let _held = store.locks.hold(&bucket.name, key.path());
    for _ in 0..PUBLISH_ATTEMPTS_MAX {
        let bucket = store.bucket(&bucket.name)?;
        condition.check(key.as_str(), existing(&bucket, key)?.as_ref())?;
        let Some(directory) = directories::open_or_make(&bucket, key.path(), &store.durable)? else {
            continue;
        };
        let is_kept = attributes::write(&directory, &attributes)?;
        sync_directory(&directory)?;
        let stat = rustix::fs::fstat(&directory).map_err(io("looking at a marker"))?;
        return Ok(Known::marker(&stat, is_kept.then_some(attributes)));
    }
    Err(Error::Contended { key: key.as_str().to_owned() })
}

/// Removes what lies under `key`; true if something did.
///
/// The caller synchronises the directory and prunes above it. Errors: the condition does not hold.
pub(super) fn remove(store: &Store, target: &Target) -> Result<bool, Error> {
    let Target { bucket, key, condition } = target;
    let _held = store.locks.hold(&bucket.name, key.path());
    if *condition != WriteCondition::Always {
        condition.check(key.as_str(), existing(bucket, key)?.as_ref())?;
    }
    if key.is_marker() {
        return remove_marker(store, bucket, key);
    }
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

fn remove_marker(store: &Store, bucket: &Bucket, key: &ObjectKey) -> Result<bool, Error> {
    let directory = match directories::open(bucket, key.path()) {
        Ok(Some(directory)) => directory,
        Ok(None) | Err(Error::KeyConflict { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    if !matches!(attributes::read(&directory)?, Read::Absent) {
        attributes::remove(&directory)?;
        sync_directory(&directory)?;
    }
    directories::remove_empty(bucket, key.parent(), key.name(), &store.durable)
}

fn is_directory(parent: &OwnedFd, name: &str) -> bool {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
}

/// Puts on disk what was removed below `path`, if that directory still exists.
pub(super) fn sync_removed(bucket: &Bucket, path: &str) -> Result<(), Error> {
    match directories::open(bucket, path) {
        Ok(Some(directory)) => sync_directory(&directory),
        Ok(None) | Err(_) => Ok(()),
    }
}
