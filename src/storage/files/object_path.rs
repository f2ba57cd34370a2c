//! Keys, and the one way from them to files.
//!
//! A key is a path below its bucket; an empty part of it (`a//b`, `/a`), which no file system has, is a directory
//! of a name that belongs to us. What could leave the bucket is refused by form (`..`, NUL), and what could leave it
//! through the file system (symbolic links) by the kernel: `openat2` with `RESOLVE_BENEATH`. Where the kernel does not answer that call, the path is walked part by part and no
//! symbolic link is followed at all.

use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::error::Error;
use crate::limits::objects::{KEY_BYTES_MAX, KEY_SEGMENT_BYTES_MAX};

/// The directory that holds what is ours: in the data directory, and in buckets on other file systems.
pub const HIDDEN: &str = ".lakeshare";

/// The directory that stands for an empty part of a key, wherever in a bucket it lies.
pub const EMPTY_PART: &str = ".lakeshare-empty";

/// Attempts at one `openat2` that the kernel asks to repeat because something was renamed meanwhile.
const OPEN_ATTEMPTS_MAX: usize = 32;

/// How files are opened: never waits (a pipe would), never becomes the terminal.
pub const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// The key of an object, safe to be used as a path below its bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    text: Box<str>,
    /// The path below the bucket, where it is not the text.
    path: Option<Box<str>>,
}

impl ObjectKey {
    /// Takes `text` if it can be a path below a bucket.
    ///
    /// Errors: empty, or too long as a whole or between two slashes; parts `.` or `..`; NUL; names that are ours.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > KEY_BYTES_MAX {
            return Err(Error::KeyTooLong);
        }
        if text.bytes().any(|byte| byte == 0) {
            return Err(Error::Key { reason: "it holds a NUL byte" });
        }
        if text.is_empty() {
            return Err(Error::Key { reason: "it is empty" });
        }
        let path = text.strip_suffix('/').unwrap_or(text);
        for part in path.split('/') {
            match part {
                EMPTY_PART => {
                    return Err(Error::Key { reason: "the name .lakeshare-empty belongs to the server" });
                }
                "." | ".." => return Err(Error::Key { reason: "it has a part . or .." }),
                long if long.len() > KEY_SEGMENT_BYTES_MAX => return Err(Error::KeyTooLong),
                _ => {}
            }
        }
        if path.split('/').next() == Some(HIDDEN) {
            return Err(Error::Key { reason: "the name .lakeshare belongs to the server" });
        }
        let path = match path_of(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(path) => Some(path.into()),
        };
        Ok(Self { text: text.into(), path })
    }

    /// The key as the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the key ends in a slash: a marker, which is a directory and holds no bytes.
    pub fn is_marker(&self) -> bool {
        self.text.ends_with('/')
    }

    /// The path below the bucket, without a slash at either end.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or_else(|| self.text.strip_suffix('/').unwrap_or(&self.text))
    }

    /// The path of the directory that holds the object; empty for the bucket itself.
    pub fn parent(&self) -> &str {
        self.path().rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        let path = self.path();
        path.rsplit_once('/').map_or(path, |(_, name)| name)
    }
}

/// The path of a key below its bucket, without the last slash of a marker; the empty text is the bucket itself.
pub fn path_of(key: &str) -> Cow<'_, str> {
    let path = key.strip_suffix('/').unwrap_or(key);
    if key.is_empty() || path.split('/').all(|part| !part.is_empty()) {
        return Cow::Borrowed(path);
    }
    let parts: Vec<&str> =
        path.split('/').map(|part| if part.is_empty() { EMPTY_PART } else { part }).collect();
    Cow::Owned(parts.join("/"))
}

/// Opens `path` below `directory` and nowhere else; the empty path is the directory itself.
///
/// Errors: those of `openat2`; `XDEV` or `LOOP` when a symbolic link leads out.
pub fn open_beneath(
    directory: impl AsFd,
    path: &str,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    open_resolved(directory.as_fd(), path, (flags, mode), ResolveFlags::NO_MAGICLINKS)
}

/// The same for a directory on a way without symbolic links, which answer `LOOP` or `NOTDIR`.
pub fn open_directory_plainly(directory: impl AsFd, path: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    open_resolved(directory.as_fd(), path, (flags, Mode::empty()), ResolveFlags::NO_SYMLINKS)
}

fn open_resolved(
    directory: BorrowedFd<'_>,
    path: &str,
    (flags, mode): (OFlags, Mode),
    resolve: ResolveFlags,
) -> rustix::io::Result<OwnedFd> {
    let path = if path.is_empty() { "." } else { path };
    let flags = flags | OFlags::CLOEXEC;
    for _ in 0..OPEN_ATTEMPTS_MAX {
        match rustix::fs::openat2(directory, path, flags, mode, ResolveFlags::BENEATH | resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::NOSYS | Errno::PERM) => return walk_beneath(directory, path, flags, mode),
            answer => return answer,
        }
    }
    Err(Errno::AGAIN)
}

