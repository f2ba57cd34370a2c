//! Which state of an Iceberg table recipients know as which version.
//!
//! Delta counts versions, Iceberg names snapshots by random numbers and goes back to old ones. So each state that the shared
//! branch comes into, a snapshot read with a schema, gets a number that no state had before, and keeps it: a rollback is
//! one more version. A number is the snapshot's sequence number where it can be, so that most tables count as engines do.

use std::collections::{HashMap, HashSet};

use crate::error::Kind;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::reference::{MAIN_BRANCH, Reference};
use crate::iceberg::snapshot::Facts;
use crate::iceberg::statistics::SnapshotLogEntry;
use crate::state::record::TableVersion;
use crate::table::snapshot::Version;

/// Runs of available versions that a message names.
const NAMED_RUNS_MAX: usize = 10;

/// Why a version cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the table has no branch or tag {name:?}")]
    NoReference { name: String },
    #[error("version {wanted} does not exist, the latest is {latest}")]
    TooNew { wanted: Version, latest: Version },
    #[error("version {wanted} is not available; available: {available}")]
    Gone { wanted: Version, available: String },
    #[error(
        "the changes from version {wanted} on cannot be told, because snapshots that they are made of have expired; begin \
         with version {oldest} or later"
    )]
    Expired { wanted: Version, oldest: Version },
    #[error("the table has counted to the end of all numbers")]
    Exhausted,
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoReference { .. } => Kind::NotFound,
            Self::TooNew { .. } | Self::Gone { .. } | Self::Expired { .. } => Kind::Invalid,
            Self::Exhausted => Kind::Corrupt,
        }
    }

    /// Whether a request names a version that there is not.
    pub fn is_of_version(&self) -> bool {
        matches!(self, Self::TooNew { .. } | Self::Gone { .. } | Self::Expired { .. })
    }
}

/// One state of a table, and since when it is the shared one.
#[derive(Debug, Clone, Copy)]
struct State {
    snapshot: Option<Facts>,
    schema_id: i32,
    timestamp_ms: i64,
}

impl State {
    fn is_of(&self, row: &TableVersion) -> bool {
        (self.snapshot.map(|facts| facts.id), self.schema_id) == (row.snapshot_id, row.schema_id)
    }
}

/// The versions to be remembered after `known`, the oldest first, so that the last of all is the state that the metadata
/// shows. `reference` is the shared branch or tag; `None`: the main branch.
///
/// # Errors
/// [`Error::NoReference`], [`Error::Exhausted`].
pub fn grow(
    known: &[TableVersion],
    metadata: &TableMetadata,
    reference: Option<&str>,
) -> Result<Vec<TableVersion>, Error> {
    let line = Line::of(metadata, reference)?;
    let head = line.head();
    let is_known = known.last().is_some_and(|last| head.is_of(last));
    // A branch that is where it was may have been elsewhere meanwhile; only the log of the main one tells.
    if is_known && !matches!(line.kind, LineKind::Main) {
        return Ok(Vec::new());
    }
    let mut states = line.states_after(known.last());
    if known.is_empty() && line.shows_beginning() {
        states.splice(..0, beginning(metadata, states.first()));
    }
    states.push(head);
    number(known.last().copied(), states)
}

/// Gives each state that differs from the one before a number of its own.
fn number(last: Option<TableVersion>, states: Vec<State>) -> Result<Vec<TableVersion>, Error> {
    let (mut before, mut added) = (last, Vec::new());
    for state in states {
        if before.is_some_and(|row| state.is_of(&row)) {
            continue;
        }
        let sequence_number = state.snapshot.map_or(0, |facts| facts.sequence_number);
        let next = match before {
            Some(row) => row.version.checked_add(1).ok_or(Error::Exhausted)?,
            // Zero is the table before its first snapshot, whether anybody knows of that state or not.
            None => Version::from(state.snapshot.is_some()),
        };
        let row = TableVersion {
            version: sequence_number.max(next),
            snapshot_id: state.snapshot.map(|facts| facts.id),
            schema_id: state.schema_id,
            timestamp_ms: before.map_or(state.timestamp_ms, |row| row.timestamp_ms.max(state.timestamp_ms)),
        };
        added.push(row);
        before = Some(row);
    }
    Ok(added)
}

