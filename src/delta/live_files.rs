//! Files that are alive, as a replay finds them.

use super::action::{Add, DeletionVector, Stats};
use super::deletion_vector;
use super::error::Error;
use super::path::{self, Root};
use super::stats::record_count;
use crate::table::file_list_builder::FileListBuilder;
use crate::table::path_digest::{PathDigest, PathDigests};
use crate::table::segment_builder::{NewFile, SealedSegment, StatisticsText};

/// Live files, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct LiveFiles {
    /// With partition values as tuples.
    files: FileListBuilder,
    /// The first live file that cannot be served. It is told at the end, because a protocol that is not served at
    /// all, which stands in an older commit, is the better answer.
    unserved: Option<Error>,
    scratch: Scratch,
}

/// A part of the live files.
#[derive(Debug)]
pub(super) struct Found {
    segments: Vec<SealedSegment>,
    unserved: Option<Error>,
}

/// Buffers for what differs from its text in the log.
#[derive(Debug, Default)]
struct Scratch {
    path: Vec<u8>,
    deletion_vector: Vec<u8>,
}

impl LiveFiles {
    /// Puts a file into the list if it `is_alive`. Only here a path or a deletion vector that is not served
    /// matters: what the log has removed again does no harm.
    pub(super) fn add(&mut self, add: &Add<'_>, root: &Root, is_alive: impl FnOnce(PathDigest) -> bool) {
        let resolved = path::resolve(add.path, root, &mut self.scratch.path);
        let digest = digest(resolved.path.key, add.deletion_vector);
        if !is_alive(digest) {
            return;
        }
        if let Some(source) = resolved.fault {
            self.unserved.get_or_insert(Error::Path { path: add.path.to_owned(), source });
            return;
        }
        let vector = add.deletion_vector.as_ref();
        let vector =
            vector.map(|vector| deletion_vector::resolve(vector, root, &mut self.scratch.deletion_vector));
        let deletion_vector = match vector.transpose() {
            Ok(vector) => vector,
            Err(source) => {
                self.unserved.get_or_insert(Error::DeletionVector { path: add.path.to_owned(), source });
                return;
            }
        };
        self.files.push(&NewFile {
            path: resolved.path,
            digest,
            size_bytes: add.size_bytes,
            modification_time_ms: add.modification_time_ms,
            partition_values: add.partition_values,
            statistics: match add.stats {
                None => StatisticsText::Absent,
                Some(Stats::Raw(text)) => StatisticsText::Raw(text),
                Some(Stats::Escaped(text)) => StatisticsText::Escaped(text.as_bytes()),
            },
            record_count: add.stats.and_then(record_count),
            deletion_vector,
            row_ids: add.row_ids,
        });
    }

    /// Takes what has been found; the next files are collected in the same buffers.
    pub(super) fn take(&mut self) -> Found {
        Found { segments: self.files.take(), unserved: self.unserved.take() }
    }

    /// Appends files that come after all of these.
    pub(super) fn append(&mut self, later: Found) {
        self.files.append(later.segments);
        self.unserved = self.unserved.take().or(later.unserved);
    }

    /// The list, unless a file of it is not served.
    ///
    /// # Errors
    /// [`Error::Path`] and [`Error::DeletionVector`].
    pub(super) fn finish(self) -> Result<FileListBuilder, Error> {
        self.unserved.map_or(Ok(self.files), Err)
    }
}

/// What decides of the files of a checkpoint; threads share it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) root: &'a Root,
    /// What the commits after the checkpoint name.
    pub(super) settled: &'a PathDigests,
}

impl Judge<'_> {
    /// Puts a file of the checkpoint into `files` if no later commit names it.
    pub(super) fn add(self, add: &Add<'_>, files: &mut LiveFiles) {
        files.add(add, self.root, |digest| !self.settled.contains(digest));
    }
}

/// What identifies a file.
pub(super) fn digest(key: &[u8], deletion_vector: Option<DeletionVector<'_>>) -> PathDigest {
    match deletion_vector {
        Some(vector) => PathDigest::with_deletion_vector(key, vector.unique_id().as_bytes()),
        None => PathDigest::of(key),
    }
}
