//! Deflate for lines of one form, each told by its line before.
//!
//! A general compressor looks for matches in a table of all that came before. In a listing the match stands at the
//! same field of the line before, so there is no table and no search. Where a field differs, its letters are written
//! out, and both lines go on behind it. Text of any other kind comes out right too, but hardly smaller.

use memchr::memchr;

use super::huffman::{Code, codes, lengths};

/// Shorter matches cost more than what they stand for.
const MATCH_BYTES_MIN: usize = 4;
/// Longest match and farthest distance (RFC 1951, 3.2.5).
const MATCH_BYTES_MAX: usize = 258;
const DISTANCE_MAX: usize = 32_768;

/// Lines up to this length can refer to one as long before them.
pub(super) const LINE_BYTES_MAX: usize = DISTANCE_MAX;

/// Literals, the end of a block, lengths of matches.
const SYMBOLS: usize = 286;
const DISTANCES: usize = 30;
const END_OF_BLOCK: usize = 256;

/// Where the length of each symbol from 257 on begins, and how many bits tell the rest (RFC 1951, 3.2.5).
const LENGTHS: [(u16, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// An empty block that is stored, after its three bits and the padding: it ends a piece at a whole byte (RFC 1951, 3.2.4).
const EMPTY_STORED: u64 = 0xFFFF_0000;

/// Literals, then a match.
#[derive(Debug, Clone, Copy)]
struct Token {
    literals: u32,
    /// 0 after the last literals.
    match_bytes: u16,
    /// Less one.
    distance: u16,
}

/// Deflates pieces of text, each on its own; keeps its buffers from piece to piece.
#[derive(Debug, Default)]
pub(super) struct LineDeflater {
    tokens: Vec<Token>,
    /// How often each byte occurs as a literal; four counts, so that runs of one byte do not wait for each other.
    literals: Vec<[u32; 256]>,
    symbols: Counts<SYMBOLS>,
    distances: Counts<DISTANCES>,
    packed: Vec<u8>,
}

#[derive(Debug)]
struct Counts<const N: usize>([u32; N]);

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Counts<N> {
    fn add(&mut self, symbol: usize) {
        if let Some(count) = self.0.get_mut(symbol) {
            *count += 1;
        }
    }
}

impl LineDeflater {
    /// Appends `plain` as blocks that refer to nothing before them, end at a whole byte and are not the last of their
    /// stream: pieces may follow each other in any order.
    pub(super) fn push_piece(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        self.tokens.clear();
        self.literals.clear();
        self.literals.resize(4, [0; 256]);
        self.symbols = Counts::default();
        self.distances = Counts::default();
        self.find(plain);
        for of_byte in &self.literals {
            self.symbols.0.iter_mut().zip(of_byte).for_each(|(sum, count)| *sum += count);
        }
        self.symbols.add(END_OF_BLOCK);
        self.write(plain, out);
    }

    /// Cuts the text into literals and matches.
    fn find(&mut self, plain: &[u8]) {
        let (mut before, mut rest): (&[u8], _) = (&[], plain);
        let mut literals = 0;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            literals = self.find_in_line(line, before, literals);
            (before, rest) = (line, after);
        }
        self.tokens.push(Token { literals, match_bytes: 0, distance: 0 });
    }

    /// Tells a line by the one right before it; takes and returns the literals since the last match.
    fn find_in_line(&mut self, line: &[u8], before: &[u8], mut literals: u32) -> u32 {
        let (mut here, mut there) = (line, before);
        while !here.is_empty() {
            let distance = line.len() - here.len() + there.len();
            let mut same = same_bytes(here, there);
            if same >= MATCH_BYTES_MIN && distance <= DISTANCE_MAX {
                self.push_match(literals, same, distance);
                (literals, here, there) = (0, tail(here, same), tail(there, same));
                same = 0;
            }
            // Both lines go on behind the word that differs, or behind its first byte if it is empty.
            let word = same + word_bytes(tail(here, same));
            let other = same + word_bytes(tail(there, same));
            let (word, other) = if word == 0 { (1, other.max(1)) } else { (word, other) };
            let (text, after) = here.split_at_checked(word).unwrap_or((here, &[]));
            self.count(text);
            literals += u32::try_from(text.len()).unwrap_or_default();
            (here, there) = (after, tail(there, other));
        }
        literals
    }

    fn push_match(&mut self, mut literals: u32, mut bytes: usize, distance: usize) {
        let (distance_symbol, ..) = distance_code(distance - 1);
        while bytes > 0 {
            // What is left over must be long enough for a match of its own.
            let short = bytes.min(MATCH_BYTES_MAX - MATCH_BYTES_MIN);
            let now = if bytes <= MATCH_BYTES_MAX { bytes } else { short };
            let match_bytes = u16::try_from(now).unwrap_or_default();
            let distance = u16::try_from(distance - 1).unwrap_or_default();
            self.tokens.push(Token { literals, match_bytes, distance });
            self.symbols.add(END_OF_BLOCK + 1 + length_code(match_bytes).0);
            self.distances.add(distance_symbol);
            literals = 0;
            bytes -= now;
        }
    }

    fn count(&mut self, text: &[u8]) {
        let [first, second, third, fourth] = self.literals.as_mut_slice() else { return };
        let add = |counts: &mut [u32; 256], byte: u8| {
            if let Some(count) = counts.get_mut(usize::from(byte)) {
                *count += 1;
            }
        };
        let (fours, rest) = text.as_chunks::<4>();
        for &[a, b, c, d] in fours {
            add(first, a);
            add(second, b);
            add(third, c);
            add(fourth, d);
        }
        for &byte in rest {
            add(first, byte);
        }
    }

    fn write(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        let (symbol_lengths, distance_lengths) = (lengths(&self.symbols.0), lengths(&self.distances.0));
        let (symbols, distances) = (codes(&symbol_lengths), codes(&distance_lengths));
        // A literal takes 15 bits at most, a match of four bytes or more six bytes; before them stand the codes.
        let packed_bytes_max = 2 * plain.len() + 1_024;
        if self.packed.len() < packed_bytes_max {
            self.packed.resize(packed_bytes_max, 0);
        }
        let mut bits = BitWriter { out: &mut self.packed, at: 0, waiting: 0, count: 0 };
        write_codes(&symbol_lengths, &distance_lengths, &mut bits);
        let code = |byte: u8| symbols.get(usize::from(byte)).copied().unwrap_or_default();
        let mut rest = plain;
        for token in &self.tokens {
            let (literals, after) = rest.split_at_checked(token.literals as usize).unwrap_or((rest, &[]));
            rest = tail(after, usize::from(token.match_bytes));
            let (threes, few) = literals.as_chunks::<3>();
            for &[a, b, c] in threes {
                bits.push(code(a));
                bits.push(code(b));
                bits.push(code(c));
                bits.flush();
            }
            for &byte in few {
                bits.push(code(byte));
            }
            bits.flush();
            if token.match_bytes > 0 {
                let (length, length_bits, length_rest) = length_code(token.match_bytes);
                bits.push(symbols.get(END_OF_BLOCK + 1 + length).copied().unwrap_or_default());
                bits.push_bits(length_rest, length_bits);
                let (distance, distance_bits, distance_rest) = distance_code(usize::from(token.distance));
                bits.push(distances.get(distance).copied().unwrap_or_default());
                bits.push_bits(distance_rest, distance_bits);
                bits.flush();
            }
        }
        bits.push(symbols.get(END_OF_BLOCK).copied().unwrap_or_default());
        bits.flush();
        let written = bits.end_at_byte();
        out.extend_from_slice(self.packed.get(..written).unwrap_or_default());
    }
}

/// The head of a block with codes of its own (RFC 1951, 3.2.7). Every length of a code takes four bits: runs of lengths would save
/// some dozens of bytes in a piece of 20 kB.
fn write_codes(symbol_lengths: &[u8; SYMBOLS], distance_lengths: &[u8; DISTANCES], bits: &mut BitWriter<'_>) {
    const DYNAMIC: u64 = 0b10;
    bits.push_bits(DYNAMIC << 1, 3);
    bits.push_bits(SYMBOLS as u64 - 257, 5);
    bits.push_bits(DISTANCES as u64 - 1, 5);
    bits.push_bits(15, 4);
    bits.flush();
    // Of the 19 codes for lengths, the first three are for runs.
    for number in 0..19 {
        bits.push_bits(if number < 3 { 0 } else { 4 }, 3);
        bits.flush();
    }
    for length in symbol_lengths.iter().chain(distance_lengths) {
        bits.push_bits(u64::from(length.reverse_bits() >> 4), 4);
        bits.flush();
    }
}

/// Number of a length's symbol after 257, its extra bits and their value.
fn length_code(match_bytes: u16) -> (usize, u32, u64) {
    let number = match match_bytes {
        MATCH_LONGEST.. => LENGTHS.len() - 1,
        11.. => {
            // From 11 on, four symbols share a number of extra bits.
            let above = u32::from(match_bytes - 3);
            let extra = above.ilog2() - 2;
            (4 * extra + 4 + ((above >> extra) & 3)) as usize
        }
        _ => usize::from(match_bytes.saturating_sub(3)),
    };
    let (base, extra) = LENGTHS.get(number).copied().unwrap_or_default();
    (number, extra, u64::from(match_bytes.saturating_sub(base)))
}

const MATCH_LONGEST: u16 = 258;

/// Symbol of a distance less one, its extra bits and their value.
fn distance_code(distance: usize) -> (usize, u32, u64) {
    if distance < 4 {
        return (distance, 0, 0);
    }
    let extra = distance.ilog2() - 1;
    let symbol = 2 * extra as usize + (distance >> extra);
    (symbol, extra, (distance & ((1 << extra) - 1)) as u64)
}

fn tail(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}

/// How many bytes both texts begin with.
fn same_bytes(one: &[u8], two: &[u8]) -> usize {
    let mut same = 0;
    for (one, two) in one.as_chunks::<8>().0.iter().zip(two.as_chunks::<8>().0) {
        let difference = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*two);
        if difference != 0 {
            return same + (difference.trailing_zeros() / 8) as usize;
        }
        same += 8;
    }
    same + tail(one, same).iter().zip(tail(two, same)).take_while(|(one, two)| one == two).count()
}

