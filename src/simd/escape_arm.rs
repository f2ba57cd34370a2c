//! Escaping with the table look-up of ARMv8.

use std::arch::aarch64::{
    uint8x16_t, vaddv_u8, vand_u8, vandq_u8, vceqq_u8, vcgeq_u8, vcltq_u8, vcreate_u8, vdupq_n_u8, vextq_u8,
    vget_high_u8, vget_low_u8, vmaxvq_u8, vorrq_u8, vqtbl1q_u8,
};
use std::mem::transmute;

use super::block::STRIDE;
use super::escape_lanes::{LaneWriter, places_of};

#[inline]
fn vector(bytes: [u8; STRIDE]) -> uint8x16_t {
    // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
    unsafe { transmute(bytes) }
}

#[inline]
fn bytes(vector: uint8x16_t) -> [u8; STRIDE] {
    // SAFETY: both are 16 bytes, and every bit pattern of them is a value.
    unsafe { transmute(vector) }
}

#[inline]
#[target_feature(enable = "neon")]
fn is(stride: uint8x16_t, byte: u8) -> uint8x16_t {
    vceqq_u8(stride, vdupq_n_u8(byte))
}

#[inline]
#[target_feature(enable = "neon")]
fn has_rare(stride: uint8x16_t) -> bool {
    let control = vcltq_u8(stride, vdupq_n_u8(0x20));
    let letters = vorrq_u8(is(stride, 0xC2), is(stride, 0xE2));
    vmaxvq_u8(vorrq_u8(vorrq_u8(control, is(stride, 0x7F)), letters)) != 0
}

/// A bit for each byte, the first one lowest.
#[inline]
#[target_feature(enable = "neon")]
fn bits(found: uint8x16_t) -> [u8; 2] {
    let weights = vcreate_u8(0x8040_2010_0804_0201);
    [vaddv_u8(vand_u8(vget_low_u8(found), weights)), vaddv_u8(vand_u8(vget_high_u8(found), weights))]
}

/// Writes the first eight bytes of a stride with the backslashes for `set`.
#[inline]
#[target_feature(enable = "neon")]
fn put(stride: uint8x16_t, set: u8, writer: &mut LaneWriter<'_>) {
    let (places, count) = places_of(set);
    let places = vector(places);
    // A place beyond the stride takes no byte.
    let free = vcgeq_u8(places, vdupq_n_u8(0x80));
    let backslashes = vandq_u8(free, vdupq_n_u8(b'\\'));
    writer.put(bytes(vorrq_u8(vqtbl1q_u8(stride, places), backslashes)), count);
}

#[target_feature(enable = "neon")]
fn escape_strides(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut writer = LaneWriter::new(out, text.len());
    let mut taken = 0;
    for stride in text.as_chunks().0 {
        let stride = vector(*stride);
        if has_rare(stride) {
            break;
        }
        let [first, second] = bits(vorrq_u8(is(stride, b'"'), is(stride, b'\\')));
        put(stride, first, &mut writer);
        put(vextq_u8::<8>(stride, stride), second, &mut writer);
        taken += STRIDE;
    }
    writer.finish();
    taken
}

/// See [`super::escape::escape`].
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) -> usize {
    // SAFETY: every ARMv8 with an operating system has NEON.
    unsafe { escape_strides(text, out) }
}
