//! Blobs of Puffin files that hold a deletion vector.
//!
//! A manifest says where in its file a blob lies, so that the file's footer is not read: some writers leave it out.
//!
//! Source: the Puffin specification, "`deletion-vector-v1` blob type".

use std::ops::Range;

use crc_fast::{CrcAlgorithm, checksum};

use super::positions::{self, MAGIC, Positions};
use crate::limits::deletes::VECTOR_BYTES_MAX;

/// Length before, and checksum behind what they are of.
const FRAME_BYTES: usize = 8;

/// Why bytes are no deletion vector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the manifest does not tell where it is")]
    NoPlace,
    #[error(
        "it has more than {VECTOR_BYTES_MAX} bytes; rewrite its file (rewrite_data_files with delete-file-threshold 1)"
    )]
    TooLarge,
    #[error("it ends too early")]
    Short,
    #[error("the length that it begins with is not its own")]
    Length,
    #[error("it does not begin as deletion vectors do")]
    Magic,
    #[error("its checksum is wrong")]
    Checksum,
    #[error(transparent)]
    Positions(#[from] positions::Fault),
    #[error("it has {found} rows, and its manifest says {told}")]
    Count { found: u64, told: u64 },
}

/// Where a blob lies in its file, as the manifest tells it.
///
/// # Errors
/// [`Fault::NoPlace`], [`Fault::TooLarge`].
pub(super) fn place(offset: Option<i64>, size_bytes: Option<i64>) -> Result<Range<u64>, Fault> {
    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).ok_or(Fault::NoPlace);
    let (start, length) = (number(offset)?, number(size_bytes)?);
    if length > (VECTOR_BYTES_MAX + FRAME_BYTES) as u64 {
        return Err(Fault::TooLarge);
    }
    let end = start.checked_add(length).ok_or(Fault::NoPlace)?;
    Ok(start..end)
}

/// The rows in a blob, which have to be as many as the manifest says.
///
/// # Errors
/// [`Fault`], on any bytes; never a panic.
pub fn parse(blob: &[u8], record_count: u64) -> Result<Positions, Fault> {
    let (length, rest) = blob.split_first_chunk().ok_or(Fault::Short)?;
    let (framed, told) = rest.split_last_chunk().ok_or(Fault::Short)?;
    if u32::from_be_bytes(*length) as usize != framed.len() {
        return Err(Fault::Length);
    }
    let bitmaps = framed.strip_prefix(&MAGIC).ok_or(Fault::Magic)?;
    if checksum(CrcAlgorithm::Crc32IsoHdlc, framed) != u64::from(u32::from_be_bytes(*told)) {
        return Err(Fault::Checksum);
    }
    let positions = Positions::parse(bitmaps)?;
    let (found, told) = (positions.count(), record_count);
    if found == told { Ok(positions) } else { Err(Fault::Count { found, told }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::deletes::fixture::{blob, rows};

    /// A blob that DuckDB wrote before it wrote Puffin files around it: row 1 is deleted.
    const OF_DUCKDB: &[u8] = b"\0\0\0\x22\xd1\xd3\x39\x64\x01\0\0\0\0\0\0\0\0\0\0\0\x3a\x30\0\0\x01\0\0\0\0\0\0\0\x10\0\0\0\x01\0\xee\xbd\x85\xf4";

    #[test]
    fn a_blob_of_another_writer_is_read() {
        assert_eq!(parse(OF_DUCKDB, 1).unwrap().iter().collect::<Vec<_>>(), [1]);
        assert_eq!(blob(&[1]), OF_DUCKDB);
    }

    #[test]
    fn what_is_wrong_with_a_blob_is_named() {
        let changed = |at: usize, byte: u8| {
            let mut blob = OF_DUCKDB.to_vec();
            blob[at] = byte;
            parse(&blob, 1)
        };
        assert_eq!(changed(3, 0x21), Err(Fault::Length));
        assert_eq!(changed(4, 0xD0), Err(Fault::Magic));
        assert_eq!(changed(36, 2), Err(Fault::Checksum));
        assert_eq!(changed(41, 2), Err(Fault::Checksum));
        assert_eq!(parse(OF_DUCKDB, 2), Err(Fault::Count { found: 1, told: 2 }));
        assert_eq!(parse(&OF_DUCKDB[..41], 1), Err(Fault::Length));
        assert_eq!(parse(b"\0\0\0\0\0\0", 0), Err(Fault::Short));
        assert_eq!(parse(b"", 0), Err(Fault::Short));
    }

    #[test]
    fn a_place_is_told_whole_and_in_bounds() {
        assert_eq!(place(Some(4), Some(40)), Ok(4..44));
        for (offset, size_bytes) in
            [(None, Some(1)), (Some(1), None), (Some(-1), Some(1)), (Some(1), Some(-1))]
        {
            assert_eq!(place(offset, size_bytes), Err(Fault::NoPlace));
        }
        assert_eq!(place(Some(4), Some(i64::try_from(VECTOR_BYTES_MAX).unwrap() + 9)), Err(Fault::TooLarge));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_blob_holds_the_rows_that_were_put_into_it(mut rows in rows(), cut in any::<prop::sample::Index>()) {
            rows.sort_unstable();
            rows.dedup();
            let blob = blob(&rows);
            let count = rows.len() as u64;
            prop_assert_eq!(parse(&blob, count).unwrap().iter().collect::<Vec<_>>(), rows);
            prop_assert!(parse(&blob[..cut.index(blob.len())], count).is_err());
        }
    }
}
