//! SHA-256 and HMAC states that have swallowed their constant bytes.
//!
//! Presigning hashes the same head and the same key for every file. A midstate is the hash state after
//! the whole 64-byte blocks of such a head, so that each file only pays for the blocks that differ.

use crate::simd::sha256::{BLOCK_BYTES, INITIAL, Words, compress, compress_pair, compress_same};

/// SHA-256 after a whole number of blocks.
#[derive(Clone, Copy)]
pub struct Midstate {
    words: Words,
    swallowed_bytes: u64,
}

impl Midstate {
    /// Swallows the whole blocks of `head` and returns what is left of it.
    pub fn begin(head: &[u8]) -> (Self, &[u8]) {
        let (blocks, rest) = head.as_chunks::<BLOCK_BYTES>();
        let mut words = INITIAL;
        compress(&mut words, blocks);
        (Self { words, swallowed_bytes: bytes_of(blocks) }, rest)
    }

    /// The same for a state that has begun.
    fn swallow<'a>(&mut self, head: &'a [u8]) -> &'a [u8] {
        let (blocks, rest) = head.as_chunks::<BLOCK_BYTES>();
        compress(&mut self.words, blocks);
        self.swallowed_bytes += bytes_of(blocks);
        rest
    }

    /// Appends to `tail`, the last bytes of the message, the padding of FIPS 180-4, section 5.1.1.
    pub fn pad(&self, tail: &mut Vec<u8>) {
        let message_bits = (self.swallowed_bytes + tail.len() as u64) * 8;
        let padded = (tail.len() + 9).next_multiple_of(BLOCK_BYTES);
        tail.push(0x80);
        tail.resize(padded - 8, 0);
        tail.extend_from_slice(&message_bits.to_be_bytes());
    }

    /// The digest of the message that ends with the whole blocks `padded_tail`.
    #[inline]
    pub fn finish(&self, padded_tail: &[u8]) -> [u8; 32] {
        let mut words = self.words;
        compress(&mut words, padded_tail.as_chunks::<BLOCK_BYTES>().0);
        digest_of(words)
    }

    /// The digests of two such messages, side by side.
    #[inline]
    pub fn finish_pair(&self, padded_tails: [&[u8]; 2]) -> [[u8; 32]; 2] {
        let (mut first, mut second) = (self.words, self.words);
        compress_pair([&mut first, &mut second], padded_tails.map(|tail| tail.as_chunks::<BLOCK_BYTES>().0));
        [digest_of(first), digest_of(second)]
    }

    /// The digests of four such messages that have as many blocks and, after the first `own_blocks`, the same.
    #[inline]
    pub fn finish_alike(&self, padded_tails: [&[u8]; 4], own_blocks: usize) -> [[u8; 32]; 4] {
        let blocks = padded_tails.map(|tail| tail.as_chunks::<BLOCK_BYTES>().0);
        let split = blocks.map(|blocks| blocks.split_at_checked(own_blocks).unwrap_or((blocks, &[])));
        let [(first, same), (second, _), (third, _), (fourth, _)] = split;
        let mut words = [self.words; 4];
        let [first_words, second_words, third_words, fourth_words] = &mut words;
        compress_pair([first_words, second_words], [first, second]);
        compress_pair([third_words, fourth_words], [third, fourth]);
        compress_same(&mut words, same);
        words.map(digest_of)
    }
}

/// HMAC-SHA-256 under one key of messages that begin with the same head and end with 64 bytes of their own.
///
/// These are the strings to sign of one credential scope: only the hash of the canonical request differs. Each
/// part that differs has its place twice, for two messages side by side.
#[derive(Clone)]
pub struct HmacMidstate {
    inner: Midstate,
    inner_tails: [Vec<u8>; 2],
    own_at: usize,
    outer: Midstate,
    outer_blocks: [[u8; BLOCK_BYTES]; 2],
}

impl HmacMidstate {
    pub fn new(key: &[u8; 32], head: &[u8]) -> Self {
        let (mut inner, _) = Midstate::begin(&key_block(key, 0x36));
        let mut inner_tail = inner.swallow(head).to_vec();
        let own_at = inner_tail.len();
        inner_tail.resize(own_at + 64, 0);
        inner.pad(&mut inner_tail);

        let (outer, _) = Midstate::begin(&key_block(key, 0x5c));
        let mut block = vec![0; 32];
        outer.pad(&mut block);
        let mut outer_block = [0; BLOCK_BYTES];
        outer_block.copy_from_slice(&block);
        let inner_tails = [inner_tail.clone(), inner_tail];
        Self { inner, inner_tails, own_at, outer, outer_blocks: [outer_block; 2] }
    }

