//! Answers in pieces, each packed on its own.

use std::cell::RefCell;

use bytes::Bytes;

use crate::encode::gzip::{self, Checksum};
use crate::http::buffer::Buffer;
use crate::http::coding::Coding;

/// Best speed at a ratio that higher levels hardly reach.
const ZSTD_LEVEL: i32 = 1;

thread_local! {
    static PACKERS: RefCell<Packers> = RefCell::default();
}

/// What packs on one core; made when first needed.
#[derive(Default)]
struct Packers {
    gzip: gzip::Packer,
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

/// A piece as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Piece {
    pub bytes: Bytes,
    /// What the end of a gzip member has to know of it.
    gzip: Option<Checksum>,
}

impl Piece {
    /// Packs some lines.
    pub fn of(coding: Coding, plain: Buffer) -> Self {
        match coding {
            Coding::Identity => Self { bytes: plain.freeze(), gzip: None },
            Coding::Zstd | Coding::Gzip => Self::to_keep(coding, &plain),
        }
    }

    /// Packs some lines into memory that is no larger than they.
    pub fn to_keep(coding: Coding, plain: &Buffer) -> Self {
        if coding == Coding::Identity {
            return Self { bytes: Bytes::copy_from_slice(plain.as_ref()), gzip: None };
        }
        let mut packed = Buffer::take();
        let gzip = pack(coding, plain.as_ref(), packed.bytes_mut());
        Self { bytes: Bytes::copy_from_slice(packed.as_ref()), gzip }
    }
}

/// Packs into an empty buffer. Each piece is a frame of zstd (RFC 8878, 3: frames in a row are one content), or an
/// independent part of a gzip member.
fn pack(coding: Coding, plain: &[u8], out: &mut Vec<u8>) -> Option<Checksum> {
    PACKERS.with_borrow_mut(|packers| match coding {
        Coding::Identity => {
            out.extend_from_slice(plain);
            None
        }
        Coding::Gzip => Some(packers.gzip.push_piece(plain, out)),
        Coding::Zstd => {
            let zstd = packers
                .zstd
                .get_or_insert_with(|| zstd::bulk::Compressor::new(ZSTD_LEVEL).unwrap_or_default());
            out.reserve(zstd::zstd_safe::compress_bound(plain.len()));
            let packed = zstd.compress_to_buffer(plain, out);
            assert!(packed.is_ok(), "packing bytes in memory fails only without memory");
            None
        }
    })
}

/// Joins the pieces of one answer.
#[derive(Debug)]
pub struct Packing {
    coding: Coding,
    /// Of all pieces until now.
    member: Checksum,
    is_begun: bool,
}

impl Packing {
    pub fn new(coding: Coding) -> Self {
        Self { coding, member: Checksum::default(), is_begun: false }
    }

    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// The bytes of some lines, after what the answer begins with if they are the first.
    pub fn push(&mut self, plain: Buffer) -> Bytes {
        let piece = Piece::of(self.coding, plain);
        self.join(&piece);
        if std::mem::replace(&mut self.is_begun, true) || self.coding != Coding::Gzip {
            return piece.bytes;
        }
        [&gzip::HEAD, piece.bytes.as_ref()].concat().into()
    }

    /// Counts a finished piece that follows; it must not be the first.
    pub fn join(&mut self, piece: &Piece) {
        if let Some(checksum) = piece.gzip {
            self.member = self.member.and(checksum);
        }
    }

    /// The bytes of the last lines, of which there may be none, and what follows them.
    pub fn end(&mut self, plain: Buffer) -> Bytes {
        let is_empty = plain.as_ref().is_empty() && self.is_begun;
        let bytes = if is_empty { Bytes::new() } else { self.push(plain) };
        match self.coding {
            Coding::Identity | Coding::Zstd => bytes,
            Coding::Gzip => {
                let mut bytes = bytes.to_vec();
                bytes.extend_from_slice(&self.member.trailer());
                bytes.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharing::fixture::unpack;

    fn buffer(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::take();
        buffer.bytes_mut().extend_from_slice(bytes);
        buffer
    }

    #[test]
    fn an_answer_without_lines_is_whole() {
        for coding in [Coding::Identity, Coding::Zstd, Coding::Gzip] {
            assert_eq!(unpack(coding, &Packing::new(coding).end(buffer(b""))), b"");
            assert_eq!(unpack(coding, &Packing::new(coding).end(buffer(b"end"))), b"end");
        }
    }

    #[test]
    fn pieces_make_one_answer_whatever_the_coding() {
        let long = b"line after line\n".repeat(9_000);
        for coding in [Coding::Identity, Coding::Zstd, Coding::Gzip] {
            for end in [b"".as_slice(), b"end\n"] {
                let mut packing = Packing::new(coding);
                let mut answer = packing.push(buffer(b"head\n")).to_vec();
                for _ in 0..2 {
                    let piece = Piece::to_keep(coding, &buffer(&long));
                    assert_eq!(piece.bytes, Piece::of(coding, buffer(&long)).bytes);
                    packing.join(&piece);
                    answer.extend_from_slice(&piece.bytes);
                }
                answer.extend_from_slice(&packing.push(buffer(&long)));
                answer.extend_from_slice(&packing.end(buffer(end)));
                assert_eq!(unpack(coding, &answer), [b"head\n", long.as_slice(), &long, &long, end].concat());
                assert!(coding == Coding::Identity || answer.len() < 3 * long.len() / 4);
            }
        }
    }
}
