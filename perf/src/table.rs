//! Writes a Delta table of many files without their data.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Int64Builder, ListBuilder, MapBuilder, MapFieldNames, StringBuilder,
};
use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, StructArray, new_null_array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::json;

use crate::file::{COLUMNS, DataFile, FIRST_FILE_MS, Files, PARTITION_COLUMN};
use crate::scenario::Table;
use crate::side_by_side;

const TABLE_ID: &str = "5f1b6f3e-9d2a-4c1e-8a77-2b6c0f3d9e01";
/// Rows of a row group: what writers of the field choose, and 100 MB in memory while it is encoded.
const ROW_GROUP_ROWS: usize = 100_000;
const BATCH_ROWS: u64 = 10_000;
/// Written last, so that a directory that has it is whole.
const COMPLETE: &str = ".complete";

/// Writes the table below `root` unless a whole one is there already; says which version is its last.
pub fn write_table(root: &Path, table: &Table) -> anyhow::Result<u64> {
    table.check()?;
    if root.join(COMPLETE).exists() {
        return Ok(table.version());
    }
    let log = root.join("_delta_log");
    match fs::remove_dir_all(&log) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context("old log"),
        _ => {}
    }
    fs::create_dir_all(&log).with_context(|| format!("making {}", log.display()))?;
    let files = Files::new(table.seed, table.days);
    write_checkpoint(&log, table, &files)?;
    let base = table.files - table.tail_files();
    write_commit(&log, table.checkpoint_version, &files, base.saturating_sub(10)..base)?;
    for tail in 0..table.tail_commits {
        let first = base + tail * table.tail_adds;
        write_commit(&log, table.checkpoint_version + 1 + tail, &files, first..first + table.tail_adds)?;
    }
    File::create(root.join(COMPLETE)).context("marking the table whole")?;
    Ok(table.version())
}

/// Commits `adds` further files on top of the last version and says which version that made.
pub fn append(root: &Path, table: &Table, adds: u64) -> anyhow::Result<u64> {
    let log = root.join("_delta_log");
    let mut last = 0;
    for entry in fs::read_dir(&log).with_context(|| format!("listing {}", log.display()))? {
        let name = entry?.file_name();
        let version = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse().ok());
        last = last.max(version.unwrap_or_default());
    }
    let first = 1_000_000_000 + last * 100_000;
    write_commit(&log, last + 1, &Files::new(table.seed, table.days), first..first + adds)?;
    Ok(last + 1)
}

/// The file of one commit.
pub fn commit_path(log: &Path, version: u64) -> PathBuf {
    log.join(format!("{version:020}.json"))
}

fn write_commit(
    log: &Path,
    version: u64,
    files: &Files,
    indices: std::ops::Range<u64>,
) -> anyhow::Result<()> {
    let timestamp_ms = FIRST_FILE_MS + version * 60_000;
    let info = json!({"commitInfo": {
        "timestamp": timestamp_ms,
        "operation": "WRITE",
        "operationParameters": {"mode": "Append", "partitionBy": json!([PARTITION_COLUMN]).to_string()},
        "isolationLevel": "Serializable",
        "isBlindAppend": true,
    }});
    let mut text = format!("{info}\n");
    let mut file = DataFile::default();
    for index in indices {
        files.make(index, &mut file);
        let add = json!({"add": {
            "path": file.path,
            "partitionValues": {PARTITION_COLUMN: file.ship_date},
            "size": file.size_bytes,
            "modificationTime": file.modified_ms,
            "dataChange": true,
            "stats": file.stats,
        }});
        text.push_str(&add.to_string());
        text.push('\n');
    }
    let path = commit_path(log, version);
    let mut out = File::create_new(&path).with_context(|| format!("making {}", path.display()))?;
    out.write_all(text.as_bytes())?;
    out.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(timestamp_ms))?;
    Ok(())
}

fn write_checkpoint(log: &Path, table: &Table, files: &Files) -> anyhow::Result<()> {
    let base = table.files - table.tail_files();
    let parts = table.checkpoint_parts;
    side_by_side::each(parts, |part| {
        let path = log.join(checkpoint_name(table, part));
        let indices = base * part / parts..base * (part + 1) / parts;
        write_part(&path, files, indices, part == 0).with_context(|| format!("writing {}", path.display()))
    })?;
    let mut hint = json!({"version": table.checkpoint_version, "size": base + 2});
    if parts > 1 {
        hint["parts"] = json!(parts);
    }
    fs::write(log.join("_last_checkpoint"), hint.to_string()).context("writing _last_checkpoint")
}

