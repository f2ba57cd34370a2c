//! The codecs of blocks: null, deflate, zstandard, snappy.
//!
//! What a block claims to unpack to is not believed: room is made as it is filled, up to a bound.

use std::io::Read;

use crc_fast::{CrcAlgorithm, checksum};
use libdeflater::{DecompressionError, Decompressor};

use super::error::{BlockFault, Error};
use crate::limits::manifest::AVRO_BLOCK_BYTES_MAX;

/// Room that is made first for deflate, as many times as large as the packed bytes; entries with statistics take as much.
const FIRST_ROOM: usize = 4;

/// Room below which none is made: deflate packs little text least of all.
const ROOM_BYTES_MIN: usize = 64 << 10;

/// Bytes of the checksum behind a block of snappy ("Required Codecs" of the Avro specification).
const CHECKSUM_BYTES: usize = 4;

/// How the blocks of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Null,
    Deflate,
    Zstandard,
    Snappy,
}

impl Codec {
    pub(super) fn of(name: &[u8]) -> Result<Self, Error> {
        match name {
            b"null" | b"" => Ok(Self::Null),
            b"deflate" => Ok(Self::Deflate),
            b"zstandard" => Ok(Self::Zstandard),
            b"snappy" => Ok(Self::Snappy),
            other => {
                let name = String::from_utf8_lossy(other).chars().take(64).collect();
                Err(Error::Codec { name })
            }
        }
    }
}

/// Unpacks blocks one by one into one buffer; made once for many files.
#[derive(Default)]
pub struct Unpacker {
    /// Room that was written to; only the beginning is of the present block.
    plain: Vec<u8>,
    deflate: Option<Decompressor>,
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").field("buffer_bytes", &self.plain.capacity()).finish_non_exhaustive()
    }
}

/// Why a block was not unpacked.
pub(super) enum Refusal {
    Broken(BlockFault),
    TooLarge,
}

impl From<BlockFault> for Refusal {
    fn from(fault: BlockFault) -> Self {
        Self::Broken(fault)
    }
}

impl Unpacker {
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of a block as they were before they were packed.
    pub(super) fn unpack<'a>(&'a mut self, codec: Codec, packed: &'a [u8]) -> Result<&'a [u8], Refusal> {
        let length = match codec {
            Codec::Null => return Ok(packed),
            Codec::Deflate => self.inflate(packed)?,
            Codec::Zstandard => self.unpack_zstandard(packed)?,
            Codec::Snappy => self.unpack_snappy(packed)?,
        };
        Ok(self.plain.get(..length).unwrap_or_default())
    }

    /// Nothing says how large a block was: where the room is too small, it is made larger and the block read again.
    fn inflate(&mut self, packed: &[u8]) -> Result<usize, Refusal> {
        let inflater = self.deflate.get_or_insert_with(Decompressor::new);
        let guess = packed.len().saturating_mul(FIRST_ROOM).clamp(ROOM_BYTES_MIN, AVRO_BLOCK_BYTES_MAX);
        if self.plain.len() < guess {
            self.plain = vec![0; guess];
        }
        loop {
            match inflater.deflate_decompress(packed, &mut self.plain) {
                Ok(length) if length > AVRO_BLOCK_BYTES_MAX => return Err(Refusal::TooLarge),
                Ok(length) => return Ok(length),
                Err(DecompressionError::BadData) => return Err(BlockFault::Packed.into()),
                Err(DecompressionError::InsufficientSpace) => {
                    let room = self.plain.len();
                    if room >= AVRO_BLOCK_BYTES_MAX {
                        return Err(Refusal::TooLarge);
                    }
                    self.plain = vec![0; room.saturating_mul(2).min(AVRO_BLOCK_BYTES_MAX)];
                }
            }
        }
    }

    fn unpack_zstandard(&mut self, packed: &[u8]) -> Result<usize, Refusal> {
        self.plain.clear();
        let decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| BlockFault::Packed)?;
        let mut bounded = decoder.take(AVRO_BLOCK_BYTES_MAX as u64 + 1);
        bounded.read_to_end(&mut self.plain).map_err(|_| BlockFault::Packed)?;
        if self.plain.len() > AVRO_BLOCK_BYTES_MAX { Err(Refusal::TooLarge) } else { Ok(self.plain.len()) }
    }

    fn unpack_snappy(&mut self, packed: &[u8]) -> Result<usize, Refusal> {
        let at = packed.len().checked_sub(CHECKSUM_BYTES).ok_or(BlockFault::Packed)?;
        let (packed, wanted) = packed.split_at_checked(at).ok_or(BlockFault::Packed)?;
        let length = snap::raw::decompress_len(packed).map_err(|_| BlockFault::Packed)?;
        // Snappy copies at most 64 bytes for three of its own, so that more is a lie.
        if length > AVRO_BLOCK_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        if length / 32 > packed.len() {
            return Err(BlockFault::Packed.into());
        }
        self.plain.clear();
        self.plain.resize(length, 0);
        let written = snap::raw::Decoder::new().decompress(packed, &mut self.plain);
        self.plain.truncate(written.map_err(|_| BlockFault::Packed)?);
        let found = checksum(CrcAlgorithm::Crc32IsoHdlc, &self.plain);
        let is_right = u32::try_from(found).is_ok_and(|found| found.to_be_bytes() == *wanted);
        if is_right { Ok(self.plain.len()) } else { Err(BlockFault::Checksum.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::encode;
    use super::*;

    #[test]
    fn blocks_of_any_size_follow_each_other() {
        let noise = |length: u32| -> Vec<u8> {
            (0..length).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
        };
        let blocks = [
            Vec::new(),
            noise(300_000),
            b"abc".to_vec(),
            vec![0; 3 << 20],
            noise(7),
            noise(90_000),
            vec![1; 9],
        ];
        for (name, codec) in [
            ("null", Codec::Null),
            ("deflate", Codec::Deflate),
            ("snappy", Codec::Snappy),
            ("zstandard", Codec::Zstandard),
        ] {
            let mut unpacker = Unpacker::new();
            for (number, plain) in blocks.iter().enumerate() {
                let packed = encode::pack(name, plain);
                let found = unpacker.unpack(codec, &packed).unwrap_or_else(|_| panic!("{name} {number}"));
                assert!(found == plain, "{name} {number}");
            }
        }
    }

    #[test]
    fn a_block_that_breaks_off_is_refused() {
        let packed = encode::pack("deflate", &[5; 1_000]);
        for length in 0..packed.len() {
            let mut unpacker = Unpacker::new();
            assert!(unpacker.unpack(Codec::Deflate, packed.get(..length).unwrap()).is_err(), "{length}");
        }
    }
}
