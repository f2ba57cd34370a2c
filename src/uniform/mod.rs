//! Iceberg snapshots told as Delta table versions.
//!
//! A snapshot's manifests become the columns of a `table::Snapshot`, with the protocol and the metadata that the table
//! would have as a Delta table. Above, nobody knows that it is none. What no Delta reader could read rightly is refused
//! with what to do about it.

mod decode;
pub mod error;
mod history;
mod list;
pub mod manifests;
pub mod metadata_files;
pub mod moments;
mod naming;
pub mod paths;
pub mod place;
pub mod pointer;
mod presentation;
mod schema;
mod side_by_side;
mod statistics;
mod values;
pub mod versions;

use std::sync::Arc;

use decode::Unit;
use error::{Error, Fault};
use list::Source;
use manifests::Manifests;
use naming::Naming;
use paths::Root;
use place::Place;
use presentation::{Presentation, Subject};

use crate::iceberg::metadata::TableMetadata;
use crate::table::file_list::FileList;
use crate::table::snapshot::{Snapshot, Version};

/// Which state of an Iceberg table is told as which version.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub metadata: Arc<TableMetadata>,
    /// `None`: the table before its first snapshot.
    pub snapshot_id: Option<i64>,
    pub schema_id: i32,
    pub version: Version,
    pub timestamp_ms: i64,
}

/// Reads a snapshot of an Iceberg table as a version of a Delta table.
///
/// Must run on a tokio runtime; long work goes to its blocking threads.
///
/// # Errors
/// See [`Error`].
pub async fn replay(place: &Place<'_>, manifests: &Manifests, chosen: &Chosen) -> Result<Snapshot, Error> {
    let is_old = chosen.metadata.format_version() == 1;
    let (presentation, units) = told(place, manifests, chosen, is_old).await?;
    let has_unnumbered_files = units.iter().any(|unit| unit.has_unnumbered_files);
    let (presentation, units) = if has_unnumbered_files && !is_old && presentation.naming == Naming::Plain {
        told(place, manifests, chosen, true).await?
    } else {
        (presentation, units)
    };
    let parts = units.iter().flat_map(|unit| unit.parts.iter().cloned());
    // Segments that were just built are whole.
    let files = FileList::of_parts(parts).map_err(|_| Error::BrokenOff)?;
    Ok(Snapshot {
        version: chosen.version,
        commit_timestamp_ms: chosen.timestamp_ms,
        protocol: presentation::protocol(&presentation.features),
        metadata: presentation.metadata,
        files,
    })
}

type Told = (Presentation, Vec<Arc<Unit>>);

async fn told(
    place: &Place<'_>,
    manifests: &Manifests,
    chosen: &Chosen,
    has_unnumbered_files: bool,
) -> Result<Told, Error> {
    let metadata = &*chosen.metadata;
    let root = Root::new(place.bucket, place.root, metadata.location());
    let Chosen { snapshot_id, schema_id, .. } = *chosen;
    let subject = Subject { metadata, snapshot_id, schema_id, has_unnumbered_files };
    let presentation = Presentation::of(&subject, root.clone())?;
    let Some(id) = snapshot_id else { return Ok((presentation, Vec::new())) };
    let snapshot = metadata.snapshot(id).ok_or(Error::NoSnapshot { id })?;
    let source = Source { buckets: place.buckets, bucket: place.bucket, root: &root };
    let mut listed = list::read(&source, snapshot).await?;
    if !listed.deletes.is_empty() {
        return Err(Fault::DeleteFiles.into());
    }
    let form = presentation.form();
    let units = manifests.units(&source, (&presentation.telling, &form), listed.groups()).await?;
    Ok((presentation, units))
}
