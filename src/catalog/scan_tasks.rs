//! Tasks of a scan: its files and their deletes, as JSON.
//!
//! Manifests are read one after the other, then decoded where nobody waits. Each file is written as soon as it is met, and
//! a delete file once, where the first file refers to it.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::error::Error;
use super::scan_file_json::FileWriter;
use super::scan_files::Warehouse;
use super::scan_request::{Manifest, Manifests, Scan};
use crate::limits::manifest::{PLAN_ANSWER_BYTES_MAX, PLAN_BYTES_MAX};
use crate::manifest::codec::Unpacker;
use crate::manifest::entries;
use crate::manifest::entry::{Entry, FileContent, Status};
use crate::scan::deletes::Deletes;

/// The fields of `ScanTasks` without their braces.
pub(super) async fn collect(files: &Warehouse<'_>, scan: Scan, manifests: Manifests) -> Result<Bytes, Error> {
    let _permit = files.context.scans.permit().await.ok_or(Error::Busy)?;
    let mut bytes_left = PLAN_BYTES_MAX;
    let mut read = Vec::new();
    let deletes = manifests.deletes.into_iter().map(|manifest| (manifest, true));
    for (manifest, is_deletes) in deletes.chain(manifests.data.into_iter().map(|manifest| (manifest, false)))
    {
        let bytes = files.read(&manifest.path).await?;
        bytes_left = bytes_left.checked_sub(bytes.len()).ok_or(Error::PlanTooLarge)?;
        read.push((manifest, is_deletes, bytes));
    }
    let task = tokio::task::spawn_blocking(move || {
        let mut tasks = Tasks::new(&scan);
        // Deletes come first.
        for (manifest, is_deletes, bytes) in &read {
            tasks.read(manifest, *is_deletes, bytes)?;
        }
        Ok(tasks.finish())
    });
    task.await.map_err(|source| Error::Scan { source })?
}

struct Tasks<'s> {
    scan: &'s Scan,
    unpacker: Unpacker,
    deletes: Deletes,
    /// Delete files as JSON, by their number.
    delete_files: Vec<Vec<u8>>,
    delete_bytes: usize,
    /// The place of each delete file in the answer.
    referred: BTreeMap<usize, usize>,
    files: Vec<u8>,
}

/// Either of the two: what a manifest holds, or what we make of it.
enum Stop {
    Manifest(crate::manifest::error::Error),
    TooLarge,
}

impl From<crate::manifest::error::Error> for Stop {
    fn from(error: crate::manifest::error::Error) -> Self {
        Self::Manifest(error)
    }
}

impl<'s> Tasks<'s> {
    fn new(scan: &'s Scan) -> Self {
        Self {
            scan,
            unpacker: Unpacker::new(),
            deletes: Deletes::default(),
            delete_files: Vec::new(),
            delete_bytes: 0,
            referred: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    fn read(&mut self, manifest: &Manifest, is_deletes: bool, bytes: &[u8]) -> Result<(), Error> {
        let broken = |source| Error::Manifest { path: manifest.path.clone(), source };
        let opened = entries::Manifest::open(bytes).map_err(broken)?;
        // A manifest of version 1 without a list says itself which spec it has.
        let spec_id = if manifest.length_bytes == 0 {
            opened.partition_spec_id().unwrap_or(manifest.spec_id)
        } else {
            manifest.spec_id
        };
        let scan = self.scan;
        let filter = scan.filter.of_manifest(spec_id, opened.partition_fields());
        let spec = scan.specs.iter().find(|spec| spec.id == spec_id);
        let writer = FileWriter::new((spec_id, spec), &scan.kinds, opened.partition_fields(), &scan.stats);
        let is_unpartitioned = spec.is_some_and(|spec| spec.fields.is_empty());
        let mut unpacker = std::mem::take(&mut self.unpacker);
        let read = opened.each(manifest.inherited, &mut unpacker, |entry| {
            if !entry.is_live() {
                return Ok(());
            }
            if is_deletes {
                if filter.may_match_partition(&entry.partition) && entry.content != FileContent::Data {
                    self.deletes.add(entry, spec_id, is_unpartitioned);
                    let mut text = Vec::new();
                    writer.write(entry, &mut text);
                    self.delete_bytes += text.len();
                    self.delete_files.push(text);
                }
            } else if scan.is_wanted(entry) && filter.may_match(entry) {
                self.write(entry, spec_id, &writer);
            }
            if self.files.len() + self.delete_bytes > PLAN_ANSWER_BYTES_MAX {
                Err(Stop::TooLarge)
            } else {
                Ok(())
            }
        });
        self.unpacker = unpacker;
        read.map_err(|stop| match stop {
            Stop::Manifest(source) => broken(source),
            Stop::TooLarge => Error::PlanTooLarge,
        })
    }

    fn write(&mut self, entry: &Entry<'_>, spec_id: i32, writer: &FileWriter<'_>) {
        let out = &mut self.files;
        out.extend_from_slice(if out.is_empty() { b"{\"data-file\":" } else { b",{\"data-file\":" });
        writer.write(entry, out);
        let deletes = self.deletes.of(entry, spec_id);
        if !deletes.is_empty() {
            let places = deletes.into_iter().map(|number| {
                let next = self.referred.len();
                self.referred.entry(number).or_insert(next).to_string()
            });
            let places = places.collect::<Vec<_>>().join(",");
            out.extend_from_slice(format!(",\"delete-file-references\":[{places}]").as_bytes());
        }
        if let Some(residual) = &self.scan.residual {
            out.extend_from_slice(b",\"residual-filter\":");
            out.extend_from_slice(residual.as_bytes());
        }
        out.push(b'}');
    }

    fn finish(self) -> Bytes {
        let mut places: Vec<(usize, usize)> =
            self.referred.iter().map(|(number, place)| (*place, *number)).collect();
        places.sort_unstable();
        let deletes: Vec<&[u8]> = places
            .iter()
            .filter_map(|(_, number)| self.delete_files.get(*number).map(Vec::as_slice))
            .collect();
        let mut out = b"\"delete-files\":[".to_vec();
        out.extend_from_slice(&deletes.join(b",".as_slice()));
        out.extend_from_slice(b"],\"file-scan-tasks\":[");
        out.extend_from_slice(&self.files);
        out.push(b']');
        out.into()
    }
}

impl Scan {
    /// Of changes only what their snapshots added is wanted.
    fn is_wanted(&self, entry: &Entry<'_>) -> bool {
        let Some(snapshots) = &self.appended else { return true };
        entry.status == Status::Added && entry.snapshot_id.is_some_and(|id| snapshots.contains(&id))
    }
}
