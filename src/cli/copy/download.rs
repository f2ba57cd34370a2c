//! Objects read into files: beside their place first, moved there when whole.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use http::StatusCode;
use tokio::io::AsyncWriteExt;

use super::meter::Meter;
use crate::cli::s3::error::Error;
use crate::cli::s3::retry::retrying;
use crate::cli::s3::{Piece, Place, Store};

/// A file in the making; dropped before it is whole, it leaves nothing behind.
struct Draft {
    path: PathBuf,
    file: Option<fs::File>,
}

impl Draft {
    fn create(target: &Path, number: usize) -> io::Result<Self> {
        let path = target.with_file_name(format!(".lakeshare-{}-{number}.part", std::process::id()));
        let file = fs::File::create(&path)?;
        Ok(Self { path, file: Some(file) })
    }

    fn keep(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.file = None;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// One object on its way into a file.
pub(crate) struct Download<'a> {
    pub store: &'a Store,
    pub place: Place<'a>,
    /// As listed; what is read must be that very object.
    pub etag: Option<&'a str>,
    pub target: &'a Path,
    /// Tells drafts of one process apart.
    pub number: usize,
}

impl Download<'_> {
    /// Reads the object; after a broken connection it goes on where it stood.
    pub(crate) async fn run(&self, meter: &Meter) -> Result<u64, Error> {
        let draft = Draft::create(self.target, self.number).map_err(|source| self.file_error(source))?;
        let file = draft.file.as_ref().map(fs::File::try_clone);
        let file = file.transpose().map_err(|source| self.file_error(source))?;
        let Some(file) = file else { return Ok(0) };
        let file = RefCell::new(tokio::fs::File::from_std(file));
        let written = Cell::new(0);
        // What is written stays counted: the next try goes on behind it.
        retrying(|| self.read_rest(&file, &written, meter), || ()).await?;
        draft.keep(self.target).map_err(|source| self.file_error(source))?;
        Ok(written.get())
    }

    #[expect(clippy::await_holding_refcell_ref, reason = "one try at a time holds the file")]
    async fn read_rest(
        &self,
        file: &RefCell<tokio::fs::File>,
        written: &Cell<u64>,
        meter: &Meter,
    ) -> Result<(), Error> {
        let mut file = file.borrow_mut();
        let from = written.get();
        let mut answer = self.store.get(self.place, Piece { etag: self.etag, from, size: None }).await?;
        if from > 0 && answer.status() != StatusCode::PARTIAL_CONTENT {
            return Err(Error::Odd(
                "it sends an object from its beginning when asked for its end".to_owned(),
            ));
        }
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| Error::Unanswered(error.without_url()))?
        {
            file.write_all(&chunk).await.map_err(|source| self.file_error(source))?;
            written.set(written.get() + chunk.len() as u64);
            meter.add(chunk.len() as u64);
        }
        file.flush().await.map_err(|source| self.file_error(source))
    }

    fn file_error(&self, source: io::Error) -> Error {
        Error::File { path: self.target.to_owned(), source }
    }
}
