//! Reads of local files: io_uring where the kernel allows it, else pread.
//!
//! The engine is chosen once at start. A read is a stream of chunks behind a small bounded queue: the
//! task that fills it lives on the core that serves the connection and stops when the reader goes away.
//! A stream yields exactly the bytes asked for, or it ends in an error; it is never short silently.

use std::fs::File;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use tokio::sync::mpsc;
use tokio_uring::buf::BoundedBuf;

use crate::limits::{FILE_CHUNK_BYTES, FILE_CHUNKS_AHEAD};

/// Which engine the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// `io_uring` if the kernel allows it, else `pread`.
    #[default]
    Auto,
    /// As `Auto`; a kernel that refuses `io_uring` still gets `pread`, and the name says so.
    Uring,
    /// `pread` on the blocking pool.
    Pread,
}

/// The engine that reads local files; the same one for the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileReader {
    engine: Engine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Uring,
    Pread,
}

impl FileReader {
    /// The engine that `mode` asks for, as far as the kernel allows it.
    ///
    /// Asking for `io_uring` sets up a ring and reads through it once, because containers often let the
    /// set-up pass and refuse the rest.
    pub fn probe(mode: Mode) -> Self {
        let wants_uring = mode != Mode::Pread;
        Self { engine: if wants_uring && uring_reads() { Engine::Uring } else { Engine::Pread } }
    }

    /// The name of the engine in the log and in metrics.
    pub fn as_str(self) -> &'static str {
        match self.engine {
            Engine::Uring => "io_uring",
            Engine::Pread => "pread",
        }
    }

    /// Whether reads need the runtime of `tokio_uring` on their thread; [`FileReader::block_on`] brings it.
    pub fn uses_uring(self) -> bool {
        self.engine == Engine::Uring
    }

    /// Runs `future` on this thread, on the runtime that the reads of this engine need.
    ///
    /// Errors: the kernel grants no ring, or no event queue.
    pub fn block_on<F: Future>(self, future: F) -> io::Result<F::Output> {
        match self.engine {
            Engine::Uring => Ok(tokio_uring::Runtime::new(&tokio_uring::builder())?.block_on(future)),
            Engine::Pread => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                Ok(tokio::task::LocalSet::new().block_on(&runtime, future))
            }
        }
    }

    /// Streams the bytes `range` of `file`.
    ///
    /// Must be called on a runtime as [`FileReader::block_on`] starts it. Errors arrive in the stream; the
    /// end of the file inside the range is one of them (`UnexpectedEof`).
    pub fn read(self, file: File, range: Range<u64>) -> FileStream {
        let (sender, receiver) = mpsc::channel(FILE_CHUNKS_AHEAD);
        let remaining = range.end.saturating_sub(range.start);
        if remaining > 0 {
            match self.engine {
                Engine::Uring => drop(tokio_uring::spawn(fill_by_uring(file, range, sender))),
                Engine::Pread => drop(tokio::spawn(fill_by_pread(file, range, sender))),
            }
        }
        FileStream { receiver, remaining }
    }
}

/// The chunks of one read, in order.
#[derive(Debug)]
pub struct FileStream {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    remaining: u64,
}

impl FileStream {
    /// Bytes that are still to come.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }
}

impl Stream for FileStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let item = std::task::ready!(self.receiver.poll_recv(context));
        let item = item.unwrap_or_else(|| Err(io::Error::other("the reader of the file stopped early")));
        self.remaining = match &item {
            Ok(chunk) => self.remaining.saturating_sub(chunk.len() as u64),
            Err(_) => 0,
        };
        Poll::Ready(Some(item))
    }
}

async fn fill_by_uring(file: File, range: Range<u64>, sender: mpsc::Sender<io::Result<Bytes>>) {
    let file = tokio_uring::fs::File::from_std(file);
    let mut offset = range.start;
    while offset < range.end {
        let wanted = chunk_bytes(range.end - offset);
        let (result, buffer) = file.read_at(Vec::with_capacity(wanted).slice(..wanted), offset).await;
        let chunk = match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) => Err(became_shorter()),
            Ok(_) => Ok(Bytes::from(buffer.into_inner())),
            Err(error) => Err(error),
        };
        if !send(&sender, chunk, &mut offset).await {
            break;
        }
    }
    // The descriptor goes back on the ring; an error here loses nothing that was read.
    drop(file.close().await);
}

async fn fill_by_pread(file: File, range: Range<u64>, sender: mpsc::Sender<io::Result<Bytes>>) {
    let file = Arc::new(file);
    let mut offset = range.start;
    while offset < range.end {
        let wanted = chunk_bytes(range.end - offset);
        let shared = Arc::clone(&file);
        let read = tokio::task::spawn_blocking(move || read_at(&shared, offset, wanted)).await;
        let chunk = read.unwrap_or_else(|_| Err(io::Error::other("the blocking pool went away")));
        if !send(&sender, chunk, &mut offset).await {
            break;
        }
    }
}

