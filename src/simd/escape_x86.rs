//! Escaping with the byte shuffle of x86-64.

use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
    _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_si128,
};
use std::mem::transmute;

use super::block::STRIDE;
use super::escape_lanes::{LaneWriter, places_of};

/// Whether this processor has the instructions.
#[inline]
pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("popcnt")
}

#[inline]
fn vector(bytes: [u8; STRIDE]) -> __m128i {
    // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
    unsafe { transmute(bytes) }
}

#[inline]
fn bytes(vector: __m128i) -> [u8; STRIDE] {
    // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
    unsafe { transmute(vector) }
}

#[inline]
#[target_feature(enable = "ssse3,popcnt")]
fn is(stride: __m128i, byte: u8) -> __m128i {
    _mm_cmpeq_epi8(stride, _mm_set1_epi8(byte.cast_signed()))
}

/// A bit for each byte, the first one lowest.
#[inline]
#[target_feature(enable = "ssse3,popcnt")]
fn bits(found: __m128i) -> [u8; 2] {
    let [first, second, ..] = _mm_movemask_epi8(found).to_le_bytes();
    [first, second]
}

/// Writes the first eight bytes of a stride with the backslashes for `set`.
#[inline]
#[target_feature(enable = "ssse3,popcnt")]
fn put(stride: __m128i, set: u8, writer: &mut LaneWriter<'_>) {
    let (places, count) = places_of(set);
    let places = vector(places);
    // A place with its highest bit set takes no byte.
    let free = _mm_cmplt_epi8(places, _mm_setzero_si128());
    let backslashes = _mm_and_si128(free, _mm_set1_epi8(b'\\'.cast_signed()));
    writer.put(bytes(_mm_or_si128(_mm_shuffle_epi8(stride, places), backslashes)), count);
}

/// See [`super::escape::escape`].
#[target_feature(enable = "ssse3,popcnt")]
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut writer = LaneWriter::new(out, text.len());
    let mut taken = 0;
    for stride in text.as_chunks().0 {
        let stride = vector(*stride);
        let control = _mm_cmpeq_epi8(_mm_min_epu8(stride, _mm_set1_epi8(0x1F)), stride);
        let letters = _mm_or_si128(is(stride, 0xC2), is(stride, 0xE2));
        if bits(_mm_or_si128(_mm_or_si128(control, is(stride, 0x7F)), letters)) != [0, 0] {
            break;
        }
        let [first, second] = bits(_mm_or_si128(is(stride, b'"'), is(stride, b'\\')));
        put(stride, first, &mut writer);
        put(_mm_srli_si128::<8>(stride), second, &mut writer);
        taken += STRIDE;
    }
    writer.finish();
    taken
}