/// How many bytes a text begins with that lie above the blank and most punctuation, so that numbers and names count as one.
fn word_bytes(text: &[u8]) -> usize {
    const FIRST: u8 = b'0';
    const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
    let mut bytes = 0;
    for eight in text.as_chunks::<8>().0 {
        let eight = u64::from_le_bytes(*eight);
        let below = eight.wrapping_sub(u64::from_le_bytes([FIRST; 8])) & !eight & HIGH_BITS;
        if below != 0 {
            return bytes + (below.trailing_zeros() / 8) as usize;
        }
        bytes += 8;
    }
    bytes + tail(text, bytes).iter().take_while(|&&byte| byte >= FIRST).count()
}

/// Bits into bytes, the first bit lowest.
struct BitWriter<'a> {
    out: &'a mut [u8],
    at: usize,
    waiting: u64,
    /// Bits in `waiting`: below 8 after a flush, and never above 64.
    count: u32,
}

impl BitWriter<'_> {
    fn push(&mut self, code: Code) {
        self.push_bits(u64::from(code.bits), u32::from(code.length));
    }

    fn push_bits(&mut self, bits: u64, count: u32) {
        self.waiting |= bits << self.count;
        self.count += count;
    }

    fn flush(&mut self) {
        if let Some(to) = self.out.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut) {
            *to = self.waiting.to_le_bytes();
        }
        self.at += (self.count / 8) as usize;
        self.waiting >>= self.count & !7;
        self.count &= 7;
    }

    /// Ends with an empty stored block, and tells how many bytes were written.
    fn end_at_byte(mut self) -> usize {
        self.push_bits(0, 3);
        self.count = self.count.next_multiple_of(8);
        self.flush();
        self.push_bits(EMPTY_STORED, 32);
        self.flush();
        self.at
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Read as _;

    use flate2::read::DeflateDecoder;
    use proptest::prelude::*;

    use super::*;

    const LAST_EMPTY_BLOCK: [u8; 2] = [3, 0];

    fn inflated(pieces: &[u8]) -> Vec<u8> {
        let mut stream = pieces.to_vec();
        stream.extend_from_slice(&LAST_EMPTY_BLOCK);
        let mut plain = Vec::new();
        DeflateDecoder::new(stream.as_slice()).read_to_end(&mut plain).unwrap();
        plain
    }

    fn deflated(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut deflater, mut out) = (LineDeflater::default(), Vec::new());
        for piece in pieces {
            deflater.push_piece(piece, &mut out);
        }
        out
    }

    #[test]
    fn like_lines_take_little_and_come_back() {
        let mut lines = String::new();
        for number in 0..500_u64 {
            let digits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            writeln!(lines, r#"{{"file":{{"url":"https://h/b/t/d=1/part-{number:05}.parquet?X-Amz-Signature={digits:016x}","size":{},"stats":"{{\"numRecords\":{}}}"}}}}"#, number * 31, number % 7).unwrap();
        }
        let packed = deflated(&[lines.as_bytes()]);
        assert_eq!(inflated(&packed), lines.as_bytes());
        assert!(packed.len() * 4 < lines.len(), "{} of {}", packed.len(), lines.len());
    }

    #[test]
    fn pieces_may_follow_each_other_in_any_order() {
        let pieces: [&[u8]; 5] = [b"", b"one\n", b"one\ntwo two two two\n", b"one\none\none", b"\n\n\n"];
        assert_eq!(inflated(&deflated(&pieces)), pieces.concat());
        let mut deflater = LineDeflater::default();
        let mut out = [Vec::new(), Vec::new()];
        deflater.push_piece(pieces[2], &mut out[0]);
        deflater.push_piece(pieces[3], &mut out[1]);
        assert_eq!(inflated(&[out[1].as_slice(), &out[0]].concat()), [pieces[3], pieces[2]].concat());
    }

    #[test]
    fn every_length_and_distance_is_told_as_the_standard_has_it() {
        for bytes in 3..=258 {
            let (number, extra, rest) = length_code(bytes);
            let (base, bits) = LENGTHS[number];
            assert_eq!((u64::from(base) + rest, bits), (u64::from(bytes), extra));
            assert!(rest < 1 << extra, "{bytes}");
        }
        for (distance, symbol, extra, rest) in [
            (1, 0, 0, 0),
            (4, 3, 0, 0),
            (5, 4, 1, 0),
            (6, 4, 1, 1),
            (7, 5, 1, 0),
            (24_577, 29, 13, 0),
            (32_768, 29, 13, 8_191),
        ] {
            assert_eq!(distance_code(distance - 1), (symbol, extra, rest), "{distance}");
        }
    }

    #[test]
    fn long_lines_and_long_matches_come_back() {
        for line_bytes in [257, 258, 259, 260, 261, 262, 300, 520, 16_000, 32_767, 32_768, 40_000] {
            let line: Vec<u8> =
                (0..line_bytes).map(|number| b"abcdefg,"[number % 8]).chain([b'\n']).collect();
            let lines = [line.as_slice(), &line, b"x", &line].concat();
            assert!(inflated(&deflated(&[&lines])) == lines, "{line_bytes}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(plain: Vec<u8>) {
            prop_assert_eq!(inflated(&deflated(&[&plain])), plain);
        }

        #[test]
        fn any_lines_come_back(lines in proptest::collection::vec("[a-c0,\\-\"]{0,12}", 0..60), repeat in 1_usize..40) {
            let plain: String = lines.iter().map(|line| line.repeat(repeat) + "\n").collect();
            prop_assert_eq!(inflated(&deflated(&[plain.as_bytes()])), plain.as_bytes());
        }
    }
}
