//! Every metadata file of the corpus keeps its values.

use std::path::{Path, PathBuf};

use lakeshare::error::Kind;
use lakeshare::iceberg::error::Error;
use lakeshare::iceberg::metadata::TableMetadata;
use lakeshare::iceberg::update::Update;
use serde_json::{Map, Value, json};

/// The folder of tables that other software wrote: `LAKESHARE_CORPUS`, or the one beside the repository.
fn corpus() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let path: PathBuf = std::env::var_os("LAKESHARE_CORPUS").map_or_else(beside, PathBuf::from);
    path.canonicalize()
        .unwrap_or_else(|error| panic!("set LAKESHARE_CORPUS to the corpus, {path:?}: {error}"))
}

/// Files that no reader of the format takes: one without a version, and two with ids beyond 64 signed bits.
const REFUSED: &[&str] = &[
    "ddbi__big_query_error/metadata/v0.metadata.json",
    "ddbi__equality_delete_cross_partition_ns_t/metadata/vfinal.metadata.json",
    "ddbi__equality_delete_extra_column_ns_t/metadata/vfinal.metadata.json",
];

/// Every metadata file, and what is made of it.
fn tables() -> Vec<(PathBuf, Vec<u8>, Result<TableMetadata, Error>)> {
    let mut files = Vec::new();
    metadata_files(&corpus().join("iceberg"), &mut files);
    assert!(files.len() > 300, "{} files", files.len());
    let read = |file: PathBuf| {
        let bytes = std::fs::read(&file).unwrap();
        let table = TableMetadata::parse(&bytes);
        (file, bytes, table)
    };
    files.into_iter().map(read).collect()
}

/// Metadata files below a folder, sorted.
fn metadata_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            metadata_files(&path, found);
        } else if path.to_string_lossy().ends_with(".metadata.json") {
            found.push(path);
        }
    }
    found.sort();
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes.to_vec();
    }
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(bytes), &mut plain).unwrap();
    plain
}

/// Whether two values mean the same where the format has several ways to say nothing.
fn same(name: &str, written: &Value, ours: Option<&Value>) -> bool {
    let is_none = |value: &Value| value.is_null() || *value == json!(-1);
    match (name, ours) {
        ("current-snapshot-id", Some(ours)) if is_none(written) => is_none(ours),
        // Ids that old writers left out are filled in.
        ("schema" | "partition-spec", Some(ours)) => is_part_of(written, ours),
        (_, Some(ours)) => written == ours,
        // Of version 1 only; later versions say it in other fields. It is written as a list, or not at all.
        ("schema" | "partition-spec", None) => true,
        ("encryption-keys", None) => *written == json!([]),
        (_, None) => written.is_null(),
    }
}

fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|other| is_part_of(value, other)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| is_part_of(part, whole))
        }
        _ => part == whole,
    }
}

fn object(bytes: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn every_metadata_file_is_written_with_the_values_that_were_read() {
    let mut wrong = Vec::new();
    for (file, bytes, table) in tables() {
        let is_refused = REFUSED.iter().any(|name| file.ends_with(name));
        let table = match table {
            Ok(table) if !is_refused => table,
            Err(error) if is_refused && error.kind() == Kind::Corrupt => continue,
            other => {
                wrong.push(format!("{}: {other:?}", file.display()));
                continue;
            }
        };
        let text = table.to_json();
        assert_eq!(TableMetadata::parse(&text).as_ref(), Ok(&table), "{}", file.display());
        let (written, ours) = (object(&unpacked(&bytes)), object(&text));
        for (name, value) in &written {
            if !same(name, value, ours.get(name)) {
                wrong.push(format!("{}: {name} was {value}, is {:?}", file.display(), ours.get(name)));
            }
        }
        // What we add says nothing, or what a newer version says in another place.
        for (name, value) in ours.iter().filter(|(name, _)| !written.contains_key(*name)) {
            let says_nothing = [json!([]), json!({}), json!(-1), json!(0), Value::Null].contains(value);
            let of_newer = [
                "schemas",
                "partition-specs",
                "sort-orders",
                "last-partition-id",
                "refs",
                "current-schema-id",
                "default-spec-id",
                "default-sort-order-id",
            ];
            if !says_nothing && !of_newer.contains(&name.as_str()) {
                wrong.push(format!("{}: {name} is new: {value}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn commits_go_on_from_every_table_of_the_corpus() {
    let updates = json!([{"action": "set-properties", "updates": {"a": "b"}}]);
    let updates: Vec<Update> = serde_json::from_value(updates).unwrap();
    for (file, _, table) in tables() {
        let Ok(table) = table else { continue };
        let now_ms = table.last_updated_ms() + 1;
        let next = table.apply(&updates, Some("s3://b/before.json"), now_ms).unwrap().unwrap();
        assert_eq!(next.last_updated_ms(), now_ms, "{}", file.display());
        assert_eq!(next.snapshots(), table.snapshots(), "{}", file.display());
        assert_eq!(TableMetadata::parse(&next.to_json()).as_ref(), Ok(&next), "{}", file.display());
    }
}