/// The table before its first snapshot, if `first` is that.
fn beginning(metadata: &TableMetadata, first: Option<&State>) -> Option<State> {
    let first = first.filter(|first| first.snapshot.is_some_and(|facts| facts.parent_id.is_none()))?;
    let before_ms = first.timestamp_ms.saturating_sub(1);
    // The log of metadata files may begin later: then nobody knows when the table was made.
    let made_ms =
        metadata.metadata_log().first().map_or(before_ms, |entry| entry.timestamp_ms.min(before_ms));
    Some(State { snapshot: None, schema_id: first.schema_id, timestamp_ms: made_ms })
}

/// What is shared of a table: a branch with its past, or a tag.
struct Line<'a> {
    metadata: &'a TableMetadata,
    snapshots: HashMap<i64, Facts>,
    kind: LineKind<'a>,
}

enum LineKind<'a> {
    Main,
    Branch(&'a Reference),
    Tag(&'a Reference),
}

impl<'a> Line<'a> {
    fn of(metadata: &'a TableMetadata, reference: Option<&str>) -> Result<Self, Error> {
        let kind = match reference {
            None | Some(MAIN_BRANCH) => LineKind::Main,
            Some(name) => {
                let found = metadata.refs().get(name);
                let found = found.ok_or_else(|| Error::NoReference { name: name.to_owned() })?;
                if found.is_branch() { LineKind::Branch(found) } else { LineKind::Tag(found) }
            }
        };
        let snapshots = metadata.snapshots().iter().map(|one| (one.id(), *one.facts())).collect();
        Ok(Self { metadata, snapshots, kind })
    }

    /// A snapshot as it is read when somebody travels to it.
    fn past(&self, id: i64, timestamp_ms: Option<i64>) -> Option<State> {
        let facts = *self.snapshots.get(&id)?;
        let schema_id = facts.schema_id.unwrap_or_else(|| self.metadata.current_schema_id());
        Some(State {
            snapshot: Some(facts),
            schema_id,
            timestamp_ms: timestamp_ms.unwrap_or(facts.timestamp_ms),
        })
    }

    /// The state that is shared now. A branch is read with the table's schema, a tag with its snapshot's.
    fn head(&self) -> State {
        let id = match self.kind {
            LineKind::Main => self.metadata.current_snapshot_id(),
            LineKind::Branch(reference) | LineKind::Tag(reference) => Some(reference.snapshot_id),
        };
        let past = id.and_then(|id| self.past(id, None));
        match (past, &self.kind) {
            (Some(past), LineKind::Tag(_)) => past,
            // Whatever made it the head, it was there when this metadata was written.
            (past, _) => State {
                snapshot: past.and_then(|past| past.snapshot),
                schema_id: self.metadata.current_schema_id(),
                timestamp_ms: self.metadata.last_updated_ms(),
            },
        }
    }

    /// A tag has no past of its own.
    fn shows_beginning(&self) -> bool {
        !matches!(self.kind, LineKind::Tag(_))
    }

    /// The states that led to the head after `last`, the oldest first; that of the head's snapshot is among them.
    fn states_after(&self, last: Option<&TableVersion>) -> Vec<State> {
        match self.kind {
            LineKind::Main => self.logged_after(last).unwrap_or_else(|| {
                let head = self.metadata.current_snapshot_id();
                head.map_or_else(Vec::new, |head| self.ancestors_after(head, last))
            }),
            LineKind::Branch(reference) => self.ancestors_after(reference.snapshot_id, last),
            LineKind::Tag(_) => Vec::new(),
        }
    }

    /// Of the log of current snapshots, which also knows of rollbacks; `None` if it does not lead to the head.
    fn logged_after(&self, last: Option<&TableVersion>) -> Option<Vec<State>> {
        let log = self.metadata.snapshot_log();
        if log.last().map(|entry| entry.snapshot_id) != self.metadata.current_snapshot_id() {
            return None;
        }
        let is_last = |entry: &SnapshotLogEntry, last: &TableVersion| {
            Some(entry.snapshot_id) == last.snapshot_id && entry.timestamp_ms <= last.timestamp_ms
        };
        let known = last.and_then(|last| log.iter().rposition(|entry| is_last(entry, last)));
        let later = log.iter().enumerate().filter(|(place, entry)| match (known, last) {
            (Some(known), _) => *place > known,
            // The last known one has expired, and all before it.
            (None, Some(last)) => entry.timestamp_ms > last.timestamp_ms,
            (None, None) => true,
        });
        Some(later.filter_map(|(_, entry)| self.past(entry.snapshot_id, Some(entry.timestamp_ms))).collect())
    }

    /// A snapshot and its ancestors, the oldest first. Where the last known one is none of them, the branch was moved.
    fn ancestors_after(&self, head: i64, last: Option<&TableVersion>) -> Vec<State> {
        let last_id = last.and_then(|last| last.snapshot_id);
        let (mut states, mut next, mut is_after_last) = (Vec::new(), Some(head), last_id.is_none());
        while let Some(state) = next.and_then(|id| self.past(id, None)) {
            if next == last_id {
                is_after_last = true;
                break;
            }
            // Parents that go in a circle come from no writer.
            if states.len() >= self.snapshots.len() {
                break;
            }
            states.push(state);
            next = state.snapshot.and_then(|facts| facts.parent_id);
        }
        if !is_after_last {
            states.truncate(1);
            // It was moved to a snapshot that may be old, when this metadata was written at the latest.
            for state in &mut states {
                state.timestamp_ms = self.metadata.last_updated_ms();
            }
        }
        states.reverse();
        states
    }
}

/// The latest version, or the one that is wanted, with the schema that it is read with.
///
/// # Errors
/// [`Error::TooNew`], and [`Error::Gone`] if its snapshot has expired or there is no such version.
pub fn choose(
    rows: &[TableVersion],
    metadata: &TableMetadata,
    wanted: Option<Version>,
) -> Result<TableVersion, Error> {
    let Some(latest) = rows.last() else { return Err(Error::Exhausted) };
    let row = match wanted {
        None => *latest,
        Some(wanted) if wanted > latest.version => {
            return Err(Error::TooNew { wanted, latest: latest.version });
        }
        Some(wanted) => {
            let gone = || Error::Gone { wanted, available: available(rows, metadata) };
            let place = rows.binary_search_by_key(&wanted, |row| row.version).map_err(|_| gone())?;
            let row = *rows.get(place).ok_or_else(gone)?;
            return readable(&row, metadata).ok_or_else(gone);
        }
    };
    Ok(with_schema(row, metadata))
}

/// A version as it is read; `None` if its snapshot has expired.
pub(super) fn readable(row: &TableVersion, metadata: &TableMetadata) -> Option<TableVersion> {
    let is_there = row.snapshot_id.is_none_or(|id| metadata.snapshot(id).is_some());
    is_there.then(|| with_schema(*row, metadata))
}

/// With a schema that there is.
fn with_schema(mut row: TableVersion, metadata: &TableMetadata) -> TableVersion {
    if metadata.schema(row.schema_id).is_none() {
        // A schema that no snapshot has may be removed; the snapshot's own is there.
        let snapshot = row.snapshot_id.and_then(|id| metadata.snapshot(id));
        let schema_id = snapshot.and_then(|snapshot| snapshot.facts().schema_id);
        row.schema_id = schema_id.unwrap_or_else(|| metadata.current_schema_id());
    }
    row
}

/// The versions whose snapshots are there, in words: `0, 3 to 5, 9`.
fn available(rows: &[TableVersion], metadata: &TableMetadata) -> String {
    let there: HashSet<i64> =
        metadata.snapshots().iter().map(crate::iceberg::snapshot::Snapshot::id).collect();
    let is_there = |row: &&TableVersion| row.snapshot_id.is_none_or(|id| there.contains(&id));
    let mut runs: Vec<(Version, Version)> = Vec::new();
    for row in rows.iter().filter(is_there) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == row.version => *last = row.version,
            _ => runs.push((row.version, row.version)),
        }
    }
    let left_out = runs.len().saturating_sub(NAMED_RUNS_MAX);
    let mut texts: Vec<String> = runs
        .iter()
        .skip(left_out)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first} to {last}") })
        .collect();
    if left_out > 0 {
        texts.insert(0, "…".to_owned());
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests;
