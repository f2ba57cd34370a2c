//! One line of JSON: what a listing needs of it.
//!
//! Unknown actions and fields are passed over, whatever they hold. A known field that is there twice, or has
//! another type, makes the line unreadable: a guess could hide a file.

use std::collections::BTreeMap;

use simd_json::prelude::*;
use simd_json::tape::Value;

use super::action::{Act, Action, Add, DeletionVector, Remove, Stats};
use super::error::LineFault;
use super::fields::{Fields, WHOLE_TEXT, whole_text, wrong_type};
use super::partition::TupleBuilder;
use crate::table::segment_builder::RowIds;
use crate::table::snapshot::{Metadata, Protocol};

pub(super) const ADD: &[&str] = &[
    "path",
    "partitionValues",
    "size",
    "modificationTime",
    "stats",
    "deletionVector",
    "baseRowId",
    "defaultRowCommitVersion",
];
pub(super) const REMOVE: &[&str] = &["path", "deletionVector"];
const DELETION_VECTOR: &[&str] = &["storageType", "pathOrInlineDv", "offset", "sizeInBytes", "cardinality"];
pub(super) const PROTOCOL: &[&str] =
    &["minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"];
pub(super) const METADATA: &[&str] = &[
    "id",
    "name",
    "description",
    "format",
    "schemaString",
    "partitionColumns",
    "configuration",
    "createdTime",
];
const FORMAT: &[&str] = &["provider", "options"];
pub(super) const COMMIT_INFO: &[&str] = &["inCommitTimestamp"];
pub(super) const SIDECAR: &[&str] = &["path"];

