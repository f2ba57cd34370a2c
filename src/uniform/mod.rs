//! Iceberg snapshots told as Delta table versions.
//!
//! A snapshot's manifests become the columns of a `table::Snapshot`, with the protocol and the metadata that the table
//! would have as a Delta table. Above, nobody knows that it is none. What no Delta reader could read rightly is refused
//! with what to do about it.

mod change_reader;
pub mod changes;
pub mod chosen;
mod decode;
mod deleted;
mod difference;
pub mod error;
mod footers;
mod former_types;
mod history;
mod identities;
mod key_columns;
mod list;
pub mod manifests;
pub mod metadata_files;
pub mod moments;
pub mod naming;
pub mod outline;
mod partition_columns;
mod partition_facts;
pub mod paths;
pub mod place;
pub mod pointer;
mod presentation;
mod remembered;
mod sampled;
mod schema;
pub mod sight;
mod statistics;
mod summary_facts;
#[cfg(test)]
mod tests;
mod values;
pub mod versions;

use std::sync::Arc;

use chosen::Chosen;
use decode::Unit;
use deleted::Losing;
use error::Error;
use former_types::Verdict;
use list::Source;
use manifests::Manifests;
use naming::Naming;
use paths::Root;
use place::Place;
use presentation::{Presentation, Subject};
use schema::DELETION_VECTORS;

use crate::table::file_list::FileList;
use crate::table::snapshot::Snapshot;

/// Reads a snapshot of an Iceberg table as a version of a Delta table.
///
/// Must run on a tokio runtime; long work goes to its blocking threads.
///
/// # Errors
/// See [`Error`].
pub async fn replay(place: &Place<'_>, manifests: &Manifests, chosen: &Chosen) -> Result<Snapshot, Error> {
    let is_old = chosen.metadata.format_version() == 1;
    let mut doubts = Doubts { has_unnumbered_files: is_old, lacks_partitions: false };
    let mut told = tell(place, manifests, chosen, doubts).await;
    if told.as_ref().is_err_and(Error::is_of_partitions) {
        doubts.lacks_partitions = true;
        told = tell(place, manifests, chosen, doubts).await;
    }
    let mut told = told?;
    let has_unnumbered_files = told.units.iter().any(|unit| unit.has_unnumbered_files);
    if has_unnumbered_files && !is_old && told.presentation.naming == Naming::Plain {
        doubts.has_unnumbered_files = true;
        told = tell(place, manifests, chosen, doubts).await?;
    }
    let Told { mut presentation, units, vectors } = told;
    let parts = units.iter().flat_map(|unit| unit.parts.iter().cloned());
    // Segments that were just built are whole.
    let mut files = FileList::of_parts(parts).map_err(|_| Error::BrokenOff)?;
    if !vectors.is_empty() {
        presentation.features.insert(DELETION_VECTORS);
        let vectors = vectors.iter().map(|losing| (losing.digest, losing.vector.as_vector()));
        files = files.with_vectors(&vectors.collect());
    }
    Ok(Snapshot {
        version: chosen.version,
        commit_timestamp_ms: chosen.timestamp_ms,
        protocol: presentation::protocol(&presentation.features),
        metadata: presentation.metadata,
        files,
    })
}

struct Told {
    presentation: Presentation,
    units: Vec<Arc<Unit>>,
    vectors: Vec<Losing>,
}

/// What files may be like that makes them harder to tell.
#[derive(Debug, Clone, Copy)]
struct Doubts {
    /// Some are from before the table counted its commits.
    has_unnumbered_files: bool,
    /// Some do not hold what they are partitioned by.
    lacks_partitions: bool,
}

async fn tell(
    place: &Place<'_>,
    manifests: &Manifests,
    chosen: &Chosen,
    doubts: Doubts,
) -> Result<Told, Error> {
    let metadata = &*chosen.metadata;
    let root = Root::new(place.bucket, place.root, metadata.location());
    let Chosen { snapshot_id, schema_id, .. } = *chosen;
    let Doubts { has_unnumbered_files, lacks_partitions } = doubts;
    let mut subject = Subject::new(metadata, (snapshot_id, schema_id), has_unnumbered_files);
    let mut presentation = Presentation::of(&subject, root.clone())?;
    let Some(id) = snapshot_id else {
        presentation.settle(Verdict::Current)?;
        return Ok(Told { presentation, units: Vec::new(), vectors: Vec::new() });
    };
    let snapshot = metadata.snapshot(id).ok_or(Error::NoSnapshot { id })?;
    let source = Source { buckets: place.buckets, bucket: place.bucket, root: &root };
    let mut listed = list::read(&source, snapshot).await?;
    if lacks_partitions {
        subject.lacking_specs = listed.specs(metadata.specs());
        presentation = Presentation::of(&subject, root.clone())?;
    }
    let mut vectors = Vec::new();
    if !listed.deletes.is_empty() {
        let lists = deleted::Lists { data: &listed.data, deletes: &listed.deletes };
        vectors = deleted::read(&source, manifests, metadata, lists).await?;
    }
    presentation = presentation.looked_up(&source, &listed.data, &subject).await?;
    presentation.check(&source, manifests.looks(), &listed.data).await?;
    let form = presentation.form();
    let units = manifests.units(&source, (&presentation.telling, &form), listed.groups()).await?;
    if !presentation.telling.former.is_empty() {
        let found: Vec<_> = units.iter().map(|unit| &unit.former).collect();
        let verdict = former_types::read(&source, &found, &presentation.telling.former).await?;
        presentation.settle(verdict)?;
    }
    Ok(Told { presentation, units, vectors })
}
