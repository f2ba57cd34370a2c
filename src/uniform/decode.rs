//! Manifests to segments: each live file as Delta knows files.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::error::{Error, Fault};
use super::former_types::{Former, Found};
use super::identities::{Identities, Identity};
use super::list::Manifest;
use super::partition_columns::PartitionColumns;
use super::partition_facts::{self, FactSpec, Places, Tuples};
use super::paths::Root;
use super::statistics::{Columns, Text};
use crate::manifest::codec::Unpacker;
use crate::manifest::entries;
use crate::manifest::entry::{Entry, FileContent};
use crate::manifest::error::Error as ManifestError;
use crate::manifest::partition::Value;
use crate::table::file_list_builder::FileListBuilder;
use crate::table::file_list_parts::Part;
use crate::table::path_digest::PathDigest;
use crate::table::segment_builder::{NewFile, RowIds, StatisticsText};

/// How the files of a table are told.
#[derive(Debug)]
pub(super) struct Telling {
    pub(super) root: Root,
    pub(super) columns: Columns,
    pub(super) identities: Vec<Identities>,
    /// What is told as partition values, since files lack it.
    pub(super) partitions: PartitionColumns,
    pub(super) facts: Vec<FactSpec>,
    /// Columns that each file has to have.
    pub(super) wanted: Vec<Wanted>,
    /// Columns that files may have in another type.
    pub(super) former: Vec<Former>,
}

/// A column that has values even in files that do not hold it, which Delta readers do not know.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) column: String,
    pub(super) reason: Reason,
    /// Ids of what is stored of it; a file that has any of them has the column.
    pub(super) ids: Vec<i32>,
}

/// Where the values of a column come from that a file does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// From its initial default.
    Default,
    /// From the partition: files of Hive tables leave out the columns that they are partitioned by.
    Partition,
}

/// Some manifests, decoded.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) parts: Vec<Part>,
    /// Whether there are files from before the table counted its commits.
    pub(super) has_unnumbered_files: bool,
    pub(super) former: Found,
}

impl Unit {
    pub(super) fn memory_bytes(&self) -> usize {
        let parts = self.parts.iter().map(|part| part.segment.memory_bytes());
        parts.sum::<usize>() + self.former.memory_bytes() + size_of::<Self>()
    }
}

/// Memory that serves one decoding after the other: text that was not packed yet takes some 60 MB for a full segment.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    idle: Mutex<Vec<Buffer>>,
}

#[derive(Debug, Default)]
struct Buffer {
    unpacker: Unpacker,
    statistics: Text,
    /// Empty between two decodings.
    files: FileListBuilder,
}

impl Buffers {
    fn lock(&self) -> MutexGuard<'_, Vec<Buffer>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Decodes manifests, one after the other.
pub(super) fn decode(
    telling: &Telling,
    manifests: &[(Manifest, Bytes)],
    buffers: &Buffers,
) -> Result<Unit, Error> {
    let Telling { facts, columns, partitions, .. } = telling;
    let tuples = partition_facts::Telling { specs: facts, columns, partitions };
    let mut decoder = Decoder {
        telling,
        buffer: buffers.lock().pop().unwrap_or_default(),
        tuples: Tuples::new(tuples),
        has_unnumbered_files: false,
        former: Found::default(),
    };
    for (manifest, bytes) in manifests {
        decoder.read(manifest, bytes)?;
    }
    let Decoder { mut buffer, has_unnumbered_files, former, .. } = decoder;
    let segments = buffer.files.take().into_iter();
    let segments = segments.map(|segment| segment.finish(&mut |text, out| out.extend_from_slice(text)));
    let parts = segments.map(Part::whole).collect();
    buffers.lock().push(buffer);
    Ok(Unit { parts, has_unnumbered_files, former })
}

struct Decoder<'t> {
    telling: &'t Telling,
    buffer: Buffer,
    tuples: Tuples<'t>,
    has_unnumbered_files: bool,
    former: Found,
}

/// How the tuples of a manifest are told.
struct Told<'m> {
    manifest: &'m Manifest,
    /// `None`: a spec that the table does not know.
    spec: Option<&'m Identities>,
    identities: Vec<Identity>,
    places: Places<'m>,
}

/// Why a manifest is not read to its end.
enum Stop {
    Manifest(ManifestError),
    Other(Error),
}

