//! Actions of a log, as commits and checkpoints both have them.

use std::borrow::Cow;

use crate::encode::json;
use crate::table::segment_builder::RowIds;
use crate::table::snapshot::{Metadata, Protocol};

/// Takes one action; what the action borrows ends with the call.
pub(super) type Act<'s> = dyn FnMut(Action<'_>) + 's;

/// One action; text is borrowed from the line or the row that is being read.
#[derive(Debug)]
pub(super) enum Action<'a> {
    Add(Add<'a>),
    Remove(Remove<'a>),
    Protocol(Protocol),
    Metadata(Box<Metadata>),
    /// `commitInfo.inCommitTimestamp`, in milliseconds since the Unix epoch.
    InCommitTimestamp(i64),
    /// `sidecar.path`, of a checkpoint whose files are listed in other files ("Sidecar File Information").
    Sidecar(&'a str),
}

/// A file that is alive from this action on.
#[derive(Debug)]
pub(super) struct Add<'a> {
    pub(super) path: &'a str,
    /// Written by `partition::TupleBuilder`.
    pub(super) partition_values: &'a [u8],
    pub(super) size_bytes: u64,
    pub(super) modification_time_ms: i64,
    pub(super) stats: Option<Stats<'a>>,
    pub(super) deletion_vector: Option<DeletionVector<'a>>,
    pub(super) row_ids: RowIds,
}

/// Statistics of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stats<'a> {
    /// JSON text as it is.
    Raw(&'a str),
    /// JSON text as the inside of a JSON string, escaped as `encode::json` does.
    Escaped(&'a str),
}

impl<'a> Stats<'a> {
    /// The JSON text.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Raw(text) => Cow::Borrowed(text),
            Self::Escaped(escaped) => {
                let mut text = Vec::new();
                json::unescape_into(escaped.as_bytes(), &mut text);
                Cow::Owned(String::from_utf8_lossy(&text).into_owned())
            }
        }
    }
}

/// A file that is dead from this action on.
#[derive(Debug)]
pub(super) struct Remove<'a> {
    pub(super) path: &'a str,
    pub(super) deletion_vector: Option<DeletionVector<'a>>,
}

/// A deletion vector's descriptor. The first three fields identify it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeletionVector<'a> {
    pub(super) storage_type: &'a str,
    pub(super) path_or_inline: &'a str,
    pub(super) offset: Option<i64>,
    pub(super) size_bytes: Option<i64>,
    pub(super) cardinality: Option<i64>,
}

impl DeletionVector<'_> {
    /// `storageType`, `pathOrInlineDv`, and `@offset` if there is one ("Derived Fields", `uniqueId`).
    pub(super) fn unique_id(&self) -> String {
        let offset = self.offset.map_or_else(String::new, |offset| format!("@{offset}"));
        format!("{}{}{offset}", self.storage_type, self.path_or_inline)
    }
}
