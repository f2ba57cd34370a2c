//! Rows of a checkpoint that are about the whole table.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StructArray};

use super::action::{Act, Action};
use super::checkpoint_columns::{
    Fault, IntegerColumn, MapColumn, TextColumn, action, child, list, need_child,
};
use crate::table::snapshot::{Metadata, Protocol};

/// Finds the one row of protocol, the one row of metadata, and the rows of sidecars.
#[derive(Default)]
pub(super) struct TableRows {
    protocol_seen: bool,
    metadata_seen: bool,
}

impl TableRows {
    pub(super) fn read(&mut self, batch: &RecordBatch, act: &mut Act<'_>) -> Result<(), Fault> {
        if let Some(sidecars) = action(batch, "sidecar")?
            && let Some(paths) = child(sidecars, "path")
        {
            let paths = TextColumn::new("sidecar.path", paths)?;
            for row in 0..batch.num_rows() {
                if let Some(path) = paths.get(row)? {
                    act(Action::Sidecar(path));
                }
            }
        }
        if let Some(protocols) = action(batch, "protocol")? {
            let versions = need_child(protocols, "minReaderVersion", "protocol.minReaderVersion")?;
            for row in (0..batch.num_rows()).filter(|&row| versions.is_valid(row)) {
                if std::mem::replace(&mut self.protocol_seen, true) {
                    return Err(Fault::Twice { action: "protocol" });
                }
                act(Action::Protocol(read_protocol(protocols, row)?));
            }
        }
        if let Some(metadata) = action(batch, "metaData")? {
            let ids = need_child(metadata, "id", "metaData.id")?;
            for row in (0..batch.num_rows()).filter(|&row| ids.is_valid(row)) {
                if std::mem::replace(&mut self.metadata_seen, true) {
                    return Err(Fault::Twice { action: "metaData" });
                }
                act(Action::Metadata(Box::new(read_metadata(metadata, row)?)));
            }
        }
        Ok(())
    }
}

fn read_protocol(protocols: &StructArray, row: usize) -> Result<Protocol, Fault> {
    let version =
        |name, column| IntegerColumn::new(column, need_child(protocols, name, column)?)?.need_small(row);
    let features = |name, column| match child(protocols, name) {
        Some(array) => list(column, array, row),
        None => Ok(None),
    };
    Ok(Protocol {
        min_reader_version: version("minReaderVersion", "protocol.minReaderVersion")?,
        min_writer_version: version("minWriterVersion", "protocol.minWriterVersion")?,
        reader_features: features("readerFeatures", "protocol.readerFeatures")?,
        writer_features: features("writerFeatures", "protocol.writerFeatures")?,
    })
}

fn read_metadata(metadata: &StructArray, row: usize) -> Result<Metadata, Fault> {
    let text = |parent: &StructArray, name, column| match child(parent, name) {
        Some(array) => Ok::<_, Fault>(TextColumn::new(column, array)?.get(row)?.map(str::to_owned)),
        None => Ok(None),
    };
    let need = |parent, name, column| text(parent, name, column)?.ok_or(Fault::Null { column });
    let format = need_child(metadata, "format", "metaData.format")?.as_struct_opt();
    let format = format.ok_or(Fault::WrongType { column: "metaData.format", expected: "struct" })?;
    let partition_columns = match child(metadata, "partitionColumns") {
        Some(array) => list("metaData.partitionColumns", array, row)?,
        None => None,
    };
    let created_time_ms = match child(metadata, "createdTime") {
        Some(array) => IntegerColumn::new("metaData.createdTime", array)?.get(row),
        None => None,
    };
    Ok(Metadata {
        id: need(metadata, "id", "metaData.id")?,
        name: text(metadata, "name", "metaData.name")?,
        description: text(metadata, "description", "metaData.description")?,
        format_provider: need(format, "provider", "metaData.format.provider")?,
        format_options: map(format, "options", "metaData.format.options", row)?,
        schema_string: need(metadata, "schemaString", "metaData.schemaString")?,
        partition_columns: partition_columns.unwrap_or_default(),
        configuration: map(metadata, "configuration", "metaData.configuration", row)?,
        created_time_ms,
    })
}

/// A map of strings; entries whose value is null are left out.
fn map(
    parent: &StructArray,
    name: &str,
    column: &'static str,
    row: usize,
) -> Result<BTreeMap<String, String>, Fault> {
    let Some(array) = child(parent, name) else { return Ok(BTreeMap::new()) };
    let maps = MapColumn::new(column, array)?;
    let mut entries = BTreeMap::new();
    for entry in maps.entries(row) {
        if let (key, Some(value)) = entry? {
            entries.insert(key.to_owned(), value.to_owned());
        }
    }
    Ok(entries)
}
