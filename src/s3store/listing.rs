//! Sorted names of one directory, and a bounded cache of them.
//!
//! S3 lists keys in byte order, in which a directory counts as its name with a slash. A page of a listing
//! needs the names of a directory sorted; so that the next page does not read and sort a large directory
//! again, the sorted names are kept under the directory's identity and modification time. A directory
//! that changed a moment ago is not kept: its next change could carry the same time.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

use super::error::{Error, io};
use crate::limits::objects::LISTING_CACHE_BYTES;
use crate::storage::files::attributes::modified_ns;
use crate::storage::files::layout::Bucket;
use crate::storage::files::object_path::{EMPTY_PART, open_beneath};

/// Age from which a directory's modification time tells its content, on clocks of nanoseconds.
const SETTLED_NS: i64 = 100_000_000;

/// The same where the file system keeps whole seconds only.
const SETTLED_COARSE_NS: i64 = 3_000_000_000;

/// The names of a directory in S3's order; those of directories end in a slash, and that of an empty part is a slash.
#[derive(Debug, Default)]
pub(super) struct Listing {
    text: String,
    ends: Vec<u32>,
}

impl Listing {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The name at `index`; empty past the end.
    pub(super) fn name(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// The first index whose name does not satisfy `is_before`, which must hold for a head of the names.
    pub(super) fn partition_point(&self, is_before: impl Fn(&str) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(self.name(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn sorted(mut names: Vec<Box<str>>) -> Self {
        names.sort_unstable();
        let mut listing = Self {
            text: String::with_capacity(names.iter().map(|name| name.len()).sum()),
            ends: Vec::with_capacity(names.len()),
        };
        for name in names {
            listing.text.push_str(&name);
            listing.ends.push(u32::try_from(listing.text.len()).unwrap_or(u32::MAX));
        }
        listing
    }

    fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<u32>() + 128
    }
}

type Identity = (u64, u64);

#[derive(Debug)]
struct Kept {
    modified_ns: i64,
    listing: Arc<Listing>,
    used: u64,
}

#[derive(Debug, Default)]
struct Shelf {
    kept: HashMap<Identity, Kept>,
    /// From the least to the most recently used.
    order: BTreeMap<u64, Identity>,
    bytes: usize,
    clock: u64,
}

impl Shelf {
    fn take(&mut self, identity: Identity) -> Option<Kept> {
        let kept = self.kept.remove(&identity)?;
        self.order.remove(&kept.used);
        self.bytes = self.bytes.saturating_sub(kept.listing.bytes());
        Some(kept)
    }

    fn put(&mut self, identity: Identity, modified_ns: i64, listing: Arc<Listing>) {
        self.take(identity);
        if listing.bytes() > LISTING_CACHE_BYTES {
            return;
        }
        self.clock += 1;
        self.bytes += listing.bytes();
        self.order.insert(self.clock, identity);
        self.kept.insert(identity, Kept { modified_ns, listing, used: self.clock });
        while self.bytes > LISTING_CACHE_BYTES {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.take(oldest);
        }
    }
}

/// The most recently used listings, by directory.
#[derive(Debug, Default)]
pub(super) struct ListingCache {
    shelf: Mutex<Shelf>,
}

impl ListingCache {
    /// The sorted names of the open directory `directory`, which lies at `path` (of files; empty, or ending in a slash).
    pub(super) fn read(
        &self,
        bucket: &Bucket,
        path: &str,
        directory: &OwnedFd,
        now_ms: i64,
    ) -> Result<Arc<Listing>, Error> {
        let stat = look(directory)?;
        let identity = (stat.st_dev, stat.st_ino);
        let modified = modified_ns(&stat);
        {
            let mut kept_ones = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = kept_ones.take(identity)
                && kept.modified_ns == modified
            {
                kept_ones.put(identity, modified, Arc::clone(&kept.listing));
                return Ok(kept.listing);
            }
        }
        let listing = Arc::new(read_sorted(bucket, path, directory)?);
        let unchanged = modified_ns(&look(directory)?) == modified;
        if unchanged && is_settled(modified, now_ms) {
            let mut kept_ones = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
            kept_ones.put(identity, modified, Arc::clone(&listing));
        }
        Ok(listing)
    }
}

fn look(directory: &OwnedFd) -> Result<Stat, Error> {
    rustix::fs::fstat(directory).map_err(io("looking at a directory"))
}

fn is_settled(modified_ns: i64, now_ms: i64) -> bool {
    let coarse = modified_ns % 1_000_000_000 == 0;
    let needed = if coarse { SETTLED_COARSE_NS } else { SETTLED_NS };
    now_ms.saturating_mul(1_000_000).saturating_sub(modified_ns) > needed
}

fn read_sorted(bucket: &Bucket, path: &str, directory: &OwnedFd) -> Result<Listing, Error> {
    let mut names = Vec::new();
    for entry in entries(directory)? {
        let entry = entry.map_err(io("reading a directory"))?;
        // A name that is not UTF-8 cannot be a key.
        let Ok(name) = entry.file_name().to_str() else { continue };
        let found = entry_type(bucket, path, directory, name, entry.file_type());
        if name == EMPTY_PART {
            // A file of this name has no key.
            names.extend((found == FileType::Directory).then(|| "/".into()));
        } else if found == FileType::RegularFile {
            names.push(name.into());
        } else if found == FileType::Directory && !matches!(name, "." | "..") {
            names.push(format!("{name}/").into());
        }
    }
    Ok(Listing::sorted(names))
}

/// The entries of an open directory, from the first.
pub(super) fn entries(directory: impl AsFd) -> Result<Dir, Error> {
    Dir::read_from(directory).map_err(io("reading a directory"))
}

/// What lies under `name`: a link counts as the file of its bucket that it leads to, and as nothing else.
///
/// A link to a directory is not walked, for it may lead to a directory above itself.
pub(super) fn entry_type(
    bucket: &Bucket,
    path: &str,
    directory: &OwnedFd,
    name: &str,
    said: FileType,
) -> FileType {
    let found = if said == FileType::Unknown {
        rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
    } else {
        said
    };
    if found != FileType::Symlink {
        return found;
    }
    let target = open_beneath(&bucket.directory, &format!("{path}{name}"), OFlags::PATH, Mode::empty())
        .and_then(rustix::fs::fstat)
        .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
    if target == FileType::RegularFile { target } else { FileType::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::storage::files::layout::Layout;

    fn names(listing: &Listing) -> Vec<&str> {
        (0..listing.len()).map(|index| listing.name(index)).collect()
    }

    #[test]
    fn a_directory_sorts_as_its_name_with_a_slash() {
        let listing = Listing::sorted(vec!["a0".into(), "a/".into(), "a-b".into(), "a.txt".into()]);
        assert_eq!(names(&listing), ["a-b", "a.txt", "a/", "a0"]);
        assert_eq!(listing.partition_point(|name| name < "a/"), 2);
        assert_eq!(listing.name(4), "");
    }

    #[test]
    fn a_directory_that_just_changed_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("b");
        std::fs::create_dir(&at).unwrap();
        let bucket = Layout::open(dir.path()).unwrap().bucket("b").unwrap();
        let cache = ListingCache::default();
        let clock = Clock::system();
        for count in 1..20 {
            std::fs::write(at.join(format!("f{count:02}")), "").unwrap();
            let listing = cache.read(&bucket, "", &bucket.directory, clock.now_ms()).unwrap();
            assert_eq!(listing.len(), count, "a listing never misses what was written before it");
        }
    }

    #[test]
    fn a_settled_directory_is_kept_until_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("b");
        std::fs::create_dir(&at).unwrap();
        std::fs::write(at.join("one"), "").unwrap();
        let bucket = Layout::open(dir.path()).unwrap().bucket("b").unwrap();
        let cache = ListingCache::default();
        let later = Clock::system().now_ms() + 10_000;
        let first = cache.read(&bucket, "", &bucket.directory, later).unwrap();
        let again = cache.read(&bucket, "", &bucket.directory, later).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let name = std::ffi::CString::new("two").unwrap();
        drop(
            rustix::fs::openat(&*bucket.directory, &name, OFlags::CREATE | OFlags::WRONLY, Mode::RUSR)
                .unwrap(),
        );
        rustix::fs::futimens(
            &*bucket.directory,
            &rustix::fs::Timestamps {
                last_access: rustix::fs::Timespec { tv_sec: 1, tv_nsec: 1 },
                last_modification: rustix::fs::Timespec { tv_sec: 1, tv_nsec: 1 },
            },
        )
        .unwrap();
        assert_eq!(names(&cache.read(&bucket, "", &bucket.directory, later).unwrap()), ["one", "two"]);
    }

    #[test]
    fn the_least_recently_used_listing_leaves_first() {
        let mut shelf = Shelf::default();
        let large = || {
            let text = "x".repeat(LISTING_CACHE_BYTES / 2 - 1_000);
            let ends = vec![u32::try_from(text.len()).unwrap()];
            Arc::new(Listing { text, ends })
        };
        shelf.put((0, 1), 1, large());
        shelf.put((0, 2), 1, large());
        let kept = shelf.take((0, 1)).unwrap();
        shelf.put((0, 1), 1, kept.listing);
        shelf.put((0, 3), 1, large());
        assert!(shelf.kept.contains_key(&(0, 1)) && shelf.kept.contains_key(&(0, 3)));
        assert!(!shelf.kept.contains_key(&(0, 2)));
        assert!(shelf.bytes <= LISTING_CACHE_BYTES);
    }
}
