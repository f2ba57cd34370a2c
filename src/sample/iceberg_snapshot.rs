//! The files of a first Iceberg snapshot, and the snapshot itself.
//!
//! Source: Apache Iceberg table specification, version 2: "Manifests", "Manifest Lists", "Appendix D: Single-value
//! serialization".

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::avro::{Record, container};
use super::delta_writer::encode_parquet;
use super::error::Error;
use super::rows::{Column, Rows};

/// A table that was never written, as the catalog tells of it.
#[derive(Debug, Clone, Copy)]
pub struct EmptyTable<'a> {
    /// `s3://BUCKET/KEY`, without a slash at its end.
    pub location: &'a str,
    /// The current schema, whose fields are numbered in the order of the rows' columns.
    pub schema: &'a Value,
    pub snapshot_id: i64,
    pub now_ms: i64,
}

/// What a snapshot is made of, in the order in which it has to be written.
#[derive(Debug)]
pub struct SnapshotFiles {
    /// Location and bytes: data file, manifest, manifest list.
    pub files: Vec<(String, Vec<u8>)>,
    /// The snapshot as a commit names it.
    pub snapshot: Value,
}

/// The schema of `rows` in Iceberg's words; fields are numbered from 1 on.
pub fn schema_of(rows: &Rows) -> Value {
    let field = |(index, column): (usize, &Column)| json!({"id": index + 1, "name": column.name, "required": false, "type": column.values.iceberg_type()});
    json!({"type": "struct", "fields": rows.columns.iter().enumerate().map(field).collect::<Vec<_>>()})
}

/// The first snapshot of an unpartitioned table: all `rows` in one file.
pub fn first_snapshot(table: EmptyTable<'_>, rows: &Rows) -> Result<SnapshotFiles, Error> {
    let EmptyTable { location, snapshot_id, now_ms, .. } = table;
    let id = Uuid::new_v4();
    let data_path = format!("{location}/data/00000-0-{id}.parquet");
    let manifest_path = format!("{location}/metadata/{id}-m0.avro");
    let list_path = format!("{location}/metadata/snap-{snapshot_id}-1-{id}.avro");
    let at = std::path::Path::new(&data_path);
    let batch = rows.to_numbered_batch().map_err(Error::arrow(at))?;
    let data = encode_parquet(&batch).map_err(Error::parquet(at))?;
    let written = Written { path: &data_path, bytes: long(data.len()), rows };
    let manifest = manifest(table, &written);
    let list =
        manifest_list(table, &ManifestFile { path: &manifest_path, bytes: long(manifest.len()) }, rows);
    let (files, bytes, row_count) = ("1", data.len().to_string(), rows.row_count().to_string());
    let summary = BTreeMap::from([
        ("operation", "append"),
        ("added-data-files", files),
        ("added-files-size", &bytes),
        ("added-records", &row_count),
        ("total-data-files", files),
        ("total-delete-files", "0"),
        ("total-equality-deletes", "0"),
        ("total-files-size", &bytes),
        ("total-position-deletes", "0"),
        ("total-records", &row_count),
    ]);
    let snapshot = json!({
        "snapshot-id": snapshot_id,
        "sequence-number": 1,
        "timestamp-ms": now_ms,
        "manifest-list": list_path,
        "summary": summary,
        "schema-id": table.schema_id(),
    });
    Ok(SnapshotFiles {
        files: vec![(data_path, data), (manifest_path, manifest), (list_path, list)],
        snapshot,
    })
}

impl EmptyTable<'_> {
    fn schema_id(&self) -> i64 {
        self.schema.get("schema-id").and_then(Value::as_i64).unwrap_or_default()
    }
}

struct Written<'a> {
    path: &'a str,
    bytes: i64,
    rows: &'a Rows,
}

struct ManifestFile<'a> {
    path: &'a str,
    bytes: i64,
}

/// Status of an entry whose file came with the snapshot.
const ADDED: i64 = 1;

