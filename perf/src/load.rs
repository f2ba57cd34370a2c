//! A reader that costs little: asks for a listing, counts, keeps nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use flate2::write::MultiGzDecoder;
use serde::Serialize;

use crate::scenario::ResponseFormat;
use crate::wire::{self, Head};

/// Longest wait for the next bytes: a cold start of 10,000,000 files included, of a rival too.
const READ_TIMEOUT: Duration = Duration::from_mins(15);
const BUFFER_BYTES: usize = 256 << 10;
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How a line of a file begins, in both response formats.
const FILE_LINE: &[u8] = b"{\"file\":";

/// What to ask, of whom.
#[derive(Debug, Clone)]
pub struct Query {
    pub address: SocketAddr,
    /// Path up to the table: `/delta-sharing/shares/S/schemas/D/tables/T`.
    pub table_path: String,
    pub bearer_token: String,
    pub response_format: ResponseFormat,
    /// The JSON of the question; `{}` asks for everything.
    pub body: String,
    pub compression: Compression,
}

/// What the reader does about compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Does not accept it.
    None,
    /// Accepts gzip, opens it and counts lines.
    Gzip,
    /// Accepts gzip and counts bytes only, so that the reader is never what is measured.
    GzipUnread,
}

/// What came back.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Listing {
    /// 0 where the body stayed unread.
    pub lines: u64,
    pub file_lines: u64,
    /// Bytes of the body, without the framing of chunks.
    pub body_bytes: u64,
    /// From sending the request to the first byte of the body.
    pub first_byte_ms: f64,
    pub whole_ms: f64,
    pub is_gzip: bool,
    pub table_version: Option<u64>,
}

/// Sends one query on its own connection and reads the answer to its very last byte.
pub fn list(query: &Query) -> anyhow::Result<Listing> {
    let mut stream =
        TcpStream::connect(query.address).with_context(|| format!("connecting {}", query.address))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    let request = render_request(query);
    let started = Instant::now();
    stream.write_all(request.as_bytes()).context("sending the query")?;

    let mut buffer = vec![0; BUFFER_BYTES];
    let mut received = Vec::new();
    let (head, rest) = loop {
        let read = stream.read(&mut buffer).context("reading the head")?;
        ensure!(read > 0, "the connection ended within the head");
        received.extend_from_slice(&buffer[..read]);
        if let Some(length) = wire::head_length(&received) {
            let rest = received.split_off(length);
            break (wire::parse_head(&received, &rest)?, rest);
        }
        ensure!(received.len() < HEAD_BYTES_MAX, "the head is longer than {HEAD_BYTES_MAX} bytes");
    };
    let mut body = BodyReader::new(head, query.compression);
    body.take(&rest)?;
    let mut first_byte = (body.body_bytes > 0).then(|| started.elapsed());
    while !body.head.framing.is_done() {
        let read = stream.read(&mut buffer).context("reading the body")?;
        ensure!(read > 0, "the connection ended before the last byte, after {} bytes", body.body_bytes);
        body.take(&buffer[..read])?;
        if first_byte.is_none() && body.body_bytes > 0 {
            first_byte = Some(started.elapsed());
        }
    }
    let whole = started.elapsed();
    body.finish(first_byte.unwrap_or(whole), whole)
}

/// The query as bytes of HTTP/1.1.
pub fn render_request(query: &Query) -> String {
    let format = match query.response_format {
        ResponseFormat::Parquet => "parquet",
        ResponseFormat::Delta => "delta",
    };
    let accept = if query.compression == Compression::None { "" } else { "Accept-Encoding: gzip\r\n" };
    format!(
        "POST {}/query HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Delta-Sharing-Capabilities: responseformat={format}\r\nUser-Agent: lakeshare-perf\r\n{accept}\
         Content-Length: {}\r\nConnection: close\r\n\r\n{}",
        query.table_path,
        query.address,
        query.bearer_token,
        query.body.len(),
        query.body
    )
}

/// Where the bytes of a body go.
enum Counter {
    Plain(LineCounter),
    Gzip(Box<MultiGzDecoder<LineCounter>>),
    Unread,
}

struct BodyReader {
    head: Head,
    counter: Counter,
    body_bytes: u64,
}

