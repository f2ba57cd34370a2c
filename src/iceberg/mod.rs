//! Iceberg metadata as data: read, checked, changed by commits, written.
//!
//! Nothing here reads a file or speaks HTTP. What is not understood is kept, so that no commit loses what another writer
//! put there; the snapshots of a table are kept as the JSON they came in, because there may be ten thousand of them.

mod default_value;
mod draft;
mod draft_schema;
mod draft_snapshots;
pub mod error;
mod file_text;
#[cfg(test)]
mod fixture;
mod fresh_ids;
pub mod metadata;
mod metadata_check;
mod metadata_json;
pub mod new_table;
pub mod partition_spec;
pub mod primitive;
pub mod properties;
pub mod reference;
pub mod requirement;
pub mod schema;
pub mod schema_index;
pub mod snapshot;
pub mod sort_order;
pub mod statistics;
pub mod transform;
pub mod types;
pub mod update;
pub mod view;
mod view_draft;
pub mod view_update;
pub mod view_version;
