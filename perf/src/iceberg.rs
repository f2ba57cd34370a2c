//! Writes the same files as an Iceberg table, without their data.
//!
//! One snapshot of manifests of the size that writers choose; later snapshots append a manifest each. There is no hint of
//! the version, so that the newest metadata file is the table, and a commit is undone with that file.

use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use apache_avro::types::Value as Avro;
use apache_avro::{Codec, DeflateSettings, Reader, Writer};
use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::file::{COLUMNS, DataFile, FIRST_FILE_MS, Files, PARTITION_COLUMN};
use crate::iceberg_manifest::{self, Column, ManifestFile};
use crate::scenario::Table;
use crate::server::{BUCKET, ICEBERG_LOCATION};
use crate::side_by_side;

/// Some eight megabytes of entries with bounds of 16 columns.
const MANIFEST_FILES: u64 = 40_000;
const FIRST_SNAPSHOT_ID: i64 = 7_304_713_372_291_731_214;
/// Bytes of a text that writers keep as its lower bound.
const TEXT_BYTES_MAX: usize = 16;
/// Bytes of data of a row in all columns, for their sizes.
const COLUMN_BYTES: i64 = 4;

/// Writes the table below `root` unless a whole one is there already.
pub fn write_table(root: &Path, table: &Table) -> anyhow::Result<()> {
    let metadata = root.join("metadata");
    if metadata_path(&metadata, 1).exists() {
        return Ok(());
    }
    match fs::remove_dir_all(&metadata) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).context("old metadata");
        }
        _ => {}
    }
    fs::create_dir_all(&metadata).with_context(|| format!("making {}", metadata.display()))?;
    let files = Files::new(table.seed, table.days);
    let manifests = write_manifests(&metadata, &files, table.files)?;
    let rows: Vec<Avro> = manifests.iter().map(iceberg_manifest::list_entry).collect();
    write_snapshot(&metadata, 1, rows)
}

/// Appends `adds` further files and says which version that made.
pub fn append(root: &Path, table: &Table, adds: u64) -> anyhow::Result<u64> {
    let metadata = root.join("metadata");
    let mut last = 1;
    while metadata_path(&metadata, last + 1).exists() {
        last += 1;
    }
    let version = last + 1;
    let first = 1_000_000_000 + version * 100_000;
    let files = Files::new(table.seed, table.days);
    let added = write_manifest(&metadata, &files, first..first + adds, (version, 0))?;
    let list = File::open(list_path(&metadata, last)).context("the last manifest list")?;
    let before = Reader::new(list)?.collect::<Result<Vec<Avro>, _>>().context("the last manifest list")?;
    let rows = std::iter::once(iceberg_manifest::list_entry(&added)).chain(before);
    write_snapshot(&metadata, version, rows.collect())?;
    Ok(version)
}

/// The metadata file of a version.
pub fn metadata_path(metadata: &Path, version: u64) -> PathBuf {
    metadata.join(format!("v{version}.metadata.json"))
}

fn list_path(metadata: &Path, version: u64) -> PathBuf {
    metadata.join(format!("snap-{version}.avro"))
}

fn uri(path: &str) -> String {
    format!("s3://{BUCKET}/{ICEBERG_LOCATION}/{path}")
}

fn codec() -> Codec {
    Codec::Deflate(DeflateSettings::default())
}

fn write_manifests(metadata: &Path, files: &Files, count: u64) -> anyhow::Result<Vec<ManifestFile>> {
    side_by_side::each(count.div_ceil(MANIFEST_FILES), |number| {
        let first = number * MANIFEST_FILES;
        let indices = first..count.min(first + MANIFEST_FILES);
        write_manifest(metadata, files, indices, (1, number))
    })
}

