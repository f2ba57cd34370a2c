//! Deleted rows of Iceberg tables: to deletion vectors of Delta.
//!
//! Which delete file applies to which data file is decided before. Here they are read, several at once and each once,
//! and what several say of one data file becomes one vector, which goes into the line of its file. Equality deletes name no
//! rows: these are looked for in the data files.
//!
//! Source: the Iceberg table specification, "Row-level Deletes".

mod equality;
pub mod error;
pub mod files;
#[cfg(test)]
mod fixture;
pub mod kept;
pub mod key_reader;
pub mod keys;
mod pieces;
pub mod position_file;
pub mod positions;
#[cfg(test)]
mod tests;
pub mod vector_blob;

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use tokio::task::{JoinError, spawn_blocking};

use self::error::Error;
use self::files::{DataFile, DeleteFile, Source};
use self::kept::{Found, Kept, Place};
use self::position_file::{Fault, PositionFile, Unread};
use self::positions::{InlineVector, Positions};
use crate::limits::deletes::{
    DELETE_FILE_BYTES_MAX, DELETE_FILES_AT_ONCE, DELETED_FROM_ROWS_MAX, VECTOR_BYTES_MAX, VECTORS_BYTES_MAX,
};

/// The deleted rows of each of the data files, as a vector; `None` where none is deleted.
///
/// # Errors
/// [`Error`]: nothing is told of a table some of whose deletes cannot be read, or are too many.
pub async fn read(
    source: &Source<'_>,
    kept: &Kept,
    delete_files: &[DeleteFile],
    data_files: &[DataFile],
) -> Result<Vec<Option<InlineVector>>, Error> {
    let mut merged = Merged::of(data_files)?;
    let targets = targets(delete_files.len(), data_files);
    let (mut wanted, mut loads) = (Vec::new(), Vec::new());
    for (file, targets) in delete_files.iter().zip(&targets) {
        if !targets.is_empty() && file.equality.is_none() {
            wanted.push((file, targets));
            loads.push(load(source, kept, file, (data_files, targets)));
        }
    }
    let mut loads = futures::stream::iter(loads).buffered(DELETE_FILES_AT_ONCE);
    for (file, targets) in wanted {
        let found = loads.next().await.ok_or(Error::BrokenOff)??;
        check(file, &found)?;
        targets.iter().try_for_each(|&at| merged.add(&found, at))?;
    }
    for (at, scanned) in equality::read(source, kept, delete_files, data_files).await? {
        merged.add_rows(&scanned.rows, at)?;
    }
    let rows = merged.rows;
    let told =
        spawn_blocking(|| rows.into_iter().map(Positions::into_inline).collect::<Result<_, _>>()).await;
    told.map_err(|_| Error::BrokenOff)?.map_err(|_| Error::BrokenOff)
}

/// Looks whether a delete file is of the data file that its manifest says. A table may have been moved, and the paths in
/// its delete files not: then no row would be deleted.
fn check(file: &DeleteFile, found: &Found) -> Result<(), Error> {
    let is_wrong = |only: &&String| file.record_count > 0 && found.of(only).is_none();
    let Some(only) = file.only.as_ref().filter(is_wrong) else { return Ok(()) };
    Err(Error::OtherFile { path: file.path.clone(), file: only.clone() })
}

/// For each delete file the data files that it applies to, by their places.
fn targets(delete_count: usize, data_files: &[DataFile]) -> Vec<Vec<usize>> {
    let mut targets = vec![Vec::new(); delete_count];
    for (at, file) in data_files.iter().enumerate() {
        for &number in &file.deletes {
            if let Some(targets) = targets.get_mut(number) {
                targets.push(at);
            }
        }
    }
    targets
}

/// Rows of data files, put together from their delete files.
struct Merged<'a> {
    data_files: &'a [DataFile],
    rows: Vec<Positions>,
    /// Of all rows.
    size_bytes: usize,
}

impl<'a> Merged<'a> {
    fn of(data_files: &'a [DataFile]) -> Result<Self, Error> {
        match data_files.iter().find(|file| file.row_count > DELETED_FROM_ROWS_MAX) {
            Some(file) => Err(Error::ManyRows { file: file.path.clone() }),
            None => {
                Ok(Self { data_files, rows: vec![Positions::default(); data_files.len()], size_bytes: 0 })
            }
        }
    }

