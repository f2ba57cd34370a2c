//! Files that are on their way to a name.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, OFlags};
use uuid::Uuid;

use super::error::{Error, io};
use super::layout::FILE_MODE;

/// A temporary file that disappears unless it is published.
#[derive(Debug)]
pub struct Temporary {
    pub directory: Arc<OwnedFd>,
    pub name: String,
    is_published: bool,
}

impl Temporary {
    /// Makes an empty file under a name that nobody else has.
    pub fn create(directory: &Arc<OwnedFd>) -> Result<(Self, File), Error> {
        let name = Uuid::new_v4().simple().to_string();
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file =
            rustix::fs::openat(directory, &name, flags, FILE_MODE).map_err(io("making a temporary file"))?;
        Ok((Self { directory: Arc::clone(directory), name, is_published: false }, File::from(file)))
    }

    /// The file has another name now, and its temporary one is gone.
    pub fn published(&mut self) {
        self.is_published = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_published {
            // What cannot be removed now is removed at the next start.
            let _ = rustix::fs::unlinkat(&self.directory, &self.name, AtFlags::empty());
        }
    }
}
