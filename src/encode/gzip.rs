//! One gzip member out of pieces packed one by one (RFC 1952).
//!
//! Pieces can be kept and joined in any order, because each ends at a whole byte and refers to nothing before it, and
//! because checksums can be joined too. Clients see one member: some stop reading after the first.

use crc_fast::{CrcAlgorithm, checksum};
use flate2::{Compress, Compression, FlushCompress};
use memchr::memchr;

use super::deflate_lines::{LINE_BYTES_MAX, LineDeflater};

/// What a member begins with: no name, no time, system not told (RFC 1952, 2.3).
pub const HEAD: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

/// The last block of a member, which is empty (RFC 1951, 3.2.6).
const LAST_BLOCK: [u8; 2] = [3, 0];

const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc32IsoHdlc;

/// The polynomial of the checksum, lowest power in the highest bit (RFC 1952, 8).
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// The power x⁰.
const ONE: u32 = 1 << 31;

/// The power x⁸: a byte of zeros.
const ONE_BYTE: u32 = ONE >> 8;

/// Checksum and length of text that was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checksum {
    crc: u32,
    /// By what the checksum of all text before is multiplied; found once, as pieces are joined again and again.
    shift: u32,
    bytes: u64,
}

impl Default for Checksum {
    /// Of no text.
    fn default() -> Self {
        Self { crc: 0, shift: ONE, bytes: 0 }
    }
}

impl Checksum {
    pub fn of(plain: &[u8]) -> Self {
        let shift = power(ONE_BYTE, plain.len());
        Self { crc: crc(checksum(ALGORITHM, plain)), shift, bytes: plain.len() as u64 }
    }

    /// Of this text with the `next` one behind it.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        Self {
            crc: multiply(self.crc, next.shift) ^ next.crc,
            shift: multiply(self.shift, next.shift),
            bytes: self.bytes + next.bytes,
        }
    }

    /// What ends the member: an empty last block, the checksum, the length modulo 2^32.
    pub fn trailer(self) -> [u8; 10] {
        let modulo = u32::try_from(self.bytes & u64::from(u32::MAX)).unwrap_or_default();
        let fields = LAST_BLOCK.into_iter().chain(self.crc.to_le_bytes()).chain(modulo.to_le_bytes());
        let mut trailer = [0; 10];
        trailer.iter_mut().zip(fields).for_each(|(to, byte)| *to = byte);
        trailer
    }
}

/// The product of two polynomials modulo that of the checksum.
fn multiply(left: u32, mut right: u32) -> u32 {
    let mut product = 0;
    for power in 0..u32::BITS {
        if left & (ONE >> power) != 0 {
            product ^= right;
        }
        let carried = right & 1;
        right = (right >> 1) ^ (POLYNOMIAL & carried.wrapping_neg());
    }
    product
}

fn power(mut base: u32, mut exponent: usize) -> u32 {
    let mut product = ONE;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = multiply(product, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    product
}

/// CRC-32 in the lower half of what the library returns.
fn crc(wide: u64) -> u32 {
    u32::try_from(wide & u64::from(u32::MAX)).unwrap_or_default()
}

/// Packs pieces; keeps its buffers from piece to piece.
#[derive(Debug)]
pub struct Packer {
    lines: LineDeflater,
    /// For lines that are too long to refer to the one before.
    general: Compress,
}

impl Default for Packer {
    fn default() -> Self {
        Self { lines: LineDeflater::default(), general: Compress::new(Compression::fast(), false) }
    }
}

impl Packer {
    /// Appends a piece of a member's body.
    pub fn push_piece(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Checksum {
        if memchr(b'\n', plain).unwrap_or(plain.len()) < LINE_BYTES_MAX {
            self.lines.push_piece(plain, out);
        } else {
            self.push_general(plain, out);
        }
        Checksum::of(plain)
    }

    fn push_general(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        self.general.reset();
        let mut rest = plain;
        loop {
            // A flush is over when it leaves room; it needs six bytes at least.
            out.reserve(rest.len() / 4 + 4_096);
            let before = self.general.total_in();
            let packed = self.general.compress_vec(rest, out, FlushCompress::Full);
            assert!(packed.is_ok(), "packing bytes in memory does not fail");
            let taken = usize::try_from(self.general.total_in() - before).unwrap_or_default();
            rest = rest.get(taken..).unwrap_or_default();
            if rest.is_empty() && out.len() < out.capacity() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    /// Reads one member, which must be all that there is, and checks its checksum.
    fn unpacked(member: &[u8]) -> Vec<u8> {
        let mut decoder = GzDecoder::new(member);
        let mut plain = Vec::new();
        decoder.read_to_end(&mut plain).unwrap();
        assert!(decoder.into_inner().is_empty());
        plain
    }

    fn member(pieces: &[Vec<u8>]) -> Vec<u8> {
        let (mut packer, mut out, mut sum) = (Packer::default(), HEAD.to_vec(), Checksum::default());
        for piece in pieces {
            sum = sum.and(packer.push_piece(piece, &mut out));
        }
        out.extend_from_slice(&sum.trailer());
        out
    }

    #[test]
    fn an_empty_member_is_one() {
        assert_eq!(unpacked(&member(&[])), b"");
        assert_eq!(unpacked(&member(&[Vec::new()])), b"");
    }

    #[test]
    fn short_and_long_lines_are_pieces_of_one_member() {
        let long = |seed: u32| -> Vec<u8> {
            let random = |number: u32| number.wrapping_mul(seed).wrapping_mul(number).to_le_bytes()[1];
            (0..100_000_u32).map(random).filter(|&byte| byte != b'\n').collect()
        };
        let pieces =
            [b"a\nb\n".repeat(300), long(2_654_435_761), b"c\n".to_vec(), vec![b'x'; 200_000], long(40_503)];
        assert!(unpacked(&member(&pieces)) == pieces.concat());
    }

    proptest! {
        #[test]
        fn joined_checksums_are_those_of_the_whole(texts: Vec<Vec<u8>>, many in 0_usize..300_000) {
            let texts: Vec<Vec<u8>> = texts.into_iter().chain([vec![7; many]]).collect();
            let joined = texts.iter().fold(Checksum::default(), |sum, text| sum.and(Checksum::of(text)));
            prop_assert_eq!(joined, Checksum::of(&texts.concat()));
        }

        #[test]
        fn any_pieces_make_one_member(pieces: Vec<Vec<u8>>) {
            prop_assert_eq!(unpacked(&member(&pieces)), pieces.concat());
        }
    }
}
