//! What is being written or removed, should nobody finish it.
//!
//! A commit notes its new files here, writes them, moves the pointers, and then strikes the note out. A note that is left
//! at the next start tells of files that may have been written for a commit that never was; only who knows the pointers
//! can say which. Notes are not synchronised: they outlive the process, and a loss of power costs at most some
//! files that nobody names.

use std::fs::{DirBuilder, OpenOptions};
use std::future::Future;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Error;
use crate::limits::catalog::PENDING_NOTE_BYTES_MAX;

/// The directory of the notes in the server's own one.
const DIRECTORY: &str = "catalog/pending";

/// That of the notes of what is being removed.
const REMOVALS: &str = "catalog/removals";

/// A file that a commit writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PendingFile {
    pub bucket: String,
    pub key: String,
}

/// The notes of one server; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pending {
    directory: Arc<PathBuf>,
}

/// The note of one commit. Dropped without a word it stays: the outcome is not known.
#[derive(Debug)]
#[must_use = "a note that is not struck out is looked at again at the next start"]
pub struct Note {
    path: PathBuf,
}

/// What a dead server left of one commit.
#[derive(Debug)]
pub struct Left {
    /// Files that nothing leads to; they may have been written or not.
    pub lost: Vec<PendingFile>,
    /// To be struck out when they are gone.
    pub note: Note,
}

impl Pending {
    /// Opens the notes in the server's own directory `private_dir`; what is missing is made.
    pub fn open(private_dir: &Path) -> Result<Self, Error> {
        Self::open_in(private_dir, DIRECTORY)
    }

    /// Opens the notes of what is being removed: directories, whose keys end without a slash, and buckets, with no key.
    pub fn open_removals(private_dir: &Path) -> Result<Self, Error> {
        Self::open_in(private_dir, REMOVALS)
    }

    fn open_in(private_dir: &Path, directory: &str) -> Result<Self, Error> {
        let directory = private_dir.join(directory);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed(&directory))?;
        Ok(Self { directory: Arc::new(directory) })
    }

    /// Notes the files that a commit is about to write. Waits for no disk.
    pub fn note(&self, files: &[PendingFile]) -> Result<Note, Error> {
        let path = self.directory.join(Uuid::new_v4().simple().to_string());
        let write = || {
            let text = serde_json::to_vec(files)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            // Made first, so that a note that could not be written is struck out again.
            let note = Note { path: path.clone() };
            match file.write_all(&text) {
                Ok(()) => Ok(note),
                Err(error) => {
                    note.strike_out();
                    Err(error)
                }
            }
        };
        write().map_err(failed(&path))
    }

    /// Looks at the notes that a dead server left, once, before new ones are made. `is_reachable` says whether a
    /// pointer leads to a file, directly or by the log of another one; where it fails, the note stays as it is.
    ///
    /// Notes of which no file is lost are struck out; so are those that were never finished, for their files were not begun.
    pub async fn sweep<E, Answer>(
        &self,
        mut is_reachable: impl FnMut(PendingFile) -> Answer,
    ) -> Result<Vec<Left>, E>
    where
        E: From<Error>,
        Answer: Future<Output = Result<bool, E>>,
    {
        let mut left = Vec::new();
        for path in self.paths()? {
            let note = Note { path };
            let mut lost = Vec::new();
            for file in note.read()? {
                if !is_reachable(file.clone()).await? {
                    lost.push(file);
                }
            }
            if lost.is_empty() { note.strike_out() } else { left.push(Left { lost, note }) }
        }
        Ok(left)
    }

    fn paths(&self) -> Result<Vec<PathBuf>, Error> {
        let read = || {
            std::fs::read_dir(&*self.directory)?
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<_>>()
        };
        read().map_err(failed(&self.directory))
    }
}

impl Note {
    /// The outcome is known, and no file is left that nothing leads to.
    pub fn strike_out(self) {
        // One that cannot be removed is looked at again at the next start, and changes nothing then.
        let _ = std::fs::remove_file(&self.path);
    }

