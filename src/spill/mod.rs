//! Snapshots on local disk: a restart or an eviction costs no replay.
//!
//! Segments lie in files that are named by their digests and never change; a manifest for each table says which of
//! them its version has. So a commit writes one small segment and a small manifest. Files are written in the
//! background, by one writer, and read by many. Whatever is wrong with a file, the answer is a replay.

pub mod error;
pub mod manifest;
mod place;
mod queue;
pub mod segment_file;
mod shelf;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures::{StreamExt, TryStreamExt};
use tokio::runtime::Handle;

use self::error::{Error, Fault};
use self::manifest::{Head, Kept, Manifest, SegmentRow};
use self::place::{Place, name_of};
use self::queue::{Queue, Work};
use self::writer::{Useless, read_manifest};
use crate::clock::Clock;
use crate::limits::{SEGMENTS_READ_AT_ONCE, SPILL_FILES_MIN};
use crate::state::record::TableSource;
use crate::table::column_file;
use crate::table::file_list::FileList;
use crate::table::file_list_parts::Part;
use crate::table::segment::Segment;
use crate::table::snapshot::{Snapshot, Version};

/// Snapshots on disk; cheap to clone. The last clone that goes stops the writer.
#[derive(Debug, Clone)]
pub struct Spill {
    shared: Arc<Shared>,
    _stop: Arc<Stop>,
}

#[derive(Debug)]
struct Shared {
    place: Arc<Place>,
    control: Handle,
    queue: Arc<Queue>,
    /// Segments that are in memory, under the digests of their files: nobody reads them twice.
    in_memory: Mutex<HashMap<u128, Weak<Segment>>>,
}

#[derive(Debug)]
struct Stop(Arc<Queue>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// What was found wrong: with the manifest itself, or with a segment.
struct Wrong {
    error: Error,
    segment: Option<u128>,
}

impl Spill {
    /// The snapshots below `root`, which take up to `bytes_max`; looks them through in the background.
    ///
    /// `None` if the numbers of this machine are not those of the files.
    pub fn open(root: &Path, bytes_max: u64, control: Handle, clock: Clock) -> Option<Self> {
        if !column_file::FITS_MACHINE {
            return None;
        }
        let place = Arc::new(Place::new(root));
        let queue = Arc::new(Queue::new(Arc::clone(&place), bytes_max, clock));
        Arc::clone(&queue).start(&control);
        let stop = Arc::new(Stop(Arc::clone(&queue)));
        let shared = Shared { place, control, queue, in_memory: Mutex::default() };
        Some(Self { shared: Arc::new(shared), _stop: stop })
    }

    /// Has a version written, in place of the one there is of its table. Waits for nothing; a version that leaves
    /// the memory before its turn comes is not written.
    pub fn keep(&self, source: &TableSource, kept: &Kept) {
        let is_small = kept.snapshot.files.file_count() < SPILL_FILES_MIN;
        if is_small {
            self.forget(source);
        } else {
            self.shared.add_work(name_of(source), Work::keep(source, kept));
        }
    }

    /// Has removed what there is of a table.
    pub fn forget(&self, source: &TableSource) {
        let useless = Useless { manifest: None, segment: None };
        self.shared.add_work(name_of(source), Work::forget(useless));
    }

    /// The version of a table that is on disk, if it is the wanted one. What is wrong with it is logged.
    pub async fn restore(&self, source: &TableSource, wanted: Option<Version>) -> Option<Kept> {
        let name = name_of(source);
        let mut failed = None;
        // A version that is replaced while it is read is not damaged.
        loop {
            let (manifest, digest) = match self.shared.manifest(source).await {
                Ok(read) => read?,
                Err(error) => {
                    self.shared.give_up(name, None, &Wrong { error, segment: None });
                    return None;
                }
            };
            if wanted.is_some_and(|wanted| wanted != manifest.head.version) {
                return None;
            }
            if let Some((before, wrong)) = failed.as_ref()
                && *before == digest
            {
                self.shared.give_up(name, Some(digest), wrong);
                return None;
            }
            let Manifest { head, segments } = manifest;
            match self.shared.files(name, segments).await {
                Ok(files) => {
                    self.shared.add_work(name, Work::note_use());
                    return Some(kept(head, files));
                }
                Err(_) if failed.is_some() => return None,
                Err(wrong) => failed = Some((digest, wrong)),
            }
        }
    }
}

fn kept(head: Head, files: FileList) -> Kept {
    let snapshot = Snapshot {
        version: head.version,
        commit_timestamp_ms: head.commit_timestamp_ms,
        protocol: head.protocol,
        metadata: head.metadata,
        files,
    };
    Kept { snapshot: Arc::new(snapshot), tip: head.tip }
}

impl Shared {
    fn add_work(&self, name: u128, work: Work) {
        if self.queue.add(name, work) {
            Arc::clone(&self.queue).start(&self.control);
        }
    }

    fn give_up(&self, name: u128, manifest: Option<u128>, wrong: &Wrong) {
        let Wrong { error, segment } = wrong;
        let reason = &error.fault;
        tracing::warn!(%error, %reason, "a snapshot on disk is of no use; the log is read instead");
        self.add_work(name, Work::forget(Useless { manifest, segment: *segment }));
    }

    /// The manifest of a table and its digest, if there is one.
    async fn manifest(&self, source: &TableSource) -> Result<Option<(Manifest, u128)>, Error> {
        let (path, source) = (self.place.manifest(name_of(source)), source.clone());
        let read = self.control.spawn_blocking(move || match read_manifest(&path, Some(&source)) {
            Err(error) if error.fault.is_not_found() => Ok(None),
            read => read.map(Some),
        });
        // The task cannot panic; a runtime that shuts down cancels it.
        read.await.unwrap_or(Ok(None))
    }

    async fn files(&self, name: u128, rows: Vec<SegmentRow>) -> Result<FileList, Wrong> {
        let read = |row: SegmentRow| async move {
            let segment = self.segment(row.digest, row.file_bytes).await;
            let segment = segment.map_err(|error| Wrong { error, segment: Some(row.digest) })?;
            Ok(Part { segment, live: row.live, size_bytes: row.size_bytes })
        };
        let reads = futures::stream::iter(rows).map(read).buffered(SEGMENTS_READ_AT_ONCE);
        let parts: Vec<Part> = reads.try_collect().await?;
        FileList::of_parts(parts).map_err(|fault| {
            let error = Fault::Columns(fault).at(&self.place.manifest(name));
            Wrong { error, segment: None }
        })
    }

    async fn segment(&self, digest: u128, file_bytes: u64) -> Result<Arc<Segment>, Error> {
        if let Some(segment) = self.in_memory().get(&digest).and_then(Weak::upgrade) {
            return Ok(segment);
        }
        let path = self.place.segment(digest);
        let at = path.clone();
        let read = self.control.spawn_blocking(move || segment_file::read(&path, digest, file_bytes));
        let segment = read.await.unwrap_or_else(|_| {
            let stopped = std::io::Error::other("the server stops");
            Err(Fault::Io(stopped).at(&at))
        })?;
        let segment = Arc::new(segment);
        let mut in_memory = self.in_memory();
        if in_memory.len() == in_memory.capacity() {
            in_memory.retain(|_, segment| segment.strong_count() > 0);
        }
        in_memory.insert(digest, Arc::downgrade(&segment));
        Ok(segment)
    }

    fn in_memory(&self) -> std::sync::MutexGuard<'_, HashMap<u128, Weak<Segment>>> {
        self.in_memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