impl From<ManifestError> for Stop {
    fn from(error: ManifestError) -> Self {
        Self::Manifest(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Calls `visit` with each live file of a manifest.
pub(super) fn each_live(
    (manifest, bytes): (&Manifest, &[u8]),
    unpacker: &mut Unpacker,
    visit: &mut dyn FnMut(&Entry<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let broken = |source| Error::Manifest { path: manifest.path.clone(), source };
    let opened = entries::Manifest::open(bytes).map_err(broken)?;
    let read = opened.each(manifest.inherited, unpacker, |entry| {
        if entry.is_live() { visit(entry).map_err(Stop::Other) } else { Ok(()) }
    });
    read.map_err(|stop| match stop {
        Stop::Manifest(source) => broken(source),
        Stop::Other(error) => error,
    })
}

impl Decoder<'_> {
    fn read(&mut self, manifest: &Manifest, bytes: &[u8]) -> Result<(), Error> {
        let broken = |source| Error::Manifest { path: manifest.path.clone(), source };
        let opened = entries::Manifest::open(bytes).map_err(broken)?;
        // A manifest without a list says itself which spec it has.
        let spec_id = opened.partition_spec_id().filter(|_| manifest.length_bytes == 0);
        let spec_id = spec_id.unwrap_or(manifest.spec_id);
        let fields = opened.partition_fields();
        let identities = Identities::places(&self.telling.identities, spec_id, fields);
        let places = self.tuples.places(spec_id, &identities, fields);
        let spec = Identities::of_spec(&self.telling.identities, spec_id);
        let told = Told { manifest, spec, identities, places };
        let mut unpacker = std::mem::take(&mut self.buffer.unpacker);
        let mut add = |entry: &Entry<'_>| self.add(entry, &told);
        let read = each_live((manifest, bytes), &mut unpacker, &mut add);
        self.buffer.unpacker = unpacker;
        read
    }

    fn add(&mut self, entry: &Entry<'_>, told: &Told<'_>) -> Result<(), Error> {
        let Told { manifest, identities, places, .. } = told;
        let file = || entry.file_path.to_owned();
        let cannot_be = |what| Error::Entry { path: manifest.path.clone(), file: file(), what };
        if entry.content != FileContent::Data {
            return Err(cannot_be("the content"));
        }
        if !entry.file_format.eq_ignore_ascii_case("parquet") {
            let format = entry.file_format.to_owned();
            return Err(Fault::FileFormat { file: file(), format }.into());
        }
        if entry.key_metadata.is_some_and(|key| !key.is_empty()) {
            return Err(Fault::Encrypted.into());
        }
        let record_count = u64::try_from(entry.record_count).map_err(|_| cannot_be("the record count"))?;
        let size_bytes = u64::try_from(entry.file_size_bytes).map_err(|_| cannot_be("the size"))?;
        let path = self.telling.root.resolve(entry.file_path);
        let path = path.map_err(|source| Error::Path { path: file(), source })?;
        if let Some(wanted) =
            self.telling.wanted.iter().find(|wanted| wanted.is_due(entry, told) && !wanted.is_in(entry))
        {
            let (column, file) = (wanted.column.clone(), file());
            return Err(match wanted.reason {
                Reason::Default => Fault::InitialDefault { column, file }.into(),
                Reason::Partition => Fault::PartitionColumn { column, file }.into(),
            });
        }
        if !self.telling.former.is_empty() {
            self.former.note(&self.telling.former, entry);
        }
        self.has_unnumbered_files |= entry.sequence_number.unwrap_or(0) == 0;
        let Some(partition_values) = self.tuples.text(places, &entry.partition) else {
            let column = self.telling.partitions.names().next().unwrap_or_default().to_owned();
            return Err(Fault::PartitionColumn { column, file: file() }.into());
        };
        let statistics = self.telling.columns.write(entry, identities, &mut self.buffer.statistics);
        self.buffer.files.push(&NewFile {
            digest: PathDigest::of(path.key),
            path,
            size_bytes,
            // Nobody notes it, and what snapshots say is lost with them: files of one version have to keep their times.
            modification_time_ms: 0,
            partition_values,
            statistics: StatisticsText::Escaped(statistics),
            record_count: Some(record_count),
            deletion_vector: None,
            row_ids: RowIds::default(),
        });
        Ok(())
    }
}

impl Wanted {
    /// Whether a file has values of the column although it may not hold it. A partition gives it values of the columns of
    /// its own spec alone, and no value is what a reader finds anyway.
    fn is_due(&self, entry: &Entry<'_>, told: &Told<'_>) -> bool {
        if self.reason == Reason::Default {
            return true;
        }
        let place = told.identities.iter().find(|place| self.ids.contains(&place.column_id));
        let is_null = place.is_some_and(|place| matches!(entry.partition.get(place.at), Some(Value::Null)));
        !is_null && told.spec.is_none_or(|spec| spec.column_ids().any(|id| self.ids.contains(&id)))
    }

    fn is_in(&self, entry: &Entry<'_>) -> bool {
        let counts = [entry.column_sizes, entry.value_counts, entry.null_value_counts];
        let mut ids =
            counts.into_iter().flatten().flat_map(|counts| counts.iter()).map(|(id, _)| id).peekable();
        // Who counts nothing at all is only looked at (see `footers`).
        let is_unknown = self.reason == Reason::Partition && ids.peek().is_none();
        is_unknown || ids.any(|id| self.ids.contains(&id))
    }
}
