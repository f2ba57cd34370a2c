//! A reader that costs little: asks for a listing, counts, keeps nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use crate::scenario::ResponseFormat;

/// Longest wait for the next bytes: a cold start of 10,000,000 files included.
const READ_TIMEOUT: Duration = Duration::from_mins(10);
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
}

/// What came back.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Listing {
    pub lines: u64,
    pub file_lines: u64,
    /// Bytes of the body, without the framing of chunks.
    pub body_bytes: u64,
    /// From sending the request to the first byte of the body.
    pub first_byte_ms: f64,
    pub whole_ms: f64,
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
    let mut head = Vec::new();
    let (framing, rest) = loop {
        let read = stream.read(&mut buffer).context("reading the head")?;
        ensure!(read > 0, "the connection ended within the head");
        head.extend_from_slice(&buffer[..read]);
        if let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") {
            let rest = head.split_off(end + 4);
            break (parse_head(&head, &rest)?, rest);
        }
        ensure!(head.len() < HEAD_BYTES_MAX, "the head is longer than {HEAD_BYTES_MAX} bytes");
    };
    let mut body = BodyReader { framing, counter: LineCounter::default() };
    body.take(&rest)?;
    let mut first_byte = (body.counter.body_bytes > 0).then(|| started.elapsed());
    while !body.framing.is_done() {
        let read = stream.read(&mut buffer).context("reading the body")?;
        ensure!(read > 0, "the connection ended before the last byte, after {} lines", body.counter.lines);
        body.take(&buffer[..read])?;
        if first_byte.is_none() && body.counter.body_bytes > 0 {
            first_byte = Some(started.elapsed());
        }
    }
    let whole = started.elapsed();
    body.counter.finish(first_byte.unwrap_or(whole), whole)
}

fn render_request(query: &Query) -> String {
    let format = match query.response_format {
        ResponseFormat::Parquet => "parquet",
        ResponseFormat::Delta => "delta",
    };
    format!(
        "POST {}/query HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Delta-Sharing-Capabilities: responseformat={format}\r\nUser-Agent: lakeshare-perf\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{{}}",
        query.table_path, query.address, query.bearer_token
    )
}

/// Where the body ends.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    /// Bytes still to come.
    Length(u64),
    Chunked(Chunk),
}

#[derive(Debug, PartialEq, Eq)]
enum Chunk {
    /// Within the line that gives the size; digits read so far, and whether they are over (`;` or CR seen).
    Size {
        bytes: u64,
        is_over: bool,
    },
    /// Bytes of data still to come.
    Data {
        bytes: u64,
    },
    /// Within the CR LF after the data.
    DataEnd,
    /// Within the lines after the last chunk; the length of the present one.
    Trailer {
        line_bytes: u64,
    },
    Done,
}

impl Framing {
    fn is_done(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Done))
    }
}

fn parse_head(head: &[u8], rest: &[u8]) -> anyhow::Result<Framing> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    ensure!(status == "200", "the server answered {status}: {}", String::from_utf8_lossy(rest));
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("transfer-encoding") {
            ensure!(value.trim().eq_ignore_ascii_case("chunked"), "unknown transfer encoding {value}");
            return Ok(Framing::Chunked(Chunk::Size { bytes: 0, is_over: false }));
        }
        if name.eq_ignore_ascii_case("content-length") {
            return Ok(Framing::Length(value.trim().parse().context("content-length")?));
        }
    }
    bail!("neither a length nor chunks: nobody could tell whether the last byte came")
}

struct BodyReader {
    framing: Framing,
    counter: LineCounter,
}

impl BodyReader {
    fn take(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            match &mut self.framing {
                Framing::Length(0) | Framing::Chunked(Chunk::Done) => bail!("bytes after the last one"),
                Framing::Length(left) | Framing::Chunked(Chunk::Data { bytes: left }) => {
                    let count = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    self.counter.count(&bytes[..count]);
                    *left -= count as u64;
                    bytes = &bytes[count..];
                    if self.framing == Framing::Chunked(Chunk::Data { bytes: 0 }) {
                        self.framing = Framing::Chunked(Chunk::DataEnd);
                    }
                }
                Framing::Chunked(chunk) => {
                    *chunk = step(chunk, bytes[0])?;
                    bytes = &bytes[1..];
                }
            }
        }
        Ok(())
    }
}

