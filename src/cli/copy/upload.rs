//! Objects written: at once when small, in parts when large.

use std::cell::RefCell;

use futures::{StreamExt, TryStreamExt};
use tokio::sync::Semaphore;

use super::meter::Meter;
use super::source::Source;
use crate::cli::s3::error::Error;
use crate::cli::s3::retry::retrying;
use crate::cli::s3::{Place, Store};

/// Objects up to this size go in one request, which is sent anew as a whole when it fails.
const SINGLE_BYTES_MAX: u64 = 64 << 20;
/// Smallest part of a larger object; eight of them in flight are 128 MiB of memory.
const PART_BYTES_MIN: u64 = 16 << 20;
/// Parts of one object (Amazon S3 User Guide, "Multipart upload limits").
const PARTS_MAX: u64 = 10_000;
/// Parts of one object in flight, within the permits of the whole copy.
const PARTS_IN_FLIGHT: usize = 8;

/// Multipart uploads that were begun and neither completed nor given up.
#[derive(Debug, Default)]
pub(crate) struct OpenUploads(RefCell<Vec<OpenUpload>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct OpenUpload {
    bucket: String,
    key: String,
    id: String,
}

impl OpenUploads {
    fn open(&self, place: Place<'_>, id: &str) {
        let upload =
            OpenUpload { bucket: place.bucket.to_owned(), key: place.key.to_owned(), id: id.to_owned() };
        self.0.borrow_mut().push(upload);
    }

    fn close(&self, id: &str) {
        self.0.borrow_mut().retain(|upload| upload.id != id);
    }

    /// Gives up what is still open, so that no parts stay behind; a server that is away keeps them.
    pub(crate) async fn abort(&self, store: &Store) {
        let left = self.0.take();
        for upload in left {
            let place = Place { bucket: &upload.bucket, key: &upload.key };
            let _ = store.abort_upload(place, &upload.id).await;
        }
    }
}

/// One object to be written.
#[derive(Clone, Copy)]
pub(crate) struct Upload<'a> {
    pub source: Source<'a>,
    pub place: Place<'a>,
    pub size: u64,
}

/// What uploads of one copy share.
#[derive(Clone, Copy)]
pub(crate) struct Uploader<'a> {
    pub store: &'a Store,
    /// One for each request that carries data.
    pub permits: &'a Semaphore,
    pub open: &'a OpenUploads,
}

impl Uploader<'_> {
    /// Writes the object and counts its bytes.
    pub(crate) async fn run(&self, upload: Upload<'_>, meter: &Meter) -> Result<(), Error> {
        if upload.size > SINGLE_BYTES_MAX {
            return self.send_parts(upload, meter).await;
        }
        let _permit = self.permits.acquire().await;
        let put = || async {
            let body = upload.source.body(upload.size, meter).await?;
            self.store.put(upload.place, upload.size, body).await
        };
        retrying(put, || meter.take_back()).await
    }

    async fn send_parts(&self, upload: Upload<'_>, meter: &Meter) -> Result<(), Error> {
        let place = upload.place;
        let id = retrying(|| self.store.begin_upload(place), || ()).await?;
        self.open.open(place, &id);
        let parts = futures::stream::iter(parts_of(upload.size));
        let sent = parts.map(|part| self.send_part(upload, &id, part, meter));
        let etags: Vec<String> = sent.buffered(PARTS_IN_FLIGHT).try_collect().await?;
        retrying(|| self.store.complete_upload(place, &id, &etags), || ()).await?;
        self.open.close(&id);
        Ok(())
    }

    async fn send_part(
        &self,
        upload: Upload<'_>,
        id: &str,
        part: Part,
        meter: &Meter,
    ) -> Result<String, Error> {
        let _permit = self.permits.acquire().await;
        let send = || async {
            let bytes = upload.source.read_part(part.from, part.size).await?;
            self.store.put_part(upload.place, id, part.number, bytes).await
        };
        let etag = retrying(send, || ()).await?;
        meter.add(part.size as u64);
        Ok(etag)
    }
}

/// A piece of an object, numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    number: u16,
    from: u64,
    size: usize,
}

/// Parts of equal size, the last one smaller.
fn parts_of(size: u64) -> impl Iterator<Item = Part> {
    let part_size = PART_BYTES_MIN.max(size.div_ceil(PARTS_MAX));
    (1_u16..).map_while(move |number| {
        let from = u64::from(number - 1) * part_size;
        let left = size.checked_sub(from).filter(|left| *left > 0)?;
        Some(Part { number, from, size: usize::try_from(left.min(part_size)).ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_object_without_gap_or_overlap() {
        for size in [SINGLE_BYTES_MAX + 1, 160 << 20, PART_BYTES_MIN * PARTS_MAX, 5 << 40] {
            let mut next = 0;
            let mut count = 0;
            for part in parts_of(size) {
                assert_eq!(part.from, next);
                next += part.size as u64;
                count += 1;
                assert_eq!(u64::from(part.number), count);
            }
            assert_eq!(next, size);
            assert!(count <= PARTS_MAX, "{count} parts of {size}");
        }
    }
}
