//! Columns as bytes, written and read array by array.
//!
//! An array is its length, a little-endian `u64`, then its numbers as they lie in memory. So a column is read straight
//! into the memory that it stays in, and no number is looked at twice. Machines that write the other end first keep
//! no files; see [`FITS_MACHINE`].

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::Xxh3;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::limits::COLUMN_PIECE_BYTES;

/// Whether numbers in memory are numbers of the format.
pub const FITS_MACHINE: bool = cfg!(target_endian = "little");

/// Numbers that may be any bytes of their size.
pub(crate) trait Plain: FromBytes + IntoBytes + Immutable + Copy {
    const ZERO: Self;
}

impl Plain for u8 {
    const ZERO: Self = 0;
}
impl Plain for u16 {
    const ZERO: Self = 0;
}
impl Plain for u32 {
    const ZERO: Self = 0;
}
impl Plain for u64 {
    const ZERO: Self = 0;
}
impl Plain for u128 {
    const ZERO: Self = 0;
}
impl Plain for [u8; 16] {
    const ZERO: Self = [0; 16];
}

/// Why bytes are no columns.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// The bytes contradict themselves.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
}

/// Ok if the bytes keep this promise.
pub(crate) fn check(is_so: bool, promise: &'static str) -> Result<(), Error> {
    if is_so { Ok(()) } else { Err(Error::Damaged(promise)) }
}

/// What can be written as arrays and made of them again.
pub(crate) trait Column: Sized {
    fn write(&self, out: &mut ColumnWriter<'_>) -> io::Result<()>;

    /// # Errors
    /// [`Error::Damaged`] unless every later read of the column is in bounds.
    fn read(input: &mut ColumnReader<'_>) -> Result<Self, Error>;
}

/// Writes arrays and takes the digest of all bytes.
pub struct ColumnWriter<'a> {
    out: &'a mut dyn Write,
    hash: Box<Xxh3>,
    byte_count: u64,
}

impl std::fmt::Debug for ColumnWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColumnWriter").field("byte_count", &self.byte_count).finish_non_exhaustive()
    }
}

impl<'a> ColumnWriter<'a> {
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, hash: Box::default(), byte_count: 0 }
    }

    /// Writes bytes without their length.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(COLUMN_PIECE_BYTES) {
            self.hash.update(piece);
            self.out.write_all(piece)?;
        }
        self.byte_count += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn number(&mut self, number: u64) -> io::Result<()> {
        self.raw(&number.to_le_bytes())
    }

    pub(crate) fn array<T: Plain>(&mut self, numbers: &[T]) -> io::Result<()> {
        self.number(numbers.len() as u64)?;
        self.raw(numbers.as_bytes())
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.array(bytes)
    }

    /// The digest of what was written, and how many bytes it is.
    pub fn finish(self) -> (u128, u64) {
        (self.hash.digest128(), self.byte_count)
    }
}

/// Reads what a [`ColumnWriter`] wrote, and takes the digest of it.
pub struct ColumnReader<'a> {
    input: &'a mut dyn Read,
    left_bytes: u64,
    hash: Box<Xxh3>,
}

impl std::fmt::Debug for ColumnReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColumnReader").field("left_bytes", &self.left_bytes).finish_non_exhaustive()
    }
}

impl<'a> ColumnReader<'a> {
    /// A reader of `byte_count` bytes; no array is longer than what is left of them.
    pub fn new(input: &'a mut dyn Read, byte_count: u64) -> Self {
        Self { input, left_bytes: byte_count, hash: Box::default() }
    }

    /// Fills `bytes`, piece by piece, so that the digest finds each in the cache.
    pub fn raw(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        let left_bytes = self.left_bytes.checked_sub(bytes.len() as u64);
        self.left_bytes = left_bytes.ok_or(Error::Damaged("it ends too early"))?;
        for piece in bytes.chunks_mut(COLUMN_PIECE_BYTES) {
            self.input.read_exact(piece)?;
            self.hash.update(piece);
        }
        Ok(())
    }

    pub(crate) fn number(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.raw(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn array<T: Plain>(&mut self) -> Result<Vec<T>, Error> {
        let count = self.number()?;
        let fits = count <= self.left_bytes / size_of::<T>() as u64;
        check(fits, "an array is longer than the file")?;
        let count = usize::try_from(count).map_err(|_| Error::Damaged("an array exceeds the memory"))?;
        let mut numbers = vec![T::ZERO; count];
        self.raw(numbers.as_mut_slice().as_mut_bytes())?;
        Ok(numbers)
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        self.array()
    }

    /// The digest of all bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`] if some were not read.
    pub fn finish(self) -> Result<u128, Error> {
        check(self.left_bytes == 0, "it goes on after its end")?;
        Ok(self.hash.digest128())
    }
}

/// Whether these are the numbers of rows of a segment of `row_count` rows, each once, in order.
pub(crate) fn are_rows(rows: &[u16], row_count: usize) -> bool {
    rows.is_sorted_by(|a, b| a < b) && rows.last().is_none_or(|&last| usize::from(last) < row_count)
}
