//! The answer about a range, rendered as the client takes it.
//!
//! A task of the control plane reads a piece of a version, renders it and waits until the client has taken it; so an
//! answer holds one piece of a version and a few chunks, however long the range is.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::access::Access;
use super::change_lines::push_change;
use super::error::Error;
use super::filter::FileFilter;
use super::format;
use super::metadata::{self, Extras};
use super::packing::Packing;
use super::render::{EndTokens, LineWriter};
use crate::clock::Clock;
use crate::delta::column_mapping;
use crate::http::body::BodyError;
use crate::http::buffer::Buffer;
use crate::http::coding::Coding;
use crate::limits::{CHUNK_BYTES, FEED_CHUNKS_AHEAD};
use crate::snapshot::changes::{Changes, Step};
use crate::snapshot::loader::Loader;
use crate::state::record::PartitionFilter;
use crate::table::change::{ChangedFile, CommitMark, Told};
use crate::table::snapshot::{Metadata, Version};

/// A place between two files of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub version: Version,
    /// How many told files of the version lie before it.
    pub file: u64,
}

impl Position {
    pub fn to_bytes(self) -> Vec<u8> {
        [self.version.to_le_bytes(), self.file.to_le_bytes()].concat()
    }

    /// The position that `to_bytes` wrote; `None` if these are not 16 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, file) = bytes.split_first_chunk()?;
        let file = u64::from_le_bytes(file.try_into().ok()?);
        Some(Self { version: Version::from_le_bytes(*version), file })
    }
}

/// What the answer about a range is made of. All of it has been checked.
pub struct FeedParts {
    pub changes: Changes,
    pub steps: Vec<Step>,
    pub told: Told,
    pub filter: PartitionFilter,
    /// Of the first version.
    pub start_metadata: Metadata,
    /// The first two lines.
    pub head: Vec<u8>,
    pub shows_change_feed: bool,
    /// Whether later metadata is told where it stands.
    pub tells_metadata: bool,
    pub tells_protocol: bool,
    pub lines: LineWriter,
    pub clock: Clock,
    /// Where to begin; later than the first version on later pages.
    pub position: Position,
    /// Files of one page; `None`: all, in one answer.
    pub files_max: Option<usize>,
    /// Whether there is a last line.
    pub has_end: bool,
    pub coding: Coding,
    /// Makes the token of the page that begins at a position.
    pub next_token: Box<dyn Fn(Position) -> String + Send>,
}

/// Some lines and the number of files in them.
struct Chunk {
    bytes: Bytes,
    files: u64,
}

/// A body of NDJSON that comes from the control plane.
pub struct Feed {
    chunks: Receiver<Result<Chunk, BodyError>>,
    access: Access,
}

impl Feed {
    /// Starts the task that reads and renders.
    pub fn start(parts: FeedParts, loader: &Loader, access: Access) -> Self {
        let (sender, chunks) = channel(FEED_CHUNKS_AHEAD);
        let packing = Packing::new(parts.coding);
        loader.spawn(Teller { parts, sender, packing, out: Buffer::take(), files: 0, total: 0 }.run());
        Self { chunks, access }
    }
}

impl http_body::Body for Feed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.chunks.poll_recv(context).map(|received| match received {
            Some(Ok(chunk)) => {
                self.access.sent(chunk.bytes.len());
                self.access.files += chunk.files;
                Some(Ok(Frame::data(chunk.bytes)))
            }
            Some(Err(error)) => Some(Err(error)),
            None => {
                self.access.finish();
                None
            }
        })
    }
}

/// Why telling ends before its end.
enum Stop {
    /// The client has left.
    Left,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Renders a range into chunks.
struct Teller {
    parts: FeedParts,
    sender: Sender<Result<Chunk, BodyError>>,
    packing: Packing,
    out: Buffer,
    /// Files in `out`.
    files: u64,
    /// Files of the answer.
    total: usize,
}

impl Teller {
    async fn run(mut self) {
        self.out.bytes_mut().append(&mut self.parts.head);
        let steps = std::mem::take(&mut self.parts.steps);
        match self.tell(&steps).await {
            Ok(next_page) => {
                if self.parts.has_end {
                    let tokens = EndTokens { refresh: None, next_page };
                    self.parts.lines.push_end(&tokens, self.out.bytes_mut());
                }
                self.finish().await;
            }
            Err(Stop::Left) => {}
            Err(Stop::Failed(error)) => self.fail(error).await,
        }
    }