/// Reads the actions of a line; mostly it is one.
pub(super) fn read(
    line: Value<'_, '_>,
    tuple: &mut TupleBuilder,
    act: &mut Act<'_>,
) -> Result<(), LineFault> {
    let object = line.as_object().ok_or(LineFault::NotAnObject)?;
    for (name, value) in &object {
        match name {
            "add" => read_add(value, tuple, act)?,
            "remove" => read_remove(value, act)?,
            "protocol" => {
                if let Some(protocol) = read_protocol(value)? {
                    act(Action::Protocol(protocol));
                }
            }
            "metaData" => {
                if let Some(metadata) = read_metadata(value)? {
                    act(Action::Metadata(Box::new(metadata)));
                }
            }
            "commitInfo" => read_commit_info(value, act)?,
            "sidecar" => {
                if let Some(fields) = Fields::of_value("sidecar", SIDECAR, value)? {
                    act(Action::Sidecar(fields.need("path", fields.text("path")?)?));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_add(value: Value<'_, '_>, tuple: &mut TupleBuilder, act: &mut Act<'_>) -> Result<(), LineFault> {
    let Some(fields) = Fields::of_value("add", ADD, value)? else { return Ok(()) };
    tuple.clear();
    // Old writers leave out the empty map of a table without partitions.
    if let Some(values) = fields.object("partitionValues")? {
        for (column, value) in &values {
            let text = whole_text(value);
            if text.is_none() && !value.is_null() {
                let field = format!("add.partitionValues.{column}");
                return Err(wrong_type(field, WHOLE_TEXT));
            }
            tuple.push(column, text)?;
        }
    }
    act(Action::Add(Add {
        path: fields.need("path", fields.text("path")?)?,
        partition_values: tuple.as_bytes(),
        size_bytes: fields.need("size", fields.size("size")?)?,
        modification_time_ms: fields.need("modificationTime", fields.integer("modificationTime")?)?,
        stats: fields.text("stats")?.filter(|stats| !stats.is_empty()).map(Stats::Raw),
        deletion_vector: read_deletion_vector(&fields)?,
        row_ids: RowIds {
            base: fields.size("baseRowId")?,
            default_commit_version: fields.size("defaultRowCommitVersion")?,
        },
    }));
    Ok(())
}

fn read_remove(value: Value<'_, '_>, act: &mut Act<'_>) -> Result<(), LineFault> {
    let Some(fields) = Fields::of_value("remove", REMOVE, value)? else { return Ok(()) };
    act(Action::Remove(Remove {
        path: fields.need("path", fields.text("path")?)?,
        deletion_vector: read_deletion_vector(&fields)?,
    }));
    Ok(())
}

fn read_deletion_vector<'i>(fields: &Fields<'_, 'i>) -> Result<Option<DeletionVector<'i>>, LineFault> {
    let Some(value) = fields.value("deletionVector") else { return Ok(None) };
    let Some(fields) = Fields::of_value("deletionVector", DELETION_VECTOR, value)? else { return Ok(None) };
    Ok(Some(DeletionVector {
        storage_type: fields.need("storageType", fields.text("storageType")?)?,
        path_or_inline: fields.need("pathOrInlineDv", fields.text("pathOrInlineDv")?)?,
        offset: fields.integer("offset")?,
        size_bytes: fields.integer("sizeInBytes")?,
        cardinality: fields.integer("cardinality")?,
    }))
}

fn read_protocol(value: Value<'_, '_>) -> Result<Option<Protocol>, LineFault> {
    let Some(fields) = Fields::of_value("protocol", PROTOCOL, value)? else { return Ok(None) };
    let version = |name| fields.need(name, fields.small_integer(name)?);
    Ok(Some(Protocol {
        min_reader_version: version("minReaderVersion")?,
        min_writer_version: version("minWriterVersion")?,
        reader_features: fields.texts("readerFeatures")?,
        writer_features: fields.texts("writerFeatures")?,
    }))
}

fn read_metadata(value: Value<'_, '_>) -> Result<Option<Metadata>, LineFault> {
    let Some(fields) = Fields::of_value("metaData", METADATA, value)? else { return Ok(None) };
    let text = |name| Ok::<_, LineFault>(fields.text(name)?.map(str::to_owned));
    let format = match fields.value("format") {
        Some(format) => Fields::of_value("metaData.format", FORMAT, format)?,
        None => None,
    };
    let format = fields.need("format", format)?;
    Ok(Some(Metadata {
        id: fields.need("id", text("id")?)?,
        name: text("name")?,
        description: text("description")?,
        format_provider: format.need("provider", format.text("provider")?)?.to_owned(),
        format_options: read_map(&format, "options")?,
        schema_string: fields.need("schemaString", text("schemaString")?)?,
        partition_columns: fields.texts("partitionColumns")?.unwrap_or_default(),
        configuration: read_map(&fields, "configuration")?,
        created_time_ms: fields.integer("createdTime")?,
    }))
}

/// A map of strings; entries whose value is null are left out.
fn read_map(fields: &Fields<'_, '_>, name: &'static str) -> Result<BTreeMap<String, String>, LineFault> {
    let mut map = BTreeMap::new();
    for (key, value) in fields.object(name)?.iter().flatten() {
        if value.is_null() {
            continue;
        }
        let text = whole_text(value).ok_or_else(|| wrong_type(format!("{name}.{key}"), WHOLE_TEXT))?;
        if map.insert(key.to_owned(), text.to_owned()).is_some() {
            return Err(LineFault::Twice { field: format!("{name}.{key}") });
        }
    }
    Ok(map)
}

fn read_commit_info(value: Value<'_, '_>, act: &mut Act<'_>) -> Result<(), LineFault> {
    // Writers put into commitInfo what they like; only one of its fields is defined for readers.
    if !value.is_object() {
        return Ok(());
    }
    let Some(fields) = Fields::of_value("commitInfo", COMMIT_INFO, value)? else { return Ok(()) };
    if let Some(timestamp_ms) = fields.integer("inCommitTimestamp")? {
        act(Action::InCommitTimestamp(timestamp_ms));
    }
    Ok(())
}
