//! A range of commits as changes: surveyed, then told piece by piece.
//!
//! Whatever can be wrong with a range is found in the first pass, before a byte of the answer is sent: a commit that is
//! gone, a line that cannot be read, a feature that is not served, a path that leads elsewhere. The second
//! pass holds one piece of one commit at a time.

use std::ops::RangeInclusive;

use futures::{StreamExt, TryStreamExt, stream};

use super::change_line::{FileAction, Line};
use super::error::{Error, LineFault};
use super::features;
use super::history::History;
use super::log::LogFile;
use super::path::Root;
use crate::limits::{
    CHANGE_PIECE_BYTES, COMMIT_BYTES_MAX, COMMIT_LINE_BYTES_MAX, COMMITS_FETCHED_AT_ONCE,
    RANGE_SCHEMAS_BYTES_MAX,
};
use crate::storage::table_store::TableStore;
use crate::table::change::{ChangeKind, ChangedFile, CommitMark, Told};
use crate::table::snapshot::{Metadata, Protocol, Version};

/// What a commit of a range is known to hold before its files are told.
#[derive(Debug, Clone)]
pub struct Commit {
    pub mark: CommitMark,
    pub protocol: Option<Protocol>,
    pub metadata: Option<Metadata>,
    /// Whether it tells of changed rows in files of their own.
    pub has_cdc: bool,
    /// The files that it adds or removes may have deletion vectors.
    has_deletion_vectors: bool,
    /// Whether it removes files of which the log does not say enough to read them.
    has_removes_without_size: bool,
    /// Whether it removes files without saying in which partition they were.
    has_removes_without_partition: bool,
    /// Whether rows were rewritten, but none changed.
    pub changes_nothing: bool,
    file: LogFile,
}

/// Looks through the commits of `versions`.
///
/// # Errors
/// [`Error::VersionGone`], [`Error::RangeTooLarge`], [`Error::Line`], [`Error::Unserved`], [`Error::Path`] and those of the store.
pub async fn survey(
    store: &TableStore,
    history: &History,
    versions: RangeInclusive<Version>,
) -> Result<Vec<Commit>, Error> {
    let (first, last) = (*versions.start(), *versions.end());
    let each = versions.map(|version| survey_commit(store, history, version));
    let mut each = std::pin::pin!(stream::iter(each).buffered(COMMITS_FETCHED_AT_ONCE));
    let (mut commits, mut schema_bytes) = (Vec::new(), 0);
    while let Some(commit) = each.try_next().await? {
        schema_bytes += commit.metadata.as_ref().map_or(0, |metadata| metadata.schema_string.len());
        if schema_bytes > RANGE_SCHEMAS_BYTES_MAX {
            return Err(Error::RangeTooLarge { first, last });
        }
        commits.push(commit);
    }
    Ok(commits)
}

async fn survey_commit(store: &TableStore, history: &History, version: Version) -> Result<Commit, Error> {
    let gone =
        || Error::VersionGone { wanted: version, oldest: history.first_commit(), latest: history.latest() };
    let file = history.commit(version).ok_or_else(gone)?.clone();
    let size_bytes = file.info.size_bytes;
    if size_bytes > COMMIT_BYTES_MAX as u64 {
        return Err(Error::CommitTooLarge { file: file.key, size_bytes });
    }
    let mut commit = Commit {
        mark: CommitMark { version, timestamp_ms: history.file_time_ms(version).unwrap_or_default() },
        protocol: None,
        metadata: None,
        has_cdc: false,
        has_deletion_vectors: false,
        has_removes_without_size: false,
        has_removes_without_partition: false,
        changes_nothing: false,
        file,
    };
    let root = Root::new(store.bucket(), store.location());
    let mut own_time_ms = None;
    let file = commit.file.clone();
    let mut pieces = Pieces::new(store, &file);
    while let Some(piece) = pieces.next().await? {
        for line in piece.split(|&byte| byte == b'\n') {
            if let Some(line) = pieces.parse(line)? {
                own_time_ms = own_time_ms.or(line.in_commit_timestamp_ms());
                commit.note(line, &root)?;
            }
        }
    }
    if history.has_own_time(version) {
        let key = || commit.file.key.clone();
        commit.mark.timestamp_ms = own_time_ms.ok_or_else(|| Error::NoInCommitTimestamp { file: key() })?;
    }
    Ok(commit)
}

