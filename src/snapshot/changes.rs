//! Ranges of versions as changes, whatever the format of the table.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::error::Error;
use super::history::History;
use super::loader::Loader;
use crate::state::record::TableSource;
use crate::storage::table_store::TableStore;
use crate::table::change::{ChangedFile, CommitMark, Told};
use crate::table::snapshot::{Metadata, Protocol, Version};
use crate::uniform::moments::Moments;
use crate::{delta, uniform};

/// The changes of one table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Changes {
    loader: Loader,
    source: TableSource,
    origin: Origin,
}

/// Where changes are found.
#[derive(Debug, Clone)]
enum Origin {
    Log(TableStore, Arc<delta::history::History>),
    Snapshots(Arc<Moments>),
}

/// What a version of a range is known to change before its files are told.
#[derive(Debug, Clone)]
pub enum Step {
    Commit(delta::changes::Commit),
    Snapshot(uniform::changes::Step),
}

/// A range that can be told.
#[derive(Debug, Default)]
pub struct Surveyed {
    pub steps: Vec<Step>,
    /// What readers of all steps have to know, where the steps do not say it themselves.
    pub demands: Option<Protocol>,
}

impl Step {
    pub fn mark(&self) -> CommitMark {
        match self {
            Self::Commit(commit) => commit.mark,
            Self::Snapshot(step) => step.mark,
        }
    }

    pub fn version(&self) -> Version {
        self.mark().version
    }

    /// What readers have to know from here on, if the version says it.
    pub fn protocol(&self) -> Option<&Protocol> {
        match self {
            Self::Commit(commit) => commit.protocol.as_ref(),
            Self::Snapshot(_) => None,
        }
    }

    /// What the table says of itself from here on, if that is new.
    pub fn metadata(&self) -> Option<&Metadata> {
        match self {
            Self::Commit(commit) => commit.metadata.as_ref(),
            Self::Snapshot(step) => step.metadata.as_ref(),
        }
    }

    /// Whether files with deletion vectors are told.
    pub fn tells_deletion_vectors(&self, told: Told) -> bool {
        match self {
            Self::Commit(commit) => commit.tells_deletion_vectors(told),
            Self::Snapshot(step) => step.has_deletion_vectors,
        }
    }

    /// Whether a removed file would be told of which nobody knows enough for a reader.
    pub fn lacks_files(&self, told: Told, is_partitioned: bool) -> bool {
        match self {
            Self::Commit(commit) => commit.lacks_files(told, is_partitioned),
            Self::Snapshot(_) => false,
        }
    }

    /// Places outside of the table where files of the version lie (see `FileList::outside`).
    pub fn outside(&self) -> &[Vec<u8>] {
        match self {
            // A commit with such files is refused by itself.
            Self::Commit(_) => &[],
            Self::Snapshot(step) => &step.outside,
        }
    }
}

impl Loader {
    /// The changes between versions of a table.
    ///
    /// # Errors
    /// Those of its storage.
    pub fn changes(&self, source: &TableSource, history: &History) -> Result<Changes, Error> {
        let origin = match history {
            History::Log(log) => Origin::Log(self.open(source)?, Arc::clone(log)),
            History::Snapshots(moments) => Origin::Snapshots(Arc::clone(moments)),
        };
        Ok(Changes { loader: self.clone(), source: source.clone(), origin })
    }
}

impl Changes {
    /// Looks through some versions, on the control plane.
    ///
    /// # Errors
    /// Whatever of the range cannot be told.
    pub async fn survey(&self, versions: RangeInclusive<Version>) -> Result<Surveyed, Error> {
        let changes = self.clone();
        self.loader.run(async move { changes.look_through(versions).await }).await
    }

    async fn look_through(&self, versions: RangeInclusive<Version>) -> Result<Surveyed, Error> {
        match &self.origin {
            Origin::Log(store, log) => {
                let commits = delta::changes::survey(store, log, versions).await?;
                Ok(Surveyed { steps: commits.into_iter().map(Step::Commit).collect(), demands: None })
            }
            Origin::Snapshots(moments) => {
                let (range, tables) = (moments.range(versions)?, self.loader.iceberg());
                let surveyed =
                    uniform::changes::survey(&tables.place(&self.source), tables.manifests(), &range).await?;
                let steps = surveyed.steps.into_iter().map(Step::Snapshot).collect();
                Ok(Surveyed { steps, demands: Some(surveyed.protocol) })
            }
        }
    }

    /// Tells the files of one of its steps. `keys` is what partition values call the partition columns.
    ///
    /// # Errors
    /// [`Error::NoLog`] for a step of another kind of table.
    pub fn read<'a>(&'a self, step: &'a Step, told: Told, keys: Vec<String>) -> Result<Reader<'a>, Error> {
        match (&self.origin, step) {
            (Origin::Log(store, _), Step::Commit(commit)) => {
                Ok(Reader::Commit(delta::changes::ChangeReader::new(store, commit, told, keys)))
            }
            (Origin::Snapshots(moments), Step::Snapshot(step)) => {
                let tables = self.loader.iceberg();
                let place = tables.place(&self.source);
                let metadata = moments.metadata();
                let reader = uniform::changes::Reader::new(place, tables.manifests(), metadata, step);
                Ok(Reader::Snapshot(Box::new(reader)))
            }
            (Origin::Log(..), Step::Snapshot(_)) | (Origin::Snapshots(_), Step::Commit(_)) => {
                Err(Error::NoLog)
            }
        }
    }
}

/// Tells the files of one step, piece by piece.
pub enum Reader<'a> {
    Commit(delta::changes::ChangeReader<'a>),
    Snapshot(Box<uniform::changes::Reader<'a>>),
}

impl Reader<'_> {
    /// The files of the next piece, which may be none; `None` at the end.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn next(&mut self) -> Result<Option<Vec<ChangedFile>>, Error> {
        match self {
            Self::Commit(reader) => Ok(reader.next().await?),
            Self::Snapshot(reader) => Ok(reader.next().await?),
        }
    }
}
