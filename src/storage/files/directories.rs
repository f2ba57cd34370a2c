//! Directories of keys: made durable for a new object, removed when empty.
//!
//! Between making a directory and putting the object into it, another request may remove it as empty.
//! The putting then fails with `ENOENT` and is repeated; so nobody needs a lock on a whole path.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::attributes::{self, Read};
use super::error::{Error, io};
use super::layout::{Bucket, DIRECTORY, DIRECTORY_MODE, sync_directory};
use super::locks::KeyLocks;
use super::object_path::{ObjectKey, open_beneath};
use crate::limits::objects::DURABLE_DIRECTORIES_MAX;

/// Directories whose own names are known to be on disk, by device and inode.
#[derive(Debug, Default)]
pub struct Durable {
    known: Mutex<HashSet<(u64, u64)>>,
}

impl Durable {
    fn holds(&self, identity: (u64, u64)) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&identity)
    }

    fn remember(&self, identity: (u64, u64)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DURABLE_DIRECTORIES_MAX {
            known.clear();
        }
        known.insert(identity);
    }

    /// Removes and forgets a directory in one step, for its inode may come back under another name at once.
    fn remove(&self, identity: (u64, u64), removal: impl FnOnce() -> bool) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let removed = removal();
        if removed {
            known.remove(&identity);
        }
        removed
    }
}

/// Opens the directory `path` of `bucket`; what is missing is made, and its names are on disk on return.
///
/// Errors: `Ok(None)` if others removed a part of it meanwhile, so that the caller tries again; a file or a
/// symbolic link in the way.
pub fn open_or_make(bucket: &Bucket, path: &str, durable: &Durable) -> Result<Option<OwnedFd>, Error> {
    let whole = open(bucket, path)?;
    if let Some(directory) = whole
        && durable.holds(identity(&directory)?)
    {
        return Ok(Some(directory));
    }
    let mut parent = open(bucket, "")?;
    let ends = path.match_indices('/').map(|(index, _)| index).chain([path.len()]);
    for end in ends.filter(|end| *end > 0) {
        let Some(above) = parent else { return Ok(None) };
        let step = path.get(..end).unwrap_or(path);
        let name = step.rsplit_once('/').map_or(step, |(_, name)| name);
        let is_new = match rustix::fs::mkdirat(&above, name, DIRECTORY_MODE) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(conflict(path, errno)),
        };
        parent = open(bucket, step)?;
        if let Some(directory) = &parent {
            let identity = identity(directory)?;
            if is_new || !durable.holds(identity) {
                sync_directory(&above)?;
                durable.remember(identity);
            }
        }
    }
    Ok(parent)
}

/// Opens an existing directory of `bucket` for reading; `None` if there is none.
///
/// Errors: a file in the way, a symbolic link that leads out.
pub fn open(bucket: &Bucket, path: &str) -> Result<Option<OwnedFd>, Error> {
    match open_beneath(&bucket.directory, path, DIRECTORY, Mode::empty()) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(conflict(path, errno)),
    }
}

/// The fault that stands behind an `errno` met on the way to `path`.
pub fn conflict(path: &str, errno: Errno) -> Error {
    let key = path.to_owned();
    match errno {
        Errno::NOTDIR => Error::KeyConflict { key, reason: "a part of its path is an object" },
        Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST => {
            Error::KeyConflict { key, reason: "other keys lie below it" }
        }
        Errno::XDEV | Errno::LOOP => Error::LeadsOut { key },
        Errno::NAMETOOLONG => Error::KeyTooLong,
        Errno::INVAL | Errno::ILSEQ => Error::Key { reason: "the file system takes no such name" },
        errno => io("reaching a key")(errno),
    }
}

/// Removes the directories above `key` that hold nothing any more, up to the bucket; a marker stays.
pub fn prune(bucket: &Bucket, key: &ObjectKey, locks: &KeyLocks, durable: &Durable) {
    let mut path = key.parent();
    while !path.is_empty() {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let held = locks.hold(&bucket.name, path);
        // What cannot be removed stays as an empty directory, which no listing shows.
        let removed = remove_empty(bucket, above, name, durable).unwrap_or(false);
        drop(held);
        if !removed {
            return;
        }
        path = above;
    }
}

/// Removes the directory `name` in `above` if it is empty and no marker. The caller holds its lock.
pub fn remove_empty(bucket: &Bucket, above: &str, name: &str, durable: &Durable) -> Result<bool, Error> {
    let Some(parent) = open(bucket, above)? else { return Ok(false) };
    let directory = match open_beneath(&parent, name, DIRECTORY, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::NOENT) => return Ok(false),
        Err(errno) => return Err(conflict(name, errno)),
    };
    if matches!(attributes::read(&directory)?, Read::Record(_)) {
        return Ok(false);
    }
    let identity = identity(&directory)?;
    Ok(durable.remove(identity, || rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR).is_ok()))
}

fn identity(directory: &OwnedFd) -> Result<(u64, u64), Error> {
    let stat = rustix::fs::fstat(directory).map_err(io("looking at a directory"))?;
    Ok((stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::super::layout::Layout;
    use super::*;

    fn bucket_in(dir: &std::path::Path) -> Bucket {
        std::fs::create_dir(dir.join("b")).unwrap();
        Layout::open(dir).unwrap().bucket("b").unwrap()
    }

    #[test]
    fn missing_directories_are_made_and_removed_again_when_empty() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = bucket_in(dir.path());
        let durable = Durable::default();
        assert!(open_or_make(&bucket, "x/y/z", &durable).unwrap().is_some());
        assert!(dir.path().join("b/x/y/z").is_dir());
        std::fs::write(dir.path().join("b/x/kept"), "").unwrap();
        prune(&bucket, &ObjectKey::parse("x/y/z/gone").unwrap(), &KeyLocks::default(), &durable);
        assert!(!dir.path().join("b/x/y").exists());
        assert!(dir.path().join("b/x/kept").exists());
    }

    #[test]
    fn a_file_on_the_way_is_a_conflict() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = bucket_in(dir.path());
        std::fs::write(dir.path().join("b/x"), "").unwrap();
        let refused = open_or_make(&bucket, "x/y", &Durable::default());
        assert!(matches!(refused, Err(Error::KeyConflict { .. })), "{refused:?}");
    }

    #[test]
    fn a_link_out_of_the_bucket_is_no_directory_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = bucket_in(dir.path());
        std::os::unix::fs::symlink("/tmp", dir.path().join("b/out")).unwrap();
        for path in ["out", "out/deeper"] {
            let refused = open_or_make(&bucket, path, &Durable::default());
            assert!(matches!(refused, Err(Error::LeadsOut { .. })), "{path}: {refused:?}");
        }
    }
}
