//! The records of the catalog and the changes to them.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

/// What stands between the levels of a namespace where they are one text: no name holds it.
pub const LEVEL_SEPARATOR: char = '\u{1f}';

/// A set of namespaces with their tables and views; its data lies in the bucket of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warehouse {
    pub id: Uuid,
    pub name: String,
    pub created_ms: i64,
}

/// A namespace of a warehouse. Each of its levels but the last is a namespace too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    pub levels: Vec<String>,
    pub properties: BTreeMap<String, String>,
    pub created_ms: i64,
    pub updated_ms: i64,
}

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    Table,
    View,
}

impl EntryKind {
    /// The word for it, as it is kept and as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
        }
    }
}

impl EntryKind {
    /// The word at the beginning of a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Table => "Table",
            Self::View => "View",
        }
    }
}

impl std::fmt::Display for EntryKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A table or a view: a name that leads to its metadata file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: Uuid,
    pub kind: EntryKind,
    pub name: EntryName,
    pub metadata_location: String,
    pub created_ms: i64,
    pub updated_ms: i64,
}

/// The name of a table or view; both share one set of names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    pub namespace: Vec<String>,
    pub name: String,
}

impl std::fmt::Display for EntryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for level in &self.namespace {
            write!(f, "{level}.")?;
        }
        f.write_str(&self.name)
    }
}

/// A part of a sorted list. One that has fewer names than `limit` is the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The last name of the page before, for namespaces its levels as [`join_levels`] writes them.
    pub after: Option<String>,
    /// At least one and at most `limits::catalog::CATALOG_PAGE_MAX` names are told, whatever is asked for.
    pub limit: usize,
}

/// One change to the tables and views of a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryChange {
    /// `id` is one that no entry of the store has.
    Create {
        id: Uuid,
        kind: EntryKind,
        name: EntryName,
        metadata_location: String,
    },
    /// Happens only while the entry leads to `expected`, a metadata location.
    Swap {
        kind: EntryKind,
        name: EntryName,
        expected: String,
        metadata_location: String,
    },
    /// A name for itself changes nothing.
    Rename {
        kind: EntryKind,
        from: EntryName,
        to: EntryName,
    },
    Remove {
        kind: EntryKind,
        name: EntryName,
    },
}

/// Changes to the properties of a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceUpdate {
    pub removals: BTreeSet<String>,
    pub updates: BTreeMap<String, String>,
}

/// The keys of properties that an update set, removed, or would have removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceChanged {
    pub updated: Vec<String>,
    pub removed: Vec<String>,
    pub missing: Vec<String>,
}

/// An answer that is kept under a client's idempotency key, in the transaction of its change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub key: Uuid,
    /// Of the caller, the operation and the body: who asks something else gets another digest.
    pub digest: [u8; 32],
    /// In the door's own words; at most `limits::catalog::KEPT_ANSWER_BYTES_MAX`.
    pub answer: Vec<u8>,
    /// From then on the answer is forgotten.
    pub expires_ms: i64,
}

/// The levels of a namespace as one text, in which a namespace sorts before those in it.
pub fn join_levels(levels: &[String]) -> String {
    let mut joined = String::new();
    for (index, level) in levels.iter().enumerate() {
        if index > 0 {
            joined.push(LEVEL_SEPARATOR);
        }
        joined.push_str(level);
    }
    joined
}

/// What [`join_levels`] has joined; no text, no levels.
pub fn split_levels(joined: &str) -> Vec<String> {
    if joined.is_empty() {
        return Vec::new();
    }
    joined.split(LEVEL_SEPARATOR).map(str::to_owned).collect()
}
