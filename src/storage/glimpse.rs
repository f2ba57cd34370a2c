//! What an embedded bucket has under a name, told at once.
//!
//! Whether a table has changed is asked about files whose names are known. Asked through a store each question costs some
//! changes of threads, asked of the kernel about a microsecond. What is not plain is left to the store.

use std::path::Path;
use std::sync::Arc;

use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::table_store::ObjectInfo;

/// What a look at a name shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glimpse<T = ObjectInfo> {
    /// Of an object, the same as the store says of it.
    There(T),
    Absent,
    /// Only the store can tell.
    Unclear,
}

/// A state of a directory: whatever is put into it or taken out makes it another one, if the directory was left alone for
/// longer than the file system's clock takes to tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryMark {
    device: u64,
    inode: u64,
    changed_seconds: i64,
    changed_nanos: u64,
}

impl DirectoryMark {
    /// When its state began, in milliseconds since the Unix epoch by the file system's clock.
    pub fn changed_ms(&self) -> i64 {
        let millis = i64::try_from(self.changed_nanos / 1_000_000).unwrap_or_default();
        self.changed_seconds.saturating_mul(1_000).saturating_add(millis)
    }
}

/// The directory of all embedded buckets; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// `None`: nothing can be told from here.
    directory: Option<Arc<OwnedFd>>,
}

impl Root {
    pub(super) fn open(data_dir: &Path) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self { directory: rustix::fs::open(data_dir, flags, Mode::empty()).ok().map(Arc::new) }
    }

    /// Looks at the object `key` of the table at `location` in `bucket`. No symbolic link is followed.
    pub(super) fn look(&self, place: [&str; 3]) -> Glimpse {
        self.opened(place, OFlags::PATH, |file| info(&rustix::fs::fstat(&file)?).ok_or(Errno::NOTSUP))
    }

    /// Looks at the directory `key` of the table at `location` in `bucket`.
    pub(super) fn look_at_directory(&self, place: [&str; 3]) -> Glimpse<DirectoryMark> {
        self.opened(place, OFlags::PATH | OFlags::DIRECTORY, |directory| {
            let stat = rustix::fs::fstat(&directory)?;
            Ok(DirectoryMark {
                device: stat.st_dev,
                inode: stat.st_ino,
                changed_seconds: stat.st_ctime,
                changed_nanos: stat.st_ctime_nsec,
            })
        })
    }

    /// What an object of at most `bytes_max` holds; of a larger one only the store can tell.
    pub(super) fn read(&self, place: [&str; 3], bytes_max: usize) -> Glimpse<Vec<u8>> {
        // Who opens a pipe must not wait for its writer.
        self.opened(place, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY, |file| {
            info(&rustix::fs::fstat(&file)?).ok_or(Errno::NOTSUP)?;
            let mut bytes = vec![0; bytes_max + 1];
            let mut length = 0;
            while let Some(room) = bytes.get_mut(length..).filter(|room| !room.is_empty()) {
                match rustix::io::read(&file, room)? {
                    0 => break,
                    count => length += count,
                }
            }
            bytes.truncate(length);
            if length > bytes_max { Err(Errno::FBIG) } else { Ok(bytes) }
        })
    }

    fn opened<T>(
        &self,
        [bucket, location, key]: [&str; 3],
        flags: OFlags,
        see: impl FnOnce(OwnedFd) -> Result<T, Errno>,
    ) -> Glimpse<T> {
        let Some(directory) = &self.directory else { return Glimpse::Unclear };
        // How a store spells such names in a file system is its own business.
        if location.contains('%') || location.contains("//") {
            return Glimpse::Unclear;
        }
        let path = [bucket, location, key].join("/");
        let links = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(directory, path, flags | OFlags::CLOEXEC, Mode::empty(), links) {
            Ok(file) => see(file).map_or(Glimpse::Unclear, Glimpse::There),
            Err(Errno::NOENT) => Glimpse::Absent,
            Err(_) => Glimpse::Unclear,
        }
    }
}

/// What the store would say, its tag included; `None` if it is no file, or from before 1970.
fn info(stat: &Stat) -> Option<ObjectInfo> {
    const MICROS: u64 = 1_000_000;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let seconds = u64::try_from(stat.st_mtime).ok()?;
    let micros = seconds.checked_mul(MICROS)?.checked_add(stat.st_mtime_nsec / 1_000)?;
    let size_bytes = u64::try_from(stat.st_size).ok()?;
    Some(ObjectInfo {
        size_bytes,
        modified_ms: i64::try_from(micros / 1_000).ok()?,
        tag: Some(format!("\"{:x}-{micros:x}-{size_bytes:x}\"", stat.st_ino)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Buckets;
    use super::*;

    #[tokio::test]
    async fn a_glimpse_is_what_the_store_says_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let table = dir.path().join("b/t");
        std::fs::create_dir_all(table.join("_delta_log/folder")).unwrap();
        std::fs::write(table.join("_delta_log/0.json"), "{}").unwrap();
        std::os::unix::fs::symlink(table.join("_delta_log/0.json"), table.join("_delta_log/link")).unwrap();
        std::os::unix::fs::symlink("t", dir.path().join("b/u")).unwrap();
        let buckets = Buckets::embedded(dir.path().to_owned());
        let store = buckets.open("b", "t").unwrap();
        let told = store.head("_delta_log/0.json").await.unwrap().unwrap();
        let has_openat2 = {
            let (flags, links) = (OFlags::PATH | OFlags::CLOEXEC, ResolveFlags::BENEATH);
            let directory = rustix::fs::open(dir.path(), flags, Mode::empty()).unwrap();
            !matches!(rustix::fs::openat2(directory, "b", flags, Mode::empty(), links), Err(Errno::NOSYS))
        };
        let or_unclear = |told| if has_openat2 { told } else { Glimpse::Unclear };
        assert_eq!(buckets.glimpse("b", "t", "_delta_log/0.json"), or_unclear(Glimpse::There(told)));
        assert_eq!(buckets.glimpse("b", "t", "_delta_log/1.json"), or_unclear(Glimpse::Absent));
        assert_eq!(buckets.glimpse("c", "t", "_delta_log/0.json"), or_unclear(Glimpse::Absent));
        for (location, key) in [
            ("t", "_delta_log/link"),
            ("t", "_delta_log/folder"),
            ("u", "_delta_log/0.json"),
            ("t", "../../../x"),
            ("t%20", "_delta_log/0.json"),
        ] {
            assert_eq!(buckets.glimpse("b", location, key), Glimpse::Unclear, "{location} {key}");
        }
    }
}