fn manifest(table: EmptyTable<'_>, file: &Written<'_>) -> Vec<u8> {
    let mut entry = Record::default();
    // Sequence numbers are inherited from the manifest list.
    entry.long(ADDED).branch(1).long(table.snapshot_id).branch(0).branch(0);
    let rows = long(file.rows.row_count());
    entry.long(0).string(file.path).string("PARQUET").long(rows).long(file.bytes);
    let columns = || file.rows.columns.iter().enumerate();
    let counts = |count: i64| -> Vec<Record> {
        columns().map(|(index, _)| pair(index, |to| to.long(count))).collect()
    };
    entry.branch(1).array(&counts(rows)).branch(1).array(&counts(0));
    let bounds = |largest: bool| -> Vec<Record> {
        let bound = |(index, column): (usize, &Column)| {
            let value = column.values.bound_bytes(largest)?;
            Some(pair(index, |to| to.bytes(&value)))
        };
        columns().filter_map(bound).collect()
    };
    entry.branch(1).array(&bounds(false)).branch(1).array(&bounds(true));
    let schema = table.schema.to_string();
    let schema_id = table.schema_id().to_string();
    let metadata = [
        ("schema", schema.as_str()),
        ("schema-id", &schema_id),
        ("partition-spec", "[]"),
        ("partition-spec-id", "0"),
        ("format-version", "2"),
        ("content", "data"),
    ];
    container(&manifest_schema().to_string(), &metadata, *Uuid::new_v4().as_bytes(), &[entry])
}

/// One entry of a map from field ids.
fn pair(index: usize, value: impl FnOnce(&mut Record) -> &mut Record) -> Record {
    let mut record = Record::default();
    value(record.long(long(index + 1)));
    record
}

fn manifest_list(table: EmptyTable<'_>, manifest: &ManifestFile<'_>, rows: &Rows) -> Vec<u8> {
    let mut file = Record::default();
    // Spec 0, data, sequence numbers 1 and 1; one file added, none kept, none deleted; likewise their rows.
    file.string(manifest.path).long(manifest.bytes).long(0).long(0).long(1).long(1).long(table.snapshot_id);
    file.long(1).long(0).long(0).long(long(rows.row_count())).long(0).long(0);
    let snapshot_id = table.snapshot_id.to_string();
    let metadata = [
        ("snapshot-id", snapshot_id.as_str()),
        ("parent-snapshot-id", "null"),
        ("sequence-number", "1"),
        ("format-version", "2"),
    ];
    container(&manifest_list_schema().to_string(), &metadata, *Uuid::new_v4().as_bytes(), &[file])
}

fn field(id: u16, name: &str, of: impl Into<Value>) -> Value {
    json!({"name": name, "type": of.into(), "field-id": id})
}

fn optional(id: u16, name: &str, of: impl Into<Value>) -> Value {
    json!({"name": name, "type": ["null", of.into()], "default": null, "field-id": id})
}

/// A map from field ids, which Avro has to spell as an array of pairs.
fn map(id: u16, name: &str, key: u16, value: &str) -> Value {
    let pairs = json!({
        "type": "record",
        "name": format!("k{key}_v{}", key + 1),
        "fields": [field(key, "key", "int"), field(key + 1, "value", value)],
    });
    optional(id, name, json!({"type": "array", "items": pairs, "logicalType": "map"}))
}

fn manifest_schema() -> Value {
    let data_file = json!({"type": "record", "name": "r2", "fields": [
        field(134, "content", "int"),
        field(100, "file_path", "string"),
        field(101, "file_format", "string"),
        field(102, "partition", json!({"type": "record", "name": "r102", "fields": []})),
        field(103, "record_count", "long"),
        field(104, "file_size_in_bytes", "long"),
        map(109, "value_counts", 119, "long"),
        map(110, "null_value_counts", 121, "long"),
        map(125, "lower_bounds", 126, "bytes"),
        map(128, "upper_bounds", 129, "bytes"),
    ]});
    json!({"type": "record", "name": "manifest_entry", "fields": [
        field(0, "status", "int"),
        optional(1, "snapshot_id", "long"),
        optional(3, "sequence_number", "long"),
        optional(4, "file_sequence_number", "long"),
        field(2, "data_file", data_file),
    ]})
}

