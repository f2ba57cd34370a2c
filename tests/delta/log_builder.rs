//! Writes Delta logs, right or wrong ones.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};
use lakeshare::delta::error::Error;
use lakeshare::delta::{self, Loaded, Wanted};
use lakeshare::storage::Buckets;
use lakeshare::storage::table_store::TableStore;
use lakeshare::table::deletion_vector::{DeletionVector, Place};
use lakeshare::table::file_list::Block;
use lakeshare::table::snapshot::Snapshot;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

/// The table `t` in the bucket `b` of a fresh data directory.
pub struct Table {
    dir: tempfile::TempDir,
}

impl Table {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("b/t/_delta_log")).unwrap();
        Self { dir }
    }

    /// A table with a protocol, metadata and the `actions` as version 0.
    pub fn with_commit_0(actions: &[Value]) -> Self {
        let table = Self::new();
        table.commit(0, &[&[protocol(), metadata(&[])], actions].concat());
        table
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("b/t/_delta_log").join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    pub fn commit(&self, version: i64, actions: &[Value]) {
        let lines: Vec<_> = actions.iter().map(Value::to_string).collect();
        self.write(&commit_name(version), lines.join("\n") + "\n");
    }

    pub fn checkpoint(&self, version: i64, actions: &[Value]) {
        self.write(&format!("{version:020}.checkpoint.parquet"), checkpoint_bytes(actions));
    }

    pub fn checkpoint_part(&self, version: i64, part: usize, parts: usize, actions: &[Value]) {
        let name = format!("{version:020}.checkpoint.{part:010}.{parts:010}.parquet");
        self.write(&name, checkpoint_bytes(actions));
    }

    /// A checkpoint in the layout of `v2Checkpoint`, named so, as lines of JSON.
    pub fn json_checkpoint(&self, version: i64, actions: &[Value]) {
        let lines: Vec<_> = actions.iter().map(Value::to_string).collect();
        self.write(&uuid_name(version, "json"), lines.join("\n") + "\n");
    }

    /// A sidecar of the adds in `actions`; returns the action that names it.
    pub fn sidecar(&self, name: &str, actions: &[Value]) -> Value {
        std::fs::create_dir_all(self.path("_sidecars")).unwrap();
        self.write(&format!("_sidecars/{name}"), checkpoint_bytes(actions));
        json!({"sidecar": {"path": name, "sizeInBytes": 1, "modificationTime": 1}})
    }

    pub fn last_checkpoint(&self, version: i64) {
        self.write("_last_checkpoint", json!({"version": version, "size": 3}).to_string());
    }

    pub fn store(&self) -> TableStore {
        Buckets::embedded(self.data_dir()).open("b", "t").unwrap()
    }

    pub fn load(&self, wanted: Wanted) -> Result<Loaded, Error> {
        self.load_from(wanted, None)
    }

    pub fn load_from(&self, wanted: Wanted, previous: Option<&Loaded>) -> Result<Loaded, Error> {
        block_on(delta::load(&self.store(), wanted, previous))
    }

    pub fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(self.load(Wanted::Latest).unwrap().snapshot())
    }

    pub fn refusal(&self) -> Error {
        self.load(Wanted::Latest).unwrap_err()
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(future)
}

/// The name of a checkpoint that has a name of its own; `end` is json or parquet.
pub fn uuid_name(version: i64, end: &str) -> String {
    format!("{version:020}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.{end}")
}

pub fn commit_name(version: i64) -> String {
    format!("{version:020}.json")
}

pub fn protocol() -> Value {
    json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
}

/// A protocol with these reader features, which are writer features too.
pub fn protocol_with(features: &[&str]) -> Value {
    json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
                        "readerFeatures": features, "writerFeatures": features}})
}