impl BodyReader {
    fn new(head: Head, compression: Compression) -> Self {
        let counter = match (head.is_gzip, compression) {
            (false, _) => Counter::Plain(LineCounter::default()),
            (true, Compression::GzipUnread) => Counter::Unread,
            (true, _) => Counter::Gzip(Box::new(MultiGzDecoder::new(LineCounter::default()))),
        };
        Self { head, counter, body_bytes: 0 }
    }

    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let Self { head, counter, body_bytes } = self;
        head.framing.take(bytes, &mut |data| {
            *body_bytes += data.len() as u64;
            match counter {
                Counter::Plain(lines) => lines.count(data),
                Counter::Gzip(decoder) => decoder.write_all(data).context("opening gzip")?,
                Counter::Unread => {}
            }
            Ok(())
        })
    }

    fn finish(self, first_byte: Duration, whole: Duration) -> anyhow::Result<Listing> {
        let lines = match self.counter {
            Counter::Plain(lines) => Some(lines),
            Counter::Gzip(decoder) => Some(decoder.finish().context("the end of gzip")?),
            Counter::Unread => None,
        };
        let (lines, file_lines) = lines.map_or(Ok((0, 0)), LineCounter::finish)?;
        Ok(Listing {
            lines,
            file_lines,
            body_bytes: self.body_bytes,
            first_byte_ms: first_byte.as_secs_f64() * 1e3,
            whole_ms: whole.as_secs_f64() * 1e3,
            is_gzip: self.head.is_gzip,
            table_version: self.head.table_version,
        })
    }
}

/// Counts lines in pieces of any size.
#[derive(Debug, Default)]
struct LineCounter {
    lines: u64,
    file_lines: u64,
    /// The beginning of the present line, as far as it is needed to tell files from others.
    start: Vec<u8>,
    last_byte: Option<u8>,
    before_last_byte: Option<u8>,
}

impl LineCounter {
    fn count(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.keep_start(&bytes[..end]);
            self.before_last_byte = if end > 0 { bytes.get(end - 1).copied() } else { self.last_byte };
            self.last_byte = Some(b'\n');
            self.lines += 1;
            self.file_lines += u64::from(self.start == FILE_LINE);
            self.start.clear();
            bytes = &bytes[end + 1..];
        }
        self.keep_start(bytes);
        self.last_byte = bytes.last().copied().or(self.last_byte);
    }

    fn keep_start(&mut self, bytes: &[u8]) {
        let missing = FILE_LINE.len() - self.start.len();
        self.start.extend_from_slice(&bytes[..missing.min(bytes.len())]);
    }

    /// All lines, and those of files.
    fn finish(mut self) -> anyhow::Result<(u64, u64)> {
        if self.last_byte != Some(b'\n') {
            // The last line may lack its end; one that is cut off lacks its closing brace, too.
            self.before_last_byte = self.last_byte;
            self.lines += 1;
            self.file_lines += u64::from(self.start == FILE_LINE);
        }
        ensure!(self.before_last_byte == Some(b'}'), "the last line is cut off");
        Ok((self.lines, self.file_lines))
    }
}

impl Write for LineCounter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.count(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;

    const BODY: &[u8] = b"{\"protocol\":{}}\n{\"metaData\":{}}\n{\"file\":{\"a\":1}}\n{\"file\":{\"b\":2}}\n";

    fn read(
        head: &str,
        body: &[u8],
        compression: Compression,
        piece_bytes: usize,
    ) -> anyhow::Result<Listing> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{head}\r\n", body.len());
        let mut reader = BodyReader::new(wire::parse_head(head.as_bytes(), b"")?, compression);
        for piece in body.chunks(piece_bytes) {
            reader.take(piece)?;
        }
        ensure!(reader.head.framing.is_done(), "not at its end");
        reader.finish(Duration::ZERO, Duration::ZERO)
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_are_counted_however_the_bytes_arrive() {
        for piece_bytes in 1..40 {
            let plain = read("", BODY, Compression::None, piece_bytes).unwrap();
            assert_eq!((plain.lines, plain.file_lines, plain.body_bytes), (4, 2, BODY.len() as u64));
            let packed = gzip(BODY);
            let opened = read("Content-Encoding: gzip\r\n", &packed, Compression::Gzip, piece_bytes).unwrap();
            assert_eq!((opened.lines, opened.file_lines, opened.body_bytes), (4, 2, packed.len() as u64));
        }
    }

    #[test]
    fn a_body_that_stays_unread_counts_bytes_only() {
        let packed = gzip(BODY);
        let listing = read("Content-Encoding: gzip\r\n", &packed, Compression::GzipUnread, 9).unwrap();
        assert_eq!((listing.lines, listing.body_bytes, listing.is_gzip), (0, packed.len() as u64, true));
    }

    #[test]
    fn a_cut_is_noticed_plain_and_packed() {
        assert!(read("", b"{\"file\":{}}\n{\"file\":{\"x\"", Compression::None, 5).is_err());
        let packed = gzip(BODY);
        let cut = &packed[..packed.len() - 9];
        assert!(read("Content-Encoding: gzip\r\n", cut, Compression::Gzip, 5).is_err());
    }
}