fn write_manifest(
    metadata: &Path,
    files: &Files,
    indices: Range<u64>,
    (version, number): (u64, u64),
) -> anyhow::Result<ManifestFile> {
    let snapshot_id = FIRST_SNAPSHOT_ID + i64::try_from(version)?;
    let file_count = i32::try_from(indices.end - indices.start)?;
    let schema = iceberg_manifest::schema(PARTITION_COLUMN);
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec());
    let (mut file, mut written_days) = (DataFile::default(), (i32::MAX, i32::MIN));
    for index in indices {
        files.make(index, &mut file);
        let told = told(&file)?;
        written_days = (written_days.0.min(told.day), written_days.1.max(told.day));
        writer.append(iceberg_manifest::entry(snapshot_id, PARTITION_COLUMN, &told))?;
    }
    let bytes = writer.into_inner()?;
    let name = format!("manifest-{version}-{number}.avro");
    fs::write(metadata.join(&name), &bytes).with_context(|| format!("writing {name}"))?;
    Ok(ManifestFile {
        path: uri(&format!("metadata/{name}")),
        length_bytes: i64::try_from(bytes.len())?,
        snapshot_id,
        sequence_number: i64::try_from(version)?,
        file_count,
        is_of_deletes: false,
        days: written_days,
    })
}

/// Writes the list of a version and, last, its metadata.
fn write_snapshot(metadata: &Path, version: u64, rows: Vec<Avro>) -> anyhow::Result<()> {
    let schema = iceberg_manifest::list_schema();
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec());
    writer.extend(rows)?;
    fs::write(list_path(metadata, version), writer.into_inner()?).context("writing a manifest list")?;
    let mut told = match version {
        1 => first_metadata(),
        _ => serde_json::from_slice(&fs::read(metadata_path(metadata, version - 1))?)?,
    };
    let snapshot_id = FIRST_SNAPSHOT_ID + i64::try_from(version)?;
    let timestamp_ms = FIRST_FILE_MS + version * 60_000;
    told["last-sequence-number"] = json!(version);
    told["last-updated-ms"] = json!(timestamp_ms);
    told["current-snapshot-id"] = json!(snapshot_id);
    told["refs"] = json!({"main": {"snapshot-id": snapshot_id, "type": "branch"}});
    let mut snapshot = json!({
        "snapshot-id": snapshot_id, "sequence-number": version, "timestamp-ms": timestamp_ms, "schema-id": 0,
        "manifest-list": uri(&format!("metadata/snap-{version}.avro")), "summary": {"operation": "append"},
    });
    if version > 1 {
        snapshot["parent-snapshot-id"] = json!(snapshot_id - 1);
    }
    push(&mut told, "snapshots", snapshot)?;
    push(&mut told, "snapshot-log", json!({"snapshot-id": snapshot_id, "timestamp-ms": timestamp_ms}))?;
    fs::write(metadata_path(metadata, version), told.to_string()).context("writing metadata")
}

fn push(metadata: &mut Value, list: &str, value: Value) -> anyhow::Result<()> {
    metadata.get_mut(list).and_then(Value::as_array_mut).with_context(|| format!("no {list}"))?.push(value);
    Ok(())
}

fn first_metadata() -> Value {
    let of =
        |kind: &str| if kind == "integer" { "int".to_owned() } else { kind.replace("(15,2)", "(15, 2)") };
    let fields: Vec<Value> = COLUMNS
        .iter()
        .zip(1..)
        .map(|((name, kind), id)| json!({"id": id, "name": name, "required": false, "type": of(kind)}))
        .collect();
    let source = fields.len();
    json!({
        "format-version": 2, "table-uuid": "5f1b6f3e-9d2a-4c1e-8a77-2b6c0f3d9e02", "location": uri("").trim_end_matches('/'),
        "last-column-id": source, "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}],
        "default-spec-id": 0, "last-partition-id": 1000, "partition-specs": [{"spec-id": 0, "fields": [
            {"source-id": source, "field-id": 1000, "name": PARTITION_COLUMN, "transform": "identity"}]}],
        "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}],
        "properties": {}, "snapshots": [], "snapshot-log": [], "metadata-log": [],
    })
}

/// The file with the bounds that its statistics have, as Iceberg writes them; here the partition column is one of the file.
fn told(file: &DataFile) -> anyhow::Result<iceberg_manifest::File> {
    let statistics: Value = serde_json::from_str(&file.stats)?;
    let record_count = statistics["numRecords"].as_i64().context("numRecords")?;
    let columns = COLUMNS.iter().zip(1..).map(|((name, kind), id)| {
        let ship_date = || Value::from(file.ship_date.as_str());
        let of =
            |part: &str| if *name == PARTITION_COLUMN { ship_date() } else { statistics[part][name].clone() };
        let null_count = statistics["nullCount"][name].as_i64().unwrap_or(0);
        let (low, high) = (bound(kind, &of("minValues"), false)?, bound(kind, &of("maxValues"), true)?);
        Ok(Column { id, size_bytes: record_count * COLUMN_BYTES, null_count, low, high })
    });
    Ok(iceberg_manifest::File {
        path: uri(&format!("data/{}", file.path)),
        day: days(&file.ship_date)?,
        record_count,
        size_bytes: i64::try_from(file.size_bytes)?,
        columns: columns.collect::<anyhow::Result<_>>()?,
        deletes_from: None,
    })
}

