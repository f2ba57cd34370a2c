//! What a scan asks for, put against the metadata of its table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::scan_file_json::source_kinds;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::partition_spec::PartitionSpec;
use crate::iceberg::snapshot::Snapshot;
use crate::limits::manifest::PLAN_FILES_AT_ONCE;
use crate::manifest::codec::Unpacker;
use crate::manifest::entry::Inherited;
use crate::manifest::error::Error as ManifestError;
use crate::manifest::manifest_list::{Content, ManifestFile, ManifestList};
use crate::manifest::partition::Kind;
use crate::scan::columns::Columns;
use crate::scan::expression;
use crate::scan::filter::Filter;
use crate::scan::predicate::Predicate;

/// Bytes of a manifest for each file where nobody counted them.
const FILE_BYTES: u64 = 64;

/// `PlanTableScanRequest`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct PlanRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) snapshot_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) select: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) filter: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) case_sensitive: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) use_snapshot_schema: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) start_snapshot_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) end_snapshot_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stats_fields: Option<Vec<String>>,
}

impl PlanRequest {
    /// Names the snapshot, so that later questions ask of the same one.
    pub(super) fn pin(&mut self, metadata: &TableMetadata) -> Result<(), Error> {
        match (self.snapshot_id, self.start_snapshot_id, self.end_snapshot_id) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => {}
            (None, None, None) => self.snapshot_id = metadata.current_snapshot().map(Snapshot::id),
            (None, Some(_), None) => {
                return Err(Error::field("end-snapshot-id", "start-snapshot-id needs it"));
            }
            (None, None, Some(_)) => {
                return Err(Error::field("start-snapshot-id", "end-snapshot-id needs it"));
            }
            (Some(_), ..) => {
                return Err(Error::field("snapshot-id", "a scan of changes has a start and an end instead"));
            }
        }
        Ok(())
    }

    /// Whether the filter is too long to be carried by clients.
    pub(super) fn is_long(&self, bytes_max: usize) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.to_string().len() > bytes_max)
    }

    fn is_case_sensitive(&self) -> bool {
        self.case_sensitive.unwrap_or(true)
    }
}

/// A scan, ready to be planned; cheap to clone.
#[derive(Clone)]
pub(super) struct Scan {
    pub(super) location: String,
    /// `None` for a table without one.
    snapshot: Option<Snapshot>,
    /// Of a scan of changes: the snapshots whose added files are wanted.
    pub(super) appended: Option<Arc<BTreeSet<i64>>>,
    pub(super) filter: Arc<Filter>,
    /// The filter as the client wrote it.
    pub(super) residual: Option<Arc<str>>,
    /// Columns of which statistics are told.
    pub(super) stats: Arc<BTreeSet<i32>>,
    pub(super) specs: Arc<[PartitionSpec]>,
    /// The types of the columns that partitions are made of.
    pub(super) kinds: Arc<BTreeMap<i32, Kind>>,
}

/// A manifest that may hold files of the scan.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    /// Its place in the list.
    pub(super) number: usize,
    pub(super) path: String,
    pub(super) length_bytes: u64,
    pub(super) spec_id: i32,
    pub(super) file_count: u64,
    pub(super) inherited: Inherited,
}

/// Those of a scan.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub(super) data: Vec<Manifest>,
    pub(super) deletes: Vec<Manifest>,
}

impl Manifests {
    /// Numbers of manifests that are read for one task.
    pub(super) fn groups(&self) -> Vec<(usize, usize)> {
        let mut groups: Vec<(usize, usize)> = Vec::new();
        let mut files = u64::MAX;
        for manifest in &self.data {
            files = files.saturating_add(manifest.file_count);
            match groups.last_mut() {
                Some(group) if files <= PLAN_FILES_AT_ONCE => group.1 = manifest.number + 1,
                _ => {
                    groups.push((manifest.number, manifest.number + 1));
                    files = manifest.file_count;
                }
            }
        }
        groups
    }
}

impl Scan {
    pub(super) fn new(metadata: &TableMetadata, request: &PlanRequest) -> Result<Self, Error> {
        let find = |id| {
            let reason = || Error::field("snapshot-id", format!("the table has no snapshot {id}"));
            metadata.snapshot(id).ok_or_else(reason)
        };
        let asked = request.snapshot_id.or(request.end_snapshot_id);
        let snapshot = asked.map(find).transpose()?;
        let appended = match (snapshot, request.start_snapshot_id) {
            (Some(end), Some(start)) => Some(Arc::new(appended(metadata, start, end)?)),
            _ => None,
        };
        let of_snapshot = snapshot.and_then(|snapshot| metadata.schema(snapshot.facts().schema_id?));
        let schema = of_snapshot.filter(|_| request.use_snapshot_schema.unwrap_or(false));
        let schema = schema.or_else(|| metadata.current_schema());
        let schema = schema.ok_or_else(|| Error::field("snapshot-id", "the table has no schema"))?;
        let index = schema.index().map_err(|fault| Error::field("schema", fault.to_string()))?;
        let columns = Columns::new(&index, request.is_case_sensitive());
        ids(&columns, "select", request.select.as_deref())?;
        let stats = ids(&columns, "stats-fields", request.stats_fields.as_deref())?;
        let predicate = match &request.filter {
            Some(filter) => expression::parse(filter, &columns)
                .map_err(|fault| Error::field("filter", fault.to_string()))?,
            None => Predicate::True,
        };
        Ok(Self {
            location: metadata.location().to_owned(),
            snapshot: snapshot.cloned(),
            appended,
            filter: Arc::new(Filter::new(predicate, metadata.specs())),
            residual: request.filter.as_ref().map(|filter| filter.to_string().into()),
            stats: Arc::new(columns.with_parts(&stats)),
            specs: metadata.specs().into(),
            kinds: Arc::new(source_kinds(metadata.specs(), metadata.schemas())),
        })
    }

