//! Four words in a register of x86-64, each of which has SSE2.

#![allow(clippy::inline_always, reason = "a step that is called moves its vectors through memory")]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_and_si128, _mm_or_si128, _mm_slli_epi32, _mm_srli_epi32, _mm_xor_si128,
};
use std::mem::transmute;

use super::vector::{Lanes, Vector};

#[derive(Clone, Copy)]
pub(super) struct Four(__m128i);

impl Lanes for Four {
    #[inline(always)]
    fn pack(words: [u32; 4]) -> Self {
        // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
        Self(unsafe { transmute::<[u32; 4], __m128i>(words) })
    }

    #[inline(always)]
    fn unpack(self) -> [u32; 4] {
        // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
        unsafe { transmute(self.0) }
    }
}

impl Vector for Four {
    #[inline(always)]
    fn splat(word: u32) -> Self {
        Self::pack([word; 4])
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: every x86-64 has SSE2.
        Self(unsafe { _mm_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: every x86-64 has SSE2.
        Self(unsafe { _mm_xor_si128(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: every x86-64 has SSE2.
        Self(unsafe { _mm_and_si128(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: every x86-64 has SSE2.
        Self(unsafe { _mm_or_si128(self.0, other.0) })
    }

    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self) -> Self {
        // SAFETY: every x86-64 has SSE2.
        let left = Self(unsafe { _mm_slli_epi32::<LEFT>(self.0) });
        // SAFETY: every x86-64 has SSE2.
        left.or(Self(unsafe { _mm_srli_epi32::<RIGHT>(self.0) }))
    }
}