    /// After the head was sent no status can tell of a fault: the last line does, or the connection is cut.
    async fn fail(mut self, error: Error) {
        error.log("of a range");
        if self.parts.has_end {
            self.out.bytes_mut().extend_from_slice(
                b"{\"endStreamAction\":{\"errorMessage\":\"the changes of the table could not be read to the end\",\"httpStatusErrorCode\":500}}\n",
            );
            self.finish().await;
        } else {
            let _ = self.sender.send(Err("the changes could not be read to the end".into())).await;
        }
    }

    /// Tells version after version; returns the token of the next page if there is one.
    async fn tell(&mut self, steps: &[Step]) -> Result<Option<String>, Stop> {
        let mut metadata = self.parts.start_metadata.clone();
        let first = steps.first().map(Step::version);
        for step in steps {
            let version = step.version();
            if let Some(changed) = step.metadata() {
                metadata.clone_from(changed);
            }
            let position = self.parts.position;
            if version < position.version {
                continue;
            }
            let is_begun = version == position.version && position.file > 0;
            if Some(version) != first && !is_begun {
                self.tell_table(step)?;
            }
            let skipped = if is_begun { position.file } else { 0 };
            if let Some(next) = self.tell_files(step, &metadata, skipped).await? {
                return Ok(Some((self.parts.next_token)(next)));
            }
        }
        Ok(None)
    }

    /// The protocol and the metadata of a later version.
    fn tell_table(&mut self, step: &Step) -> Result<(), Error> {
        let version = step.version();
        if let Some(protocol) = step.protocol().filter(|_| self.parts.tells_protocol) {
            metadata::push_protocol_line(protocol, Some(version), self.out.bytes_mut());
        }
        if let Some(changed) = step.metadata().filter(|_| self.parts.tells_metadata) {
            let choice = format::choice_of(self.parts.lines.format(), changed, version)?;
            let shows_change_feed = self.parts.shows_change_feed;
            let extras = Extras { version: Some(version), shows_change_feed, ..Extras::default() };
            metadata::push_metadata_line(changed, choice, &extras, self.out.bytes_mut());
        }
        Ok(())
    }

    /// The files of a version from number `skipped` on; the place to go on if the page is full before.
    async fn tell_files(
        &mut self,
        step: &Step,
        metadata: &Metadata,
        skipped: u64,
    ) -> Result<Option<Position>, Stop> {
        let version = step.version();
        let mut filter = FileFilter::new(&self.parts.filter, version, metadata)?;
        let changes = self.parts.changes.clone();
        let keys =
            column_mapping::partition_names(metadata).map_err(|source| Error::Schema { version, source })?;
        let mut reader = changes.read(step, self.parts.told, keys).map_err(Error::from)?;
        let mut number = 0;
        while let Some(piece) = reader.next().await.map_err(Error::from)? {
            self.parts.lines.refresh(self.parts.clock.now_ms());
            for change in piece {
                if filter.as_mut().is_some_and(|filter| !filter.keeps(&change.partition_values_json)) {
                    continue;
                }
                number += 1;
                if number <= skipped {
                    continue;
                }
                if self.parts.files_max.is_some_and(|files_max| self.total >= files_max) {
                    return Ok(Some(Position { version, file: number - 1 }));
                }
                self.push(&change, step.mark());
                if self.out.as_ref().len() >= CHUNK_BYTES {
                    self.flush().await?;
                }
            }
        }
        Ok(None)
    }

    fn push(&mut self, change: &ChangedFile, mark: CommitMark) {
        push_change(&mut self.parts.lines, change, mark, self.out.bytes_mut());
        self.files += 1;
        self.total += 1;
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        let lines = std::mem::replace(&mut self.out, Buffer::take());
        let bytes = self.packing.push(lines);
        self.send(bytes).await
    }

    /// Sends what is left and what follows it.
    async fn finish(mut self) {
        let lines = std::mem::take(&mut self.out);
        let bytes = self.packing.end(lines);
        // A client that has left asks for nothing more.
        let _ = self.send(bytes).await;
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), Stop> {
        let chunk = Chunk { bytes, files: std::mem::take(&mut self.files) };
        self.sender.send(Ok(chunk)).await.map_err(|_| Stop::Left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_bytes() {
        let position = Position { version: 7, file: 1 << 40 };
        assert_eq!(Position::from_bytes(&position.to_bytes()), Some(position));
        assert_eq!(Position::from_bytes(&[0; 15]), None);
        assert_eq!(Position::from_bytes(&[0; 17]), None);
    }
}
