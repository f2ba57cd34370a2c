//! Keys of a bucket in S3's order, from any point.
//!
//! A walk is a stack of directories, each with its sorted names and a position. It starts in the deepest
//! directory that the prefix names, jumps to the first name after `after` by binary search, and never
//! opens a directory whose keys all fold into a common prefix that was returned already.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::error::{Error, io};
use super::listing::{Listing, entries, entry_type};
use super::store::Store;
use crate::storage::files::attributes::Known;
use crate::storage::files::directories;
use crate::storage::files::error::Error as FileError;
use crate::storage::files::layout::{Bucket, DIRECTORY};
use crate::storage::files::look::marker_of;
use crate::storage::files::object_path::{EMPTY_PART, FILE, HIDDEN, ObjectKey, open_beneath, path_of};

/// One answer of a walk.
#[derive(Debug)]
pub(super) enum Item {
    Object {
        key: String,
        known: Box<Known>,
    },
    /// A common prefix, ending in the delimiter.
    Prefix(String),
}

/// Which keys a walk returns.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) prefix: String,
    /// Empty: none.
    pub(super) delimiter: String,
    /// Only keys after this one.
    pub(super) after: String,
    /// A common prefix that an earlier page returned already.
    pub(super) folded: Option<String>,
}

/// A walk over one bucket.
pub(super) struct Walk<'a> {
    store: &'a Store,
    bucket: &'a Bucket,
    wanted: Wanted,
    now_ms: i64,
    frames: Vec<Frame>,
}

struct Frame {
    /// What its keys begin with: empty, or ending in a slash.
    path: String,
    directory: OwnedFd,
    listing: Arc<Listing>,
    next: usize,
    /// Whether the directory's own marker is still to be looked at.
    marker: bool,
}

impl<'a> Walk<'a> {
    /// Begins in the deepest directory that the prefix names; a prefix that no key can have gives an empty walk.
    pub(super) fn new(store: &'a Store, bucket: &'a Bucket, wanted: Wanted) -> Result<Self, Error> {
        let base =
            wanted.prefix.rfind('/').and_then(|slash| wanted.prefix.get(..=slash)).unwrap_or("").to_owned();
        let now_ms = store.clock.now_ms();
        let mut walk = Self { store, bucket, wanted, now_ms, frames: Vec::new() };
        let reachable = base.is_empty() || ObjectKey::parse(&base).is_ok();
        let past = walk.wanted.after > base && !walk.wanted.after.starts_with(&base);
        if reachable && !past {
            walk.enter(base)?;
        }
        Ok(walk)
    }

