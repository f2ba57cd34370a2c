//! How columns are found in data files: by name, or by id.
//!
//! Iceberg finds columns by field ids, Delta by names unless a table maps its columns. Names are enough where no column
//! was ever called otherwise: then the plainest clients can read the table. Where that cannot be proved, columns are
//! mapped by id (Delta, "Column Mapping").

use std::collections::HashMap;

use serde::Deserialize;

use super::history::History;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::schema_index::SchemaIndex;
use crate::iceberg::snapshot::Facts;

/// Maps columns of files without field ids to fields (Iceberg specification, "Column Projection").
pub(super) const NAME_MAPPING: &str = "schema.name-mapping.default";

/// How Delta readers find columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Naming {
    /// By their names.
    Plain,
    /// By field ids.
    Id,
}

impl Naming {
    /// The name of a column in statistics, and where there is no mapping in files.
    pub(super) fn physical_name(self, id: i32, name: &str) -> String {
        match self {
            Self::Plain => name.to_owned(),
            Self::Id => format!("col-{id}"),
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
    let is_plain = is_plain && has_own_names_only(metadata, current);
    if is_plain { Naming::Plain } else { Naming::Id }
}

/// Whether the name mapping of a table, if it has one, calls no column otherwise than the schema does.
fn has_own_names_only(metadata: &TableMetadata, current: &SchemaIndex<'_>) -> bool {
    let Some(text) = metadata.properties().get(NAME_MAPPING) else { return true };
    let Ok(mapping) = serde_json::from_str::<Vec<Mapped>>(text) else { return false };
    let mut left = mapping;
    while let Some(Mapped { field_id, names, fields }) = left.pop() {
        let place = field_id.and_then(|id| current.find(id));
        let own = place.map(|place| place.name.rsplit('.').next().unwrap_or_default());
        if own.is_some_and(|own| names.iter().any(|name| name != own)) {
            return false;
        }
        left.extend(fields);
    }
    true
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
