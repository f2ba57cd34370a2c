//! What the kernels of escaping share.

#![allow(
    clippy::inline_always,
    reason = "a kernel that calls for each lane moves its vectors through memory"
)]

use std::mem::MaybeUninit;

use super::block::STRIDE;

/// Stands for a backslash among the places.
const BACKSLASH: u8 = 0x80;

/// How eight bytes spread over sixteen, for each set of them that gets backslashes: bit `n` of the index is byte `n`.
/// What lies behind the last byte is overwritten by the next lane.
static PLACES: [[u8; STRIDE]; 256] = places();

#[expect(clippy::indexing_slicing, reason = "eight bytes with a backslash each take sixteen places")]
const fn places() -> [[u8; STRIDE]; 256] {
    let mut places = [[BACKSLASH; STRIDE]; 256];
    let mut set = 0;
    while set < places.len() {
        let (mut place, mut byte) = (0, 0);
        while byte < 8 {
            place += (set >> byte) & 1;
            places[set][place] = byte;
            place += 1;
            byte += 1;
        }
        set += 1;
    }
    places
}

/// The places for the set, and how many of them count.
#[inline(always)]
pub(super) fn places_of(set: u8) -> ([u8; STRIDE], usize) {
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    (PLACES[usize::from(set)], 8 + set.count_ones() as usize)
}

/// Appends to a vector lanes of sixteen bytes of which only the first ones count.
pub(super) struct LaneWriter<'a> {
    out: &'a mut Vec<u8>,
    written: usize,
}

impl<'a> LaneWriter<'a> {
    /// Makes room for the escaped text of `text_bytes` bytes.
    #[inline(always)]
    pub(super) fn new(out: &'a mut Vec<u8>, text_bytes: usize) -> Self {
        out.reserve(2 * text_bytes + STRIDE);
        Self { out, written: 0 }
    }

    /// Writes a lane of which `count` bytes stay.
    #[inline(always)]
    pub(super) fn put(&mut self, lane: [u8; STRIDE], count: usize) {
        let spare = self.out.spare_capacity_mut().get_mut(self.written..);
        let Some(place) = spare.and_then(<[_]>::first_chunk_mut) else { return };
        *place = lane.map(MaybeUninit::new);
        self.written += count.min(STRIDE);
    }

    #[inline(always)]
    pub(super) fn finish(self) {
        let length = self.out.len() + self.written;
        // SAFETY: each lane was written whole where what counts of the one before it ends, within the capacity.
        unsafe { self.out.set_len(length) };
    }
}
