//! Files that hold secrets: readable by their owner alone, whole or absent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that takes its place only when it is complete; dropped before that, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    path: PathBuf,
    draft: PathBuf,
    file: Option<File>,
}

impl PrivateFile {
    /// Makes a draft beside `path`, so that a place that cannot be written to is known before the secret exists.
    pub(crate) fn prepare(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        if path.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let mut draft_name = std::ffi::OsString::from(".");
        draft_name.push(name);
        draft_name.push(format!(".{}.draft", std::process::id()));
        let draft = path.with_file_name(draft_name);
        let file = match open_new(&draft) {
            // Left by a process that was killed and had our number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&draft)?;
                open_new(&draft)?
            }
            other => other?,
        };
        Ok(Self { path: path.to_owned(), draft, file: Some(file) })
    }

    /// Writes `bytes` and moves the file to its place, on the disk when this returns.
    pub(crate) fn commit(mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.write_all(bytes)?;
            file.sync_all()?;
            if let Err(error) = fs::rename(&self.draft, &self.path) {
                let _ = fs::remove_file(&self.draft);
                return Err(error);
            }
            sync_directory_of(&self.path)?;
        }
        Ok(())
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.draft);
        }
    }
}

/// Opens a file that does not exist yet, so that nobody can have it open or point it elsewhere.
fn open_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_private_and_replaces_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.share");
        fs::write(&path, "old").unwrap();
        PrivateFile::prepare(&path).unwrap().commit(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_draft_that_is_dropped_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        drop(PrivateFile::prepare(&directory.path().join("a.share")).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_cannot_be_written_over() {
        let directory = tempfile::tempdir().unwrap();
        assert!(PrivateFile::prepare(directory.path()).is_err());
    }
}