/// The state after one byte of framing (RFC 9112, section 7.1).
fn step(chunk: &Chunk, byte: u8) -> anyhow::Result<Chunk> {
    Ok(match (chunk, byte) {
        (Chunk::Size { bytes: 0, .. }, b'\n') => Chunk::Trailer { line_bytes: 0 },
        (&Chunk::Size { bytes, .. }, b'\n') => Chunk::Data { bytes },
        (&Chunk::Size { bytes, is_over }, _) => match char::from(byte).to_digit(16) {
            Some(digit) if !is_over => Chunk::Size { bytes: bytes * 16 + u64::from(digit), is_over },
            _ => Chunk::Size { bytes, is_over: true },
        },
        (Chunk::DataEnd, b'\r') => Chunk::DataEnd,
        (Chunk::DataEnd, b'\n') => Chunk::Size { bytes: 0, is_over: false },
        (Chunk::Trailer { line_bytes: 0 }, b'\n') => Chunk::Done,
        (&Chunk::Trailer { line_bytes }, b'\r') => Chunk::Trailer { line_bytes },
        (Chunk::Trailer { .. }, b'\n') => Chunk::Trailer { line_bytes: 0 },
        (&Chunk::Trailer { line_bytes }, _) => Chunk::Trailer { line_bytes: line_bytes + 1 },
        (Chunk::DataEnd | Chunk::Data { .. } | Chunk::Done, _) => bail!("a broken chunk"),
    })
}

/// Counts lines in pieces of any size.
#[derive(Debug, Default)]
struct LineCounter {
    lines: u64,
    file_lines: u64,
    body_bytes: u64,
    /// The beginning of the present line, as far as it is needed to tell files from others.
    start: Vec<u8>,
    last_byte: Option<u8>,
    before_last_byte: Option<u8>,
}

impl LineCounter {
    fn count(&mut self, mut bytes: &[u8]) {
        self.body_bytes += bytes.len() as u64;
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

    fn finish(mut self, first_byte: Duration, whole: Duration) -> anyhow::Result<Listing> {
        if self.last_byte != Some(b'\n') {
            // The last line may lack its end; one that is cut off lacks its closing brace, too.
            self.before_last_byte = self.last_byte;
            self.lines += 1;
            self.file_lines += u64::from(self.start == FILE_LINE);
        }
        ensure!(self.before_last_byte == Some(b'}'), "the last line is cut off");
        Ok(Listing {
            lines: self.lines,
            file_lines: self.file_lines,
            body_bytes: self.body_bytes,
            first_byte_ms: first_byte.as_secs_f64() * 1e3,
            whole_ms: whole.as_secs_f64() * 1e3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{\"protocol\":{}}\n{\"metaData\":{}}\n{\"file\":{\"a\":1}}\n{\"file\":{\"b\":2}}\n";

    fn chunked(sizes: &[usize]) -> Vec<u8> {
        let (mut out, mut rest) = (Vec::new(), BODY);
        for &size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            out.extend_from_slice(piece);
            out.extend_from_slice(b"\r\n");
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        out.extend_from_slice(b"0\r\n\r\n");
        out
    }

    fn read(wire: &[u8], piece_bytes: usize) -> anyhow::Result<(Listing, bool)> {
        let framing = Framing::Chunked(Chunk::Size { bytes: 0, is_over: false });
        let mut body = BodyReader { framing, counter: LineCounter::default() };
        for piece in wire.chunks(piece_bytes) {
            body.take(piece)?;
        }
        let is_done = body.framing.is_done();
        Ok((body.counter.finish(Duration::ZERO, Duration::ZERO)?, is_done))
    }

    #[test]
    fn lines_are_counted_however_the_bytes_arrive() {
        for sizes in [&[1][..], &[3, 20, 1], &[100]] {
            for piece_bytes in 1..40 {
                let (listing, is_done) = read(&chunked(sizes), piece_bytes).unwrap();
                assert!(is_done);
                assert_eq!((listing.lines, listing.file_lines), (4, 2));
                assert_eq!(listing.body_bytes, BODY.len() as u64);
            }
        }
    }

    #[test]
    fn a_missing_last_chunk_is_noticed() {
        let mut wire = chunked(&[10]);
        wire.truncate(wire.len() - 5);
        assert!(!read(&wire, 7).unwrap().1);
    }

    #[test]
    fn a_line_that_is_cut_off_is_noticed() {
        let mut counter = LineCounter::default();
        counter.count(b"{\"file\":{}}\n{\"file\":{\"x\"");
        assert!(counter.finish(Duration::ZERO, Duration::ZERO).is_err());
    }

    #[test]
    fn refusals_and_endless_bodies_are_errors() {
        assert!(parse_head(b"HTTP/1.1 401 Unauthorized\r\n\r\n", b"no").is_err());
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n", b"").is_err());
        assert_eq!(
            parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", b"").unwrap(),
            Framing::Length(7)
        );
    }
}
