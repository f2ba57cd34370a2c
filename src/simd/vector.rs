//! Four or eight words of 32 bits at once.

#![allow(clippy::inline_always, reason = "a step that is called moves its vectors through memory")]

/// Four words.
pub(super) trait Lanes: Vector {
    fn pack(words: [u32; 4]) -> Self;
    fn unpack(self) -> [u32; 4];
}

/// What MD5 asks of some words.
pub(super) trait Vector: Copy {
    fn splat(word: u32) -> Self;
    fn plus(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    /// Turns each word to the left by `LEFT` bits; `RIGHT` is what is missing to 32.
    fn turn<const LEFT: i32, const RIGHT: i32>(self) -> Self;
}

/// Twice as many words. What is done to one half fills the wait for the other.
#[derive(Clone, Copy)]
pub(super) struct Twice<V>(pub(super) V, pub(super) V);

impl<V: Vector> Vector for Twice<V> {
    #[inline(always)]
    fn splat(word: u32) -> Self {
        Self(V::splat(word), V::splat(word))
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(self.0.plus(other.0), self.1.plus(other.1))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(self.0.xor(other.0), self.1.xor(other.1))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(self.0.and(other.0), self.1.and(other.1))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0), self.1.or(other.1))
    }

    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self) -> Self {
        Self(self.0.turn::<LEFT, RIGHT>(), self.1.turn::<LEFT, RIGHT>())
    }
}