fn checkpoint_name(table: &Table, part: u64) -> String {
    let version = table.checkpoint_version;
    match table.checkpoint_parts {
        1 => format!("{version:020}.checkpoint.parquet"),
        parts => format!("{version:020}.checkpoint.{:010}.{parts:010}.parquet", part + 1),
    }
}

fn write_part(
    path: &Path,
    files: &Files,
    indices: std::ops::Range<u64>,
    has_head: bool,
) -> anyhow::Result<()> {
    let schema = checkpoint_schema();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(File::create(path)?, schema.clone(), options)?;
    if has_head {
        writer.write(&head_batch(&schema)?)?;
    }
    let mut first = indices.start;
    while first < indices.end {
        let end = indices.end.min(first + BATCH_ROWS);
        writer.write(&add_batch(&schema, files, first..end)?)?;
        first = end;
    }
    writer.close()?;
    Ok(())
}

fn map_names() -> MapFieldNames {
    MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() }
}

fn map_type() -> DataType {
    MapBuilder::new(Some(map_names()), StringBuilder::new(), StringBuilder::new())
        .finish()
        .data_type()
        .clone()
}

fn struct_type(fields: &[(&str, DataType)]) -> DataType {
    DataType::Struct(fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect())
}

/// The columns of a classic checkpoint (Delta protocol, "Checkpoint Schema").
fn checkpoint_schema() -> SchemaRef {
    use DataType::{Boolean, Int32, Int64, Utf8};
    let format = struct_type(&[("provider", Utf8), ("options", map_type())]);
    let texts = DataType::List(Arc::new(Field::new("element", Utf8, true)));
    let columns = [
        ("txn", struct_type(&[("appId", Utf8), ("version", Int64), ("lastUpdated", Int64)])),
        (
            "add",
            struct_type(&[
                ("path", Utf8),
                ("partitionValues", map_type()),
                ("size", Int64),
                ("modificationTime", Int64),
                ("dataChange", Boolean),
                ("stats", Utf8),
            ]),
        ),
        ("remove", struct_type(&[("path", Utf8), ("deletionTimestamp", Int64), ("dataChange", Boolean)])),
        (
            "metaData",
            struct_type(&[
                ("id", Utf8),
                ("name", Utf8),
                ("description", Utf8),
                ("format", format),
                ("schemaString", Utf8),
                ("partitionColumns", texts),
                ("configuration", map_type()),
                ("createdTime", Int64),
            ]),
        ),
        ("protocol", struct_type(&[("minReaderVersion", Int32), ("minWriterVersion", Int32)])),
    ];
    Arc::new(Schema::new(columns.map(|(name, kind)| Field::new(name, kind, true)).to_vec()))
}

/// A batch whose column `name` holds `children` and whose other columns are null.
fn batch_of(
    schema: &SchemaRef,
    columns: &[(&str, StructArray)],
    row_count: usize,
) -> anyhow::Result<RecordBatch> {
    let arrays = schema
        .fields()
        .iter()
        .map(|field| {
            columns.iter().find(|(name, _)| name == field.name()).map_or_else(
                || new_null_array(field.data_type(), row_count),
                |(_, array)| Arc::new(array.clone()) as ArrayRef,
            )
        })
        .collect();
    Ok(RecordBatch::try_new(schema.clone(), arrays)?)
}

fn fields_of(schema: &SchemaRef, name: &str) -> anyhow::Result<Fields> {
    match schema.field_with_name(name)?.data_type() {
        DataType::Struct(fields) => Ok(fields.clone()),
        other => anyhow::bail!("column {name} is a {other}"),
    }
}

fn add_batch(
    schema: &SchemaRef,
    files: &Files,
    indices: std::ops::Range<u64>,
) -> anyhow::Result<RecordBatch> {
    let (mut paths, mut stats) = (StringBuilder::new(), StringBuilder::new());
    let (mut sizes, mut times) = (Int64Builder::new(), Int64Builder::new());
    let mut changes = BooleanBuilder::new();
    let mut partitions = MapBuilder::new(Some(map_names()), StringBuilder::new(), StringBuilder::new());
    let mut file = DataFile::default();
    for index in indices {
        files.make(index, &mut file);
        paths.append_value(&file.path);
        partitions.keys().append_value(PARTITION_COLUMN);
        partitions.values().append_value(&file.ship_date);
        partitions.append(true)?;
        sizes.append_value(i64::try_from(file.size_bytes)?);
        times.append_value(i64::try_from(file.modified_ms)?);
        changes.append_value(true);
        stats.append_value(&file.stats);
    }
    let row_count = paths.len();
    let children: Vec<ArrayRef> = vec![
        Arc::new(paths.finish()),
        Arc::new(partitions.finish()),
        Arc::new(sizes.finish()),
        Arc::new(times.finish()),
        Arc::new(changes.finish()),
        Arc::new(stats.finish()),
    ];
    let add = StructArray::try_new(fields_of(schema, "add")?, children, None)?;
    batch_of(schema, &[("add", add)], row_count)
}

