//! The SHA-2 instructions of ARMv8.

#![allow(clippy::many_single_char_names, reason = "the words of a state have these names in FIPS 180-4")]

use std::arch::aarch64::{
    uint8x16_t, uint32x4_t, vaddq_u32, vreinterpretq_u32_u8, vrev32q_u8, vsha256h2q_u32, vsha256hq_u32,
    vsha256su0q_u32, vsha256su1q_u32,
};
use std::mem::transmute;

use super::block::{BLOCK_BYTES, ROUND_CONSTANTS, Words, all_rounds};

/// Whether this processor has the instructions.
#[inline]
pub(super) fn is_supported() -> bool {
    std::arch::is_aarch64_feature_detected!("sha2")
}

/// A state as the instructions want it.
#[derive(Clone, Copy)]
struct State {
    abcd: uint32x4_t,
    efgh: uint32x4_t,
}

#[inline]
fn vector(words: [u32; 4]) -> uint32x4_t {
    // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
    unsafe { transmute(words) }
}

#[inline]
fn words(vector: uint32x4_t) -> [u32; 4] {
    // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
    unsafe { transmute(vector) }
}

#[inline]
fn load(&[a, b, c, d, e, f, g, h]: &Words) -> State {
    State { abcd: vector([a, b, c, d]), efgh: vector([e, f, g, h]) }
}

#[inline]
fn store(state: State) -> Words {
    let ([a, b, c, d], [e, f, g, h]) = (words(state.abcd), words(state.efgh));
    [a, b, c, d, e, f, g, h]
}

/// The sixteen words of a block, which are big-endian.
#[inline]
#[target_feature(enable = "sha2,neon")]
fn read(block: &[u8; BLOCK_BYTES]) -> [uint32x4_t; 4] {
    // SAFETY: both are 64 bytes, and every bit pattern of them is a value.
    let quarters: [uint8x16_t; 4] = unsafe { transmute(*block) };
    quarters.map(|quarter| vreinterpretq_u32_u8(vrev32q_u8(quarter)))
}

/// The four rounds of a group with the first words of the schedule, which gets those of sixteen rounds later.
#[inline]
#[target_feature(enable = "sha2,neon")]
fn rounds<const GROUP: usize>(state: &mut State, schedule: &mut [uint32x4_t; 4], constants: [u32; 4]) {
    let [current, next, later, last] = *schedule;
    let sum = vaddq_u32(current, vector(constants));
    let new = if GROUP < 12 { vsha256su1q_u32(vsha256su0q_u32(current, next), later, last) } else { current };
    *schedule = [next, later, last, new];
    let abcd = state.abcd;
    state.abcd = vsha256hq_u32(abcd, state.efgh, sum);
    state.efgh = vsha256h2q_u32(state.efgh, abcd, sum);
}

/// Compresses block after block of two messages of as many blocks.
#[target_feature(enable = "sha2,neon")]
pub(super) fn compress(words: [&mut Words; 2], blocks: [&[[u8; BLOCK_BYTES]]; 2]) {
    let mut states = words.each_ref().map(|words| load(words));
    let [firsts, seconds] = blocks;
    for (first, second) in firsts.iter().zip(seconds) {
        let before = states;
        let mut schedules = [read(first), read(second)];
        all_rounds!(states, schedules);
        for (state, before) in states.iter_mut().zip(before) {
            state.abcd = vaddq_u32(state.abcd, before.abcd);
            state.efgh = vaddq_u32(state.efgh, before.efgh);
        }
    }
    for (words, state) in words.into_iter().zip(states) {
        *words = store(state);
    }
}
