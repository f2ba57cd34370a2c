//! Which manifests a snapshot has.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::{Error, Fault};
use super::paths::Root;
use crate::iceberg::partition_spec::PartitionSpec;
use crate::iceberg::snapshot::Snapshot;
use crate::limits::manifest::MANIFEST_BYTES_MAX;
use crate::limits::uniform::{MANIFESTS_MAX, UNIT_FILES_MIN, UNIT_PART_FILES_MIN, UNIT_PARTS};
use crate::manifest::codec::Unpacker;
use crate::manifest::entry::Inherited;
use crate::manifest::error::Error as ManifestError;
use crate::manifest::manifest_list::{Content, FieldSummary, ManifestFile, ManifestList, Summaries};
use crate::storage::Buckets;

/// Bytes of a manifest that one file takes at least; for manifests whose files nobody counted.
const FILE_BYTES: u64 = 100;

/// A manifest of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Manifest {
    pub(super) path: String,
    /// In the table's bucket.
    pub(super) key: String,
    pub(super) length_bytes: i64,
    pub(super) spec_id: i32,
    pub(super) inherited: Inherited,
    /// Files in it, as far as the list tells.
    pub(super) file_count: u64,
    /// No live file in it has a smaller sequence number.
    pub(super) min_sequence_number: i64,
    /// Whether it may have files from before the table counted its commits.
    pub(super) has_unnumbered_files: bool,
    /// In the order of the spec's fields; empty where the list tells nothing.
    pub(super) summaries: Arc<[Summary]>,
}

/// What is known of a partition field over all files of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Summary {
    pub(super) has_nulls: bool,
    pub(super) may_have_nans: bool,
    pub(super) bounds: Option<SummaryBounds>,
}

/// The least and the greatest value that is neither null nor NaN ("Binary single-value serialization").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SummaryBounds {
    pub(super) low: Box<[u8]>,
    pub(super) high: Box<[u8]>,
}

impl Summary {
    fn of(told: FieldSummary<'_>) -> Self {
        let bounds = told.lower_bound.zip(told.upper_bound);
        Self {
            has_nulls: told.contains_null,
            may_have_nans: told.contains_nan != Some(false),
            bounds: bounds.map(|(low, high)| SummaryBounds { low: low.into(), high: high.into() }),
        }
    }
}

impl Manifest {
    /// One of which nothing is known.
    pub(super) fn unlisted(key: String, path: String) -> Self {
        let (spec_id, inherited) = (0, Inherited::default());
        Self {
            path,
            key,
            length_bytes: 0,
            spec_id,
            inherited,
            file_count: UNIT_FILES_MIN,
            min_sequence_number: 0,
            has_unnumbered_files: true,
            summaries: Arc::default(),
        }
    }
}

/// The manifests of a snapshot that may have live files.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) data: Vec<Manifest>,
    pub(super) deletes: Vec<Manifest>,
}

/// Where manifests are read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) buckets: &'a Buckets,
    pub(super) bucket: &'a str,
    pub(super) root: &'a Root,
}

impl Source<'_> {
    pub(super) fn key(&self, path: &str) -> Result<String, Error> {
        self.root.own_key(path).map_err(|source| Error::Path { path: path.to_owned(), source })
    }
}

/// Reads the manifest list of a snapshot; in tables of version 1 snapshots may list their manifests themselves.
pub(super) async fn read(source: &Source<'_>, snapshot: &Snapshot) -> Result<Listed, Error> {
    let mut listed = Listed::default();
    let Some(path) = snapshot.manifest_list() else {
        for path in snapshot.manifests() {
            listed.data.push(Manifest::unlisted(source.key(&path)?, path));
        }
        return Ok(listed);
    };
    let key = source.key(&path)?;
    let bytes = source.buckets.read_whole(source.bucket, &key, MANIFEST_BYTES_MAX).await?;
    let broken = |fault| Error::ManifestList { path: path.clone(), source: fault };
    let list = ManifestList::open(&bytes).map_err(broken)?;
    let read = list.each(&mut Unpacker::new(), |file| listed.add(source, file));
    read.map_err(|stop| match stop {
        Stop::List(fault) => broken(fault),
        Stop::Other(error) => error,
    })?;
    Ok(listed)
}

