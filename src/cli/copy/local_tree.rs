//! Directories of this machine, and names that stay inside one.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::cli::fault::Fault;
use crate::limits::objects::KEY_SEGMENT_BYTES_MAX;

/// A file below a directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LocalFile {
    pub path: PathBuf,
    /// Relative to the directory, with slashes, as a key spells it.
    pub name: String,
    pub size: u64,
}

/// All files below `root`, sorted by name, and a sentence for everything that was passed over.
///
/// Links to files are followed and links to directories are not, so that a walk always ends.
pub(crate) fn walk(root: &Path) -> Result<(Vec<LocalFile>, Vec<String>), Fault> {
    let mut files = Vec::new();
    let mut passed_over = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        let what = || format!("cannot read the directory {}", directory.display());
        let entries = fs::read_dir(&directory).map_err(|error| Fault::io(what(), &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Fault::io(what(), &error))?;
            let path = entry.path();
            let metadata = fs::metadata(&path)
                .map_err(|error| Fault::io(format!("cannot read {}", path.display()), &error))?;
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if metadata.is_dir() && !is_link {
                open.push(path);
            } else if metadata.is_file() {
                files.push(LocalFile { name: key_of(root, &path)?, size: metadata.len(), path });
            } else {
                let kind = if is_link { "a link to a directory" } else { "neither a file nor a directory" };
                passed_over.push(format!("passed over {}: {kind}", path.display()));
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((files, passed_over))
}

fn key_of(root: &Path, path: &Path) -> Result<String, Fault> {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/")).ok_or_else(|| {
        Fault::refused(
            format!("cannot copy {}", path.display()),
            "its name is not UTF-8, which keys have to be",
        )
        .advise("Rename it, or leave it out.")
    })
}

/// `name` below `root`, refused when a part of it would lead elsewhere or cannot be a file's name.
pub(crate) fn safe_join(root: &Path, name: &str) -> Result<PathBuf, Fault> {
    let refuse = |why: &str| {
        Err(Fault::refused(format!("cannot write the object '{name}' to a file"), why)
            .advise("Nothing was copied; copy the other objects by narrower names."))
    };
    let mut path = root.to_owned();
    for part in name.split('/') {
        if part.is_empty() || part.contains('\0') || part.len() > KEY_SEGMENT_BYTES_MAX {
            return refuse("a part of its name is empty, too long or holds a NUL");
        }
        let mut components = Path::new(part).components();
        if !matches!((components.next(), components.next()), (Some(Component::Normal(_)), None)) {
            return refuse("it would leave the target directory");
        }
        path.push(part);
    }
    Ok(path)
}

/// Makes the directory of `path`, which must lie below `root` also when links are followed.
pub(crate) fn make_parent(root: &Path, path: &Path) -> Result<(), Fault> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    let what = || format!("cannot make the directory {}", parent.display());
    refuse_links_out(root, parent)?;
    fs::create_dir_all(parent).map_err(|error| Fault::io(what(), &error))
}

/// Refuses to go through a link below `root` that leads out of it.
fn refuse_links_out(root: &Path, parent: &Path) -> Result<(), Fault> {
    let mut deepest = parent;
    while !deepest.exists() {
        match deepest.parent() {
            Some(above) if !above.as_os_str().is_empty() => deepest = above,
            _ => return Ok(()),
        }
    }
    if !deepest.starts_with(root) {
        return Ok(());
    }
    let what = || format!("cannot write below {}", parent.display());
    let real = fs::canonicalize(deepest).map_err(|error| Fault::io(what(), &error))?;
    let real_root = fs::canonicalize(root).map_err(|error| Fault::io(what(), &error))?;
    if real.starts_with(&real_root) {
        return Ok(());
    }
    Err(Fault::refused(
        what(),
        format!("{} is a link that leads out of {}", deepest.display(), root.display()),
    )
    .advise("Remove the link, or copy to another directory."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_found_at_any_depth_and_sorted() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("d/_delta_log")).unwrap();
        fs::write(root.join("d/_delta_log/0.json"), "{}").unwrap();
        fs::write(root.join("a"), "abc").unwrap();
        symlink(root.join("a"), root.join("linked")).unwrap();
        symlink(root, root.join("loop")).unwrap();
        let (files, passed_over) = walk(root).unwrap();
        let names: Vec<(&str, u64)> = files.iter().map(|file| (file.name.as_str(), file.size)).collect();
        assert_eq!(names, [("a", 3), ("d/_delta_log/0.json", 2), ("linked", 3)]);
        assert_eq!(passed_over.len(), 1);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let root = Path::new("/target");
        for name in ["../x", "a/../../x", "/etc/passwd", "a//b", "", "a/", ".", "a/./b", "nul\0"] {
            assert!(safe_join(root, name).is_err(), "{name:?}");
        }
        assert!(safe_join(root, &"n".repeat(256)).is_err());
        assert_eq!(safe_join(root, "a/..b/c d").unwrap(), Path::new("/target/a/..b/c d"));
    }

    #[test]
    fn links_out_of_the_target_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (root, outside) = (directory.path().join("in"), directory.path().join("out"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&outside).unwrap();
        symlink(&outside, root.join("link")).unwrap();
        assert!(make_parent(&root, &root.join("link/deep/file")).unwrap_err().why.contains("leads out"));
        make_parent(&root, &root.join("a/b/file")).unwrap();
        assert!(root.join("a/b").is_dir());
    }
}
