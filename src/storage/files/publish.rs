//! A whole file becomes an object: at once, durably, conditionally.
//!
//! The order is: attributes and bytes to disk, then the name, then the directory to disk, then the answer.
//! A crash before the name leaves a temporary file, which the next start removes; a crash after it leaves
//! the whole object. Nothing in between is visible.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::attributes::{self, Attributes, Known};
use super::data_dir::DataDir;
use super::directories::{self, conflict};
use super::error::Error;
use super::layout::{Bucket, sync_directory};
use super::look::existing;
use super::object_path::ObjectKey;
use super::temporary::Temporary;
use crate::limits::objects::PUBLISH_ATTEMPTS_MAX;

/// Decides by what lies under a key; a refusal is the caller's own.
pub type Check<'a, E> = &'a dyn Fn(Option<&Known>) -> Result<(), E>;

/// When a file may take a name.
pub enum Rule<'a, E> {
    /// Always, whatever has it now.
    Replace,
    /// While the check holds.
    ReplaceIf(Check<'a, E>),
    /// While nothing has it; what the check says of an object becomes the answer.
    New(Check<'a, E>),
}

/// A key in a bucket that may be another one by the time of the next look.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub bucket: &'a str,
    pub key: &'a ObjectKey,
}

/// Puts the bytes of `file` and what is known of them on disk; the file gives its size and time.
pub fn seal(file: &File, mut attributes: Attributes) -> Result<(), Error> {
    let fresh = Known::of(file)?;
    attributes.size = fresh.size;
    attributes.modified_ns = fresh.modified_ns;
    attributes::write(file, &attributes)?;
    file.sync_all().map_err(|source| Error::Io { doing: "writing an object to disk", source })
}

/// Gives a sealed file its name, which is on disk on return.
///
/// Errors: what the rule's check says; a part of the path is an object, or the key a directory of others.
pub fn give_name<E: From<Error>>(
    files: &DataDir,
    place: &Place<'_>,
    temporary: &mut Temporary,
    rule: &Rule<'_, E>,
) -> Result<(), E> {
    let Place { bucket, key } = *place;
    let _held = files.locks.hold(bucket, key.path());
    for _ in 0..PUBLISH_ATTEMPTS_MAX {
        // Opened again each time: the bucket may have been removed, and be another one now.
        let bucket = files.layout.bucket(bucket)?;
        if let Rule::ReplaceIf(check) | Rule::New(check) = rule {
            check(existing(&bucket, key)?.as_ref())?;
        }
        let Some(parent) = directories::open_or_make(&bucket, key.parent(), &files.durable)? else {
            continue;
        };
        match move_to(temporary, &parent, key.name(), matches!(rule, Rule::New(_))) {
            Ok(()) => return Ok(sync_directory(&parent)?),
            Err(Errno::NOENT) => {}
            Err(Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY) => make_way(files, &bucket, key, rule)?,
            Err(errno) => return Err(conflict(key.as_str(), errno).into()),
        }
    }
    Err(Error::Contended { key: key.as_str().to_owned() }.into())
}

/// Moves the temporary file to its name; over what is there only if it need not be new.
fn move_to(temporary: &mut Temporary, parent: &OwnedFd, name: &str, is_new: bool) -> rustix::io::Result<()> {
    let from = temporary.directory.as_fd();
    if !is_new {
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

/// Something lies under the name already. An object decides by the rule; an empty directory makes way.
fn make_way<E: From<Error>>(
    files: &DataDir,
    bucket: &Bucket,
    key: &ObjectKey,
    rule: &Rule<'_, E>,
) -> Result<(), E> {
    if let Some(known) = existing(bucket, key)? {
        return match rule {
            Rule::Replace => Ok(()),
            Rule::ReplaceIf(check) | Rule::New(check) => check(Some(&known)),
        };
    }
    // No lock is taken here: the key's own lock is that of a directory of the same path.
    if directories::remove_empty(bucket, key.parent(), key.name(), &files.durable)? {
        return Ok(());
    }
    Err(conflict(key.as_str(), Errno::ISDIR).into())
}
