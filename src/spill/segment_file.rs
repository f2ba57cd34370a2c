//! A segment in a file that is named by its digest.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use super::error::{Error, Fault};
use super::place::Place;
use crate::table::column_file::{ColumnReader, ColumnWriter};
use crate::table::segment::Segment;

/// The last byte counts the formats.
const MAGIC: [u8; 8] = *b"lakeseg\x01";

/// Writes a segment; the digest of its file, and the bytes of the file.
pub(super) fn write(place: &Place, segment: &Segment) -> Result<(u128, u64), Error> {
    place.write_file(|file| {
        let mut out = BufWriter::new(file);
        let mut columns = ColumnWriter::new(&mut out);
        columns.raw(&MAGIC)?;
        segment.write(&mut columns)?;
        let (digest, byte_count) = columns.finish();
        out.flush()?;
        Ok((place.segment(digest), (digest, byte_count)))
    })
}

/// The segment in the file at `path`, which has to have these bytes.
pub(super) fn read(path: &Path, digest: u128, byte_count: u64) -> Result<Segment, Error> {
    let open = || {
        let file = File::open(path)?;
        if file.metadata()?.len() != byte_count {
            return Err(Fault::Digest);
        }
        parse(&mut BufReader::new(file), byte_count)
    };
    let (segment, found) = open().map_err(|fault| fault.at(path))?;
    if found != digest {
        return Err(Fault::Digest.at(path));
    }
    // Nobody else has it yet.
    let _ = segment.kept_as.set(digest);
    Ok(segment)
}

/// The segment of `byte_count` bytes, and their digest.
///
/// # Errors
/// See [`Fault`].
pub fn parse(input: &mut dyn std::io::Read, byte_count: u64) -> Result<(Segment, u128), Fault> {
    let mut columns = ColumnReader::new(input, byte_count);
    let mut magic = [0; MAGIC.len()];
    columns.raw(&mut magic)?;
    if magic != MAGIC {
        return Err(Fault::Format);
    }
    let segment = Segment::read(&mut columns)?;
    Ok((segment, columns.finish()?))
}