    /// Adds what a delete file says of the data file `at`.
    fn add(&mut self, found: &Found, at: usize) -> Result<(), Error> {
        let more = self.data_files.get(at).and_then(|file| found.of(&file.path));
        more.map_or(Ok(()), |more| self.add_rows(more, at))
    }

    /// Adds rows of the data file `at`.
    fn add_rows(&mut self, more: &Positions, at: usize) -> Result<(), Error> {
        let (Some(file), Some(rows)) = (self.data_files.get(at), self.rows.get_mut(at)) else {
            return Ok(());
        };
        let before = rows.size_bytes();
        rows.merge(more, file.row_count);
        let mut after = rows.size_bytes();
        if after > VECTOR_BYTES_MAX {
            rows.pack();
            after = rows.size_bytes();
        }
        if after > VECTOR_BYTES_MAX {
            return Err(Error::LongVector { file: file.path.clone() });
        }
        self.size_bytes = (self.size_bytes + after).saturating_sub(before);
        if self.size_bytes > VECTORS_BYTES_MAX { Err(Error::LongVectors) } else { Ok(()) }
    }
}

/// Reads a delete file, for the data files at these places, unless it is kept.
async fn load(
    source: &Source<'_>,
    kept: &Kept,
    file: &DeleteFile,
    (data_files, targets): (&[DataFile], &[usize]),
) -> Result<Arc<Found>, Error> {
    let is_vector = file.format.eq_ignore_ascii_case("puffin") || file.content_offset.is_some();
    if !is_vector && !file.format.eq_ignore_ascii_case("parquet") {
        return Err(Error::Format { path: file.path.clone(), format: file.format.clone() });
    }
    let offset = file.content_offset.and_then(|offset| u64::try_from(offset).ok());
    let place = Place { bucket: source.bucket.to_owned(), key: file.key.clone(), offset };
    if let Some(found) = kept.get(&place) {
        return Ok(found);
    }
    if is_vector {
        let found = Arc::new(Found::Vector(load_vector(source, file).await?));
        kept.put(place, &found);
        return Ok(found);
    }
    let bytes = source.buckets.read_whole(source.bucket, &file.key, DELETE_FILE_BYTES_MAX).await;
    let bytes = bytes.map_err(|error| Error::of_file(error, &file.path))?;
    let wanted = targets.iter().filter_map(|&at| data_files.get(at));
    let mut wanted: Vec<String> = wanted.map(|file| file.path.clone()).collect();
    wanted.sort_unstable();
    let read = spawn_blocking(move || PositionFile::read(bytes, &wanted)).await;
    let positions = decoded(read, file)?;
    let is_whole = positions.is_whole();
    let found = Arc::new(Found::Positions(positions));
    if is_whole {
        kept.put(place, &found);
    }
    Ok(found)
}

async fn load_vector(source: &Source<'_>, file: &DeleteFile) -> Result<Positions, Error> {
    let broken = |source| Error::Vector { path: file.path.clone(), source };
    let range = vector_blob::place(file.content_offset, file.content_size_bytes).map_err(broken)?;
    let blob: Bytes = source.buckets.read_part(source.bucket, &file.key, range).await?;
    vector_blob::parse(&blob, file.record_count).map_err(broken)
}

/// What a decoder made of a file.
fn decoded(
    read: Result<Result<PositionFile, Unread>, JoinError>,
    file: &DeleteFile,
) -> Result<PositionFile, Error> {
    let path = || file.path.clone();
    match read {
        Ok(Ok(positions)) => Ok(positions),
        Ok(Err(Unread::Parquet(source))) => Err(Error::Parquet { path: path(), source: Arc::new(source) }),
        Ok(Err(Unread::Content(source))) => Err(Error::Positions { path: path(), source }),
        // The decoder is not ours, and not every broken file makes it return an error.
        Err(failed) if failed.is_panic() => {
            Err(Error::Positions { path: path(), source: Fault::DecoderGaveUp })
        }
        Err(_) => Err(Error::BrokenOff),
    }
}
