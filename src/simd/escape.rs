//! Backslashes before quotes, sixteen bytes at a time.
//!
//! Quotes in statistics come at intervals that no processor foresees, so no branch depends on where they are: a table
//! says how eight bytes spread over sixteen.

pub use super::block::STRIDE;

/// Appends `text` with a backslash before each `"` and each `\`, stride by stride, and returns how many bytes of it
/// were taken: it stops before the first stride that is rare, and before a last one that is not whole.
///
/// A rare stride has a byte that a backslash does not settle: a control character, or one with which U+0085, U+2028 or
/// U+2029 may begin.
#[inline]
pub fn escape(text: &[u8], out: &mut Vec<u8>) -> usize {
    #[cfg(target_arch = "x86_64")]
    if super::escape_x86::is_supported() {
        // SAFETY: the processor has the instructions that the function is compiled for.
        return unsafe { super::escape_x86::escape(text, out) };
    }
    #[cfg(target_arch = "aarch64")]
    return super::escape_arm::escape(text, out);
    #[cfg(not(target_arch = "aarch64"))]
    super::scalar::escape(text, out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::scalar;

    proptest! {
        #[test]
        fn the_kernel_does_what_its_plain_twin_does(
            text in prop_oneof![
                "[ -~]{0,200}",
                "[a\"\\\\]{0,200}",
                "([a-z\":,0-9\\\\]{0,60}[\u{80}-\u{2030}\n]?){0,3}",
            ],
            start in 0_usize..17,
            before in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let text = text.as_bytes().get(start..).unwrap_or_default();
            let (mut plain, mut kernel) = (before.clone(), before);
            let taken = scalar::escape(text, &mut plain);
            prop_assert_eq!(escape(text, &mut kernel), taken);
            prop_assert_eq!(kernel, plain);
        }
    }

    #[test]
    fn every_byte_is_rare_or_plain_wherever_it_stands() {
        for byte in 0..=255 {
            for at in 0..STRIDE {
                let mut text = [b'x'; 2 * STRIDE];
                text[STRIDE + at] = byte;
                let (mut plain, mut kernel) = (Vec::new(), Vec::new());
                let is_rare = matches!(byte, 0..0x20 | 0x7F | 0xC2 | 0xE2);
                let taken = if is_rare { STRIDE } else { 2 * STRIDE };
                assert_eq!(scalar::escape(&text, &mut plain), taken);
                assert_eq!((escape(&text, &mut kernel), &kernel), (taken, &plain), "{byte} at {at}");
            }
        }
    }
}
