//! How columns are found in data files: by name, or by id.
//!
//! Iceberg finds columns by field ids, Delta by names unless a table maps its columns. Names are enough where no column
//! was ever called otherwise: then the plainest clients can read the table. Where that cannot be proved, columns are
//! mapped by id (Delta, "Column Mapping").

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;

use super::history::History;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::schema_index::SchemaIndex;
use crate::iceberg::snapshot::Facts;

/// Maps columns of files without field ids to fields (Iceberg specification, "Column Projection").
pub const NAME_MAPPING: &str = "schema.name-mapping.default";

/// How Delta readers find columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Naming {
    /// By their names.
    Plain,
    /// By field ids.
    Id,
    /// By the names that all files have, by field id.
    Names(Arc<BTreeMap<i32, String>>),
}

impl Naming {
    /// The name of a column in statistics, and where there are no ids in files.
    pub(super) fn physical_name(&self, id: i32, name: &str) -> String {
        match self {
            Self::Plain => name.to_owned(),
            Self::Id => format!("col-{id}"),
            Self::Names(names) => names.get(&id).map_or_else(|| name.to_owned(), Clone::clone),
        }
    }

    /// Delta's word for the mapping, unless there is none.
    pub(super) fn mode(&self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Id => Some("id"),
            Self::Names(_) => Some("name"),
        }
    }
}

/// Which one is right for all files of a snapshot; `has_unnumbered_files` says whether there may be files that were
/// written before the table counted its commits, when metadata did not keep schemas either.
pub(super) fn of_table(
    metadata: &TableMetadata,
    snapshot_id: Option<i64>,
    (history, current): (&History<'_>, &SchemaIndex<'_>),
    has_unnumbered_files: bool,
) -> Naming {
    let is_plain = history.is_complete()
        && current.places().iter().all(|place| {
            history.is_unchanged(place) && place.field.is_none_or(|field| is_written_as_it_is(&field.name))
        })
        && (!has_unnumbered_files || keeps_its_schemas(metadata, snapshot_id));
    let mapping = metadata.properties().get(NAME_MAPPING).map(|text| NameMapping::parse(text));
    let is_plain = is_plain
        && mapping.is_none_or(|mapping| mapping.is_some_and(|mapping| mapping.has_own_names_only(current)));
    if is_plain { Naming::Plain } else { Naming::Id }
}

/// Names by which columns without ids are known, by field id.
#[derive(Debug, Default)]
pub(super) struct NameMapping {
    names: HashMap<i32, Vec<String>>,
}

/// A field of a name mapping ("Name Mapping Serialization").
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Mapped {
    field_id: Option<i32>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    fields: Vec<Self>,
}

impl NameMapping {
    /// `None` for what is no mapping.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut left: Vec<Mapped> = serde_json::from_str(text).ok()?;
        let mut mapping = Self::default();
        while let Some(Mapped { field_id, names, fields }) = left.pop() {
            if let Some(id) = field_id {
                mapping.names.entry(id).or_default().extend(names);
            }
            left.extend(fields);
        }
        Some(mapping)
    }

    /// What this field may be called.
    pub(super) fn names(&self, id: i32) -> &[String] {
        self.names.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether a column of that name is this field.
    pub(super) fn calls(&self, id: i32, name: &str) -> bool {
        self.names.get(&id).is_some_and(|names| names.iter().any(|known| known == name))
    }

    /// Whether it calls no field otherwise than the schema does.
    fn has_own_names_only(&self, current: &SchemaIndex<'_>) -> bool {
        self.names.iter().all(|(id, names)| {
            let own = current.find(*id).map(|place| place.name.rsplit('.').next().unwrap_or_default());
            own.is_none_or(|own| names.iter().all(|name| name == own))
        })
    }
}

/// Whether all writers put the name into Parquet files as it is: others make it one that Avro has, too.
fn is_written_as_it_is(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_part) && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

/// Whether every snapshot from the table's first one on names its schema, so that none was written when metadata had one
/// schema only.
fn keeps_its_schemas(metadata: &TableMetadata, snapshot_id: Option<i64>) -> bool {
    let facts = metadata.snapshots().iter().map(|snapshot| (snapshot.id(), snapshot.facts()));
    let facts: HashMap<i64, &Facts> = facts.collect();
    let mut next = snapshot_id;
    for _ in 0..=facts.len() {
        let Some(id) = next else { return true };
        let Some(snapshot) = facts.get(&id).filter(|snapshot| snapshot.schema_id.is_some()) else {
            return false;
        };
        next = snapshot.parent_id;
    }
    false
}
