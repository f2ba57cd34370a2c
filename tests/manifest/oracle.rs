//! Manifests of the corpus, as a generic Avro reader reads them.
//!
//! The generic reader gives names and values; what each should become is said here once more, by name.

use std::path::{Path, PathBuf};

use apache_avro::Reader;
use apache_avro::types::Value as Avro;
use lakeshare::manifest::codec::Unpacker;
use lakeshare::manifest::columns::{Bounds, Counts, Numbers};
use lakeshare::manifest::entries::Manifest;
use lakeshare::manifest::entry::{Entry, FileContent, Inherited, Status};
use lakeshare::manifest::error::Error;
use lakeshare::manifest::manifest_list::{Content, ManifestFile, ManifestList};
use lakeshare::manifest::partition::Value;
use serde_json::{Value as Json, json};

use crate::delta::corpus::corpus;

fn avro_files(below: &Path, found: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            avro_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "avro") {
            found.push(path);
        }
    }
}

/// Values of the generic reader as JSON: unions and logical types taken off, bytes as numbers.
fn plain(value: &Avro) -> Json {
    match value {
        Avro::Null => Json::Null,
        Avro::Boolean(value) => json!(value),
        Avro::Int(value) | Avro::Date(value) | Avro::TimeMillis(value) => json!(value),
        Avro::Long(value)
        | Avro::TimeMicros(value)
        | Avro::TimestampMicros(value)
        | Avro::TimestampNanos(value)
        | Avro::LocalTimestampMicros(value)
        | Avro::LocalTimestampNanos(value)
        | Avro::TimestampMillis(value) => json!(value),
        Avro::Float(value) => json!(f64::from(*value)),
        Avro::Double(value) => json!(value),
        Avro::Bytes(value) | Avro::Fixed(_, value) => json!(value),
        Avro::Decimal(value) => json!(Vec::<u8>::try_from(value).unwrap()),
        Avro::Uuid(value) => json!(value.as_bytes()),
        Avro::String(value) | Avro::Enum(_, value) => json!(value),
        Avro::Union(_, value) => plain(value),
        Avro::Array(items) => items.iter().map(plain).collect(),
        Avro::Map(items) => items.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        Avro::Record(fields) => fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        other => panic!("no manifest holds {other:?}"),
    }
}

fn records(bytes: &[u8]) -> Vec<Json> {
    Reader::new(bytes).unwrap().map(|record| plain(&record.unwrap())).collect()
}

fn pairs<V: serde::Serialize>(pairs: impl Iterator<Item = (i32, V)>) -> Json {
    pairs.map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn counts(counts: Option<Counts<'_>>) -> Json {
    counts.map_or(Json::Null, |counts| pairs(counts.iter()))
}

fn bounds(bounds: Option<Bounds<'_>>) -> Json {
    bounds.map_or(Json::Null, |bounds| pairs(bounds.iter()))
}

fn numbers(numbers: Option<Numbers<'_>>) -> Json {
    numbers.map_or(Json::Null, |numbers| numbers.iter().collect::<Vec<_>>().into())
}

fn partition_value(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Long(value) => json!(value),
        Value::Float(value) => json!(f64::from(*value)),
        Value::Double(value) => json!(value),
        Value::Text(value) => json!(value),
        Value::Bytes(value) => json!(value),
        Value::Unread => panic!("every partition value of the corpus is read"),
    }
}

/// An entry as the generic reader names its parts; only those that are not null.
fn as_json(entry: &Entry<'_>, names: &[String]) -> Json {
    let status = match entry.status {
        Status::Existing => 0,
        Status::Added => 1,
        Status::Deleted => 2,
    };
    let content = match entry.content {
        FileContent::Data => 0,
        FileContent::PositionDeletes => 1,
        FileContent::EqualityDeletes => 2,
    };
    let partition: serde_json::Map<String, Json> =
        names.iter().cloned().zip(entry.partition.iter().map(partition_value)).collect();
    without_nulls(&json!({
        "status": status,
        "snapshot_id": entry.snapshot_id,
        "sequence_number": entry.sequence_number,
        "file_sequence_number": entry.file_sequence_number,
        "data_file": {
            "content": content,
            "file_path": entry.file_path,
            "file_format": entry.file_format,
            "partition": partition,
            "record_count": entry.record_count,
            "file_size_in_bytes": entry.file_size_bytes,
            "column_sizes": counts(entry.column_sizes),
            "value_counts": counts(entry.value_counts),
            "null_value_counts": counts(entry.null_value_counts),
            "nan_value_counts": counts(entry.nan_value_counts),
            "lower_bounds": bounds(entry.lower_bounds),
            "upper_bounds": bounds(entry.upper_bounds),
            "key_metadata": entry.key_metadata,
            "split_offsets": numbers(entry.split_offsets),
            "equality_ids": numbers(entry.equality_ids),
            "sort_order_id": entry.sort_order_id,
            "first_row_id": entry.first_row_id,
            "referenced_data_file": entry.referenced_data_file,
            "content_offset": entry.content_offset,
            "content_size_in_bytes": entry.content_size_bytes,
        },
    }))
}

