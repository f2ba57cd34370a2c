//! Newest to oldest: which files of a log are alive.
//!
//! A file is settled by the first commit that names it, because we walk from the newest commit back; an add
//! settles it as alive, a remove as dead. So `settled` grows with the commits after the checkpoint and never with
//! the table. The newest protocol and the newest metadata win in the same way.
//!
//! Within one commit the order of lines means nothing. The protocol forbids an add and a remove of one file in one
//! commit; where a writer does it all the same, the add wins, and of two adds the first.

use super::action::{Action, Remove};
use super::column_mapping::partition_names;
use super::error::Error;
use super::live_files::{Found, Judge, LiveFiles, digest};
use super::{features, partition, path};
use crate::storage::table_store::TableStore;
use crate::table::file_list::FileList;
use crate::table::file_list_builder::FileListBuilder;
use crate::table::path_digest::{PathDigest, PathDigests};
use crate::table::snapshot::{Metadata, Protocol, Version};

/// The state of a replay. Feed it commits from the newest back, then the checkpoint.
#[derive(Debug)]
pub(super) struct Replay {
    /// The version that is being rebuilt, for messages.
    version: Version,
    root: path::Root,
    settled: PathDigests,
    files: LiveFiles,
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
    in_commit_timestamp_ms: Option<i64>,
    commit: CommitState,
    /// Paths of the checkpoint's sidecars, as it has them.
    sidecars: Vec<String>,
    /// Buffer for what differs from its text in the log.
    scratch: Vec<u8>,
}

/// What the commit that is being read says.
#[derive(Debug, Default)]
struct CommitState {
    /// Removes count from the end of the commit on, so that its adds come first.
    removed: Vec<PathDigest>,
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
    in_commit_timestamp_ms: Option<i64>,
}

/// What a replay leads to.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) settled: PathDigests,
    /// Files with partition values as tuples.
    pub(super) files: FileListBuilder,
    pub(super) protocol: Option<Protocol>,
    pub(super) metadata: Option<Metadata>,
    /// Of the newest commit that was read.
    pub(super) in_commit_timestamp_ms: Option<i64>,
}

impl Replay {
    pub(super) fn new(store: &TableStore, version: Version) -> Self {
        Self {
            version,
            root: path::Root::new(store.bucket(), store.location()),
            settled: PathDigests::default(),
            files: LiveFiles::default(),
            protocol: None,
            metadata: None,
            in_commit_timestamp_ms: None,
            commit: CommitState::default(),
            sidecars: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes an action of a commit.
    pub(super) fn act(&mut self, action: Action<'_>) {
        match action {
            Action::Add(add) => {
                self.files.add(&add, &self.root, |digest| self.settled.insert(digest));
            }
            Action::Remove(Remove { path, deletion_vector }) => {
                let resolved = path::resolve(path, &self.root, &mut self.scratch);
                self.commit.removed.push(digest(resolved.path.key, deletion_vector));
            }
            Action::Protocol(protocol) => self.commit.protocol = Some(protocol),
            Action::Metadata(metadata) => self.commit.metadata = Some(*metadata),
            Action::InCommitTimestamp(timestamp_ms) => {
                self.commit.in_commit_timestamp_ms = Some(timestamp_ms);
            }
            Action::Sidecar(_) => {}
        }
    }

    /// Ends a commit; the next one is older.
    ///
    /// # Errors
    /// [`Error::Unserved`], as soon as the newest protocol or metadata is known.
    pub(super) fn end_commit(&mut self, version: Version) -> Result<(), Error> {
        let commit = std::mem::take(&mut self.commit);
        for digest in commit.removed {
            self.settled.insert(digest);
        }
        if version == self.version {
            self.in_commit_timestamp_ms = commit.in_commit_timestamp_ms;
        }
        self.settle_table(commit.protocol, commit.metadata);
        self.check_table()
    }

    fn settle_table(&mut self, protocol: Option<Protocol>, metadata: Option<Metadata>) {
        self.protocol = self.protocol.take().or(protocol);
        self.metadata = self.metadata.take().or(metadata);
    }

    /// Whether the table is served, as far as its protocol and its metadata are known.
    ///
    /// # Errors
    /// [`Error::Unserved`].
    pub(super) fn check_table(&self) -> Result<(), Error> {
        let unserved = |source| Error::Unserved { version: self.version, source };
        self.protocol.as_ref().map_or(Ok(()), features::check_protocol).map_err(unserved)?;
        self.metadata.as_ref().map_or(Ok(()), features::check_metadata).map_err(unserved)?;
        match (&self.protocol, &self.metadata) {
            (Some(protocol), Some(metadata)) => features::check_mapping(protocol, metadata).map_err(unserved),
            _ => Ok(()),
        }
    }

    /// Takes an action of the checkpoint, which is older than all commits and names each file once.
    pub(super) fn act_of_checkpoint(&mut self, action: Action<'_>) {
        match action {
            Action::Add(add) => {
                Judge { root: &self.root, settled: &self.settled }.add(&add, &mut self.files);
            }
            Action::Protocol(protocol) => self.settle_table(Some(protocol), None),
            Action::Metadata(metadata) => self.settle_table(None, Some(*metadata)),
            Action::Sidecar(path) => self.sidecars.push(path.to_owned()),
            Action::Remove(_) | Action::InCommitTimestamp(_) => {}
        }
    }

    /// What decides of the checkpoint's files, for threads that read them side by side.
    pub(super) fn judge(&self) -> Judge<'_> {
        Judge { root: &self.root, settled: &self.settled }
    }

    /// Appends files of the checkpoint.
    pub(super) fn append(&mut self, files: Found) {
        self.files.append(files);
    }

    /// Whether the newest protocol and the newest metadata are known.
    pub(super) fn knows_table(&self) -> bool {
        self.missing().is_none()
    }

    /// The action that no commit and no checkpoint has had so far.
    pub(super) fn missing(&self) -> Option<&'static str> {
        let protocol = self.protocol.is_none().then_some("protocol");
        protocol.or_else(|| self.metadata.is_none().then_some("metaData"))
    }

    /// The paths of the sidecars that the checkpoint has named since the last call.
    pub(super) fn take_sidecars(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sidecars)
    }

    /// # Errors
    /// [`Error::Path`] and [`Error::DeletionVector`] for a live file that is not served.
    pub(super) fn finish(self) -> Result<Replayed, Error> {
        Ok(Replayed {
            settled: self.settled,
            files: self.files.finish()?,
            protocol: self.protocol,
            metadata: self.metadata,
            in_commit_timestamp_ms: self.in_commit_timestamp_ms,
        })
    }
}

impl Replayed {
    /// The list of all files.
    ///
    /// # Errors
    /// [`Error::Schema`].
    pub(super) fn into_file_list(self, version: Version, metadata: &Metadata) -> Result<FileList, Error> {
        let names = partition_names(metadata).map_err(|source| Error::schema(version, source))?;
        Ok(FileList::new(self.files.finish(&mut |tuple, out| partition::write_json(tuple, &names, out))))
    }
}