    /// The code of the message whose own bytes are the digits of `digest`.
    #[inline]
    pub fn sign_digest(&mut self, digest: &[u8; 32]) -> [u8; 32] {
        let [inner_tail, _] = &mut self.inner_tails;
        let [outer_block, _] = &mut self.outer_blocks;
        write_own(digest, self.own_at, inner_tail);
        write_inner(&self.inner.finish(inner_tail), outer_block);
        self.outer.finish(outer_block)
    }

    /// The codes of two such messages, side by side.
    #[inline]
    pub fn sign_digests(&mut self, digests: &[[u8; 32]; 2]) -> [[u8; 32]; 2] {
        for (digest, tail) in digests.iter().zip(&mut self.inner_tails) {
            write_own(digest, self.own_at, tail);
        }
        let inner = self.inner.finish_pair(self.inner_tails.each_ref().map(Vec::as_slice));
        for (digest, block) in inner.iter().zip(&mut self.outer_blocks) {
            write_inner(digest, block);
        }
        self.outer.finish_pair(self.outer_blocks.each_ref().map(<[u8; BLOCK_BYTES]>::as_slice))
    }
}

/// Puts the digits of the canonical request's hash in their place.
#[inline]
fn write_own(digest: &[u8; 32], own_at: usize, inner_tail: &mut [u8]) {
    let (_, own) = inner_tail.split_at_mut(own_at);
    super::hexadecimal::write_hex(digest, own);
}

/// Puts the inner hash in its place.
#[inline]
fn write_inner(digest: &[u8; 32], outer_block: &mut [u8; BLOCK_BYTES]) {
    let (inner_digest, _) = outer_block.split_at_mut(32);
    inner_digest.copy_from_slice(digest);
}

fn key_block(key: &[u8; 32], mask: u8) -> [u8; BLOCK_BYTES] {
    let mut block = [mask; BLOCK_BYTES];
    for (masked, byte) in block.iter_mut().zip(key) {
        *masked ^= byte;
    }
    block
}

fn digest_of(words: [u32; 8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    digest
}

fn bytes_of(blocks: &[[u8; BLOCK_BYTES]]) -> u64 {
    (blocks.len() * BLOCK_BYTES) as u64
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::{HmacMidstate, Midstate};

    proptest! {
        #[test]
        fn a_split_hash_equals_the_whole_one(head in prop::collection::vec(any::<u8>(), 0..300),
                                             tail in prop::collection::vec(any::<u8>(), 0..300)) {
            let (state, rest) = Midstate::begin(&head);
            let mut message = rest.to_vec();
            message.extend_from_slice(&tail);
            state.pad(&mut message);
            let whole: [u8; 32] = Sha256::new().chain_update(&head).chain_update(&tail).finalize().into();
            prop_assert_eq!(state.finish(&message), whole);
            prop_assert_eq!(state.finish_pair([&message, &message]), [whole; 2]);
        }

        #[test]
        fn messages_alike_at_their_end_have_the_digests_of_each(
            owns: [[u8; 90]; 4],
            own_bytes in 0_usize..90,
            same in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let (state, _) = Midstate::begin(&[7; 64]);
            let tails = owns.map(|own| {
                let mut tail = [own.get(..own_bytes).unwrap_or_default(), &same].concat();
                state.pad(&mut tail);
                tail
            });
            let tails = tails.each_ref().map(Vec::as_slice);
            prop_assert_eq!(state.finish_alike(tails, own_bytes.div_ceil(64)), tails.map(|tail| state.finish(tail)));
        }

        #[test]
        fn a_split_hmac_equals_the_whole_one(key: [u8; 32], digest: [u8; 32],
                                             head in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(&head);
            mac.update(hex::encode(digest).as_bytes());
            let whole: [u8; 32] = mac.finalize().into_bytes().into();
            let mut split = HmacMidstate::new(&key, &head);
            prop_assert_eq!(split.sign_digest(&digest), whole);
            prop_assert_eq!(split.sign_digests(&[[0; 32], digest])[1], whole);
            prop_assert_eq!(split.sign_digests(&[digest, [0; 32]])[0], whole);
            prop_assert_eq!(split.sign_digest(&digest), whole);
        }
    }
}
