//! Manifests and their lists, as engines write them.

#![allow(
    dead_code,
    clippy::expect_used,
    reason = "each measurement writes what it needs, and stops where that fails"
)]

use apache_avro::Schema;
use apache_avro::types::Value;
use serde_json::json;

/// A live file.
#[derive(Debug, Default)]
pub struct File {
    pub path: String,
    /// Days since the epoch.
    pub day: i32,
    pub record_count: i64,
    pub size_bytes: i64,
    pub columns: Vec<Column>,
    /// The data file whose rows it deletes by their positions.
    pub deletes_from: Option<String>,
}

/// What is said of a column of a file.
#[derive(Debug, Default)]
pub struct Column {
    pub id: i32,
    pub size_bytes: i64,
    pub null_count: i64,
    pub low: Vec<u8>,
    pub high: Vec<u8>,
}

/// The schema of version 2, as engines write it, for a table with one partition field of that name.
pub fn schema(partition: &str) -> Schema {
    let field =
        |id: i32, name: &str, of: serde_json::Value| json!({"name": name, "type": of, "field-id": id});
    let map = |id: i32, name: &str, key: i32, value: i32, of: &str| {
        let record = json!({"type": "record", "name": format!("k{key}_v{value}"),
            "fields": [field(key, "key", json!("int")), field(value, "value", json!(of))]});
        field(id, name, json!(["null", {"type": "array", "items": record, "logicalType": "map"}]))
    };
    let list = |id: i32, name: &str, element: i32, of: &str| {
        field(id, name, json!(["null", {"type": "array", "items": of, "element-id": element}]))
    };
    let date = json!(["null", {"type": "int", "logicalType": "date"}]);
    let file = json!({"type": "record", "name": "r2", "fields": [
        field(134, "content", json!("int")),
        field(100, "file_path", json!("string")),
        field(101, "file_format", json!("string")),
        field(102, "partition", json!({"type": "record", "name": "r102", "fields": [field(1000, partition, date)]})),
        field(103, "record_count", json!("long")),
        field(104, "file_size_in_bytes", json!("long")),
        map(108, "column_sizes", 117, 118, "long"),
        map(109, "value_counts", 119, 120, "long"),
        map(110, "null_value_counts", 121, 122, "long"),
        map(137, "nan_value_counts", 138, 139, "long"),
        map(125, "lower_bounds", 126, 127, "bytes"),
        map(128, "upper_bounds", 129, 130, "bytes"),
        field(131, "key_metadata", json!(["null", "bytes"])),
        list(132, "split_offsets", 133, "long"),
        list(135, "equality_ids", 136, "int"),
        field(140, "sort_order_id", json!(["null", "int"])),
        field(143, "referenced_data_file", json!(["null", "string"])),
    ]});
    let long = || json!(["null", "long"]);
    let entry = json!({"type": "record", "name": "manifest_entry", "fields": [
        field(0, "status", json!("int")), field(1, "snapshot_id", long()), field(3, "sequence_number", long()),
        field(4, "file_sequence_number", long()), field(2, "data_file", file),
    ]});
    Schema::parse_str(&entry.to_string()).expect("a schema")
}

