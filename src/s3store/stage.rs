//! Bytes on their way to an object, in a temporary file.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::task::JoinHandle;

use super::digest::{Announced, Digests, Hasher};
use super::error::{Error, failed};
use crate::limits::objects::{PUT_BYTES_MAX, UPLOAD_WRITE_BYTES};
use crate::storage::files::temporary::Temporary;

/// A whole body in a temporary file, not yet under its key.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) temporary: Temporary,
    pub(super) file: File,
    pub(super) digests: Digests,
}

/// Receives `body` into a temporary file in `directory` and checks it against what was announced.
///
/// Bytes are gathered and written on the blocking pool, one write behind the network, so a slow client
/// holds no thread and a fast one waits for no disk. Errors: too large, cut short, another digest.
pub(super) async fn receive<S, E>(
    directory: &Arc<OwnedFd>,
    body: Option<S>,
    announced: &Announced,
) -> Result<Staged, Error>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Into<s3s::StdError>,
{
    if announced.length.is_some_and(|length| u64::try_from(length).is_ok_and(|length| length > PUT_BYTES_MAX))
    {
        return Err(Error::TooLarge);
    }
    let mut writer = Writer::start(Arc::clone(directory), announced.hasher());
    let mut total = 0_u64;
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|source| Error::Body { source: source.into() })?;
            total += chunk.len() as u64;
            if total > PUT_BYTES_MAX {
                return Err(Error::TooLarge);
            }
            writer.push(chunk).await?;
        }
    }
    let sink = writer.finish().await?;
    let digests = sink.hasher.finish();
    announced.check(&digests)?;
    Ok(Staged { temporary: sink.temporary, file: sink.file, digests })
}

/// What a writing step owns.
struct Sink {
    temporary: Temporary,
    file: File,
    hasher: Hasher,
}

/// One write in flight, one being gathered.
struct Writer {
    in_flight: JoinHandle<Result<Sink, Error>>,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
}

impl Writer {
    fn start(directory: Arc<OwnedFd>, hasher: Hasher) -> Self {
        let in_flight = tokio::task::spawn_blocking(move || {
            let (temporary, file) = Temporary::create(&directory)?;
            Ok(Sink { temporary, file, hasher })
        });
        Self { in_flight, gathered: Vec::new(), gathered_bytes: 0 }
    }

    async fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        self.gathered_bytes += chunk.len();
        self.gathered.push(chunk);
        if self.gathered_bytes >= UPLOAD_WRITE_BYTES {
            self.write().await?;
        }
        Ok(())
    }

    /// Waits for the write before, and starts the next.
    async fn write(&mut self) -> Result<(), Error> {
        let mut sink = (&mut self.in_flight).await.unwrap_or_else(|source| Err(Error::Task { source }))?;
        let chunks = std::mem::take(&mut self.gathered);
        self.gathered_bytes = 0;
        self.in_flight = tokio::task::spawn_blocking(move || {
            for chunk in chunks {
                sink.hasher.update(&chunk);
                sink.file.write_all(&chunk).map_err(failed("writing an object"))?;
            }
            Ok(sink)
        });
        Ok(())
    }

    async fn finish(mut self) -> Result<Sink, Error> {
        self.write().await?;
        self.in_flight.await.unwrap_or_else(|source| Err(Error::Task { source }))
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::Mode;

    use super::*;
    use crate::storage::files::layout::DIRECTORY;

    async fn staged(
        chunks: Vec<Result<&'static [u8], std::io::Error>>,
    ) -> (tempfile::TempDir, Result<Staged, Error>) {
        let dir = tempfile::tempdir().unwrap();
        let open = Arc::new(rustix::fs::open(dir.path(), DIRECTORY, Mode::empty()).unwrap());
        let body = futures::stream::iter(chunks.into_iter().map(|chunk| chunk.map(Bytes::from_static)));
        let announced = Announced::default();
        let staged = receive(&open, Some(body), &announced).await;
        (dir, staged)
    }

    #[tokio::test]
    async fn a_body_arrives_whole_and_hashed() {
        let (dir, staged) = staged(vec![Ok(b"hel"), Ok(b""), Ok(b"lo")]).await;
        let staged = staged.unwrap();
        assert_eq!(staged.digests.etag(), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(std::fs::read(dir.path().join(&staged.temporary.name)).unwrap(), b"hello");
        drop(staged);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "an unpublished file disappears");
    }

    #[tokio::test]
    async fn a_broken_body_leaves_nothing() {
        let (dir, staged) = staged(vec![Ok(b"hel"), Err(std::io::Error::other("gone"))]).await;
        assert!(matches!(staged, Err(Error::Body { .. })));
        // The file goes with the task that made it; dropping the runtime's handle does not wait for it.
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        while std::fs::read_dir(dir.path()).unwrap().count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
