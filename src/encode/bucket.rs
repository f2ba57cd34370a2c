//! Hashes by which tables put rows into buckets.
//!
//! Murmur3, 32 bits, x86, with the seed 0 (Iceberg specification, "32-bit Hash Requirements"). Whole numbers hash as 64 bits
//! whatever their type is, days and microseconds since the epoch among them; texts as their bytes.

pub fn of_number(number: i64) -> u32 {
    of_bytes(&number.to_le_bytes())
}

/// The hash of a decimal without its point.
pub fn of_unscaled(number: i128) -> u32 {
    of_bytes(minimal(&number.to_be_bytes()))
}

pub fn of_bytes(bytes: &[u8]) -> u32 {
    let mix = |word: u32| word.wrapping_mul(0xCC9E_2D51).rotate_left(15).wrapping_mul(0x1B87_3593);
    let (words, rest) = bytes.as_chunks::<4>();
    let mut hash = words.iter().fold(0_u32, |hash, word| {
        (hash ^ mix(u32::from_le_bytes(*word))).rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64)
    });
    if !rest.is_empty() {
        hash ^= mix(rest.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte)));
    }
    hash ^= u32::try_from(bytes.len() & 0xFFFF_FFFF).unwrap_or_default();
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    hash ^ (hash >> 16)
}

/// The bucket of a hash; `None` if there are none.
pub fn number(hash: u32, count: u32) -> Option<u32> {
    (hash & 0x7FFF_FFFF).checked_rem(count)
}

/// The fewest bytes that hold a number with its sign, the highest first.
fn minimal(bytes: &[u8]) -> &[u8] {
    let fill = if bytes.first().is_some_and(|first| *first >= 0x80) { 0xFF } else { 0 };
    let mut rest = bytes;
    while let [first, tail @ ..] = rest
        && let [second, ..] = tail
        && *first == fill
        && (second ^ fill) < 0x80
    {
        rest = tail;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_as_short_as_they_can_be() {
        for (number, bytes) in [
            (0_i128, &[0_u8][..]),
            (127, &[127]),
            (128, &[0, 128]),
            (-1, &[255]),
            (-128, &[128]),
            (-129, &[255, 127]),
            (1_420, &[5, 140]),
        ] {
            assert_eq!(minimal(&number.to_be_bytes()), bytes, "{number}");
            assert_eq!(of_unscaled(number), of_bytes(bytes));
        }
        assert_eq!((number(u32::MAX, 16), number(5, 0)), (Some(15), None));
    }
}
