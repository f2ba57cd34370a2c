//! One server per data directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::Error;

/// Held as long as a server works on a data directory; the kernel frees it with the process.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Makes `data_dir` and its private directory where they are missing, and locks them.
    pub(super) fn take(data_dir: &Path, private_dir: &Path) -> Result<Self, Error> {
        let failed = |source| Error::DataDirectory { path: data_dir.to_owned(), source };
        std::fs::create_dir_all(data_dir).map_err(failed)?;
        let made = DirBuilder::new().mode(0o700).recursive(true).create(private_dir);
        made.map_err(failed)?;
        let path = private_dir.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(Error::Locked { path: data_dir.to_owned() }),
            Err(error) => Err(failed(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_on_the_directory_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let private = dir.path().join(".lakeshare");
        let first = DirectoryLock::take(dir.path(), &private).unwrap();
        assert!(matches!(DirectoryLock::take(dir.path(), &private), Err(Error::Locked { .. })));
        drop(first);
        DirectoryLock::take(dir.path(), &private).unwrap();
    }
}