/// Why a list is not read to its end.
enum Stop {
    List(ManifestError),
    Other(Error),
}

impl From<ManifestError> for Stop {
    fn from(error: ManifestError) -> Self {
        Self::List(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Listed {
    fn add(&mut self, source: &Source<'_>, file: &ManifestFile<'_>) -> Result<(), Stop> {
        if !file.may_have_live_files() {
            return Ok(());
        }
        if file.key_metadata.is_some_and(|key| !key.is_empty()) {
            return Err(Error::from(Fault::Encrypted).into());
        }
        if self.data.len() + self.deletes.len() >= MANIFESTS_MAX {
            let bytes_max = MANIFESTS_MAX;
            return Err(ManifestError::TooLarge { what: "manifests", bytes_max }.into());
        }
        let manifest = Manifest {
            path: file.path.to_owned(),
            key: source.key(file.path)?,
            length_bytes: file.length_bytes,
            spec_id: file.partition_spec_id,
            inherited: Inherited {
                snapshot_id: file.added_snapshot_id,
                sequence_number: file.sequence_number,
                first_row_id: file.first_row_id,
            },
            file_count: file_count(file),
            min_sequence_number: file.min_sequence_number,
            has_unnumbered_files: file.min_sequence_number == 0,
            summaries: file.partitions.iter().flat_map(Summaries::iter).map(Summary::of).collect(),
        };
        match file.content {
            Content::Data => self.data.push(manifest),
            Content::Deletes => self.deletes.push(manifest),
        }
        Ok(())
    }

    /// The specs of all live data files, as far as the list tells; all, where there are no files.
    pub(super) fn specs<'s>(&self, all: &'s [PartitionSpec]) -> Vec<&'s PartitionSpec> {
        // Without a list, only the manifests themselves tell.
        let is_told = !self.data.is_empty() && self.data.iter().all(|manifest| manifest.length_bytes > 0);
        let is_live = |spec: &&PartitionSpec| self.data.iter().any(|manifest| manifest.spec_id == spec.id);
        all.iter().filter(|spec| !is_told || is_live(spec)).collect()
    }

    /// See [`growing_groups`].
    pub(super) fn groups(&mut self) -> Vec<Vec<Manifest>> {
        growing_groups(std::mem::take(&mut self.data))
    }
}

/// The data manifests of a snapshot that are decoded together, the oldest first: as tables grow at one end only, later
/// snapshots have most of the groups of earlier ones. The last group, which is still growing, is split, so that a commit has
/// little decoded anew.
pub(super) fn growing_groups(manifests: Vec<Manifest>) -> Vec<Vec<Manifest>> {
    let mut groups = groups(manifests);
    let mut files_min = UNIT_FILES_MIN;
    let is_growing =
        |group: &[Manifest], files_min| group.iter().map(|one| one.file_count).sum::<u64>() < files_min;
    while files_min > UNIT_PART_FILES_MIN
        && let Some(last) = groups.pop_if(|last| is_growing(last, files_min))
    {
        files_min /= UNIT_PARTS;
        groups.extend(grouped(last, files_min));
    }
    groups
}

/// Manifests that are decoded together, the oldest first; the list has the newest first.
pub(super) fn groups(mut manifests: Vec<Manifest>) -> Vec<Vec<Manifest>> {
    // The newest comes first where one snapshot wrote several, or where nobody numbers them.
    manifests.reverse();
    manifests.sort_by_key(|manifest| manifest.inherited.sequence_number);
    grouped(manifests, UNIT_FILES_MIN)
}

/// Neighbours together, until they have so many files.
fn grouped(manifests: Vec<Manifest>, files_min: u64) -> Vec<Vec<Manifest>> {
    let mut groups: Vec<Vec<Manifest>> = Vec::new();
    let mut file_count = files_min;
    for manifest in manifests {
        let is_full = file_count >= files_min || manifest.file_count >= files_min;
        file_count = if is_full { manifest.file_count } else { file_count + manifest.file_count };
        match groups.last_mut().filter(|_| !is_full) {
            Some(group) => group.push(manifest),
            None => groups.push(vec![manifest]),
        }
    }
    groups
}

/// The manifests that only one of two lists has: those of `before`, those of `after`.
pub(super) fn parted(before: &[Manifest], after: &[Manifest]) -> (Vec<Manifest>, Vec<Manifest>) {
    let only = |of: &[Manifest], other: &[Manifest]| {
        let others: HashSet<&Manifest> = other.iter().collect();
        of.iter().filter(|manifest| !others.contains(manifest)).cloned().collect()
    };
    (only(before, after), only(after, before))
}

fn file_count(file: &ManifestFile<'_>) -> u64 {
    let counts = file.added_files_count.zip(file.existing_files_count);
    let counted = counts.and_then(|(added, existing)| u64::try_from(added.checked_add(existing)?).ok());
    counted.unwrap_or_else(|| u64::try_from(file.length_bytes).unwrap_or(0) / FILE_BYTES + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(number: i64, file_count: u64) -> Manifest {
        Manifest {
            path: number.to_string(),
            key: String::new(),
            length_bytes: 0,
            spec_id: 0,
            inherited: Inherited { sequence_number: number, ..Inherited::default() },
            file_count,
            min_sequence_number: number,
            has_unnumbered_files: false,
            summaries: Arc::default(),
        }
    }

    fn groups(counts: &[u64]) -> Vec<Vec<String>> {
        let mut data: Vec<_> =
            counts.iter().zip(1..).map(|(count, number)| manifest(number, *count)).collect();
        data.reverse();
        let groups = Listed { data, deletes: Vec::new() }.groups();
        groups.into_iter().map(|group| group.into_iter().map(|one| one.path).collect()).collect()
    }

    #[test]
    fn manifests_of_both_lists_are_passed_over() {
        let listed =
            |numbers: &[i64]| -> Vec<Manifest> { numbers.iter().map(|one| manifest(*one, 1)).collect() };
        let (before, after) = parted(&listed(&[1, 2, 3]), &listed(&[4, 3, 1]));
        assert_eq!((before, after), (listed(&[2]), listed(&[4])));
        let other = Manifest { length_bytes: 7, ..manifest(1, 1) };
        assert_eq!(parted(&listed(&[1]), std::slice::from_ref(&other)), (listed(&[1]), vec![other]));
    }

    #[test]
    fn groups_of_old_manifests_stay_when_new_ones_come() {
        let half = UNIT_FILES_MIN / 2;
        let before = groups(&[1, half, half, 7, UNIT_FILES_MIN, 3]);
        assert_eq!(before, [vec!["1", "2", "3"], vec!["4"], vec!["5"], vec!["6"]]);
        let after = groups(&[1, half, half, 7, UNIT_FILES_MIN, 3, 4, 9]);
        assert_eq!(after[..3], before[..3]);
        assert_eq!(after[3], ["6", "7", "8"]);
        assert!(groups(&[]).is_empty());
    }

    #[test]
    fn a_commit_has_little_decoded_anew() {
        let (files_a_commit, commits) = (10, 2_000);
        let counts = vec![files_a_commit; commits];
        let (mut before, mut decoded) = (Vec::new(), 0);
        for end in 1..=commits {
            let after = groups(&counts[..end]);
            let others = after.iter().filter(|group| !before.contains(*group));
            decoded += others.map(Vec::len).sum::<usize>();
            let parts_max = 3 * usize::try_from(UNIT_PARTS).unwrap() + end / 800;
            assert!(after.len() <= parts_max, "{end} {}", after.len());
            assert!(
                after.concat().iter().map(|one| one.parse::<usize>().unwrap()).eq(1..=end),
                "all in their order"
            );
            before = after;
        }
        assert!(decoded <= 6 * commits, "{decoded}");
    }
}