pub fn metadata(partition_columns: &[&str]) -> Value {
    json!({"metaData": {
        "id": "table-id",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": "{\"type\":\"struct\",\"fields\":[]}",
        "partitionColumns": partition_columns,
        "configuration": {"a": "b"},
        "createdTime": 17,
    }})
}

pub fn add(path: &str) -> Value {
    add_with(path, json!({}))
}

/// An add with some fields set otherwise; null takes a field away.
pub fn add_with(path: &str, fields: Value) -> Value {
    let mut add = json!({
        "path": path,
        "partitionValues": {},
        "size": 10,
        "modificationTime": 1_000,
        "dataChange": true,
        "stats": format!("{{\"numRecords\":{}}}", path.len()),
    });
    for (field, value) in fields.as_object().unwrap() {
        if value.is_null() {
            add.as_object_mut().unwrap().remove(field);
        } else {
            add[field] = value.clone();
        }
    }
    json!({"add": add})
}

pub fn remove(path: &str) -> Value {
    json!({"remove": {"path": path, "deletionTimestamp": 5, "dataChange": true}})
}

/// The remove of an add: of its path together with its deletion vector.
pub fn remove_of(add: &Value) -> Value {
    let mut remove = remove(add["add"]["path"].as_str().unwrap());
    if let Some(vector) = add["add"].get("deletionVector") {
        remove["remove"]["deletionVector"] = vector.clone();
    }
    remove
}

/// A file as it comes out of a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub size: u64,
    pub modification_time_ms: i64,
    pub partition_values: Value,
    pub stats: Option<String>,
    pub record_count: Option<u64>,
    pub encoded_path: String,
    /// As the log would have it, but for its place.
    pub deletion_vector: Option<Value>,
    pub row_ids: (Option<u64>, Option<u64>),
}

impl Row {
    /// The rows that are not deleted.
    pub fn live_row_count(&self) -> Option<u64> {
        let deleted =
            self.deletion_vector.as_ref().map_or(0, |vector| vector["cardinality"].as_u64().unwrap());
        self.record_count.map(|count| count - deleted)
    }
}

/// The live files by their path in the log.
pub fn rows(snapshot: &Snapshot) -> BTreeMap<String, Row> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut rows = BTreeMap::new();
    let mut block = Block::default();
    for index in 0..snapshot.files.block_count() {
        for file in snapshot.files.read_block(index, &mut block) {
            let stats: String = serde_json::from_str(&format!("\"{}\"", text(file.stats_escaped))).unwrap();
            let row = Row {
                size: file.size_bytes,
                modification_time_ms: file.modification_time_ms,
                partition_values: serde_json::from_slice(file.partition_values_json).unwrap(),
                stats: (!stats.is_empty()).then_some(stats),
                record_count: file.record_count,
                encoded_path: text(file.encoded_directory) + &text(file.encoded_name),
                deletion_vector: file.deletion_vector.as_ref().map(vector_json),
                row_ids: (file.row_ids.base, file.row_ids.default_commit_version),
            };
            let path = text(file.log_directory) + &text(file.log_name);
            assert!(rows.insert(path.clone(), row).is_none(), "{path} is listed twice");
        }
    }
    assert_eq!(snapshot.files.file_count(), rows.len() as u64);
    assert_eq!(snapshot.files.size_bytes(), rows.values().map(|row| row.size).sum::<u64>());
    rows
}

fn vector_json(vector: &DeletionVector<'_>) -> Value {
    let (kind, place) = match vector.place {
        Place::Inline(text) => ("inline", text),
        Place::File(key) => ("file", key),
    };
    json!({kind: String::from_utf8(place.to_vec()).unwrap(), "offset": vector.offset,
           "sizeInBytes": vector.size_bytes, "cardinality": vector.cardinality})
}

pub fn paths(snapshot: &Snapshot) -> Vec<String> {
    rows(snapshot).into_keys().collect()
}

/// A checkpoint of the actions as Parquet, one row each.
pub fn checkpoint_bytes(actions: &[Value]) -> Vec<u8> {
    let column = |name: &str| actions.iter().map(|action| action.get(name)).collect::<Vec<_>>();
    let batch = RecordBatch::try_from_iter([
        ("add", add_column(&column("add"))),
        ("remove", structs(&column("remove"), &[("path", text), ("deletionTimestamp", long)])),
        ("metaData", metadata_column(&column("metaData"))),
        ("protocol", protocol_column(&column("protocol"))),
        ("sidecar", structs(&column("sidecar"), &[("path", text), ("sizeInBytes", long)])),
    ])
    .unwrap();
    parquet_bytes(&batch)
}

