//! Bytes as they are, in the framing of a content coding.
//!
//! For texts that are so short that packing them would cost more than it saves.

/// Longest block that deflate stores (RFC 1951, 3.2.4).
const DEFLATE_BLOCK_BYTES_MAX: usize = 65_535;

/// Longest block of zstd (RFC 8878, 3.1.1.2.4).
const ZSTD_BLOCK_BYTES_MAX: usize = 128 << 10;

/// What a frame of zstd begins with (RFC 8878, 3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// One segment, as large as eight bytes say, without a checksum (RFC 8878, 3.1.1.1.1).
const ZSTD_DESCRIPTOR: u8 = 0b1110_0000;

/// Appends blocks of deflate that are not the last; they begin and end at whole bytes.
pub fn deflate(plain: &[u8], out: &mut Vec<u8>) {
    for block in plain.chunks(DEFLATE_BLOCK_BYTES_MAX) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
}

/// Appends a frame of zstd.
pub fn zstd(plain: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&ZSTD_MAGIC);
    out.push(ZSTD_DESCRIPTOR);
    out.extend_from_slice(&(plain.len() as u64).to_le_bytes());
    let mut rest = plain;
    loop {
        let (block, after) = rest.split_at_checked(ZSTD_BLOCK_BYTES_MAX).unwrap_or((rest, &[]));
        let length = u32::try_from(block.len()).unwrap_or_default();
        // The lowest bit says whether the block is the last, the two above that it is raw.
        let head = (length << 3) | u32::from(after.is_empty());
        out.extend(head.to_le_bytes().into_iter().take(3));
        out.extend_from_slice(block);
        rest = after;
        if rest.is_empty() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn decoders_find_the_bytes_again() {
        for length in [0, 1, 65_535, 65_536, 131_072, 131_073, 400_000] {
            let plain: Vec<u8> = (0_u8..=250).cycle().take(length).collect();
            let mut packed = Vec::new();
            zstd(&plain, &mut packed);
            assert!(::zstd::stream::decode_all(packed.as_slice()).unwrap() == plain, "{length}");
            let mut packed = Vec::new();
            deflate(&plain, &mut packed);
            packed.extend_from_slice(&[3, 0]);
            let mut read = Vec::new();
            flate2::read::DeflateDecoder::new(packed.as_slice()).read_to_end(&mut read).unwrap();
            assert!(read == plain, "{length}");
        }
    }
}