    /// The files of the note; none if it was never finished.
    fn read(&self) -> Result<Vec<PendingFile>, Error> {
        let read = || {
            let mut text = Vec::new();
            std::fs::File::open(&self.path)?.take(PENDING_NOTE_BYTES_MAX).read_to_end(&mut text)?;
            Ok::<_, std::io::Error>(text)
        };
        let text = match read() {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => Vec::new(),
            Err(error) => return Err(failed(&self.path)(error)),
        };
        Ok(serde_json::from_slice(&text).unwrap_or_default())
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Note { path, source: Arc::new(source) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::error::Kind;

    fn file(key: &str) -> PendingFile {
        PendingFile { bucket: "lake".into(), key: key.into() }
    }

    async fn sweep(pending: &Pending, reachable: &[&str]) -> Vec<Left> {
        let answer = |file: PendingFile| {
            let is_reachable = reachable.contains(&file.key.as_str());
            async move { Ok::<_, Error>(is_reachable) }
        };
        pending.sweep(answer).await.unwrap()
    }

    fn count(dir: &Path) -> usize {
        std::fs::read_dir(dir.join(DIRECTORY)).unwrap().count()
    }

    #[tokio::test]
    async fn files_that_nothing_leads_to_are_told_until_they_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let pending = Pending::open(dir.path()).unwrap();
        // The first has won, the second was struck out, the third won in part.
        drop(pending.note(&[file("a/1"), file("b/1")]).unwrap());
        pending.note(&[file("a/2")]).unwrap().strike_out();
        drop(pending.note(&[file("a/3"), file("b/3"), file("c/3")]).unwrap());
        drop(pending.note(&[file("a/4")]).unwrap());
        let pending = Pending::open(dir.path()).unwrap();
        let reachable = ["a/1", "b/1", "b/3"];
        let lost = |left: &[Left]| -> BTreeSet<PendingFile> {
            left.iter().flat_map(|left| left.lost.clone()).collect()
        };
        let expected = BTreeSet::from([file("a/3"), file("c/3"), file("a/4")]);
        let left = sweep(&pending, &reachable).await;
        assert_eq!((lost(&left), left.len(), count(dir.path())), (expected.clone(), 2, 2));
        // A server that dies before it has removed them tells of them again.
        drop(left);
        let left = sweep(&pending, &reachable).await;
        assert_eq!(lost(&left), expected);
        for left in left {
            left.note.strike_out();
        }
        assert!(sweep(&pending, &[]).await.is_empty());
        assert_eq!(count(dir.path()), 0);
    }

    #[tokio::test]
    async fn a_note_that_was_not_finished_names_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let pending = Pending::open(dir.path()).unwrap();
        let whole = serde_json::to_vec(&[file("a/1"), file("b/1")]).unwrap();
        for length in 0..whole.len() {
            let path = dir.path().join(DIRECTORY).join(format!("half{length}"));
            std::fs::write(path, &whole[..length]).unwrap();
        }
        assert!(sweep(&pending, &[]).await.is_empty());
        assert_eq!(count(dir.path()), 0);
    }

    #[tokio::test]
    async fn where_nobody_can_say_the_notes_stay() {
        let dir = tempfile::tempdir().unwrap();
        let pending = Pending::open(dir.path()).unwrap();
        drop(pending.note(&[file("a/1")]).unwrap());
        let unknown = |file: PendingFile| async move { Err(Error::NoSuchObject { object: file.key }) };
        assert!(matches!(pending.sweep(unknown).await, Err(Error::NoSuchObject { .. })));
        assert_eq!(sweep(&pending, &[]).await.len(), 1);
    }

    #[test]
    fn notes_are_private_and_a_directory_that_is_gone_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let pending = Pending::open(dir.path()).unwrap();
        let note = pending.note(&[file("a/1")]).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&note.path), mode(&dir.path().join(DIRECTORY))), (0o600, 0o700));
        note.strike_out();
        std::fs::remove_dir(dir.path().join(DIRECTORY)).unwrap();
        let error = pending.note(&[file("a/1")]).unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(error.to_string().contains("pending"), "{error}");
    }
}