/// Two rows: `protocol` and `metaData`.
fn head_batch(schema: &SchemaRef) -> anyhow::Result<RecordBatch> {
    let version = |version| Arc::new(Int32Array::from(vec![Some(version), None])) as ArrayRef;
    let protocol = StructArray::try_new(
        fields_of(schema, "protocol")?,
        vec![version(1), version(2)],
        Some(NullBuffer::from(vec![true, false])),
    )?;
    let text = |text: &str| Arc::new(StringArray::from(vec![None, Some(text)])) as ArrayRef;
    let is_second = || Some(NullBuffer::from(vec![false, true]));
    let mut no_options = MapBuilder::new(Some(map_names()), StringBuilder::new(), StringBuilder::new());
    no_options.append(false)?;
    no_options.append(true)?;
    let no_options: ArrayRef = Arc::new(no_options.finish());
    let DataType::Struct(format_fields) =
        struct_type(&[("provider", DataType::Utf8), ("options", map_type())])
    else {
        anyhow::bail!("format is a struct")
    };
    let format = StructArray::try_new(format_fields, vec![text("parquet"), no_options.clone()], is_second())?;
    let element = Field::new("element", DataType::Utf8, true);
    let mut partition_columns = ListBuilder::new(StringBuilder::new()).with_field(element);
    partition_columns.append(false);
    partition_columns.values().append_value(PARTITION_COLUMN);
    partition_columns.append(true);
    let created = Int64Array::from(vec![None, Some(i64::try_from(FIRST_FILE_MS)?)]);
    let children: Vec<ArrayRef> = vec![
        text(TABLE_ID),
        text("lineitem"),
        new_null_array(&DataType::Utf8, 2),
        Arc::new(format),
        text(&schema_string()),
        Arc::new(partition_columns.finish()),
        no_options,
        Arc::new(created),
    ];
    let metadata = StructArray::try_new(fields_of(schema, "metaData")?, children, is_second())?;
    batch_of(schema, &[("protocol", protocol), ("metaData", metadata)], 2)
}

fn schema_string() -> String {
    let fields: Vec<_> = COLUMNS
        .iter()
        .map(|(name, kind)| json!({"name": name, "type": kind, "nullable": true, "metadata": {}}))
        .collect();
    json!({"type": "struct", "fields": fields}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Table {
        Table { checkpoint_parts: 3, ..Table::of(1_000) }
    }

    #[test]
    fn the_same_scenario_gives_the_same_bytes() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(write_table(one.path(), &small()).unwrap(), 103);
        write_table(two.path(), &small()).unwrap();
        let mut count = 0;
        for entry in fs::read_dir(one.path().join("_delta_log")).unwrap() {
            let path = entry.unwrap().path();
            let other = two.path().join("_delta_log").join(path.file_name().unwrap());
            assert_eq!(fs::read(&path).unwrap(), fs::read(other).unwrap(), "{}", path.display());
            count += 1;
        }
        assert_eq!(count, 3 + 4 + 1, "parts, commits and _last_checkpoint");
    }

    #[test]
    fn a_whole_table_is_not_written_again() {
        let directory = tempfile::tempdir().unwrap();
        write_table(directory.path(), &small()).unwrap();
        let hint = directory.path().join("_delta_log/_last_checkpoint");
        fs::write(&hint, "kept").unwrap();
        write_table(directory.path(), &small()).unwrap();
        assert_eq!(fs::read_to_string(hint).unwrap(), "kept");
    }

    #[test]
    fn an_append_is_the_next_version() {
        let directory = tempfile::tempdir().unwrap();
        write_table(directory.path(), &small()).unwrap();
        assert_eq!(append(directory.path(), &small(), 5).unwrap(), 104);
        let text = fs::read_to_string(commit_path(&directory.path().join("_delta_log"), 104)).unwrap();
        assert_eq!(text.lines().count(), 6);
    }
}