impl Commit {
    fn note(&mut self, mut line: Line, root: &Root) -> Result<(), Error> {
        let version = self.mark.version;
        let unserved = |source| Error::Unserved { version, source };
        if let Some(protocol) = line.take_protocol() {
            features::check_protocol(&protocol).map_err(unserved)?;
            self.protocol = Some(protocol);
        }
        if let Some(metadata) = line.take_metadata() {
            features::check_metadata(&metadata).map_err(unserved)?;
            self.metadata = Some(metadata);
        }
        self.changes_nothing |= line.is_empty_merge();
        for (kind, file) in files_of(line) {
            if kind != ChangeKind::Cdc && !file.changes_data() {
                continue;
            }
            self.has_deletion_vectors |= kind != ChangeKind::Cdc && file.deletion_vector.is_some();
            self.has_cdc |= kind == ChangeKind::Cdc;
            if kind == ChangeKind::Remove {
                self.has_removes_without_size |= !file.has_size();
                self.has_removes_without_partition |= !file.has_partition();
            }
            file.into_change(kind, root, &[])?;
        }
        Ok(())
    }

    /// Whether files of this kind are told.
    fn tells(&self, kind: ChangeKind, told: Told) -> bool {
        match (kind, told) {
            (ChangeKind::Cdc, Told::Files) => false,
            (ChangeKind::Cdc, Told::Feed) | (ChangeKind::Add | ChangeKind::Remove, Told::Files) => true,
            (ChangeKind::Add | ChangeKind::Remove, Told::Feed) => !self.has_cdc && !self.changes_nothing,
        }
    }

    /// Whether files with deletion vectors are told.
    pub fn tells_deletion_vectors(&self, told: Told) -> bool {
        self.has_deletion_vectors && self.tells(ChangeKind::Add, told)
    }

    /// Whether a removed file would be told of which the log does not say enough for a reader.
    pub fn lacks_files(&self, told: Told, is_partitioned: bool) -> bool {
        let lacks = self.has_removes_without_size || is_partitioned && self.has_removes_without_partition;
        lacks && self.tells(ChangeKind::Remove, told)
    }
}

fn files_of(line: Line) -> impl Iterator<Item = (ChangeKind, FileAction)> {
    let files = [(ChangeKind::Add, line.add), (ChangeKind::Remove, line.remove), (ChangeKind::Cdc, line.cdc)];
    files.into_iter().filter_map(|(kind, file)| Some((kind, file?)))
}

/// Tells the files of one commit, in the order of the log.
pub struct ChangeReader<'a> {
    commit: &'a Commit,
    told: Told,
    /// What partition values call the partition columns.
    keys: Vec<String>,
    root: Root,
    pieces: Pieces<'a>,
}

impl<'a> ChangeReader<'a> {
    pub fn new(store: &'a TableStore, commit: &'a Commit, told: Told, keys: Vec<String>) -> Self {
        let root = Root::new(store.bucket(), store.location());
        Self { commit, told, keys, root, pieces: Pieces::new(store, &commit.file) }
    }

    /// The files of the next piece, which may be none; `None` at the end.
    ///
    /// # Errors
    /// Those of the store, also if the commit was replaced since it was looked through.
    pub async fn next(&mut self) -> Result<Option<Vec<ChangedFile>>, Error> {
        let Some(piece) = self.pieces.next().await? else { return Ok(None) };
        let mut changes = Vec::new();
        for line in piece.split(|&byte| byte == b'\n') {
            let Some(line) = self.pieces.parse(line)? else { continue };
            for (kind, file) in files_of(line) {
                let changes_data = kind == ChangeKind::Cdc || file.changes_data();
                if changes_data && self.commit.tells(kind, self.told) {
                    changes.push(file.into_change(kind, &self.root, &self.keys)?);
                }
            }
        }
        Ok(Some(changes))
    }
}

/// Reads a commit in pieces of whole lines.
struct Pieces<'a> {
    store: &'a TableStore,
    file: &'a LogFile,
    offset: u64,
    /// The beginning of a line whose end is in the next piece.
    carry: Vec<u8>,
    line_number: u64,
}

impl<'a> Pieces<'a> {
    fn new(store: &'a TableStore, file: &'a LogFile) -> Self {
        Self { store, file, offset: 0, carry: Vec::new(), line_number: 0 }
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while self.offset < self.file.info.size_bytes {
            let range = self.offset..self.offset + CHANGE_PIECE_BYTES;
            self.offset = range.end;
            let bytes = self.store.read_range(&self.file.key, &self.file.info, range).await?;
            self.carry.extend_from_slice(&bytes);
            if let Some(end) = memchr::memrchr(b'\n', &self.carry) {
                let rest = self.carry.split_off(end + 1);
                return Ok(Some(std::mem::replace(&mut self.carry, rest)));
            }
            if self.carry.len() > COMMIT_LINE_BYTES_MAX {
                return Err(self.fault(LineFault::TooLong));
            }
        }
        Ok(Some(std::mem::take(&mut self.carry)).filter(|rest| !rest.is_empty()))
    }

    /// The actions of a line; `None` if it is blank.
    fn parse(&mut self, line: &[u8]) -> Result<Option<Line>, Error> {
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        self.line_number += 1;
        Line::parse(line).map(Some).map_err(|source| self.fault(source))
    }

    fn fault(&self, source: LineFault) -> Error {
        Error::Line { file: self.file.key.clone(), line: self.line_number, source }
    }
}
