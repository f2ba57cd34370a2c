//! Inputs made of seeds by chance, the same in every run.

/// Words that parsers here look at, and numbers at which they turn.
const WORDS: [&[u8]; 24] = [
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"\\u0000",
    b"\\ud800",
    b"-1",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"1e999",
    b"0.1",
    b"NaN",
    b"AND",
    b"NOT (",
    b"'",
    b"`",
    b"..",
    b"/",
    b"%2f",
    b"\n",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80",
];
const INPUT_BYTES_MAX: usize = 32 << 10;

pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Mutator {
    pub fn new(seeds: Vec<Vec<u8>>) -> Self {
        Self { seeds, state: 0x9E37_79B9_7F4A_7C15 }
    }

    /// Marsaglia's xorshift64*.
    fn random(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.random() % end.max(1) as u64) as usize
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let width = if self.below(4) == 0 { length } else { 16 };
        start..(start + self.below(width + 1)).min(length)
    }

    pub fn next_input(&mut self) -> Vec<u8> {
        let seed = self.below(self.seeds.len());
        let mut bytes = self.seeds[seed].clone();
        for _ in 0..1 + self.below(6) {
            self.mutate(&mut bytes);
        }
        bytes.truncate(INPUT_BYTES_MAX);
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes.len());
        let at = range.start;
        match self.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.random() as u8,
            2 => drop(bytes.drain(range)),
            3 => {
                let copy = bytes[range].to_vec();
                let place = self.below(bytes.len() + 1);
                drop(bytes.splice(place..place, copy));
            }
            4 => {
                let other = self.below(self.seeds.len());
                let part = self.range(self.seeds[other].len());
                let part = self.seeds[other][part].to_vec();
                drop(bytes.splice(range, part));
            }
            5 => bytes.truncate(at),
            6 => {
                let word = WORDS[self.below(WORDS.len())];
                drop(bytes.splice(range, word.iter().copied()));
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                drop(bytes.splice(at..at, word.iter().copied()));
            }
        }
    }
}