fn manifest_list_schema() -> Value {
    json!({"type": "record", "name": "manifest_file", "fields": [
        field(500, "manifest_path", "string"),
        field(501, "manifest_length", "long"),
        field(502, "partition_spec_id", "int"),
        field(517, "content", "int"),
        field(515, "sequence_number", "long"),
        field(516, "min_sequence_number", "long"),
        field(503, "added_snapshot_id", "long"),
        field(504, "added_files_count", "int"),
        field(505, "existing_files_count", "int"),
        field(506, "deleted_files_count", "int"),
        field(512, "added_rows_count", "long"),
        field(513, "existing_rows_count", "long"),
        field(514, "deleted_rows_count", "long"),
    ]})
}

fn long(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;
    use crate::manifest::codec::Unpacker;
    use crate::manifest::entries::Manifest;
    use crate::manifest::entry::Inherited;
    use crate::manifest::manifest_list::ManifestList;
    use crate::sample::rows::Values;

    fn rows() -> Rows {
        let columns = [
            ("k", Values::Long(vec![7, -3])),
            ("amount", Values::Decimal(vec![-5, 128])),
            ("word", Values::Text(vec!["b".into(), "a".into()])),
        ];
        Rows { columns: columns.map(|(name, values)| Column { name, values }).into() }
    }

    #[test]
    fn columns_become_fields_and_bounds_are_single_values() {
        let rows = rows();
        let schema = schema_of(&rows);
        assert_eq!(schema["fields"][1]["type"], "decimal(15, 2)");
        assert_eq!(schema["fields"][2]["id"], 3);
        let bound = |index: usize, largest| rows.columns[index].values.bound_bytes(largest).unwrap();
        assert_eq!(bound(0, false), (-3_i64).to_le_bytes());
        // The shortest two's complement, largest byte first: 128 needs a second byte for its sign.
        assert_eq!((bound(1, false), bound(1, true)), (vec![0xfb], vec![0x00, 0x80]));
        assert_eq!(bound(2, true), b"b");
    }

    #[test]
    fn the_reader_of_manifests_finds_the_data_file() {
        let rows = rows();
        let schema = schema_of(&rows);
        let table = EmptyTable { location: "s3://lake/t", schema: &schema, snapshot_id: 5, now_ms: 1 };
        let SnapshotFiles { files, snapshot } = first_snapshot(table, &rows).unwrap();
        let [(data_path, data), (manifest_path, manifest), (list_path, list)] = files.as_slice() else {
            panic!("{files:?}")
        };
        assert!(data.starts_with(b"PAR1") && data_path.starts_with("s3://lake/t/data/"), "{data_path}");
        assert_eq!(snapshot["manifest-list"], list_path.as_str());
        assert_eq!(snapshot["summary"]["total-records"], "2");
        let mut unpacker = Unpacker::new();
        let mut count = 0;
        let listed = ManifestList::open(list).unwrap().each(&mut unpacker, |file| {
            assert_eq!((file.path, file.length_bytes), (manifest_path.as_str(), long(manifest.len())));
            assert_eq!(
                (file.sequence_number, file.added_snapshot_id, file.added_rows_count),
                (1, Some(5), Some(2))
            );
            count += 1;
            Ok::<(), manifest::error::Error>(())
        });
        listed.unwrap();
        let inherited = Inherited { snapshot_id: Some(5), sequence_number: 1, first_row_id: None };
        let read = Manifest::open(manifest).unwrap().each(inherited, &mut unpacker, |entry| {
            assert_eq!((entry.file_path, entry.file_format), (data_path.as_str(), "PARQUET"));
            assert_eq!((entry.record_count, entry.file_size_bytes), (2, long(data.len())));
            assert_eq!((entry.snapshot_id, entry.sequence_number), (Some(5), Some(1)));
            let lower = entry.lower_bounds.as_ref().unwrap();
            assert_eq!((lower.get(2), lower.get(3)), (Some([0xfb].as_slice()), Some(b"a".as_slice())));
            assert_eq!(entry.null_value_counts.as_ref().unwrap().get(3), Some(0));
            count += 1;
            Ok::<(), manifest::error::Error>(())
        });
        read.unwrap();
        assert_eq!(count, 2);
    }
}
