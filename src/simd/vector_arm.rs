//! Four words in a register of ARMv8, each of which has NEON.

#![allow(clippy::inline_always, reason = "a step that is called moves its vectors through memory")]

use std::arch::aarch64::{uint32x4_t, vaddq_u32, vandq_u32, veorq_u32, vorrq_u32, vshlq_n_u32, vshrq_n_u32};
use std::mem::transmute;

use super::vector::{Lanes, Vector};

#[derive(Clone, Copy)]
pub(super) struct Four(uint32x4_t);

impl Lanes for Four {
    #[inline(always)]
    fn pack(words: [u32; 4]) -> Self {
        // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
        Self(unsafe { transmute::<[u32; 4], uint32x4_t>(words) })
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
        // SAFETY: every ARMv8 with an operating system has NEON.
        Self(unsafe { vaddq_u32(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: every ARMv8 with an operating system has NEON.
        Self(unsafe { veorq_u32(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: every ARMv8 with an operating system has NEON.
        Self(unsafe { vandq_u32(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: every ARMv8 with an operating system has NEON.
        Self(unsafe { vorrq_u32(self.0, other.0) })
    }

    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self) -> Self {
        // SAFETY: every ARMv8 with an operating system has NEON.
        let left = Self(unsafe { vshlq_n_u32::<LEFT>(self.0) });
        // SAFETY: every ARMv8 with an operating system has NEON.
        left.or(Self(unsafe { vshrq_n_u32::<RIGHT>(self.0) }))
    }
}
