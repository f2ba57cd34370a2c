//! Four words of 32 bits at once.

#![allow(clippy::inline_always, reason = "a step that is called moves its vectors through memory")]

/// What MD5 asks of four words.
pub(super) trait Vector: Copy {
    fn pack(words: [u32; 4]) -> Self;
    fn unpack(self) -> [u32; 4];
    fn plus(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    /// Turns each word to the left by `LEFT` bits; `RIGHT` is what is missing to 32.
    fn turn<const LEFT: i32, const RIGHT: i32>(self) -> Self;

    #[inline(always)]
    fn splat(word: u32) -> Self {
        Self::pack([word; 4])
    }
}
