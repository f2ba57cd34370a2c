//! The directories of the spill, and how a file comes into them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_128;

use super::error::{Error, Fault};
use crate::state::record::TableSource;

/// Where snapshots lie on disk. A file comes whole, under a name that no other file has had, or not at all.
#[derive(Debug)]
pub(super) struct Place {
    segments: PathBuf,
    manifests: PathBuf,
    temporary: PathBuf,
    next_temporary: AtomicU64,
}

/// Of the manifest of a table: the name of its file.
pub(super) fn name_of(source: &TableSource) -> u128 {
    // No bucket has a NUL in its name, so bucket and location cannot run into each other.
    let (bucket, location) = (source.bucket(), source.location());
    xxh3_128(format!("{bucket}\0{location}").as_bytes())
}

impl Place {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            segments: root.join("segments"),
            manifests: root.join("manifests"),
            temporary: root.join("tmp"),
            next_temporary: AtomicU64::new(0),
        }
    }

    /// Makes the directories where they are missing.
    pub(super) fn make(&self) -> Result<(), Error> {
        for directory in [&self.segments, &self.manifests, &self.temporary] {
            fs::create_dir_all(directory).map_err(|error| Fault::Io(error).at(directory))?;
        }
        Ok(())
    }

    pub(super) fn segment(&self, digest: u128) -> PathBuf {
        self.segments.join(format!("{digest:032x}"))
    }

    pub(super) fn manifest(&self, name: u128) -> PathBuf {
        self.manifests.join(format!("{name:032x}"))
    }

    /// Writes a file under a temporary name, makes it durable and gives it the name that `write` returns.
    pub(super) fn write_file<T>(
        &self,
        write: impl FnOnce(&mut File) -> Result<(PathBuf, T), Fault>,
    ) -> Result<T, Error> {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let path = self.temporary.join(number.to_string());
        let written = File::create(&path).map_err(Fault::Io).and_then(|mut file| {
            let (target, result) = write(&mut file)?;
            file.sync_all()?;
            fs::rename(&path, target)?;
            Ok(result)
        });
        written.map_err(|fault| {
            // What cannot be written, for lack of space for instance, must not stay and take space.
            let _ = fs::remove_file(&path);
            fault.at(&path)
        })
    }

    /// Makes the names of new segments durable.
    pub(super) fn sync_segments(&self) -> Result<(), Error> {
        let sync = || File::open(&self.segments)?.sync_all();
        sync().map_err(|error| Fault::Io(error).at(&self.segments))
    }

    /// Removes what a dead server was about to write.
    pub(super) fn clear_temporary(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Names and sizes of all segments.
    pub(super) fn list_segments(&self) -> io::Result<Vec<(u128, fs::Metadata)>> {
        list(&self.segments)
    }

    /// Names and facts of all manifests.
    pub(super) fn list_manifests(&self) -> io::Result<Vec<(u128, fs::Metadata)>> {
        list(&self.manifests)
    }
}

fn list(directory: &Path) -> io::Result<Vec<(u128, fs::Metadata)>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        // Files of other names are not ours.
        if let Some(name) = name.to_str().and_then(|name| u128::from_str_radix(name, 16).ok()) {
            found.push((name, entry.metadata()?));
        }
    }
    Ok(found)
}

/// Removes a file; whether it is there is all the same.
pub(super) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file of a snapshot cannot be removed");
    }
}