/// The same by hand, for kernels and sandboxes without `openat2`; follows no symbolic link.
fn walk_beneath(
    directory: BorrowedFd<'_>,
    path: &str,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut held: Option<OwnedFd> = None;
    for part in parents.split('/').filter(|part| !part.is_empty()) {
        let at = held.as_ref().map_or(directory, AsFd::as_fd);
        held = Some(match rustix::fs::openat(at, part, step, Mode::empty()) {
            Err(Errno::NOTDIR) if is_symlink(at, part) => return Err(Errno::LOOP),
            answer => answer?,
        });
    }
    let at = held.as_ref().map_or(directory, AsFd::as_fd);
    let may_follow = !flags.contains(OFlags::NOFOLLOW);
    match rustix::fs::openat(at, name, flags | OFlags::NOFOLLOW, mode) {
        Err(Errno::NOTDIR) if may_follow && is_symlink(at, name) => Err(Errno::LOOP),
        answer => answer,
    }
}

fn is_symlink(directory: BorrowedFd<'_>, name: &str) -> bool {
    rustix::fs::statat(directory, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_that_could_leave_the_bucket_are_refused() {
        for key in [
            "",
            "..",
            "/..",
            "a//..",
            "//../b",
            ".",
            "a/..",
            "a/../b",
            "./a",
            "a/.",
            "a\0b",
            "a/",
            ".lakeshare",
            ".lakeshare/tmp",
            ".lakeshare-empty",
            "a/.lakeshare-empty/b",
        ] {
            let parsed = ObjectKey::parse(key);
            assert_eq!(parsed.is_ok(), key == "a/", "{key:?}");
        }
        assert!(ObjectKey::parse("a/.lakeshare").is_ok(), "only the top of a bucket is ours");
        assert!(ObjectKey::parse("..a/b..").is_ok());
    }

    #[test]
    fn overlong_keys_are_named_as_such() {
        assert!(matches!(ObjectKey::parse(&"a".repeat(256)), Err(Error::KeyTooLong)));
        assert!(matches!(ObjectKey::parse(&"a/".repeat(513)), Err(Error::KeyTooLong)));
        assert!(ObjectKey::parse(&"a".repeat(255)).is_ok());
    }

    #[test]
    fn parts_of_a_key() {
        let key = ObjectKey::parse("t/_delta_log/0.json").unwrap();
        assert_eq!((key.parent(), key.name(), key.is_marker()), ("t/_delta_log", "0.json", false));
        let marker = ObjectKey::parse("t/d/").unwrap();
        assert_eq!(
            (marker.path(), marker.parent(), marker.name(), marker.is_marker()),
            ("t/d", "t", "d", true)
        );
    }

    #[test]
    fn an_empty_part_of_a_key_is_a_directory_of_ours() {
        for (key, path, parent) in [
            ("/", ".lakeshare-empty", ""),
            ("/a", ".lakeshare-empty/a", ".lakeshare-empty"),
            ("a//b", "a/.lakeshare-empty/b", "a/.lakeshare-empty"),
            ("a//", "a/.lakeshare-empty", "a"),
            ("//", ".lakeshare-empty/.lakeshare-empty", ".lakeshare-empty"),
        ] {
            let parsed = ObjectKey::parse(key).unwrap();
            assert_eq!((parsed.as_str(), parsed.path(), parsed.parent()), (key, path, parent));
            assert_eq!(path_of(key), path);
        }
        assert_eq!(path_of(""), "");
        assert!(ObjectKey::parse(".lakeshare/x").is_err() && ObjectKey::parse("/.lakeshare/x").is_ok());
    }

    #[test]
    fn symbolic_links_never_lead_out_by_either_way() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        let inside = tempfile::tempdir().unwrap();
        let at = |name: &str| inside.path().join(name);
        std::fs::create_dir(at("d")).unwrap();
        std::fs::write(at("d/f"), "f").unwrap();
        std::os::unix::fs::symlink(outside.path(), at("out")).unwrap();
        std::os::unix::fs::symlink("../..", at("d/up")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), at("d/leaf")).unwrap();
        let root = rustix::fs::open(inside.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        for path in ["out/secret", "out", "d/up", "d/up/etc/passwd", "d/leaf"] {
            assert!(open_beneath(&root, path, flags, Mode::empty()).is_err(), "{path}");
            assert!(walk_beneath(root.as_fd(), path, flags, Mode::empty()).is_err(), "{path} by hand");
        }
        let directory = walk_beneath(root.as_fd(), "out", flags | OFlags::DIRECTORY, Mode::empty());
        assert_eq!(directory.map(drop), Err(Errno::LOOP), "a link is no file in the way");
        let unfollowed = flags | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let by_hand = walk_beneath(root.as_fd(), "out", unfollowed, Mode::empty());
        assert_eq!(by_hand.map(drop), Err(Errno::NOTDIR));
        assert_eq!(open_directory_plainly(&root, "out").map(drop), Err(Errno::NOTDIR));
        assert!(open_beneath(&root, "d/f", flags, Mode::empty()).is_ok());
        assert!(walk_beneath(root.as_fd(), "d/f", flags, Mode::empty()).is_ok());
        assert!(walk_beneath(root.as_fd(), ".", flags, Mode::empty()).is_ok());
    }

    proptest! {
        #[test]
        fn an_accepted_key_stays_below_its_bucket(text in "[./a-c\0]{0,12}") {
            if let Ok(key) = ObjectKey::parse(&text) {
                let base = std::path::Path::new("/bucket");
                let mut depth = 0;
                for part in base.join(key.path()).components() {
                    prop_assert!(!matches!(part, std::path::Component::ParentDir));
                    depth += 1;
                }
                prop_assert!(depth > 2, "at least one part below the bucket");
                prop_assert!(base.join(key.path()).starts_with(base));
            }
        }
    }
}