    /// The next key or common prefix; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Item>, Error> {
        loop {
            let Some(frame) = self.frames.last_mut() else { return Ok(None) };
            if std::mem::take(&mut frame.marker) {
                if let Some(item) = self.marker()? {
                    return Ok(Some(item));
                }
                continue;
            }
            if frame.next >= frame.listing.len() {
                self.frames.pop();
                continue;
            }
            let name = frame.listing.name(frame.next).to_owned();
            frame.next += 1;
            let key = format!("{}{name}", frame.path);
            if !key.starts_with(&self.wanted.prefix) {
                if key > self.wanted.prefix {
                    self.frames.pop();
                }
                continue;
            }
            if frame.path.is_empty() && name.strip_suffix('/') == Some(HIDDEN) {
                continue;
            }
            if let Some(folded) = self.fold(&key) {
                if let Some(item) = self.folded(&key, folded)? {
                    return Ok(Some(item));
                }
            } else if key.ends_with('/') {
                self.enter(key)?;
            } else if let Some(known) = self.look(&name, &key)? {
                return Ok(Some(Item::Object { key, known: Box::new(known) }));
            }
        }
    }

    /// Puts the directory `path` on the stack, at the first name that can be after `after`.
    fn enter(&mut self, path: String) -> Result<(), Error> {
        let opened = match self.frames.last() {
            // From its parent: what the parent's listing called a directory is one, and no link is followed.
            Some(above) => {
                let name = path_of(path.strip_prefix(above.path.as_str()).unwrap_or(&path));
                rustix::fs::openat(&above.directory, &*name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
            }
            None => open_beneath(&self.bucket.directory, &path_of(&path), DIRECTORY, Mode::empty()),
        };
        let directory = match opened {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::NAMETOOLONG) => {
                return Ok(());
            }
            Err(errno) => return Err(io("opening a directory")(errno)),
        };
        let listing = self.store.listings.read(self.bucket, &place_of(&path), &directory, self.now_ms)?;
        let (next, marker) = match self.wanted.after.strip_prefix(path.as_str()) {
            Some(rest) if !self.wanted.after.is_empty() => (first_after(&listing, rest), false),
            _ => (0, !path.is_empty()),
        };
        // The base directory alone can hold names before the prefix; a deeper one lies within it.
        let within = self.wanted.prefix.strip_prefix(path.as_str()).unwrap_or("");
        let next = next.max(listing.partition_point(|name| name < within));
        self.frames.push(Frame { path, directory, listing, next, marker });
        Ok(())
    }

    /// The marker of the directory on top, if it is one and has the prefix.
    fn marker(&self) -> Result<Option<Item>, Error> {
        let Some(frame) = self.frames.last() else { return Ok(None) };
        if !frame.path.starts_with(&self.wanted.prefix) {
            return Ok(None);
        }
        let known = marker_of(&frame.directory, || frame.listing.len() == 0)?;
        Ok(known.map(|known| Item::Object { key: frame.path.clone(), known: Box::new(known) }))
    }

    /// The common prefix into which `key` folds.
    fn fold(&self, key: &str) -> Option<String> {
        if self.wanted.delimiter.is_empty() {
            return None;
        }
        let start = self.wanted.prefix.len();
        let end = start + key.get(start..)?.find(&self.wanted.delimiter)? + self.wanted.delimiter.len();
        key.get(..end).map(str::to_owned)
    }

    /// Returns `folded` if it is new and has a key, and jumps over all names that fold into it.
    fn folded(&mut self, key: &str, folded: String) -> Result<Option<Item>, Error> {
        let is_new = self.wanted.folded.as_ref() != Some(&folded);
        let has_key = is_new && (!key.ends_with('/') || self.holds_object(key)?);
        if is_new && !has_key {
            return Ok(None);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.next = match folded.strip_prefix(frame.path.as_str()) {
                Some(rest) if !rest.is_empty() => {
                    let past = frame.listing.partition_point(|name| name < rest || name.starts_with(rest));
                    past.max(frame.next)
                }
                _ => frame.listing.len(),
            };
        }
        self.wanted.folded = Some(folded.clone());
        Ok(is_new.then_some(Item::Prefix(folded)))
    }

    /// Whether a key after `after` lies below the directory `path`; stops at the first.
    fn holds_object(&self, path: &str) -> Result<bool, Error> {
        if self.wanted.after.starts_with(path) {
            let wanted =
                Wanted { prefix: path.to_owned(), after: self.wanted.after.clone(), ..Wanted::default() };
            return Ok(Walk::new(self.store, self.bucket, wanted)?.next()?.is_some());
        }
        match directories::open(self.bucket, &path_of(path)) {
            Ok(Some(directory)) => has_any(self.bucket, &place_of(path), &directory),
            Ok(None) | Err(FileError::KeyConflict { .. } | FileError::LeadsOut { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What is known of the file `name` in the directory on top; `None` if it is gone or no file.
    fn look(&self, name: &str, key: &str) -> Result<Option<Known>, Error> {
        let Some(frame) = self.frames.last() else { return Ok(None) };
        let opened = match rustix::fs::openat(&frame.directory, name, FILE | OFlags::NOFOLLOW, Mode::empty())
        {
            Err(Errno::LOOP) => open_beneath(&self.bucket.directory, &path_of(key), FILE, Mode::empty()),
            answer => answer,
        };
        match opened {
            Ok(file) => {
                let is_file = rustix::fs::fstat(&file)
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
                if is_file { Ok(Some(Known::of(&file)?)) } else { Ok(None) }
            }
            // Not ours to read, but there: it is listed by what its directory tells.
            Err(Errno::ACCESS | Errno::PERM) => {
                let stat = rustix::fs::statat(&frame.directory, name, AtFlags::SYMLINK_NOFOLLOW);
                Ok(stat.ok().map(|stat| Known::plain(&stat)))
            }
            Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => Err(io("opening an object")(Errno::MFILE)),
            Err(_) => Ok(None),
        }
    }
}

/// Where the files of keys that begin with `path` lie: empty, or ending in a slash.
fn place_of(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{}/", path_of(path)) }
}

/// The first index whose keys can be after `rest`: a directory on the way to `rest` counts.
fn first_after(listing: &Listing, rest: &str) -> usize {
    let index = listing.partition_point(|name| name < rest);
    if listing.name(index) == rest && !rest.is_empty() && !rest.ends_with('/') {
        return index + 1;
    }
    match index.checked_sub(1) {
        Some(before) if listing.name(before).ends_with('/') && rest.starts_with(listing.name(before)) => {
            before
        }
        _ => index,
    }
}

/// Whether any object or marker lies at or below the open directory at `path` (of files; ending in a slash, or empty).
pub(super) fn has_any(bucket: &Bucket, path: &str, directory: &OwnedFd) -> Result<bool, Error> {
    let mut is_empty = true;
    for entry in entries(directory)? {
        let entry = entry.map_err(io("reading a directory"))?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") || (path.is_empty() && name == HIDDEN) {
            continue;
        }
        is_empty = false;
        let found = entry_type(bucket, path, directory, name, entry.file_type());
        if found == FileType::RegularFile && name != EMPTY_PART {
            return Ok(true);
        }
        if found == FileType::Directory
            && let Ok(below) =
                rustix::fs::openat(directory, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
            && has_any(bucket, &format!("{path}{name}/"), &below)?
        {
            return Ok(true);
        }
    }
    Ok(!path.is_empty() && marker_of(directory, || is_empty)?.is_some())
}