fn without_nulls(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Json::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// What the entry of the generic reader becomes where a list with the number 0 gives what is missing.
fn expected(mut record: Json) -> Json {
    record["data_file"].as_object_mut().unwrap().remove("block_size_in_bytes");
    let entry = record.as_object_mut().unwrap();
    for name in ["sequence_number", "file_sequence_number"] {
        if entry.get(name).is_none_or(Json::is_null) {
            entry.insert(name.to_owned(), json!(0));
        }
    }
    let file = &mut record["data_file"];
    if file.get("content").is_none_or(Json::is_null) {
        file["content"] = json!(0);
    }
    if file["partition"].is_null() {
        file["partition"] = json!({});
    }
    if let Some(ids) = file.get_mut("equality_ids").and_then(Json::as_array_mut) {
        ids.retain(|id| !id.is_null());
    }
    without_nulls(&record)
}

/// An entry whose row ids stay as they are in the file: the list gives none, so that they are read but not handed on.
fn without_row_id(mut record: Json) -> Json {
    if record["status"] != 2 {
        record["data_file"].as_object_mut().unwrap().remove("first_row_id");
    }
    record
}

fn check_manifest(path: &Path, bytes: &[u8]) -> usize {
    let manifest = Manifest::open(bytes).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let names: Vec<String> = manifest.partition_fields().iter().map(|field| field.name.clone()).collect();
    let mut found = Vec::new();
    let read = manifest.each(Inherited::default(), &mut Unpacker::new(), |entry| {
        found.push(as_json(entry, &names));
        Ok::<_, Error>(())
    });
    read.unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let wanted: Vec<Json> =
        records(bytes).into_iter().map(|record| without_row_id(expected(record))).collect();
    assert_eq!(found, wanted, "{path:?}");
    found.len()
}

fn file_as_json(file: &ManifestFile<'_>) -> Json {
    let partitions: Option<Vec<Json>> = file.partitions.map(|partitions| {
        let summary = partitions.iter().map(|summary| {
            json!({
                "contains_null": summary.contains_null,
                "contains_nan": summary.contains_nan,
                "lower_bound": summary.lower_bound,
                "upper_bound": summary.upper_bound,
            })
        });
        summary.collect()
    });
    without_nulls(&json!({
        "manifest_path": file.path,
        "manifest_length": file.length_bytes,
        "partition_spec_id": file.partition_spec_id,
        "content": i32::from(file.content == Content::Deletes),
        "sequence_number": file.sequence_number,
        "min_sequence_number": file.min_sequence_number,
        "added_snapshot_id": file.added_snapshot_id,
        "added_files_count": file.added_files_count,
        "existing_files_count": file.existing_files_count,
        "deleted_files_count": file.deleted_files_count,
        "added_rows_count": file.added_rows_count,
        "existing_rows_count": file.existing_rows_count,
        "deleted_rows_count": file.deleted_rows_count,
        "partitions": partitions,
        "key_metadata": file.key_metadata,
        "first_row_id": file.first_row_id,
    }))
}

/// Version 1 has other names, and no numbers and contents.
fn expected_file(record: Json) -> Json {
    let Json::Object(fields) = record else { panic!("a record") };
    let mut file = json!({"content": 0, "sequence_number": 0, "min_sequence_number": 0});
    for (name, value) in fields {
        if !value.is_null() {
            file[name.replace("_data_files_", "_files_")] = value;
        }
    }
    without_nulls(&file)
}

fn check_list(path: &Path, bytes: &[u8]) -> usize {
    let list = ManifestList::open(bytes).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let mut found = Vec::new();
    let read = list.each(&mut Unpacker::new(), |file| {
        found.push(file_as_json(file));
        Ok::<_, Error>(())
    });
    read.unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let wanted: Vec<Json> = records(bytes).into_iter().map(expected_file).collect();
    assert_eq!(found, wanted, "{path:?}");
    found.len()
}

#[test]
fn manifests_of_the_corpus_are_read_as_a_generic_reader_reads_them() {
    let mut paths = Vec::new();
    avro_files(&corpus().join("iceberg"), &mut paths);
    let (mut manifests, mut entries, mut lists, mut files) = (0, 0, 0, 0);
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4_000)]).into_owned();
        if head.contains("manifest_path") {
            files += check_list(&path, &bytes);
            lists += 1;
        } else if head.contains("data_file") {
            entries += check_manifest(&path, &bytes);
            manifests += 1;
        }
    }
    println!("{manifests} manifests with {entries} entries, {lists} lists with {files} manifests");
    assert!(manifests > 250 && entries > 500 && lists > 200 && files > 300);
}
