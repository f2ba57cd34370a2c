//! The plain twins.

use super::block::{BLOCK_BYTES, Words};

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