/// The same without the column of one kind of action.
pub fn checkpoint_bytes_without(action: &str, actions: &[Value]) -> Vec<u8> {
    let bytes = bytes::Bytes::from(checkpoint_bytes(actions));
    let mut batches = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    let kept = (0..batch.num_columns()).filter(|&index| batch.schema().field(index).name() != action);
    parquet_bytes(&batch.project(&kept.collect::<Vec<_>>()).unwrap())
}

pub fn parquet_bytes(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Several row groups and pages, so that reading goes over their borders.
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(1_000))
        .set_data_page_row_count_limit(100)
        .build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

type Rows<'a> = [Option<&'a Value>];
type Column = fn(&Rows<'_>) -> ArrayRef;

fn structs(rows: &Rows<'_>, children: &[(&str, Column)]) -> ArrayRef {
    let columns = children.iter().map(|(name, column)| {
        let values: Vec<_> = rows.iter().map(|row| row.and_then(|row| row.get(*name))).collect();
        (*name, column(&values))
    });
    named_structs(rows, columns.collect())
}

fn named_structs(rows: &Rows<'_>, children: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let (fields, arrays): (Vec<_>, Vec<_>) = children
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
        .unzip();
    let present: NullBuffer = rows.iter().map(Option::is_some).collect();
    Arc::new(StructArray::new(fields.into(), arrays, Some(present)))
}

fn text(rows: &Rows<'_>) -> ArrayRef {
    Arc::new(rows.iter().map(|row| row.and_then(Value::as_str)).collect::<StringArray>())
}

fn long(rows: &Rows<'_>) -> ArrayRef {
    Arc::new(rows.iter().map(|row| row.and_then(Value::as_i64)).collect::<Int64Array>())
}

fn int(rows: &Rows<'_>) -> ArrayRef {
    let int = |row: Option<&Value>| row.and_then(Value::as_i64).map(|int| i32::try_from(int).unwrap());
    Arc::new(rows.iter().copied().map(int).collect::<Int32Array>())
}

fn map(rows: &Rows<'_>) -> ArrayRef {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in row.and_then(Value::as_object).into_iter().flatten() {
            builder.keys().append_value(key);
            builder.values().append_option(value.as_str());
        }
        builder.append(row.is_some()).unwrap();
    }
    Arc::new(builder.finish())
}

fn texts(rows: &Rows<'_>) -> ArrayRef {
    let element = Field::new("element", DataType::Utf8, true);
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(element);
    for row in rows {
        for item in row.and_then(Value::as_array).into_iter().flatten() {
            builder.values().append_option(item.as_str());
        }
        builder.append(row.is_some());
    }
    Arc::new(builder.finish())
}

fn deletion_vector(rows: &Rows<'_>) -> ArrayRef {
    structs(
        rows,
        &[
            ("storageType", text),
            ("pathOrInlineDv", text),
            ("offset", int),
            ("sizeInBytes", int),
            ("cardinality", long),
        ],
    )
}

fn add_column(rows: &Rows<'_>) -> ArrayRef {
    structs(
        rows,
        &[
            ("path", text),
            ("partitionValues", map),
            ("size", long),
            ("modificationTime", long),
            ("stats", text),
            ("deletionVector", deletion_vector),
            ("baseRowId", long),
            ("defaultRowCommitVersion", long),
        ],
    )
}

fn format(rows: &Rows<'_>) -> ArrayRef {
    structs(rows, &[("provider", text), ("options", map)])
}

fn metadata_column(rows: &Rows<'_>) -> ArrayRef {
    structs(
        rows,
        &[
            ("id", text),
            ("name", text),
            ("description", text),
            ("format", format),
            ("schemaString", text),
            ("partitionColumns", texts),
            ("configuration", map),
            ("createdTime", long),
        ],
    )
}

fn protocol_column(rows: &Rows<'_>) -> ArrayRef {
    structs(
        rows,
        &[
            ("minReaderVersion", int),
            ("minWriterVersion", int),
            ("readerFeatures", texts),
            ("writerFeatures", texts),
        ],
    )
}