/// Passes `chunk` on and moves `offset`; false once nothing more is wanted.
async fn send(sender: &mpsc::Sender<io::Result<Bytes>>, chunk: io::Result<Bytes>, offset: &mut u64) -> bool {
    let read = chunk.as_ref().map(|chunk| chunk.len() as u64);
    let goes_on = read.is_ok();
    *offset += read.unwrap_or(0);
    sender.send(chunk).await.is_ok() && goes_on
}

/// Reads up to `wanted` bytes at `offset`; at least one, or an error.
pub fn read_at(file: &File, offset: u64, wanted: usize) -> io::Result<Bytes> {
    let mut buffer = Vec::with_capacity(wanted);
    loop {
        // A `Vec` may get more room than asked for, and all of its room is offered to the kernel.
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut buffer), offset) {
            Ok(0) => return Err(became_shorter()),
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    buffer.truncate(wanted);
    Ok(Bytes::from(buffer))
}

fn became_shorter() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read")
}

fn chunk_bytes(remaining: u64) -> usize {
    usize::try_from(remaining).unwrap_or(usize::MAX).min(FILE_CHUNK_BYTES)
}

/// Whether a ring can be set up and reads what `pread` reads, tried on a thread of its own.
fn uring_reads() -> bool {
    let tried = std::thread::spawn(|| -> io::Result<bool> {
        let executable = File::open("/proc/self/exe")?;
        let expected = read_at(&executable, 0, 16)?;
        tokio_uring::Runtime::new(&tokio_uring::builder())?.block_on(async move {
            let file = tokio_uring::fs::File::from_std(executable);
            let (result, buffer) = file.read_at(Vec::with_capacity(16).slice(..16), 0).await;
            Ok(result? == expected.len() && buffer.into_inner() == expected)
        })
    });
    matches!(tried.join(), Ok(Ok(true)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures::StreamExt;

    use super::*;

    fn engines() -> Vec<FileReader> {
        let mut engines = vec![FileReader::probe(Mode::Pread)];
        if FileReader::probe(Mode::Uring).uses_uring() {
            engines.push(FileReader::probe(Mode::Uring));
        }
        engines
    }

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect()
    }

    fn read_whole(reader: FileReader, file: &File, range: Range<u64>) -> io::Result<Vec<u8>> {
        let file = file.try_clone().unwrap();
        reader
            .block_on(async move {
                let mut stream = reader.read(file, range);
                let mut whole = Vec::new();
                while let Some(chunk) = stream.next().await {
                    whole.extend_from_slice(&chunk?);
                }
                Ok(whole)
            })
            .unwrap()
    }

    #[test]
    fn each_engine_reads_exactly_the_range() {
        let bytes = pattern(FILE_CHUNK_BYTES * 3 + 17);
        let file = file_of(&bytes);
        let length = bytes.len();
        let chunk = FILE_CHUNK_BYTES;
        for reader in engines() {
            for (start, end) in [
                (0, length),
                (0, 0),
                (5, 5),
                (0, 1),
                (1, chunk),
                (chunk - 1, chunk + 1),
                (chunk, 2 * chunk),
                (length - 1, length),
            ] {
                let read = read_whole(reader, &file, start as u64..end as u64).unwrap();
                assert!(read == bytes[start..end], "{} {start}..{end}", reader.as_str());
            }
        }
    }

    #[test]
    fn an_empty_file_gives_an_empty_stream() {
        for reader in engines() {
            assert_eq!(read_whole(reader, &file_of(b""), 0..0).unwrap(), b"", "{}", reader.as_str());
        }
    }

    #[test]
    fn a_range_past_the_end_is_an_error_after_the_bytes_that_exist() {
        let bytes = pattern(FILE_CHUNK_BYTES + 10);
        for reader in engines() {
            let error = read_whole(reader, &file_of(&bytes), 0..bytes.len() as u64 + 1).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{}", reader.as_str());
        }
    }

    #[test]
    fn a_file_truncated_while_it_is_read_ends_in_an_error() {
        for reader in engines() {
            let file = file_of(&pattern(FILE_CHUNK_BYTES * 32));
            let reading = file.try_clone().unwrap();
            let error = reader
                .block_on(async move {
                    let mut stream = reader.read(reading, 0..FILE_CHUNK_BYTES as u64 * 32);
                    stream.next().await.unwrap().unwrap();
                    file.set_len(10).unwrap();
                    loop {
                        if let Err(error) = stream.next().await.expect("an error comes before the end") {
                            assert!(stream.next().await.is_none(), "the stream ends with the error");
                            return error;
                        }
                    }
                })
                .unwrap();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{}", reader.as_str());
        }
    }

    #[test]
    fn pread_is_always_there_and_says_its_name() {
        assert_eq!(FileReader::probe(Mode::Pread).as_str(), "pread");
    }
}
