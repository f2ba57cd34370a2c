//! What came and went between two snapshots: files and rows.
//!
//! A manifest that both snapshots list is not read, since what it lists is alive in both. The files of the others are
//! compared by their keys. So it does not matter how the later snapshot came out of the earlier one: by a commit, by many,
//! by a rollback, by manifests that were put together. It costs as much as the manifests that differ; where delete files
//! differ, as much as finding what all of them apply to.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::deleted;
use super::error::Error;
use super::list::{Listed, Manifest, Source, groups, parted};
use super::manifests::Manifests;
use super::presentation::Presentation;
use crate::deletes::positions::InlineVector;
use crate::iceberg::metadata::TableMetadata;
use crate::limits::uniform::{COMPARED_FILES_MAX, GROUPS_COMPARED_AT_ONCE};
use crate::table::file_list::FileList;
use crate::table::file_list_parts::Part;
use crate::table::path_digest::PathDigest;
use crate::table::snapshot::Version;

/// What differences of a table are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) source: Source<'a>,
    pub(super) manifests: &'a Manifests,
    pub(super) metadata: &'a TableMetadata,
}

/// One of the two snapshots.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// For messages.
    pub(super) version: Version,
    pub(super) listed: Arc<Listed>,
    /// Its files that lose rows, once somebody had to know all of them.
    losing: Option<Arc<Losses>>,
}

/// Vectors by the digests of their files, with the numbers of the files' manifests.
type Losses = HashMap<PathDigest, (InlineVector, usize)>;

/// Vectors by the digests of their files.
pub(super) type Vectors = HashMap<PathDigest, InlineVector>;

/// Some files of some manifests.
#[derive(Debug, Default)]
pub(super) struct Pile {
    pub(super) groups: Vec<Vec<Manifest>>,
    pub(super) files: Which,
}

/// Which files are meant.
#[derive(Debug, Default)]
pub(super) enum Which {
    #[default]
    All,
    These(HashSet<PathDigest>),
}

impl Which {
    pub(super) fn has(&self, digest: PathDigest) -> bool {
        match self {
            Self::All => true,
            Self::These(files) => files.contains(&digest),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::All => 0,
            Self::These(files) => files.len(),
        }
    }
}

/// What one snapshot has and the other has not.
#[derive(Debug)]
pub(super) struct Difference {
    /// How its files are told.
    pub(super) presentation: Arc<Presentation>,
    pub(super) went: Pile,
    pub(super) came: Pile,
    /// Files of both that lose other rows in each.
    pub(super) stayed: Pile,
    /// Of files that went or stayed.
    pub(super) before: Vectors,
    /// Of files that came or stayed.
    pub(super) after: Vectors,
    /// Places outside of the table where files of these manifests lie (see [`FileList::outside`]).
    pub(super) outside: BTreeSet<Vec<u8>>,
}

impl Side {
    pub(super) fn new(version: Version, listed: Arc<Listed>) -> Self {
        Self { version, listed, losing: None }
    }

    /// Those of `data`, which are manifests of this side, that lose rows.
    async fn losing_in(&self, ground: &Ground<'_>, data: &[Manifest]) -> Result<Losses, Error> {
        let deletes = &self.listed.deletes;
        if deletes.is_empty() || data.is_empty() {
            return Ok(Losses::new());
        }
        let lists = deleted::Lists { data, deletes };
        let losing = deleted::read(&ground.source, ground.manifests, ground.metadata, lists).await;
        let losing = losing.map_err(|error| error.at(self.version))?;
        Ok(losing.into_iter().map(|one| (one.digest, (one.vector, one.manifest))).collect())
    }

    async fn losing(&mut self, ground: &Ground<'_>) -> Result<Arc<Losses>, Error> {
        if let Some(losing) = &self.losing {
            return Ok(Arc::clone(losing));
        }
        let losing = Arc::new(self.losing_in(ground, &self.listed.data).await?);
        Ok(Arc::clone(self.losing.insert(losing)))
    }
}

impl Difference {
    /// Compares two snapshots of a table; files are told as the later one is.
    ///
    /// # Errors
    /// What reading manifests, delete files and footers can fail of, and [`Error::ManyChanges`].
    pub(super) async fn of(
        ground: &Ground<'_>,
        presentation: &Arc<Presentation>,
        (before, after): (&mut Side, &mut Side),
    ) -> Result<Self, Error> {
        let (went, came) = parted(&before.listed.data, &after.listed.data);
        presentation.check(&ground.source, ground.manifests.looks(), &came).await?;
        let (old, new) = parted(&before.listed.deletes, &after.listed.deletes);
        let has_same_deletes = old.is_empty() && new.is_empty();
        let (losing_before, losing_after) = if has_same_deletes {
            // Of a file whose manifest is in both lists it is the same, as of one that was only listed anew.
            let before = before.losing_in(ground, &went).await?;
            (Arc::new(before), Arc::new(after.losing_in(ground, &came).await?))
        } else {
            (before.losing(ground).await?, after.losing(ground).await?)
        };
        let mut difference = Self {
            presentation: Arc::clone(presentation),
            went: Pile { groups: groups(went), files: Which::All },
            came: Pile { groups: groups(came), files: Which::All },
            stayed: Pile::default(),
            before: Vectors::new(),
            after: Vectors::new(),
            outside: BTreeSet::new(),
        };
        difference
            .compare(ground, after.version, !losing_before.is_empty() || !losing_after.is_empty())
            .await?;
        let both = if has_same_deletes { None } else { Some((&*before.listed, &*after.listed)) };
        difference.take_vectors(&losing_before, &losing_after, both);
        difference.look_at_stayed(ground).await?;
        Ok(difference)
    }

