//! A range of versions as changes: surveyed, then told piece by piece.
//!
//! Each version is compared with the one before it in the map of versions, whatever led from one to the other. Whatever can
//! be wrong with a range is found in the first pass, before a byte of the answer is sent. What differs is kept for
//! the second pass as far as a budget allows it, and else found again.
//!
//! Iceberg's readers learn from each file list what they have to know; Delta's learn it from the first line of a range. So
//! all versions of a range demand the same of readers: what any of them demands.

use std::iter;
use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};

use super::change_reader::ChangeReader;
use super::difference::{Difference, Ground, Side};
use super::error::Error;
use super::former_types::{self, Verdict};
use super::list::{self, Listed, Source, growing_groups};
use super::manifests::Manifests;
use super::moments::Range;
use super::paths::Root;
use super::place::Place;
use super::presentation::{self, Presentation, Subject};
use super::schema::{DELETION_VECTORS, Features};
use crate::iceberg::metadata::TableMetadata;
use crate::limits::RANGE_SCHEMAS_BYTES_MAX;
use crate::limits::uniform::{DIFFERENCES_BYTES_MAX, LISTS_READ_AHEAD};
use crate::state::record::TableVersion;
use crate::table::change::{ChangedFile, CommitMark};
use crate::table::snapshot::{Metadata, Protocol};

/// The word of a snapshot whose writer changed files and no rows (Iceberg specification, "Snapshots", `operation`).
const REPLACE: &str = "replace";

/// What a version of a range changes.
#[derive(Debug, Clone)]
pub struct Step {
    pub mark: CommitMark,
    /// Of the first version, and of those that have another than the one before.
    pub metadata: Option<Metadata>,
    pub has_deletion_vectors: bool,
    /// Places outside of the table where its files lie, encoded for a URL path.
    pub outside: Vec<Vec<u8>>,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    Nothing,
    Kept(Arc<Difference>),
    /// Between these snapshots; it was too large to be kept.
    Large {
        before: Option<TableVersion>,
        after: TableVersion,
        presentation: Arc<Presentation>,
    },
}

/// A range whose versions are known to be readable.
#[derive(Debug)]
pub struct Surveyed {
    /// The first is that at which the range starts.
    pub steps: Vec<Step>,
    /// What readers of all of them have to know.
    pub protocol: Protocol,
}

/// Compares the versions of a range.
///
/// Must run on a tokio runtime; long work goes to its blocking threads.
///
/// # Errors
/// See [`Error`]; those of one version name it.
pub async fn survey(place: &Place<'_>, manifests: &Manifests, range: &Range) -> Result<Surveyed, Error> {
    match compare(place, manifests, range, false).await {
        Err(error) if error.is_of_partitions() => compare(place, manifests, range, true).await,
        surveyed => surveyed,
    }
}

/// `lacks_partitions` says whether files do not hold what they are partitioned by.
async fn compare(
    place: &Place<'_>,
    manifests: &Manifests,
    range: &Range,
    lacks_partitions: bool,
) -> Result<Surveyed, Error> {
    let root = Root::new(place.bucket, place.root, range.metadata.location());
    let ground = ground(place, manifests, (&range.metadata, &root));
    let version = range.before.map_or(0, |row| row.version);
    let listed = listed(&ground, range.before.as_ref()).await.map_err(|error| error.at(version))?;
    let mut survey = Survey {
        ground,
        before: range.before,
        side: Side::new(version, Arc::new(listed)),
        lacks_partitions,
        presented: None,
        metadata: None,
        features: Features::new(),
        schema_bytes: 0,
        kept_bytes: 0,
    };
    let mut lists = pin!(lists_ahead(ground, range));
    let mut steps = Vec::new();
    for row in &range.rows {
        let step = match lists.next().await.transpose() {
            Ok(listed) => survey.step(row, listed.flatten()).await,
            Err(error) => Err(error),
        };
        steps.push(step.map_err(|error| error.at(row.version))?);
    }
    Ok(Surveyed { steps, protocol: presentation::protocol(&survey.features) })
}

fn ground<'a>(
    place: &Place<'a>,
    manifests: &'a Manifests,
    (metadata, root): (&'a TableMetadata, &'a Root),
) -> Ground<'a> {
    Ground { source: Source { buckets: place.buckets, bucket: place.bucket, root }, manifests, metadata }
}

