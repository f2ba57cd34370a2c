//! A large version as its metadata and its manifest list tell it.
//!
//! That is all that clients ask before they query, and it tells which manifests can hold a wanted file. The others are left
//! unread. A version is outlined only if nothing that is told of it depends on what stands in its manifests: it has no
//! deletes, its columns had one type and its files have sequence numbers.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::chosen::Chosen;
use super::decode::Telling;
use super::error::Error;
use super::list::{self, Manifest, Source};
use super::manifests::Manifests;
use super::paths::Root;
use super::place::Place;
use super::presentation::{self, Presentation, Subject};
use super::summary_facts;
use crate::iceberg::snapshot::Totals;
use crate::skip::predicate::Predicate;
use crate::table::file_list::FileList;
use crate::table::snapshot::Snapshot;

/// A version whose manifests are not read yet.
#[derive(Debug)]
pub struct Outline {
    /// The version, with no file.
    head: Arc<Snapshot>,
    totals: Totals,
    root: Root,
    telling: Arc<Telling>,
    form: String,
    groups: Vec<Group>,
}

/// Manifests that are decoded together, each with what the list says of its files.
#[derive(Debug)]
struct Group {
    manifests: Vec<Manifest>,
    facts: Vec<Vec<u8>>,
}

impl Outline {
    /// Outlines a version of at least so many files; `None` for one that has to be read whole.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn of(
        (place, manifests): (&Place<'_>, &Manifests),
        chosen: &Chosen,
        files_min: u64,
    ) -> Result<Option<Self>, Error> {
        let metadata = &*chosen.metadata;
        let snapshot = chosen.snapshot_id.and_then(|id| metadata.snapshot(id));
        let snapshot = snapshot.filter(|_| metadata.format_version() > 1);
        let Some((snapshot, totals)) = snapshot.and_then(|snapshot| Some((snapshot, snapshot.totals()?)))
        else {
            return Ok(None);
        };
        if totals.file_count < files_min {
            return Ok(None);
        }
        let root = Root::new(place.bucket, place.root, metadata.location());
        let subject = Subject::new(metadata, (chosen.snapshot_id, chosen.schema_id), false);
        let presentation = Presentation::of(&subject, root.clone())?;
        let source = Source { buckets: place.buckets, bucket: place.bucket, root: &root };
        let mut listed = list::read(&source, snapshot).await?;
        let counts = listed.data.iter().map(|manifest| manifest.file_count);
        let is_simple = listed.deletes.is_empty()
            && counts.fold(0, u64::saturating_add) == totals.file_count
            && !listed.data.iter().any(|manifest| manifest.has_unnumbered_files);
        if !is_simple {
            return Ok(None);
        }
        let presentation = presentation.looked_up(&source, &listed.data, &subject).await?;
        if !presentation.telling.former.is_empty() {
            return Ok(None);
        }
        presentation.check(&source, manifests.looks(), &listed.data).await?;
        let form = presentation.form();
        let Presentation { metadata: told, features, telling, .. } = presentation;
        let groups = listed.groups().into_iter().map(|manifests| {
            let facts = |manifest| summary_facts::text(manifest, &telling.facts, &telling.columns);
            Group { facts: manifests.iter().map(facts).collect(), manifests }
        });
        let groups = groups.collect();
        let head = Arc::new(Snapshot {
            version: chosen.version,
            commit_timestamp_ms: chosen.timestamp_ms,
            protocol: presentation::protocol(&features),
            metadata: told,
            files: FileList::default(),
        });
        Ok(Some(Self { head, totals, root, telling, form, groups }))
    }

    /// The version, with no file.
    pub fn head(&self) -> &Arc<Snapshot> {
        &self.head
    }

    /// What all files of the version are together.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The version with the files of all manifests that can hold a wanted one; `None` if these are most of its files.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn part(
        self: &Arc<Self>,
        (place, manifests): (&Place<'_>, &Manifests),
        predicate: Predicate,
    ) -> Result<Option<Snapshot>, Error> {
        let outline = Arc::clone(self);
        let asking = spawn_blocking(move || outline.wanted(&predicate));
        let wanted = asking.await.map_err(|_| Error::BrokenOff)?;
        let counts = wanted.iter().flatten().map(|manifest| manifest.file_count);
        if counts.fold(0, u64::saturating_add) > self.totals.file_count / 2 {
            return Ok(None);
        }
        let source = Source { buckets: place.buckets, bucket: place.bucket, root: &self.root };
        let units = manifests.units(&source, (&self.telling, &self.form), wanted).await?;
        let parts = units.iter().flat_map(|unit| unit.parts.iter().cloned());
        let files = FileList::of_parts(parts).map_err(|_| Error::BrokenOff)?;
        Ok(Some(Snapshot { files, ..Snapshot::clone(&self.head) }))
    }

    /// The manifests of groups that can hold a wanted file.
    fn wanted(&self, predicate: &Predicate) -> Vec<Vec<Manifest>> {
        let may_match = |group: &&Group| group.facts.iter().any(|facts| predicate.may_match_partition(facts));
        self.groups.iter().filter(may_match).map(|group| group.manifests.clone()).collect()
    }

    pub fn memory_bytes(&self) -> usize {
        let of_manifest = |manifest: &Manifest| {
            let bounds = manifest.summaries.iter().filter_map(|summary| summary.bounds.as_ref());
            let summaries = bounds.map(|bounds| bounds.low.len() + bounds.high.len()).sum::<usize>()
                + size_of_val::<[list::Summary]>(&manifest.summaries);
            size_of::<Manifest>() + manifest.path.len() + manifest.key.len() + summaries
        };
        let of_group = |group: &Group| {
            let facts = group.facts.iter().map(|facts| size_of::<Vec<u8>>() + facts.len()).sum::<usize>();
            size_of::<Group>() + group.manifests.iter().map(of_manifest).sum::<usize>() + facts
        };
        let head = self.head.metadata.schema_string.len() + self.form.len();
        size_of::<Self>() + head + self.groups.iter().map(of_group).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