    /// Finds which files only one side has. With vectors it is found even if one side has no manifests.
    async fn compare(
        &mut self,
        ground: &Ground<'_>,
        version: Version,
        has_vectors: bool,
    ) -> Result<(), Error> {
        let is_one_sided = self.went.groups.is_empty() || self.came.groups.is_empty();
        let has_files = !is_one_sided || has_vectors;
        let (mut went, mut came) = (HashSet::new(), HashSet::new());
        let too_many = Error::ManyChanges { version, files_max: COMPARED_FILES_MAX };
        for groups in self.went.groups.chunks(GROUPS_COMPARED_AT_ONCE) {
            for part in look_at(ground, &self.presentation, groups, &mut self.outside).await? {
                if has_files {
                    went.extend(part.segment.digests.by_row());
                }
            }
            if went.len() > COMPARED_FILES_MAX {
                return Err(too_many);
            }
        }
        for groups in self.came.groups.chunks(GROUPS_COMPARED_AT_ONCE) {
            for part in look_at(ground, &self.presentation, groups, &mut self.outside).await? {
                if has_files {
                    let digests = part.segment.digests.by_row().iter();
                    came.extend(digests.filter(|digest| !went.remove(*digest)));
                }
            }
            if came.len() > COMPARED_FILES_MAX {
                return Err(too_many);
            }
        }
        if has_files {
            (self.went.files, self.came.files) = (Which::These(went), Which::These(came));
        }
        Ok(())
    }

    /// Keeps the vectors of files that went or came, and finds files that stayed and lose other rows, if the lists of `both`
    /// sides may have such.
    fn take_vectors(&mut self, before: &Losses, after: &Losses, both: Option<(&Listed, &Listed)>) {
        let vector =
            |losses: &Losses, digest: &PathDigest| losses.get(digest).map(|(vector, _)| vector.clone());
        // Where a file loses rows, `compare` has found which files each pile has.
        let digests: BTreeSet<PathDigest> = before.keys().chain(after.keys()).copied().collect();
        let (mut stayed, mut manifests) = (HashSet::new(), HashSet::new());
        for digest in digests {
            if self.went.files.has(digest) {
                self.before.extend(vector(before, &digest).map(|vector| (digest, vector)));
            } else if self.came.files.has(digest) {
                self.after.extend(vector(after, &digest).map(|vector| (digest, vector)));
            } else if let Some((list_before, list_after)) = both {
                let (old, new) = (before.get(&digest), after.get(&digest));
                if old.map(|(vector, _)| vector) == new.map(|(vector, _)| vector) {
                    continue;
                }
                let in_after = new.and_then(|(_, number)| list_after.data.get(*number));
                let in_before = || old.and_then(|(_, number)| list_before.data.get(*number));
                manifests.extend(in_after.or_else(in_before));
                self.before.extend(old.map(|(vector, _)| (digest, vector.clone())));
                self.after.extend(new.map(|(vector, _)| (digest, vector.clone())));
                stayed.insert(digest);
            }
        }
        if !stayed.is_empty() {
            let mut manifests: Vec<Manifest> = manifests.into_iter().cloned().collect();
            manifests.sort_by(|one, other| other.path.cmp(&one.path));
            self.stayed = Pile { groups: groups(manifests), files: Which::These(stayed) };
        }
    }

    /// Whatever is wrong with them is to be known before anything is told.
    async fn look_at_stayed(&mut self, ground: &Ground<'_>) -> Result<(), Error> {
        for groups in self.stayed.groups.chunks(GROUPS_COMPARED_AT_ONCE) {
            look_at(ground, &self.presentation, groups, &mut self.outside).await?;
        }
        Ok(())
    }

    pub(super) fn has_vectors(&self) -> bool {
        !self.before.is_empty() || !self.after.is_empty()
    }

    /// Bytes of memory that it takes, about.
    pub(super) fn memory_bytes(&self) -> usize {
        let piles = [&self.went, &self.came, &self.stayed];
        let manifests = piles.iter().flat_map(|pile| &pile.groups).flatten();
        let paths: usize = manifests.map(|one| size_of_val(one) + one.path.len() + one.key.len()).sum();
        let files: usize = piles.iter().map(|pile| pile.files.len() * 2 * size_of::<PathDigest>()).sum();
        let vectors = self.before.values().chain(self.after.values());
        let vectors: usize =
            vectors.map(|one| size_of_val(one) + 2 * size_of::<PathDigest>() + one.text.len()).sum();
        size_of_val(self) + paths + files + vectors
    }
}

/// The live files of these manifests.
pub(super) async fn parts(
    ground: &Ground<'_>,
    presentation: &Presentation,
    groups: &[Vec<Manifest>],
) -> Result<Vec<Part>, Error> {
    let form = presentation.form();
    let telling = (&presentation.telling, form.as_str());
    let units = ground.manifests.units(&ground.source, telling, groups.to_vec()).await?;
    Ok(units.iter().flat_map(|unit| unit.parts.iter().cloned()).collect())
}

/// The same; notes the places outside of the table where some of them lie.
async fn look_at(
    ground: &Ground<'_>,
    presentation: &Presentation,
    groups: &[Vec<Manifest>],
    outside: &mut BTreeSet<Vec<u8>>,
) -> Result<Vec<Part>, Error> {
    let parts = parts(ground, presentation, groups).await?;
    // Segments that were just decoded are whole.
    let elsewhere = parts.iter().filter(|part| part.segment.has_outside).cloned();
    let files = FileList::of_parts(elsewhere).map_err(|_| Error::BrokenOff)?;
    outside.extend(files.outside().into_iter().map(<[u8]>::to_vec));
    Ok(parts)
}
