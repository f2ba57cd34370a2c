//! MD5 of eight messages, one in each lane of two vectors.

#![allow(clippy::inline_always, reason = "a step that is called moves its vectors through memory")]
#![allow(clippy::many_single_char_names, reason = "RFC 1321 names the words of a state so")]

use super::block::{BLOCK_BYTES, Md5Words};
use super::vector::{Lanes, Twice, Vector};

macro_rules! step {
    ($state:ident, $function:ident, $left:literal $right:literal, $word:ident $constant:literal) => {
        let [a, b, c, d] = $state;
        let sum = a.plus($word.plus(V::splat($constant))).plus($function(b, c, d));
        $state = [d, b.plus(sum.turn::<$left, $right>()), b, c];
    };
}

/// Sixteen of the 64 steps: their function, their four turns, and the word of the message and the constant of each.
macro_rules! rounds {
    ($state:ident, $function:ident, [$l0:literal $r0:literal $l1:literal $r1:literal $l2:literal $r2:literal $l3:literal $r3:literal],
     $($w0:ident $k0:literal $w1:ident $k1:literal $w2:ident $k2:literal $w3:ident $k3:literal)*) => {
        $(
            step!($state, $function, $l0 $r0, $w0 $k0);
            step!($state, $function, $l1 $r1, $w1 $k1);
            step!($state, $function, $l2 $r2, $w2 $k2);
            step!($state, $function, $l3 $r3, $w3 $k3);
        )*
    };
}

#[inline(always)]
fn choose_first<V: Vector>(b: V, c: V, d: V) -> V {
    d.xor(b.and(c.xor(d)))
}

#[inline(always)]
fn choose_last<V: Vector>(b: V, c: V, d: V) -> V {
    c.xor(d.and(b.xor(c)))
}

#[inline(always)]
fn parity<V: Vector>(b: V, c: V, d: V) -> V {
    b.xor(c).xor(d)
}

#[inline(always)]
fn mix<V: Vector>(b: V, c: V, d: V) -> V {
    c.xor(b.or(d.xor(V::splat(u32::MAX))))
}

/// Compresses the words of one block of each message (RFC 1321, section 3.4).
#[inline(always)]
#[rustfmt::skip]
fn compress_block<V: Vector>(before: [V; 4], words: [V; 16]) -> [V; 4] {
    let [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15] = words;
    let mut state = before;
    rounds!(state, choose_first, [7 25 12 20 17 15 22 10],
        w0 0xd76a_a478 w1 0xe8c7_b756 w2 0x2420_70db w3 0xc1bd_ceee
        w4 0xf57c_0faf w5 0x4787_c62a w6 0xa830_4613 w7 0xfd46_9501
        w8 0x6980_98d8 w9 0x8b44_f7af w10 0xffff_5bb1 w11 0x895c_d7be
        w12 0x6b90_1122 w13 0xfd98_7193 w14 0xa679_438e w15 0x49b4_0821
    );
    rounds!(state, choose_last, [5 27 9 23 14 18 20 12],
        w1 0xf61e_2562 w6 0xc040_b340 w11 0x265e_5a51 w0 0xe9b6_c7aa
        w5 0xd62f_105d w10 0x0244_1453 w15 0xd8a1_e681 w4 0xe7d3_fbc8
        w9 0x21e1_cde6 w14 0xc337_07d6 w3 0xf4d5_0d87 w8 0x455a_14ed
        w13 0xa9e3_e905 w2 0xfcef_a3f8 w7 0x676f_02d9 w12 0x8d2a_4c8a
    );
    rounds!(state, parity, [4 28 11 21 16 16 23 9],
        w5 0xfffa_3942 w8 0x8771_f681 w11 0x6d9d_6122 w14 0xfde5_380c
        w1 0xa4be_ea44 w4 0x4bde_cfa9 w7 0xf6bb_4b60 w10 0xbebf_bc70
        w13 0x289b_7ec6 w0 0xeaa1_27fa w3 0xd4ef_3085 w6 0x0488_1d05
        w9 0xd9d4_d039 w12 0xe6db_99e5 w15 0x1fa2_7cf8 w2 0xc4ac_5665
    );
    rounds!(state, mix, [6 26 10 22 15 17 21 11],
        w0 0xf429_2244 w7 0x432a_ff97 w14 0xab94_23a7 w5 0xfc93_a039
        w12 0x655b_59c3 w3 0x8f0c_cc92 w10 0xffef_f47d w1 0x8584_5dd1
        w8 0x6fa8_7e4f w15 0xfe2c_e6e0 w6 0xa301_4314 w13 0x4e08_11a1
        w4 0xf753_7e82 w11 0xbd3a_f235 w2 0x2ad7_d2bb w9 0xeb86_d391
    );
    let [[a, b, c, d], [e, f, g, h]] = [before, state];
    [a.plus(e), b.plus(f), c.plus(g), d.plus(h)]
}

/// The words of four blocks, which are little-endian, lane by lane.
#[inline(always)]
fn words_of<V: Lanes>(blocks: [&[u8; BLOCK_BYTES]; 4]) -> [V; 16] {
    let [first, second, third, fourth] = blocks.map(|block| block.as_chunks::<4>().0);
    let mut words = [V::splat(0); 16];
    let lanes = first.iter().zip(second).zip(third).zip(fourth);
    for (word, (((first, second), third), fourth)) in words.iter_mut().zip(lanes) {
        *word = V::pack([*first, *second, *third, *fourth].map(u32::from_le_bytes));
    }
    words
}

/// Rows to columns.
#[inline(always)]
fn transpose([first, second, third, fourth]: [Md5Words; 4]) -> [Md5Words; 4] {
    let [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]] = [first, second, third, fourth];
    [[a, e, i, m], [b, f, j, n], [c, g, k, o], [d, h, l, p]]
}

/// Block after block of four messages, as far as all of them go.
#[inline(always)]
fn fours(
    [first, second, third, fourth]: [&[[u8; BLOCK_BYTES]]; 4],
) -> impl Iterator<Item = [&[u8; BLOCK_BYTES]; 4]> {
    let blocks = first.iter().zip(second).zip(third).zip(fourth);
    blocks.map(|(((first, second), third), fourth)| [first, second, third, fourth])
}

/// The vectors of two halves, side by side.
#[inline(always)]
fn twice<V: Vector, const COUNT: usize>(low: [V; COUNT], high: [V; COUNT]) -> [Twice<V>; COUNT] {
    let mut both = low.map(|low| Twice(low, low));
    for (both, high) in both.iter_mut().zip(high) {
        both.1 = high;
    }
    both
}

/// Compresses the blocks of eight messages as far as all of them go.
pub(super) fn compress<V: Lanes>(
    [low, high]: [&mut [Md5Words; 4]; 2],
    [low_messages, high_messages]: [[&[[u8; BLOCK_BYTES]]; 4]; 2],
) {
    let mut lanes = twice(transpose(*low).map(V::pack), transpose(*high).map(V::pack));
    for (low, high) in fours(low_messages).zip(fours(high_messages)) {
        lanes = compress_block(lanes, twice(words_of(low), words_of(high)));
    }
    *low = transpose(lanes.map(|lanes| lanes.0.unpack()));
    *high = transpose(lanes.map(|lanes| lanes.1.unpack()));
}
