//! The plain twins.

use super::block::{BLOCK_BYTES, STRIDE, Words};

/// Compresses the blocks of one message into its state.
#[inline]
pub fn compress(words: &mut Words, blocks: &[[u8; BLOCK_BYTES]]) {
    sha2::block_api::compress256(words, blocks);
}

/// Compresses the blocks of two messages, one message after the other.
pub(super) fn compress_pair(words: [&mut Words; 2], blocks: [&[[u8; BLOCK_BYTES]]; 2]) {
    for (words, blocks) in words.into_iter().zip(blocks) {
        compress(words, blocks);
    }
}

/// Appends `text` with its backslashes, up to the first stride that is rare or not whole.
#[cfg_attr(all(target_arch = "aarch64", not(test)), expect(dead_code, reason = "every ARMv8 has NEON"))]
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) -> usize {
    let is_rare = |byte: &u8| matches!(byte, 0..0x20 | 0x7F | 0xC2 | 0xE2);
    let (strides, _) = text.as_chunks::<STRIDE>();
    let mut taken = 0;
    for stride in strides.iter().take_while(|stride| !stride.iter().any(is_rare)) {
        for &byte in stride {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
        taken += stride.len();
    }
    taken
}
