//! Whether the parts of a table's metadata fit each other.

use std::collections::HashSet;

use super::error::MetadataFault;
use super::metadata::TableMetadata;
use super::reference::MAIN_BRANCH;
use super::snapshot::Snapshot;

/// Checks what every reader relies on: ids are there once, and what is named exists.
///
/// Historical specs and orders may not fit the current schema; they are kept for the files that were written with them.
pub(super) fn check(table: &TableMetadata) -> Result<(), MetadataFault> {
    if table.format_version > 1 && table.uuid.is_none() {
        return Err(MetadataFault::Missing { field: "table-uuid", version: table.format_version });
    }
    unique("schemas", table.schemas.iter().map(|schema| schema.id.into()))?;
    there("schema", table.current_schema_id, table.current_schema().is_some())?;
    table.schemas.iter().try_for_each(|schema| schema.check())?;
    unique("partition specs", table.specs.iter().map(|spec| spec.id.into()))?;
    there("partition spec", table.default_spec_id, table.default_spec().is_some())?;
    unique("sort orders", table.sort_orders.iter().map(|order| order.id.into()))?;
    let has_order = table.sort_orders.iter().any(|order| order.id == table.default_sort_order_id);
    there("sort order", table.default_sort_order_id, has_order)?;
    check_snapshots(table)
}

fn check_snapshots(table: &TableMetadata) -> Result<(), MetadataFault> {
    let late = table.snapshots.iter().find(|one| one.facts().sequence_number > table.last_sequence_number);
    if let Some(late) = late {
        return Err(MetadataFault::SequenceNumber { id: late.id() });
    }
    let ids = unique("snapshots", table.snapshots.iter().map(Snapshot::id))?;
    if let Some(id) = table.current_snapshot_id.filter(|id| !ids.contains(id)) {
        return Err(MetadataFault::NotThere { what: "snapshot", id });
    }
    if let Some((name, _)) = table.refs.iter().find(|(_, reference)| !ids.contains(&reference.snapshot_id)) {
        return Err(MetadataFault::Reference { name: name.clone() });
    }
    match table.refs.get(MAIN_BRANCH) {
        Some(main) if table.current_snapshot_id != Some(main.snapshot_id) => Err(MetadataFault::MainBranch),
        Some(_) | None => Ok(()),
    }
}

fn unique(what: &'static str, ids: impl Iterator<Item = i64>) -> Result<HashSet<i64>, MetadataFault> {
    let mut seen = HashSet::with_capacity(ids.size_hint().0);
    for id in ids {
        if !seen.insert(id) {
            return Err(MetadataFault::Twice { what, id });
        }
    }
    Ok(seen)
}

fn there(what: &'static str, id: i32, is_there: bool) -> Result<(), MetadataFault> {
    if is_there { Ok(()) } else { Err(MetadataFault::NotThere { what, id: id.into() }) }
}
