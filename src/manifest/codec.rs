//! The codecs of blocks: null, deflate, zstandard, snappy.
//!
//! What a block claims to unpack to is not believed: room is made as it is filled, up to a bound.

use std::io::Read;

use crc_fast::{CrcAlgorithm, checksum};
use flate2::{Decompress, FlushDecompress, Status};

use super::error::{BlockFault, Error};
use crate::limits::manifest::AVRO_BLOCK_BYTES_MAX;

/// Room that is made first, as many times as large as the packed bytes.
const FIRST_ROOM: usize = 4;

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
    plain: Vec<u8>,
    deflate: Option<Decompress>,
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
        self.plain.clear();
        match codec {
            Codec::Null => return Ok(packed),
            Codec::Deflate => self.inflate(packed)?,
            Codec::Zstandard => self.unpack_zstandard(packed)?,
            Codec::Snappy => self.unpack_snappy(packed)?,
        }
        Ok(&self.plain)
    }

    fn inflate(&mut self, packed: &[u8]) -> Result<(), Refusal> {
        let inflater = self.deflate.get_or_insert_with(|| Decompress::new(false));
        inflater.reset(false);
        self.plain.reserve(packed.len().saturating_mul(FIRST_ROOM).min(AVRO_BLOCK_BYTES_MAX));
        loop {
            let read = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
            let rest = packed.get(read..).unwrap_or_default();
            let status = inflater.decompress_vec(rest, &mut self.plain, FlushDecompress::Finish);
            match status.map_err(|_| BlockFault::Packed)? {
                Status::StreamEnd if self.plain.len() > AVRO_BLOCK_BYTES_MAX => {
                    return Err(Refusal::TooLarge);
                }
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError if self.plain.len() < self.plain.capacity() => {
                    return Err(BlockFault::Packed.into());
                }
                Status::Ok | Status::BufError => grow(&mut self.plain)?,
            }
        }
    }

    fn unpack_zstandard(&mut self, packed: &[u8]) -> Result<(), Refusal> {
        let decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| BlockFault::Packed)?;
        let mut bounded = decoder.take(AVRO_BLOCK_BYTES_MAX as u64 + 1);
        bounded.read_to_end(&mut self.plain).map_err(|_| BlockFault::Packed)?;
        if self.plain.len() > AVRO_BLOCK_BYTES_MAX { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    fn unpack_snappy(&mut self, packed: &[u8]) -> Result<(), Refusal> {
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
        self.plain.resize(length, 0);
        let written = snap::raw::Decoder::new().decompress(packed, &mut self.plain);
        self.plain.truncate(written.map_err(|_| BlockFault::Packed)?);
        let found = checksum(CrcAlgorithm::Crc32IsoHdlc, &self.plain);
        let is_right = u32::try_from(found).is_ok_and(|found| found.to_be_bytes() == *wanted);
        if is_right { Ok(()) } else { Err(BlockFault::Checksum.into()) }
    }
}

/// Twice the room, up to the bound.
fn grow(plain: &mut Vec<u8>) -> Result<(), Refusal> {
    let room = plain.len().clamp(1 << 10, AVRO_BLOCK_BYTES_MAX.saturating_sub(plain.len()).max(1 << 10));
    if plain.len() >= AVRO_BLOCK_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    plain.reserve(room);
    Ok(())
}