    /// Where the snapshot's list of manifests lies; `None` where it has no file of its own.
    pub(super) fn list(&self) -> Option<String> {
        self.snapshot.as_ref().and_then(Snapshot::manifest_list)
    }

    /// The manifests that may hold files of the scan.
    pub(super) fn manifests(&self, list: Option<Bytes>) -> Result<Manifests, Error> {
        let mut found = Manifests::default();
        let Some(snapshot) = &self.snapshot else { return Ok(found) };
        let Some(list) = list else {
            // Version 1: nothing is known of them but their paths.
            found.data = snapshot.manifests().into_iter().enumerate().map(Manifest::unlisted).collect();
            return Ok(found);
        };
        let path = || snapshot.manifest_list().unwrap_or_default();
        let list = ManifestList::open(&list).map_err(|source| Error::Manifest { path: path(), source })?;
        let mut number = 0;
        let read = list.each(&mut Unpacker::new(), |file| {
            if self.wants(file) {
                let manifest = Manifest::listed(number, file);
                match file.content {
                    Content::Data => found.data.push(manifest),
                    Content::Deletes => found.deletes.push(manifest),
                }
            }
            number += 1;
            Ok::<_, ManifestError>(())
        });
        read.map_err(|source| Error::Manifest { path: path(), source })?;
        Ok(found)
    }

    fn wants(&self, file: &ManifestFile<'_>) -> bool {
        let is_in_time = match &self.appended {
            None => true,
            Some(snapshots) => {
                file.content == Content::Data
                    && file.added_snapshot_id.is_none_or(|id| snapshots.contains(&id))
            }
        };
        is_in_time && file.may_have_live_files() && self.filter.may_match_manifest(file)
    }
}

impl Manifest {
    pub(super) fn broken(&self, source: ManifestError) -> Error {
        Error::Manifest { path: self.path.clone(), source }
    }

    fn listed(number: usize, file: &ManifestFile<'_>) -> Self {
        let length_bytes = u64::try_from(file.length_bytes).unwrap_or(0);
        let counts = file.added_files_count.zip(file.existing_files_count);
        let counted = counts.and_then(|(added, existing)| u64::try_from(added.checked_add(existing)?).ok());
        Self {
            number,
            path: file.path.to_owned(),
            length_bytes,
            spec_id: file.partition_spec_id,
            file_count: counted.unwrap_or(length_bytes / FILE_BYTES + 1),
            inherited: Inherited {
                snapshot_id: file.added_snapshot_id,
                sequence_number: file.sequence_number,
                first_row_id: file.first_row_id,
            },
        }
    }

    fn unlisted((number, path): (usize, String)) -> Self {
        Self { number, path, length_bytes: 0, spec_id: 0, file_count: 1, inherited: Inherited::default() }
    }
}

/// The ids of fields by name.
fn ids(columns: &Columns<'_>, field: &str, names: Option<&[String]>) -> Result<BTreeSet<i32>, Error> {
    let id = |name: &String| {
        columns.id(name).ok_or_else(|| Error::field(field, format!("the schema has no column {name:?}")))
    };
    names.unwrap_or_default().iter().map(id).collect()
}

/// The snapshots after `start` up to `end` that only added files.
fn appended(metadata: &TableMetadata, start: i64, end: &Snapshot) -> Result<BTreeSet<i64>, Error> {
    let mut found = BTreeSet::new();
    let mut next = Some(end);
    // No longer than there are snapshots, whatever they name as parents.
    for _ in 0..=metadata.snapshots().len() {
        let Some(snapshot) = next.filter(|snapshot| snapshot.id() != start) else { break };
        if operation(snapshot).is_some_and(|operation| operation == "append") {
            found.insert(snapshot.id());
        }
        let parent = snapshot.facts().parent_id;
        if parent == Some(start) {
            return Ok(found);
        }
        next = parent.and_then(|id| metadata.snapshot(id));
    }
    if end.id() == start {
        return Ok(found);
    }
    let reason = format!("snapshot {start} is no ancestor of {}", end.id());
    Err(Error::field("start-snapshot-id", reason))
}

/// What a snapshot did ("Snapshots" of the Iceberg specification).
fn operation(snapshot: &Snapshot) -> Option<String> {
    #[derive(Deserialize)]
    struct Written {
        summary: Option<Summary>,
    }
    #[derive(Deserialize)]
    struct Summary {
        operation: Option<String>,
    }
    serde_json::from_str::<Written>(snapshot.json()).ok()?.summary?.operation
}
