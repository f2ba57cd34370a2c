//! One manifest of a scan, opened against what the scan asks for.

use bytes::Bytes;

use super::error::Error;
use super::scan_file_json::FileWriter;
use super::scan_request::{Manifest, Scan};
use crate::manifest::codec::Unpacker;
use crate::manifest::entries;
use crate::manifest::entry::Entry;
use crate::manifest::error::Error as ManifestError;
use crate::scan::filter::TupleFilter;

/// A manifest whose head was read.
pub(super) struct Opened<'m> {
    manifest: &'m Manifest,
    entries: entries::Manifest<'m>,
    pub(super) spec_id: i32,
    pub(super) is_unpartitioned: bool,
    pub(super) filter: TupleFilter<'m>,
    pub(super) writer: FileWriter<'m>,
}

/// Either of the two: what a manifest holds, or what we make of it.
enum Stop {
    Manifest(ManifestError),
    TooLarge,
}

impl From<ManifestError> for Stop {
    fn from(error: ManifestError) -> Self {
        Self::Manifest(error)
    }
}

impl<'m> Opened<'m> {
    pub(super) fn new(scan: &'m Scan, manifest: &'m Manifest, bytes: &'m Bytes) -> Result<Self, Error> {
        let entries = entries::Manifest::open(bytes).map_err(|source| manifest.broken(source))?;
        // A manifest of version 1 without a list says itself which spec it has.
        let spec_id = match entries.partition_spec_id() {
            Some(own) if manifest.length_bytes == 0 => own,
            _ => manifest.spec_id,
        };
        let spec = scan.specs.iter().find(|spec| spec.id == spec_id);
        let fields = entries.partition_fields();
        Ok(Self {
            manifest,
            spec_id,
            is_unpartitioned: spec.is_some_and(|spec| spec.fields.is_empty()),
            filter: scan.filter.of_manifest(spec_id, fields),
            writer: FileWriter::new((spec_id, spec), &scan.kinds, fields, &scan.stats),
            entries,
        })
    }

    /// Hands out each entry that is not deleted, until `visit` says that it has too many.
    pub(super) fn each_live(
        &self,
        unpacker: &mut Unpacker,
        mut visit: impl FnMut(&Self, &Entry<'_>) -> bool,
    ) -> Result<(), Error> {
        let read = self.entries.each(self.manifest.inherited, unpacker, |entry| {
            if !entry.is_live() || visit(self, entry) { Ok(()) } else { Err(Stop::TooLarge) }
        });
        read.map_err(|stop| match stop {
            Stop::Manifest(source) => self.manifest.broken(source),
            Stop::TooLarge => Error::PlanTooLarge,
        })
    }
}
