//! One table, one version, never changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::file_list::FileList;

/// Delta's number of a table version.
pub type Version = i64;

/// Which readers and writers a table version demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    pub min_reader_version: i32,
    pub min_writer_version: i32,
    /// Present exactly when the log has the list (reader version 3).
    pub reader_features: Option<Vec<String>>,
    /// Present exactly when the log has the list (writer version 7).
    pub writer_features: Option<Vec<String>>,
}

impl Protocol {
    /// Demands what another protocol demands, too. A list of features stays away only if neither has one.
    pub fn demand(&mut self, other: &Self) {
        self.min_reader_version = self.min_reader_version.max(other.min_reader_version);
        self.min_writer_version = self.min_writer_version.max(other.min_writer_version);
        let lists = [
            (&mut self.reader_features, &other.reader_features),
            (&mut self.writer_features, &other.writer_features),
        ];
        for (own, other) in lists {
            let Some(other) = other else { continue };
            let own = own.get_or_insert_default();
            own.extend(other.iter().filter(|feature| !own.contains(feature)).cloned().collect::<Vec<_>>());
        }
    }
}

/// What a table version says of itself: Delta's `metaData` action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    pub id: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub format_provider: String,
    pub format_options: BTreeMap<String, String>,
    /// The schema as JSON text, exactly as the log has it.
    pub schema_string: String,
    pub partition_columns: Vec<String>,
    pub configuration: BTreeMap<String, String>,
    pub created_time_ms: Option<i64>,
}

impl Metadata {
    /// Whether commits record the changes of rows (Delta, "Add CDC File").
    pub fn has_change_feed(&self) -> bool {
        let setting = self.configuration.get("delta.enableChangeDataFeed");
        setting.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// One version of a table with its files.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub version: Version,
    /// When this version was committed, in milliseconds since the Unix epoch.
    pub commit_timestamp_ms: i64,
    pub protocol: Protocol,
    pub metadata: Metadata,
    pub files: FileList,
}

impl Snapshot {
    /// Bytes of memory that this snapshot holds, for the cache's budget.
    pub fn memory_bytes(&self) -> usize {
        self.metadata.schema_string.len() + self.files.memory_bytes() + std::mem::size_of::<Self>()
    }
}
