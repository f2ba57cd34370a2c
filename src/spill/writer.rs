//! All that changes files of the spill; one thread at a time.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::error::{Error, Fault};
use super::manifest::{Head, Kept, Manifest, SegmentRow};
use super::place::{Place, name_of, remove};
use super::segment_file;
use super::shelf::Shelf;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::state::record::TableSource;

/// The one writer, and its books.
#[derive(Debug)]
pub(super) struct Writer {
    place: Arc<Place>,
    shelf: Shelf,
}

/// A manifest that cannot be used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Useless {
    /// Digest of the manifest as it was read; a newer one is not meant. `None`: whatever is there.
    pub(super) manifest: Option<u128>,
    /// A segment whose file is damaged.
    pub(super) segment: Option<u128>,
}

impl Writer {
    /// Looks at what lies on disk, and removes what nobody can use.
    pub(super) fn open(place: Arc<Place>, bytes_max: u64) -> Self {
        let mut writer = Self { place, shelf: Shelf::new(bytes_max) };
        if let Err(error) = writer.scan() {
            tracing::warn!(%error, "the snapshots on disk cannot be listed");
        }
        writer
    }

    fn scan(&mut self) -> std::io::Result<()> {
        self.place.clear_temporary()?;
        for (digest, facts) in self.place.list_segments()? {
            self.shelf.add_segment(digest, facts.len());
        }
        let mut manifests = self.place.list_manifests()?;
        manifests.sort_by_key(|(_, facts)| facts.modified().ok());
        for (name, facts) in manifests {
            let path = self.place.manifest(name);
            match read_manifest(&path, None) {
                Ok((manifest, _)) if self.has_all(&manifest) => {
                    let segments = manifest.segments.iter().map(|row| row.digest).collect();
                    self.shelf.put_manifest(name, facts.len(), segments);
                }
                Ok(_) => remove(&path),
                Err(error) => {
                    let reason = &error.fault;
                    tracing::warn!(%error, %reason, "a snapshot on disk is of no use and is removed");
                    remove(&path);
                }
            }
        }
        self.remove_excess(0, 0);
        Ok(())
    }

    fn has_all(&self, manifest: &Manifest) -> bool {
        manifest.segments.iter().all(|row| self.shelf.has_segment(row.digest) == Some(row.file_bytes))
    }

    /// Makes room for `more_bytes` and removes what has to leave for it.
    fn remove_excess(&mut self, more_bytes: u64, except: u128) {
        for name in self.shelf.make_room(more_bytes, except) {
            remove(&self.place.manifest(name));
        }
        for digest in self.shelf.take_unheld() {
            remove(&self.place.segment(digest));
        }
    }

    /// Writes a version, in place of what there is of its table. `is_stopped` is asked before each segment.
    ///
    /// # Errors
    /// See [`Error`]; what there was before is still there.
    pub(super) fn keep(
        &mut self,
        source: &TableSource,
        kept: &Kept,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let name = name_of(source);
        let parts: Vec<_> = kept.snapshot.files.parts().collect();
        let on_disk = |segment: &crate::table::segment::Segment, shelf: &Shelf| {
            let digest = *segment.kept_as.get()?;
            shelf.has_segment(digest).map(|bytes| (digest, bytes))
        };
        // What a segment takes in memory is about what it takes in a file.
        let missing = parts.iter().filter(|part| on_disk(&part.segment, &self.shelf).is_none());
        let more_bytes = missing.map(|part| part.segment.memory_bytes() as u64).sum();
        if kept.snapshot.memory_bytes() as u64 > self.shelf.bytes_max() {
            self.forget(name, Useless { manifest: None, segment: None });
            return Ok(());
        }
        self.remove_excess(more_bytes, name);
        self.place.make()?;
        let mut segments = Vec::with_capacity(parts.len());
        for part in parts {
            if is_stopped() {
                return Ok(());
            }
            let (digest, file_bytes) = match on_disk(&part.segment, &self.shelf) {
                Some(known) => known,
                None => segment_file::write(&self.place, &part.segment)?,
            };
            // Another list may have set it to the same digest.
            let _ = part.segment.kept_as.set(digest);
            self.shelf.add_segment(digest, file_bytes);
            segments.push(SegmentRow { digest, file_bytes, size_bytes: part.size_bytes, live: part.live });
        }
        self.place.sync_segments()?;
        self.put(name, &Manifest { head: Head::new(source, &kept.snapshot, &kept.tip), segments })
    }

    fn put(&mut self, name: u128, manifest: &Manifest) -> Result<(), Error> {
        let path = self.place.manifest(name);
        let bytes = manifest.to_bytes().map_err(|fault| fault.at(&path))?;
        if bytes.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(Fault::TooLarge.at(&path));
        }
        self.place.write_file(|file| Ok((path, file.write_all(&bytes)?)))?;
        let segments: HashSet<u128> = manifest.segments.iter().map(|row| row.digest).collect();
        self.shelf.put_manifest(name, bytes.len() as u64, segments.into_iter().collect());
        self.remove_excess(0, name);
        Ok(())
    }

    /// Notes that a snapshot was read, here and for the next start.
    pub(super) fn note_use(&mut self, name: u128, now_ms: i64) {
        self.shelf.use_manifest(name);
        let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
        let path = self.place.manifest(name);
        // It only orders who leaves first.
        let _ = File::options().write(true).open(path).and_then(|file| file.set_modified(now));
    }

    /// Removes what is of no use.
    pub(super) fn forget(&mut self, name: u128, useless: Useless) {
        if let Some(digest) = useless.segment {
            remove(&self.place.segment(digest));
            self.shelf.forget_segment(digest);
        }
        let path = self.place.manifest(name);
        let is_meant = match useless.manifest {
            Some(digest) => read_manifest(&path, None).map_or(true, |(_, found)| found == digest),
            None => self.shelf.has_manifest(name) || path.exists(),
        };
        if is_meant {
            remove(&path);
            self.shelf.remove_manifest(name);
            self.remove_excess(0, name);
        }
    }
}

/// The manifest at `path` and its digest; it has to be of `source`, where one is given.
pub(super) fn read_manifest(path: &Path, source: Option<&TableSource>) -> Result<(Manifest, u128), Error> {
    let read = || {
        if fs::metadata(path)?.len() > MANIFEST_BYTES_MAX {
            return Err(Fault::TooLarge);
        }
        let read = Manifest::parse(&fs::read(path)?)?;
        read.0.check(source)?;
        Ok(read)
    };
    read().map_err(|fault| fault.at(path))
}
