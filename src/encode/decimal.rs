//! Numbers as decimal digits, two at a time.

/// Digits of the largest number.
const DIGITS_MAX: usize = 20;

/// Appends the digits of a number.
#[inline]
pub fn push(number: u64, out: &mut Vec<u8>) {
    push_padded(number, 1, out);
}

/// Appends a number with its sign, if that is a minus.
#[inline]
pub fn push_signed(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    push(number.unsigned_abs(), out);
}

/// Appends a number with zeros before it, so that it has at least `width` digits, of 20 at most.
#[inline]
pub fn push_padded(mut number: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; DIGITS_MAX];
    let mut start = DIGITS_MAX;
    for pair in digits.rchunks_exact_mut(2) {
        let low = u8::try_from(number % 100).unwrap_or_default();
        pair.copy_from_slice(&[b'0' + low / 10, b'0' + low % 10]);
        start -= if number < 10 { 1 } else { 2 };
        number /= 100;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start.min(DIGITS_MAX.saturating_sub(width))..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(push: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = b"x".to_vec();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_standard_library(number: u64, shift in 0_u32..64, width in 1_usize..=20) {
            let number = number >> shift;
            prop_assert_eq!(text(|out| push(number, out)), format!("x{number}"));
            prop_assert_eq!(text(|out| push_padded(number, width, out)), format!("x{number:0width$}"));
            let signed = number.cast_signed();
            prop_assert_eq!(text(|out| push_signed(signed, out)), format!("x{signed}"));
        }
    }

    #[test]
    fn the_ends_of_the_range_are_whole() {
        for number in [0, 9, 10, 99, 100, u64::MAX] {
            assert_eq!(text(|out| push(number, out)), format!("x{number}"));
        }
        assert_eq!(text(|out| push_signed(i64::MIN, out)), format!("x{}", i64::MIN));
    }
}
