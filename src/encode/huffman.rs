//! Huffman codes as deflate has them (RFC 1951, 3.2.2).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Longest code, in bits.
const CODE_BITS_MAX: usize = 15;

/// A code as it goes into a stream: the first bit is the lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u16,
    /// In bits; 0 for a symbol that does not occur.
    pub(super) length: u16,
}

/// The length in bits of each symbol's code, 0 for those that never occur.
///
/// At least two symbols get a code, because inflaters refuse a set that is not complete.
pub(super) fn lengths<const N: usize>(counts: &[u32; N]) -> [u8; N] {
    let mut used = used(counts);
    if used.len() < 2 {
        used = counts.iter().enumerate().take(2).map(|(symbol, &count)| (count, symbol)).collect();
        let other = counts.iter().enumerate().skip(2).find(|&(_, &count)| count > 0);
        if let (Some((symbol, &count)), Some(second)) = (other, used.get_mut(1)) {
            *second = (count, symbol);
        }
    }
    used.sort_unstable();
    let mut of_length = shorten(&depths(&used));
    let mut lengths = [0; N];
    // Rare symbols come first, and get the longest codes.
    for (_, symbol) in used {
        let longest = of_length.iter_mut().enumerate().rev().find(|(_, count)| **count > 0);
        if let (Some((length, count)), Some(to)) = (longest, lengths.get_mut(symbol)) {
            *count -= 1;
            *to = u8::try_from(length).unwrap_or_default();
        }
    }
    lengths
}

fn used(counts: &[u32]) -> Vec<(u32, usize)> {
    let used = counts.iter().enumerate().filter(|&(_, &count)| count > 0);
    used.map(|(symbol, &count)| (count, symbol)).collect()
}

/// How deep each of `used` stands in the tree of Huffman.
fn depths(used: &[(u32, usize)]) -> Vec<usize> {
    let mut parents = vec![0_usize; used.len()];
    let nodes = used.iter().enumerate().map(|(node, &(count, _))| Reverse((u64::from(count), node)));
    let mut heap: BinaryHeap<_> = nodes.collect();
    while let (Some(Reverse((first, one))), Some(Reverse((second, two)))) = (heap.pop(), heap.pop()) {
        let parent = parents.len();
        parents.push(parent);
        for child in [one, two] {
            if let Some(of_child) = parents.get_mut(child) {
                *of_child = parent;
            }
        }
        heap.push(Reverse((first + second, parent)));
        if heap.len() == 1 {
            break;
        }
    }
    let mut depths = vec![0_usize; parents.len()];
    for node in (0..parents.len().saturating_sub(1)).rev() {
        let above = parents.get(node).and_then(|&parent| depths.get(parent)).copied();
        if let (Some(above), Some(depth)) = (above, depths.get_mut(node)) {
            *depth = above + 1;
        }
    }
    depths.truncate(used.len());
    depths
}

/// How many codes have each length, after those that are too long have been shortened and others lengthened, so that the set
/// stays complete.
fn shorten(depths: &[usize]) -> [u32; CODE_BITS_MAX + 1] {
    let mut of_length = [0_u32; CODE_BITS_MAX + 1];
    for &depth in depths {
        if let Some(count) = of_length.get_mut(depth.min(CODE_BITS_MAX)) {
            *count += 1;
        }
    }
    // In codes of the greatest length: 2^15 of them are all that there are.
    let taken = |(length, &count): (usize, &u32)| u64::from(count) << (CODE_BITS_MAX - length);
    let mut excess = of_length.iter().enumerate().map(taken).sum::<u64>().saturating_sub(1 << CODE_BITS_MAX);
    while excess > 0 {
        let [.., longest] = &mut of_length;
        *longest -= 1;
        let donor =
            (1..CODE_BITS_MAX).rev().find(|&length| of_length.get(length).is_some_and(|&count| count > 0));
        let Some(donor) = donor else { break };
        for (length, change) in [(donor, -1), (donor + 1, 2)] {
            if let Some(count) = of_length.get_mut(length) {
                *count = count.saturating_add_signed(change);
            }
        }
        excess -= 1;
    }
    of_length
}

/// The codes that stand for these lengths.
pub(super) fn codes<const N: usize>(lengths: &[u8; N]) -> [Code; N] {
    let mut of_length = [0_u16; CODE_BITS_MAX + 1];
    for &length in lengths.iter().filter(|&&length| length > 0) {
        if let Some(count) = of_length.get_mut(usize::from(length)) {
            *count += 1;
        }
    }
    let mut first = 0_u16;
    let mut next = of_length.map(|count| {
        let here = first;
        first = (here + count) << 1;
        here
    });
    lengths.map(|length| match next.get_mut(usize::from(length)) {
        Some(next) if length > 0 => {
            let bits = next.reverse_bits() >> (16 - u32::from(length));
            *next = next.wrapping_add(1);
            Code { bits, length: u16::from(length) }
        }
        _ => Code::default(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// In codes of the greatest length.
    fn taken(lengths: &[u8]) -> u32 {
        lengths.iter().filter(|&&length| length > 0).map(|&length| 1 << (15 - length)).sum()
    }

    #[test]
    fn frequent_symbols_have_short_codes() {
        assert_eq!(lengths(&[0, 8, 4, 2, 1, 1]), [0, 1, 2, 3, 4, 4]);
        let codes = codes(&[0, 1, 2, 3, 3]);
        assert_eq!(codes.map(|code| code.bits), [0, 0b0, 0b01, 0b011, 0b111]);
    }

    #[test]
    fn even_nothing_and_one_symbol_make_a_complete_set() {
        assert_eq!(lengths(&[0; 4]), [1, 1, 0, 0]);
        assert_eq!(lengths(&[0, 9, 0, 0]), [1, 1, 0, 0]);
        assert_eq!(lengths(&[0, 0, 0, 9]), [1, 0, 0, 1]);
    }

    #[test]
    fn codes_are_never_too_long() {
        let mut counts = [0_u32; 40];
        let (mut before, mut now) = (1, 1);
        for count in &mut counts {
            *count = now;
            (before, now) = (now, before + now);
        }
        let lengths = lengths(&counts);
        assert_eq!((lengths.iter().max(), taken(&lengths)), (Some(&15), 1 << 15));
    }

    proptest! {
        #[test]
        fn every_set_is_complete_and_every_symbol_has_its_code(counts: [u16; 30], shift in 0_u32..16) {
            let counts = counts.map(|count| u32::from(count >> shift));
            let lengths = lengths(&counts);
            prop_assert_eq!(taken(&lengths), 1 << 15);
            prop_assert!(counts.iter().zip(&lengths).all(|(&count, &length)| count == 0 || length > 0));
        }
    }
}
