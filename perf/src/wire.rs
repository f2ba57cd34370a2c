//! Answers of HTTP/1.1 as they arrive: head and framing.

use anyhow::{Context, bail, ensure};

/// What the head of an answer says, as far as it is asked for here.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// 200, or one of the other codes that are no refusal.
    pub status: String,
    pub framing: Framing,
    pub is_gzip: bool,
    /// `Delta-Table-Version`.
    pub table_version: Option<u64>,
    pub etag: Option<String>,
}

/// Where the body ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Framing {
    /// Bytes still to come.
    Length(u64),
    Chunked(Chunk),
}

#[derive(Debug, PartialEq, Eq)]
pub enum Chunk {
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
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Done))
    }

    /// Gives the data among `bytes` to `sink`, piece by piece.
    pub fn take(
        &mut self,
        mut bytes: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            match self {
                Self::Length(0) | Self::Chunked(Chunk::Done) => bail!("bytes after the last one"),
                Self::Length(left) | Self::Chunked(Chunk::Data { bytes: left }) => {
                    let count = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    let (data, rest) = bytes.split_at(count);
                    sink(data)?;
                    *left -= count as u64;
                    bytes = rest;
                    if *self == Self::Chunked(Chunk::Data { bytes: 0 }) {
                        *self = Self::Chunked(Chunk::DataEnd);
                    }
                }
                Self::Chunked(chunk) => {
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

/// Reads a head up to its empty line; `rest` is only for the complaint about a refusal.
pub fn parse_head(head: &[u8], rest: &[u8]) -> anyhow::Result<Head> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let is_empty = matches!(status, "204" | "304");
    ensure!(status == "200" || is_empty, "the server answered {status}: {}", String::from_utf8_lossy(rest));
    let mut framing = is_empty.then_some(Framing::Length(0));
    let (mut is_gzip, mut table_version, mut etag) = (false, None, None);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            // RFC 9110, 8.6: what they say of a length is of another answer.
            "transfer-encoding" | "content-length" if is_empty => {}
            "transfer-encoding" => {
                ensure!(value.eq_ignore_ascii_case("chunked"), "unknown transfer encoding {value}");
                framing = Some(Framing::Chunked(Chunk::Size { bytes: 0, is_over: false }));
            }
            "content-length" => framing = Some(Framing::Length(value.parse().context("content-length")?)),
            "content-encoding" => {
                is_gzip = value.eq_ignore_ascii_case("gzip");
                ensure!(is_gzip || value.eq_ignore_ascii_case("zstd"), "unknown content encoding {value}");
            }
            "delta-table-version" => table_version = value.parse().ok(),
            "etag" => etag = Some(value.to_owned()),
            _ => {}
        }
    }
    let framing =
        framing.context("neither a length nor chunks: nobody could tell whether the last byte came")?;
    Ok(Head { status: status.to_owned(), framing, is_gzip, table_version, etag })
}

/// Length of the head in `bytes`, its empty line included, once it is there.
pub fn head_length(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|end| end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &[u8], piece_bytes: usize) -> anyhow::Result<(Vec<u8>, bool)> {
        let mut framing = Framing::Chunked(Chunk::Size { bytes: 0, is_over: false });
        let mut data = Vec::new();
        for piece in wire.chunks(piece_bytes) {
            framing.take(piece, &mut |bytes| {
                data.extend_from_slice(bytes);
                Ok(())
            })?;
        }
        Ok((data, framing.is_done()))
    }

    #[test]
    fn data_is_found_however_the_bytes_arrive() {
        let wire = b"3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
        for piece_bytes in 1..wire.len() {
            assert_eq!(read(wire, piece_bytes).unwrap(), (b"abc0123456789".to_vec(), true));
        }
        assert!(!read(&wire[..wire.len() - 2], 7).unwrap().1, "a missing end is noticed");
        assert!(read(b"0\r\n\r\nx", 3).is_err());
    }

    #[test]
    fn refusals_and_endless_bodies_are_errors() {
        assert!(parse_head(b"HTTP/1.1 401 Unauthorized\r\n\r\n", b"no").is_err());
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n", b"").is_err());
        assert!(
            parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Encoding: br\r\n\r\n", b"").is_err()
        );
    }

    #[test]
    fn an_answer_without_a_body_has_none_whatever_length_it_tells() {
        let head = parse_head(b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 9\r\n\r\n", b"")
            .unwrap();
        assert_eq!((head.framing, head.etag.as_deref()), (Framing::Length(0), Some("\"x\"")));
    }

    #[test]
    fn a_head_says_how_its_body_is_to_be_read() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nContent-Encoding: gzip\r\ndelta-table-version: 12\r\n\r\n";
        let expected = Head {
            status: "200".to_owned(),
            framing: Framing::Length(7),
            is_gzip: true,
            table_version: Some(12),
            etag: None,
        };
        assert_eq!(parse_head(head, b"").unwrap(), expected);
        assert_eq!(head_length(head), Some(head.len()));
        assert_eq!(head_length(&head[..head.len() - 1]), None);
    }
}
