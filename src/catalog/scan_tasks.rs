//! Tasks of a scan: its files and their deletes, as JSON.
//!
//! Manifests are read one after the other, then decoded where nobody waits. Each file is written as soon as it is met, and
//! a delete file once, where the first file refers to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::error::Error;
use super::scan_deletes::DeleteFiles;
use super::scan_file_json::FileWriter;
use super::scan_files::Warehouse;
use super::scan_manifest::Opened;
use super::scan_request::{Manifest, Manifests, Scan};
use crate::limits::manifest::PLAN_ANSWER_BYTES_MAX;
use crate::manifest::codec::Unpacker;
use crate::manifest::entry::{Entry, Status};

/// The fields of `ScanTasks` without their braces. `question` is the same for all tasks of a scan.
pub(super) async fn collect(
    files: &Warehouse<'_>,
    scan: Scan,
    manifests: Manifests,
    question: String,
) -> Result<Bytes, Error> {
    let permit = files.context.scans.permit().await?;
    let stop = Stop::default();
    let Manifests { data, deletes } = manifests;
    let deletes = if deletes.is_empty() {
        Arc::default()
    } else {
        let (scan, stop) = (scan.clone(), stop.clone());
        let read = async move {
            let read = files.read_all(deletes).await?;
            let made = spawn_blocking(move || {
                let (mut deletes, mut unpacker) = (DeleteFiles::default(), Unpacker::new());
                for (manifest, bytes) in &read {
                    stop.check()?;
                    deletes.read(&scan, (manifest, bytes), &mut unpacker)?;
                }
                Ok::<_, Error>(Arc::new(deletes))
            });
            made.await.map_err(|source| Error::Scan { source })?
        };
        files.context.scans.deletes.get_or_insert_async(&question, read).await?
    };
    let read = files.read_all(data).await?;
    let stopped = stop.clone();
    let task = spawn_blocking(move || {
        // Held to the end, also where nobody waits for it any more.
        let _permit = permit;
        let (mut tasks, mut unpacker) = (Tasks::new(&scan, &deletes), Unpacker::new());
        for (manifest, bytes) in &read {
            stopped.check()?;
            tasks.read((manifest, bytes), &mut unpacker)?;
        }
        Ok(tasks.finish())
    });
    let tasks = task.await.map_err(|source| Error::Scan { source })?;
    drop(stop);
    tasks
}

/// Set when nobody waits for a scan any more.
#[derive(Clone, Default)]
struct Stop(Arc<()>);

impl Stop {
    /// An error where this is the only one left.
    fn check(&self) -> Result<(), Error> {
        if Arc::strong_count(&self.0) > 1 { Ok(()) } else { Err(Error::Busy) }
    }
}

struct Tasks<'s> {
    scan: &'s Scan,
    deletes: &'s DeleteFiles,
    /// The place of each delete file in the answer.
    referred: BTreeMap<usize, usize>,
    files: Vec<u8>,
}

impl<'s> Tasks<'s> {
    fn new(scan: &'s Scan, deletes: &'s DeleteFiles) -> Self {
        Self { scan, deletes, referred: BTreeMap::new(), files: Vec::new() }
    }

    fn read(&mut self, (manifest, bytes): (&Manifest, &Bytes), unpacker: &mut Unpacker) -> Result<(), Error> {
        let scan = self.scan;
        Opened::new(scan, manifest, bytes)?.each_live(unpacker, |opened, entry| {
            if scan.is_wanted(entry) && opened.filter.may_match(entry) {
                self.write(entry, opened.spec_id, &opened.writer);
            }
            self.files.len() + self.deletes.bytes <= PLAN_ANSWER_BYTES_MAX
        })
    }

    fn write(&mut self, entry: &Entry<'_>, spec_id: i32, writer: &FileWriter<'_>) {
        let out = &mut self.files;
        out.extend_from_slice(if out.is_empty() { b"{\"data-file\":" } else { b",{\"data-file\":" });
        writer.write(entry, out);
        let deletes = self.deletes.index.of(entry, spec_id);
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
            .filter_map(|(_, number)| self.deletes.json.get(*number).map(Vec::as_slice))
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
