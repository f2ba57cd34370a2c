//! Parts of a file, read as if all were there.

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// Some parts of a file.
#[derive(Debug)]
pub(super) struct Pieces {
    /// Of the file.
    pub(super) size_bytes: u64,
    /// Each with the place where it begins.
    pub(super) list: Vec<(u64, Bytes)>,
}

impl Pieces {
    /// What is there from `start` on.
    fn from(&self, start: u64) -> Result<Bytes> {
        let within = self.list.iter().find_map(|(first, bytes)| {
            let skipped = usize::try_from(start.checked_sub(*first)?).ok()?;
            (skipped < bytes.len()).then(|| bytes.slice(skipped..))
        });
        within.ok_or_else(|| ParquetError::EOF(format!("byte {start} is in no column that was asked for")))
    }
}

impl Length for Pieces {
    fn len(&self) -> u64 {
        self.size_bytes
    }
}

impl ChunkReader for Pieces {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        let short = || ParquetError::EOF(format!("{length} bytes from {start} on are in no column"));
        if bytes.len() < length { Err(short()) } else { Ok(bytes.slice(..length)) }
    }
}