/// "Binary single-value serialization" of the Iceberg specification.
fn bound(kind: &str, value: &Value, is_upper: bool) -> anyhow::Result<Vec<u8>> {
    let whole = || value.as_i64().with_context(|| format!("{value} is no {kind}"));
    let text = || value.as_str().with_context(|| format!("{value} is no {kind}"));
    Ok(match kind {
        "long" => whole()?.to_le_bytes().to_vec(),
        "integer" => i32::try_from(whole()?)?.to_le_bytes().to_vec(),
        "date" => days(text()?)?.to_le_bytes().to_vec(),
        "string" => text_bound(text()?.as_bytes(), is_upper),
        _ => shortest(hundredths(&value.to_string())?),
    })
}

/// Cut where writers cut it; an upper bound is made larger then. These are ASCII letters.
fn text_bound(text: &[u8], is_upper: bool) -> Vec<u8> {
    let mut bound = text[..text.len().min(TEXT_BYTES_MAX)].to_vec();
    if let Some(last) = bound.last_mut().filter(|_| is_upper && text.len() > TEXT_BYTES_MAX) {
        *last += 1;
    }
    bound
}

/// An amount with two digits behind its point.
fn hundredths(text: &str) -> anyhow::Result<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    ensure!(part.len() <= 2, "{text} has more than hundredths");
    Ok(whole.parse::<i64>()? * 100 + format!("{part:0<2}").parse::<i64>()?)
}

/// Two's complement, the highest byte first, without bytes that say nothing.
fn shortest(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let is_needed = |at: usize| bytes[at] != 0 || bytes[at + 1] >= 0x80;
    let first = (0..bytes.len() - 1).find(|at| is_needed(*at)).unwrap_or(bytes.len() - 1);
    bytes[first..].to_vec()
}

fn days(date: &str) -> anyhow::Result<i32> {
    let date: NaiveDate = date.parse().with_context(|| format!("{date} is no date"))?;
    Ok(i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_keeps_the_files_before_it() {
        let root = tempfile::tempdir().unwrap();
        let table = Table::of(50);
        write_table(root.path(), &table).unwrap();
        assert_eq!(append(root.path(), &table, 5).unwrap(), 2);
        assert_eq!(append(root.path(), &table, 5).unwrap(), 3);
        let metadata = root.path().join("metadata");
        let rows: Vec<Avro> =
            Reader::new(File::open(list_path(&metadata, 3)).unwrap()).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 3);
        let told: Value = serde_json::from_slice(&fs::read(metadata_path(&metadata, 3)).unwrap()).unwrap();
        assert_eq!(told["snapshots"].as_array().unwrap().len(), 3);
        assert_eq!(told["current-snapshot-id"], told["snapshots"][2]["snapshot-id"]);
        let entries = Reader::new(File::open(metadata.join("manifest-1-0.avro")).unwrap()).unwrap().count();
        assert_eq!(entries, 50);
    }

    #[test]
    fn bounds_are_serialized_as_the_specification_says() {
        assert_eq!(bound("long", &json!(258), false).unwrap(), [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bound("date", &json!("1970-02-01"), false).unwrap(), [31, 0, 0, 0]);
        let amount = |text: &str| bound("decimal(15,2)", &serde_json::from_str(text).unwrap(), true).unwrap();
        assert_eq!(
            [amount("0.10"), amount("1.28"), amount("50.00")],
            [vec![10], vec![0, 128], vec![19, 136]]
        );
        let text = |is_upper| bound("string", &json!("TAKE BACK RETURN!"), is_upper).unwrap();
        assert_eq!((text(false), text(true)), (b"TAKE BACK RETURN".to_vec(), b"TAKE BACK RETURO".to_vec()));
    }
}
