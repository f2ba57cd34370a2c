//! Where things lie in the data directory: buckets, temporary files, uploads.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::error::{Error, io};
use super::object_path::HIDDEN;
use crate::bucket_name;

/// Mode of new directories and files; the process's umask takes away from it.
pub const DIRECTORY_MODE: Mode = Mode::from_bits_truncate(0o777);
pub const FILE_MODE: Mode = Mode::from_bits_truncate(0o666);

/// Mode of our own directories: the state of the server lies beside them.
const PRIVATE_MODE: Mode = Mode::from_bits_truncate(0o700);

/// How directories are opened when their entries are read or they are synchronised.
pub const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The open data directory.
#[derive(Debug)]
pub struct Layout {
    data: OwnedFd,
    device: u64,
    temporary: Arc<OwnedFd>,
    uploads: OwnedFd,
}

/// One open bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub name: Arc<str>,
    pub directory: Arc<OwnedFd>,
    /// Where files wait until they are whole, on the bucket's own file system.
    pub temporary: Arc<OwnedFd>,
}

impl Layout {
    /// Opens `data_dir`, makes what is missing, and removes temporary files that a dead server left.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(data_dir)
            .map_err(|source| Error::Io { doing: "making the data directory", source })?;
        let data =
            rustix::fs::open(data_dir, DIRECTORY, Mode::empty()).map_err(io("opening the data directory"))?;
        let device = rustix::fs::fstat(&data).map_err(io("looking at the data directory"))?.st_dev;
        let hidden = make_directory(&data, HIDDEN)?;
        let temporary = make_directory(&hidden, "tmp")?;
        let uploads = make_directory(&hidden, "multipart")?;
        remove_files(&temporary)?;
        let layout = Self { data, device, temporary: Arc::new(temporary), uploads };
        for name in layout.bucket_names()? {
            layout.clean_bucket(&name)?;
        }
        Ok(layout)
    }

    /// Opens the bucket `name`. A symbolic link is no bucket: nothing leads out of the data directory.
    pub fn bucket(&self, name: &str) -> Result<Bucket, Error> {
        let missing = || Error::NoSuchBucket { bucket: name.to_owned() };
        if !bucket_name::is_served(name) {
            return Err(missing());
        }
        let directory =
            match rustix::fs::openat(&self.data, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Err(missing()),
                answer => answer.map_err(io("opening a bucket"))?,
            };
        let device = rustix::fs::fstat(&directory).map_err(io("looking at a bucket"))?.st_dev;
        let temporary = if device == self.device {
            Arc::clone(&self.temporary)
        } else {
            Arc::new(make_directory(&make_directory(&directory, HIDDEN)?, "tmp")?)
        };
        Ok(Bucket { name: name.into(), directory: Arc::new(directory), temporary })
    }

    /// Makes the bucket `name`, durably; false if something has the name already.
    pub fn make_bucket(&self, name: &str) -> Result<bool, Error> {
        let is_new = match rustix::fs::mkdirat(&self.data, name, DIRECTORY_MODE) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(io("making a bucket")(errno)),
        };
        sync_directory(&self.data)?;
        Ok(is_new)
    }

    /// The names of all buckets, sorted.
    pub fn bucket_names(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        let entries = rustix::fs::Dir::read_from(&self.data).map_err(io("reading the data directory"))?;
        for entry in entries {
            let entry = entry.map_err(io("reading the data directory"))?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if bucket_name::is_served(name) && is_directory(&self.data, name) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The data directory itself, in which buckets are made and removed.
    pub fn data(&self) -> &OwnedFd {
        &self.data
    }

    /// The directory of all uploads in parts, one directory for each bucket.
    pub fn uploads(&self) -> &OwnedFd {
        &self.uploads
    }

    /// The directory of temporary files on the file system of the data directory.
    pub fn temporary(&self) -> &Arc<OwnedFd> {
        &self.temporary
    }

    fn clean_bucket(&self, name: &str) -> Result<(), Error> {
        let path = format!("{name}/{HIDDEN}/tmp");
        match rustix::fs::openat(&self.data, path, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(temporary) => remove_files(&temporary),
            Err(_) => Ok(()),
        }
    }
}

fn is_directory(at: impl AsFd, name: &str) -> bool {
    rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir())
}

/// Opens our own directory `name` in `at`, made if it is missing.
pub fn make_directory(at: impl AsFd, name: &str) -> Result<OwnedFd, Error> {
    match rustix::fs::mkdirat(&at, name, PRIVATE_MODE) {
        Ok(()) => sync_directory(&at)?,
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(io("making a directory of the server")(errno)),
    }
    rustix::fs::openat(&at, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
        .map_err(io("opening a directory of the server"))
}

/// Puts the names in `directory` on disk; file systems that cannot say so with `EINVAL` do it by themselves.
pub fn sync_directory(directory: impl AsFd) -> Result<(), Error> {
    match rustix::fs::fsync(directory) {
        Ok(()) | Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(()),
        Err(errno) => Err(io("writing a directory to disk")(errno)),
    }
}

fn remove_files(directory: &OwnedFd) -> Result<(), Error> {
    for entry in rustix::fs::Dir::read_from(directory).map_err(io("cleaning temporary files"))? {
        let entry = entry.map_err(io("cleaning temporary files"))?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            // What cannot be removed costs space and nothing else.
            let _ = rustix::fs::unlinkat(directory, entry.file_name(), AtFlags::empty());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_of_a_dead_server_are_gone_after_the_start() {
        let dir = tempfile::tempdir().unwrap();
        drop(Layout::open(dir.path()).unwrap());
        let stale = dir.path().join(".lakeshare/tmp/stale");
        std::fs::write(&stale, "half an object").unwrap();
        drop(Layout::open(dir.path()).unwrap());
        assert!(!stale.exists());
    }

    #[test]
    fn only_real_directories_with_a_name_of_a_bucket_are_buckets() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["tables", "_hidden", ".dot", "with space"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("/etc", dir.path().join("link")).unwrap();
        let layout = Layout::open(dir.path()).unwrap();
        assert_eq!(layout.bucket_names().unwrap(), ["tables"]);
        assert!(layout.bucket("tables").is_ok());
        for name in ["_hidden", ".lakeshare", "link", "file", "..", "absent"] {
            assert!(matches!(layout.bucket(name), Err(Error::NoSuchBucket { .. })), "{name}");
        }
    }
}
