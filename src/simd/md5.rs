//! MD5 of eight messages side by side.
//!
//! Each step waits for the one before it; eight messages in the lanes of two vectors take little longer than one.

pub use super::block::{BLOCK_BYTES, Md5Words as Words};

/// The state before the first block (RFC 1321, section 3.3).
pub const INITIAL: Words = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Blocks of four messages.
type Four<'a> = [&'a [[u8; BLOCK_BYTES]]; 4];

/// Compresses the blocks of eight messages into their states; the messages may differ in length.
pub fn compress_eight(states: &mut [[Words; 4]; 2], messages: [Four<'_>; 2]) {
    let shared = messages.iter().flatten().map(|blocks| blocks.len()).min().unwrap_or(0);
    compress_shared(states, messages.map(|four| four.map(|blocks| blocks.split_at(shared).0)));
    for (state, blocks) in states.iter_mut().flatten().zip(messages.into_iter().flatten()) {
        md5::block_api::compress(state, blocks.split_at(shared).1);
    }
}

/// All messages have as many blocks.
fn compress_shared(states: &mut [[Words; 4]; 2], messages: [Four<'_>; 2]) {
    #[cfg(target_arch = "x86_64")]
    super::md5_lanes::compress::<super::vector_x86::Four>(states.each_mut(), messages);
    #[cfg(target_arch = "aarch64")]
    super::md5_lanes::compress::<super::vector_arm::Four>(states.each_mut(), messages);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    for (state, blocks) in states.iter_mut().flatten().zip(messages.into_iter().flatten()) {
        md5::block_api::compress(state, blocks);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn eight_messages_side_by_side_are_as_one_after_the_other(
            states: [[Words; 4]; 2],
            bytes in prop::collection::vec(any::<u8>(), 0..2_000),
            starts: [[u8; 4]; 2],
        ) {
            // Blocks at any address and of different numbers.
            let messages = starts.map(|starts| starts.map(|start| {
                bytes.get(usize::from(start)..).unwrap_or_default().as_chunks::<BLOCK_BYTES>().0
            }));
            let mut plain = states;
            for (state, blocks) in plain.iter_mut().flatten().zip(messages.into_iter().flatten()) {
                md5::block_api::compress(state, blocks);
            }
            let mut lanes = states;
            compress_eight(&mut lanes, messages);
            prop_assert_eq!(lanes, plain);
        }
    }

    #[test]
    fn the_state_of_a_message_is_its_digest() {
        let mut block = [[0; BLOCK_BYTES]];
        block[0][..4].copy_from_slice(b"abc\x80");
        block[0][56] = 24;
        let mut states = [[INITIAL; 4]; 2];
        compress_eight(&mut states, [[&block; 4]; 2]);
        let digest: Vec<u8> = states[1][3].iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(hex::encode(digest), "900150983cd24fb0d6963f7d28e17f72");
    }
}
