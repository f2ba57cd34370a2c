//! Manifests as engines write them: bounds of 15 columns, partitioned by day.

use apache_avro::types::Value;
use apache_avro::{Codec, Schema, Writer};
use serde_json::json;

const COLUMNS: i32 = 15;

/// The schema of version 2, as engines write it, for a table partitioned by day.
pub fn schema() -> Schema {
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
        field(102, "partition", json!({"type": "record", "name": "r102", "fields": [field(1000, "day", date)]})),
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

fn map(value: impl Fn(i32) -> Value) -> Value {
    let pair = |column| record(vec![("key", Value::Int(column)), ("value", value(column))]);
    some(Value::Array((1..=COLUMNS).map(pair).collect()))
}

/// A bound of a column: keys, decimals, dates and words, as a table of orders has them.
fn bound(number: usize, column: i32, is_upper: bool) -> Value {
    let hash = (number + 7 * column as usize).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
    let above = if is_upper { 1_000 } else { 0 };
    Value::Bytes(match column {
        1..=4 => (hash as i64 % 200_000_000 + above).to_le_bytes().to_vec(),
        5..=8 => (hash as i32 % 8_000_000 + above as i32).to_be_bytes().to_vec(),
        9..=11 => (hash as i32 % 3_000 + 8_000 + above as i32).to_le_bytes().to_vec(),
        _ => [b"AIR".as_slice(), b"carefully final", b"COLLECT COD", b"furiously regula"][hash % 4].to_vec(),
    })
}

fn entry(number: usize) -> Value {
    let path = format!(
        "s3://warehouse/0f6f7a5c-5b8e-4d6f-9a51-6a1f6cf2f0a1/data/day={}/00000-{number}-{:016x}-00001.parquet",
        number % 2_500,
        (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
    );
    let count = |number: usize| Value::Long(number as i64);
    let file = record(vec![
        ("content", Value::Int(0)),
        ("file_path", Value::String(path)),
        ("file_format", Value::String("PARQUET".to_owned())),
        ("partition", record(vec![("day", some(Value::Date(8_000 + number as i32 % 2_500)))])),
        ("record_count", count(6_000 + number % 977)),
        ("file_size_in_bytes", count(400_000 + number * 31 % 90_001)),
        ("column_sizes", map(|column| count(20_000 + number * column as usize % 7_001))),
        ("value_counts", map(|_| count(6_000 + number % 977))),
        ("null_value_counts", map(|column| count(usize::from(column == 9)))),
        ("nan_value_counts", some(Value::Array(Vec::new()))),
        ("lower_bounds", map(|column| bound(number, column, false))),
        ("upper_bounds", map(|column| bound(number, column, true))),
        ("key_metadata", null()),
        ("split_offsets", some(Value::Array(vec![Value::Long(4)]))),
        ("equality_ids", null()),
        ("sort_order_id", some(Value::Int(0))),
        ("referenced_data_file", null()),
    ]);
    record(vec![
        ("status", Value::Int(1)),
        ("snapshot_id", some(Value::Long(7_304_713_372_291_731_214))),
        ("sequence_number", null()),
        ("file_sequence_number", null()),
        ("data_file", file),
    ])
}

pub fn manifest(schema: &Schema, codec: Codec, count: usize) -> Vec<u8> {
    let mut writer = Writer::with_codec(schema, Vec::new(), codec);
    for number in 0..count {
        writer.append(entry(number)).expect("an entry");
    }
    writer.into_inner().expect("a manifest")
}