/// The manifests of a version; none before the first snapshot.
async fn listed(ground: &Ground<'_>, row: Option<&TableVersion>) -> Result<Listed, Error> {
    let Some(id) = row.and_then(|row| row.snapshot_id) else { return Ok(Listed::default()) };
    let snapshot = ground.metadata.snapshot(id).ok_or(Error::NoSnapshot { id })?;
    list::read(&ground.source, snapshot).await
}

/// The manifests of each version of a range, where its snapshot is another than that of the version before.
fn lists_ahead<'a>(
    ground: Ground<'a>,
    range: &'a Range,
) -> impl Stream<Item = Result<Option<Listed>, Error>> + 'a {
    let before = iter::once(range.before.as_ref()).chain(range.rows.iter().map(Some));
    let reads = before.zip(&range.rows).map(move |(before, row)| async move {
        let is_same = before.is_some_and(|before| before.snapshot_id == row.snapshot_id);
        if is_same { Ok(None) } else { listed(&ground, Some(row)).await.map(Some) }
    });
    stream::iter(reads).buffered(LISTS_READ_AHEAD)
}

/// A range on its way.
struct Survey<'a> {
    ground: Ground<'a>,
    /// The version before.
    before: Option<TableVersion>,
    side: Side,
    lacks_partitions: bool,
    /// How a schema is told, as long as that does not depend on the snapshot.
    presented: Option<(i32, Arc<Presentation>)>,
    metadata: Option<Metadata>,
    features: Features,
    schema_bytes: usize,
    /// Of differences.
    kept_bytes: usize,
}

impl Survey<'_> {
    /// `listed` is `None` where the snapshot is that of the version before.
    async fn step(&mut self, row: &TableVersion, listed: Option<Listed>) -> Result<Step, Error> {
        let is_same = listed.is_none();
        let mut side = match listed {
            Some(listed) => Side::new(row.version, Arc::new(listed)),
            None => self.side.clone(),
        };
        let presentation = self.present(row, &side.listed).await?;
        self.features.extend(&presentation.features);
        let mut step = Step {
            mark: CommitMark { version: row.version, timestamp_ms: row.timestamp_ms },
            metadata: self.changed_metadata(row, &presentation)?,
            has_deletion_vectors: false,
            outside: Vec::new(),
            change: Change::Nothing,
        };
        if !is_same && !self.only_replaces(row) {
            let sides = (&mut self.side, &mut side);
            let difference = Difference::of(&self.ground, &presentation, sides).await?;
            step.has_deletion_vectors = difference.has_vectors();
            step.outside = difference.outside.iter().cloned().collect();
            step.change = self.keep(row, difference);
        }
        if step.has_deletion_vectors {
            self.features.insert(DELETION_VECTORS);
        }
        (self.before, self.side) = (Some(*row), side);
        Ok(step)
    }

    fn keep(&mut self, row: &TableVersion, difference: Difference) -> Change {
        let bytes = difference.memory_bytes();
        if self.kept_bytes + bytes > DIFFERENCES_BYTES_MAX {
            return Change::Large { before: self.before, after: *row, presentation: difference.presentation };
        }
        self.kept_bytes += bytes;
        Change::Kept(Arc::new(difference))
    }

    async fn present(&mut self, row: &TableVersion, listed: &Listed) -> Result<Arc<Presentation>, Error> {
        let Ground { source, manifests, metadata } = self.ground;
        let is_old = metadata.format_version() == 1;
        let has_unnumbered_files = is_old || listed.data.iter().any(|manifest| manifest.has_unnumbered_files);
        if let Some((schema_id, presentation)) = &self.presented
            && *schema_id == row.schema_id
            && !has_unnumbered_files
        {
            return Ok(Arc::clone(presentation));
        }
        let TableVersion { snapshot_id, schema_id, .. } = *row;
        let mut subject = Subject::new(metadata, (snapshot_id, schema_id), has_unnumbered_files);
        if self.lacks_partitions {
            subject.lacking_specs = listed.specs(metadata.specs());
        }
        let presentation = Presentation::of(&subject, source.root.clone())?;
        let has_former_types = !presentation.telling.former.is_empty();
        let is_doubtful = has_unnumbered_files
            || has_former_types
            || self.lacks_partitions
            || presentation.doubt(metadata).is_some();
        let mut presentation = presentation.looked_up(&source, &listed.data, &subject).await?;
        presentation.check(&source, manifests.looks(), &listed.data).await?;
        if has_former_types {
            let verdict = self.types(&presentation, listed).await?;
            presentation.settle(verdict)?;
        }
        let presentation = Arc::new(presentation);
        self.presented = (!is_doubtful).then(|| (schema_id, Arc::clone(&presentation)));
        Ok(presentation)
    }

    /// Which types the files of a version have, and those of the one before: they may go.
    async fn types(&self, presentation: &Presentation, listed: &Listed) -> Result<Verdict, Error> {
        let Ground { source, manifests, .. } = &self.ground;
        let (telling, form) = (&presentation.telling, presentation.form());
        let mut units = Vec::new();
        for data in [&self.side.listed.data, &listed.data] {
            units.extend(manifests.units(source, (telling, &form), growing_groups(data.clone())).await?);
        }
        let found: Vec<_> = units.iter().map(|unit| &unit.former).collect();
        former_types::read(source, &found, &telling.former).await
    }

    fn changed_metadata(
        &mut self,
        row: &TableVersion,
        presentation: &Presentation,
    ) -> Result<Option<Metadata>, Error> {
        if self.metadata.as_ref() == Some(&presentation.metadata) {
            return Ok(None);
        }
        self.schema_bytes += presentation.metadata.schema_string.len();
        if self.schema_bytes > RANGE_SCHEMAS_BYTES_MAX {
            return Err(Error::ManySchemas { version: row.version });
        }
        Ok(Some(self.metadata.insert(presentation.metadata.clone()).clone()))
    }

    /// Whether what led to a version from the one before changed no rows: its writers say so.
    fn only_replaces(&self, row: &TableVersion) -> bool {
        let Some(before) = self.before.and_then(|before| before.snapshot_id) else { return false };
        let mut id = row.snapshot_id;
        // Parents that go in a circle come from no writer.
        for _ in 0..self.ground.metadata.snapshots().len() {
            if id == Some(before) {
                return true;
            }
            let Some(snapshot) = id.and_then(|id| self.ground.metadata.snapshot(id)) else { return false };
            if snapshot.operation().as_deref() != Some(REPLACE) {
                return false;
            }
            id = snapshot.facts().parent_id;
        }
        false
    }
}