fn record(fields: Vec<(&str, Value)>) -> Value {
    Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn null() -> Value {
    Value::Union(0, Box::new(Value::Null))
}

fn some(value: Value) -> Value {
    Value::Union(1, Box::new(value))
}

fn map(columns: &[Column], value: impl Fn(&Column) -> Value) -> Value {
    let pair = |column: &Column| record(vec![("key", Value::Int(column.id)), ("value", value(column))]);
    some(Value::Array(columns.iter().map(pair).collect()))
}

/// An entry of `schema` that adds a file to a snapshot.
pub fn entry(snapshot_id: i64, partition: &str, file: &File) -> Value {
    let long = |number| Value::Long(number);
    let columns = &file.columns;
    let data_file = record(vec![
        ("content", Value::Int(file.deletes_from.is_some().into())),
        ("file_path", Value::String(file.path.clone())),
        ("file_format", Value::String("PARQUET".to_owned())),
        ("partition", record(vec![(partition, some(Value::Date(file.day)))])),
        ("record_count", long(file.record_count)),
        ("file_size_in_bytes", long(file.size_bytes)),
        ("column_sizes", map(columns, |column| long(column.size_bytes))),
        ("value_counts", map(columns, |_| long(file.record_count))),
        ("null_value_counts", map(columns, |column| long(column.null_count))),
        ("nan_value_counts", some(Value::Array(Vec::new()))),
        ("lower_bounds", map(columns, |column| Value::Bytes(column.low.clone()))),
        ("upper_bounds", map(columns, |column| Value::Bytes(column.high.clone()))),
        ("key_metadata", null()),
        ("split_offsets", some(Value::Array(vec![long(4)]))),
        ("equality_ids", null()),
        ("sort_order_id", some(Value::Int(0))),
        (
            "referenced_data_file",
            file.deletes_from.clone().map_or_else(null, |path| some(Value::String(path))),
        ),
    ]);
    record(vec![
        ("status", Value::Int(1)),
        ("snapshot_id", some(long(snapshot_id))),
        ("sequence_number", null()),
        ("file_sequence_number", null()),
        ("data_file", data_file),
    ])
}

/// A manifest of files that were all added by one snapshot.
#[derive(Debug)]
pub struct ManifestFile {
    pub path: String,
    pub length_bytes: i64,
    pub snapshot_id: i64,
    pub sequence_number: i64,
    pub file_count: i32,
    pub is_of_deletes: bool,
    /// The first and the last day of its files.
    pub days: (i32, i32),
}

/// The schema of manifest lists of version 2.
pub fn list_schema() -> Schema {
    let fields = [
        (500, "manifest_path", "string"),
        (501, "manifest_length", "long"),
        (502, "partition_spec_id", "int"),
        (517, "content", "int"),
        (515, "sequence_number", "long"),
        (516, "min_sequence_number", "long"),
        (503, "added_snapshot_id", "long"),
        (504, "added_files_count", "int"),
        (505, "existing_files_count", "int"),
        (506, "deleted_files_count", "int"),
    ];
    let mut fields: Vec<_> =
        fields.iter().map(|(id, name, of)| json!({"name": name, "type": of, "field-id": id})).collect();
    let bytes = json!(["null", "bytes"]);
    let summary = json!({"type": "record", "name": "r508", "fields": [
        {"name": "contains_null", "type": "boolean", "field-id": 509},
        {"name": "contains_nan", "type": ["null", "boolean"], "field-id": 518},
        {"name": "lower_bound", "type": bytes, "field-id": 510},
        {"name": "upper_bound", "type": bytes, "field-id": 511},
    ]});
    let summaries = json!(["null", {"type": "array", "items": summary, "element-id": 508}]);
    fields.push(json!({"name": "partitions", "type": summaries, "field-id": 507}));
    let list = json!({"type": "record", "name": "manifest_file", "fields": fields});
    Schema::parse_str(&list.to_string()).expect("a schema")
}

/// A row of `list_schema`.
pub fn list_entry(manifest: &ManifestFile) -> Value {
    let bound = |day: i32| some(Value::Bytes(day.to_le_bytes().to_vec()));
    let summary = record(vec![
        ("contains_null", Value::Boolean(false)),
        ("contains_nan", some(Value::Boolean(false))),
        ("lower_bound", bound(manifest.days.0)),
        ("upper_bound", bound(manifest.days.1)),
    ]);
    record(vec![
        ("manifest_path", Value::String(manifest.path.clone())),
        ("manifest_length", Value::Long(manifest.length_bytes)),
        ("partition_spec_id", Value::Int(0)),
        ("content", Value::Int(manifest.is_of_deletes.into())),
        ("sequence_number", Value::Long(manifest.sequence_number)),
        ("min_sequence_number", Value::Long(manifest.sequence_number)),
        ("added_snapshot_id", Value::Long(manifest.snapshot_id)),
        ("added_files_count", Value::Int(manifest.file_count)),
        ("existing_files_count", Value::Int(0)),
        ("deleted_files_count", Value::Int(0)),
        ("partitions", some(Value::Array(vec![summary]))),
    ])
}
