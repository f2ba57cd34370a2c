//! Bytes to be uploaded, from here or from another server.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt;
use tokio::io::AsyncReadExt;

use super::meter::Meter;
use crate::cli::s3::error::Error;
use crate::cli::s3::{Piece, Place, Store};

/// Bytes read from a file at a time.
const READ_BYTES: usize = 256 << 10;

/// Where the bytes of one upload come from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    File(&'a Path),
    Object { store: &'a Store, place: Place<'a>, etag: Option<&'a str> },
}

impl Source<'_> {
    /// All `size` bytes as a request's body; counted as they leave.
    pub(crate) async fn body(&self, size: u64, meter: &Meter) -> Result<reqwest::Body, Error> {
        if size == 0 {
            return Ok(reqwest::Body::from(Bytes::new()));
        }
        match self {
            Self::File(path) => file_body(path, size, meter.clone()).await,
            Self::Object { store, place, etag } => {
                let answer = store.get(*place, Piece { etag: *etag, ..Piece::default() }).await?;
                let meter = meter.clone();
                let counted = answer.bytes_stream().inspect(move |chunk| {
                    if let Ok(chunk) = chunk {
                        meter.add(chunk.len() as u64);
                    }
                });
                Ok(reqwest::Body::wrap_stream(counted))
            }
        }
    }

    /// `size` bytes from `from` on, in memory.
    pub(crate) async fn read_part(&self, from: u64, size: usize) -> Result<Bytes, Error> {
        match self {
            Self::File(path) => {
                let path = path.to_path_buf();
                let read = tokio::task::spawn_blocking({
                    let path = path.clone();
                    move || read_at(&path, from, size)
                });
                let part = read.await.map_err(io::Error::other).and_then(|part| part);
                part.map_err(|source| file_error(&path, source))
            }
            Self::Object { store, place, etag } => {
                let piece = Piece { etag: *etag, from, size: Some(size as u64) };
                let answer = store.get(*place, piece).await?;
                let part = answer.bytes().await.map_err(|error| Error::Unanswered(error.without_url()))?;
                if part.len() == size {
                    Ok(part)
                } else {
                    Err(Error::Odd(format!("a range of {size} bytes came with {}", part.len())))
                }
            }
        }
    }
}

async fn file_body(path: &Path, size: u64, meter: Meter) -> Result<reqwest::Body, Error> {
    let file = tokio::fs::File::open(path).await.map_err(|source| file_error(path, source))?;
    // Never more than was promised, should the file grow meanwhile.
    let reader = file.take(size);
    let chunks = futures::stream::unfold((reader, meter), |(mut reader, meter)| async move {
        let mut chunk = bytes::BytesMut::with_capacity(READ_BYTES);
        match reader.read_buf(&mut chunk).await {
            Ok(0) => None,
            Ok(count) => {
                meter.add(count as u64);
                Some((Ok(chunk.freeze()), (reader, meter)))
            }
            Err(error) => Some((Err(error), (reader, meter))),
        }
    });
    Ok(reqwest::Body::wrap_stream(chunks))
}

fn read_at(path: &Path, from: u64, size: usize) -> io::Result<Bytes> {
    let file = std::fs::File::open(path)?;
    let mut part = vec![0; size];
    file.read_exact_at(&mut part, from)?;
    Ok(Bytes::from(part))
}

fn file_error(path: &Path, source: io::Error) -> Error {
    Error::File { path: PathBuf::from(path), source }
}
