//! The footers of Parquet files, where no more than these is wanted.

use bytes::Bytes;

use super::error::Error;
use super::table_store::{ObjectInfo, TableStore};
use crate::limits::uniform::{FOOTER_BYTES_FIRST, FOOTER_BYTES_MAX};

/// The length of a footer and the file's magic stand at its end (Apache Parquet, "File Format").
const END_BYTES: u64 = 8;

/// The footer of the file `key`, and what the store knows of it; `None`: it is no Parquet file, or its footer is too
/// long. `path` stands for it in messages.
///
/// # Errors
/// [`Error::NoSuchObject`], and what reading can fail of.
pub async fn read(store: &TableStore, key: &str, path: &str) -> Result<Option<(Bytes, ObjectInfo)>, Error> {
    let info = store.head(key).await?.ok_or_else(|| Error::NoSuchObject { object: path.to_owned() })?;
    let size = info.size_bytes;
    let mut end = store.read_range(key, &info, size.saturating_sub(FOOTER_BYTES_FIRST)..size).await?;
    let Some(length) = footer_bytes(&end).filter(|length| *length <= FOOTER_BYTES_MAX) else {
        return Ok(None);
    };
    if (end.len() as u64) < length + END_BYTES {
        end = store.read_range(key, &info, size.saturating_sub(length + END_BYTES)..size).await?;
    }
    let places = || {
        let after = end.len().checked_sub(usize::try_from(END_BYTES).ok()?)?;
        Some(after.checked_sub(usize::try_from(length).ok()?)?..after)
    };
    Ok(places().map(|range| (end.slice(range), info)))
}

fn footer_bytes(end: &[u8]) -> Option<u64> {
    let (rest, magic) = end.split_last_chunk::<4>()?;
    let (_, length) = rest.split_last_chunk::<4>()?;
    (magic == b"PAR1").then(|| u32::from_le_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_footer_is_found_from_the_end() {
        assert_eq!(footer_bytes(b"xx\x05\0\0\0PAR1"), Some(5));
        assert_eq!(footer_bytes(b"\0PAR1"), None);
        assert_eq!(footer_bytes(b"\x05\0\0\0PARE"), None, "its footer is encrypted");
    }
}
