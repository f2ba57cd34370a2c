//! The text of a metadata file, which may be packed.

use std::borrow::Cow;
use std::io::Read;

use super::error::{Error, MetadataFault};
use crate::limits::iceberg::METADATA_BYTES_MAX;

/// How a packed file begins (RFC 1952, "Member header and trailer").
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The bytes of a file, unpacked if it is packed.
pub(super) fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    if !bytes.starts_with(&GZIP_MAGIC) {
        let fits = bytes.len() <= METADATA_BYTES_MAX;
        return if fits { Ok(Cow::Borrowed(bytes)) } else { Err(Error::TooLarge) };
    }
    let mut plain = Vec::new();
    let bound = METADATA_BYTES_MAX as u64 + 1;
    let read = flate2::read::MultiGzDecoder::new(bytes).take(bound).read_to_end(&mut plain);
    read.map_err(|_| MetadataFault::Gzip)?;
    if plain.len() > METADATA_BYTES_MAX { Err(Error::TooLarge) } else { Ok(Cow::Owned(plain)) }
}
