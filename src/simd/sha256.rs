//! SHA-256 of two messages side by side.
//!
//! The rounds of one message wait for one another; a second message fills the wait. With the SHA instructions two blocks
//! take little more time than one.

pub use super::block::{BLOCK_BYTES, INITIAL, Words};
pub use super::scalar::compress;

/// Compresses the blocks of two messages into their states; the messages may differ in length.
#[inline]
pub fn compress_pair(words: [&mut Words; 2], blocks: [&[[u8; BLOCK_BYTES]]; 2]) {
    let [first, second] = words;
    let [first_blocks, second_blocks] = blocks;
    let shared = first_blocks.len().min(second_blocks.len());
    let (first_shared, first_rest) = first_blocks.split_at(shared);
    let (second_shared, second_rest) = second_blocks.split_at(shared);
    compress_shared([&mut *first, &mut *second], [first_shared, second_shared]);
    for (words, rest) in [(first, first_rest), (second, second_rest)] {
        if !rest.is_empty() {
            compress(words, rest);
        }
    }
}

/// Compresses the same blocks into the states of four messages: their words are mixed once for all four.
#[inline]
pub fn compress_same(words: &mut [Words; 4], blocks: &[[u8; BLOCK_BYTES]]) {
    #[cfg(target_arch = "x86_64")]
    if super::sha256_x86::is_supported() {
        // SAFETY: the processor has the instructions that the function is compiled for.
        return unsafe { super::sha256_x86::compress_same(words, blocks) };
    }
    let [first, second, third, fourth] = words;
    compress_shared([first, second], [blocks; 2]);
    compress_shared([third, fourth], [blocks; 2]);
}

/// Both messages have as many blocks.
#[inline]
fn compress_shared(words: [&mut Words; 2], blocks: [&[[u8; BLOCK_BYTES]]; 2]) {
    #[cfg(target_arch = "x86_64")]
    if super::sha256_x86::is_supported() {
        // SAFETY: the processor has the instructions that the function is compiled for.
        return unsafe { super::sha256_x86::compress(words, blocks) };
    }
    #[cfg(target_arch = "aarch64")]
    if super::sha256_arm::is_supported() {
        // SAFETY: the processor has the instructions that the function is compiled for.
        return unsafe { super::sha256_arm::compress(words, blocks) };
    }
    super::scalar::compress_pair(words, blocks);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::scalar;

    proptest! {
        #[test]
        fn two_messages_side_by_side_are_as_one_after_the_other(
            states: [Words; 2],
            bytes in prop::collection::vec(any::<u8>(), 0..2_000),
            starts in [0_usize..70, 0_usize..70],
        ) {
            // Blocks at any address and of different numbers.
            let blocks = starts.map(|start| bytes.get(start..).unwrap_or_default().as_chunks::<BLOCK_BYTES>().0);
            let mut plain = states;
            let [first, second] = &mut plain;
            scalar::compress_pair([first, second], blocks);
            let mut paired = states;
            let [first, second] = &mut paired;
            compress_pair([first, second], blocks);
            prop_assert_eq!(paired, plain);
        }

        #[test]
        fn the_same_blocks_make_of_four_states_what_they_make_of_each(
            states: [Words; 4],
            bytes in prop::collection::vec(any::<u8>(), 0..1_000),
            start in 0_usize..70,
        ) {
            let blocks = bytes.get(start..).unwrap_or_default().as_chunks::<BLOCK_BYTES>().0;
            let mut plain = states;
            for words in &mut plain {
                scalar::compress(words, blocks);
            }
            let mut same = states;
            compress_same(&mut same, blocks);
            prop_assert_eq!(same, plain);
        }
    }

    #[test]
    fn the_states_of_two_messages_are_their_digests() {
        // FIPS 180-4's own examples: one block, "abc", and two blocks.
        let mut short = [[0; BLOCK_BYTES]];
        short[0][..4].copy_from_slice(b"abc\x80");
        short[0][63] = 24;
        let text = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq\x80";
        let mut long = [[0; BLOCK_BYTES]; 2];
        long[0][..57].copy_from_slice(text);
        long[1][62..].copy_from_slice(&448_u16.to_be_bytes());
        let mut states = [INITIAL; 2];
        let [first, second] = &mut states;
        compress_pair([first, second], [&short, &long]);
        assert_eq!(states[0][..2], [0xba78_16bf, 0x8f01_cfea]);
        assert_eq!(states[1][..2], [0x248d_6a61, 0xd206_38b8]);
    }
}
