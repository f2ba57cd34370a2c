//! The SHA instructions of x86-64.

#![allow(clippy::many_single_char_names, reason = "the words of a state have these names in FIPS 180-4")]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_set_epi64x, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32,
    _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};
use std::mem::transmute;

use super::block::{BLOCK_BYTES, ROUND_CONSTANTS, Words, all_rounds, all_same_rounds};

/// Whether this processor has the instructions.
#[inline]
pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")
}

/// A state as the instructions want it.
#[derive(Clone, Copy)]
struct State {
    abef: __m128i,
    cdgh: __m128i,
}

#[inline]
fn vector(words: [u32; 4]) -> __m128i {
    // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
    unsafe { transmute(words) }
}

#[inline]
fn words(vector: __m128i) -> [u32; 4] {
    // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
    unsafe { transmute(vector) }
}

#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn load(&[a, b, c, d, e, f, g, h]: &Words) -> State {
    State { abef: vector([f, e, b, a]), cdgh: vector([h, g, d, c]) }
}

#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn store(state: State) -> Words {
    let ([f, e, b, a], [h, g, d, c]) = (words(state.abef), words(state.cdgh));
    [a, b, c, d, e, f, g, h]
}

/// The sixteen words of a block, which are big-endian.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn read(block: &[u8; BLOCK_BYTES]) -> [__m128i; 4] {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // SAFETY: both are 64 bytes, and every bit pattern of them is a value.
    let quarters: [__m128i; 4] = unsafe { transmute(*block) };
    quarters.map(|quarter| _mm_shuffle_epi8(quarter, swap))
}

/// The four rounds of a group with the first words of the schedule, which gets those of sixteen rounds later.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn rounds<const GROUP: usize>(state: &mut State, schedule: &mut [__m128i; 4], constants: [u32; 4]) {
    let sum = _mm_add_epi32(schedule[0], vector(constants));
    state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, sum);
    mix::<GROUP>(schedule);
    state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/// The same rounds of four messages that share the schedule.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn same_rounds<const GROUP: usize>(
    states: &mut [State; 4],
    schedule: &mut [__m128i; 4],
    constants: [u32; 4],
) {
    let sum = _mm_add_epi32(schedule[0], vector(constants));
    for state in &mut *states {
        state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, sum);
    }
    mix::<GROUP>(schedule);
    let rest = _mm_shuffle_epi32(sum, 0x0e);
    for state in states {
        state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, rest);
    }
}

/// Puts the words of sixteen rounds later, if there are such, in the place of those that were used.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn mix<const GROUP: usize>(schedule: &mut [__m128i; 4]) {
    let [current, next, later, last] = *schedule;
    let new = if GROUP < 12 {
        let mixed = _mm_add_epi32(_mm_sha256msg1_epu32(current, next), _mm_alignr_epi8(last, later, 4));
        _mm_sha256msg2_epu32(mixed, last)
    } else {
        current
    };
    *schedule = [next, later, last, new];
}

/// Compresses block after block of two messages of as many blocks.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub(super) fn compress(words: [&mut Words; 2], blocks: [&[[u8; BLOCK_BYTES]]; 2]) {
    let mut states = words.each_ref().map(|words| load(words));
    let [firsts, seconds] = blocks;
    for (first, second) in firsts.iter().zip(seconds) {
        let before = states;
        let mut schedules = [read(first), read(second)];
        all_rounds!(states, schedules);
        for (state, before) in states.iter_mut().zip(before) {
            state.abef = _mm_add_epi32(state.abef, before.abef);
            state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
        }
    }
    for (words, state) in words.into_iter().zip(states) {
        *words = store(state);
    }
}

/// Compresses the same blocks into four states.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub(super) fn compress_same(words: &mut [Words; 4], blocks: &[[u8; BLOCK_BYTES]]) {
    let mut states = words.each_ref().map(|words| load(words));
    for block in blocks {
        let before = states;
        let mut schedule = read(block);
        all_same_rounds!(states, schedule);
        for (state, before) in states.iter_mut().zip(before) {
            state.abef = _mm_add_epi32(state.abef, before.abef);
            state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
        }
    }
    for (words, state) in words.iter_mut().zip(states) {
        *words = store(state);
    }
}