/// Reads the files of one step.
pub struct Reader<'a> {
    place: Place<'a>,
    manifests: &'a Manifests,
    metadata: &'a TableMetadata,
    root: Root,
    step: &'a Step,
    told: Option<ChangeReader>,
}

impl<'a> Reader<'a> {
    /// A reader of a step that was surveyed in this place, with this metadata.
    pub fn new(
        place: Place<'a>,
        manifests: &'a Manifests,
        metadata: &'a TableMetadata,
        step: &'a Step,
    ) -> Self {
        let root = Root::new(place.bucket, place.root, metadata.location());
        Self { place, manifests, metadata, root, step, told: None }
    }

    /// The files of the next piece, which may be none; `None` at the end.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn next(&mut self) -> Result<Option<Vec<ChangedFile>>, Error> {
        let ground = ground(&self.place, self.manifests, (self.metadata, &self.root));
        if self.told.is_none() {
            self.told = difference(&ground, self.step).await?.map(ChangeReader::new);
        }
        match &mut self.told {
            Some(told) => told.next(&ground).await,
            None => Ok(None),
        }
    }
}

async fn difference(ground: &Ground<'_>, step: &Step) -> Result<Option<Arc<Difference>>, Error> {
    match &step.change {
        Change::Nothing => Ok(None),
        Change::Kept(difference) => Ok(Some(Arc::clone(difference))),
        Change::Large { before, after, presentation } => {
            let side = |row: Option<TableVersion>| async move {
                let version = row.map_or(0, |row| row.version);
                Ok::<_, Error>(Side::new(version, Arc::new(listed(ground, row.as_ref()).await?)))
            };
            let (mut before, mut after) = (side(*before).await?, side(Some(*after)).await?);
            let found = Difference::of(ground, presentation, (&mut before, &mut after)).await?;
            Ok(Some(Arc::new(found)))
        }
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod written;
