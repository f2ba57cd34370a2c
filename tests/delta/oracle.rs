//! Replay equals `delta_kernel`, over every version of every table of the corpus.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use lakeshare::delta::Wanted;
use lakeshare::table::snapshot::Snapshot;
use serde_json::{Value, json};

use super::corpus::{corpus, load};
use super::log_builder::{Row, rows};

/// Tables of which some version is read by one of both alone, and why.
const APART: &[(&str, &str)] = &[
    ("dkrs__table-with-geo", "the oracle does not know the type geometry"),
    ("dspark__table-with-dv-special-char", "its deletion vector lies outside of the table"),
];

/// Tables that the oracle reads without some files of their logs, which it believes although the commits, which
/// alone count, say something else: the end of the files' names.
const STRIPPED: &[(&str, &str)] =
    &[("dkrs__compacted-log-files-table", ".compacted.json"), ("drs__cdc_ict_table", ".crc")];

/// Copies the logs of [`STRIPPED`] tables, without the files that mislead, into a folder.
fn stripped() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, end) in STRIPPED {
        let log = folder.path().join(name).join("_delta_log");
        std::fs::create_dir_all(&log).unwrap();
        let entries = std::fs::read_dir(corpus().join("delta").join(name).join("_delta_log")).unwrap();
        for file in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let file_name = file.file_name().unwrap().to_str().unwrap();
            if !file_name.ends_with(end) {
                let copy = log.join(file_name);
                std::fs::copy(&file, &copy).unwrap();
                // The time of a commit is that of its file.
                let modified = file.metadata().unwrap().modified().unwrap();
                std::fs::File::open(copy).unwrap().set_modified(modified).unwrap();
            }
        }
    }
    folder
}

/// What the oracle prints of a folder, a line for each version of each table. It is built where it is not.
fn oracle_lines(folder: &Path) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = || root.join("target/oracle");
    let target: PathBuf = std::env::var_os("LAKESHARE_ORACLE_TARGET").map_or_else(beside, PathBuf::from);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--locked", "--manifest-path"]).arg(root.join("tests/oracle/Cargo.toml"));
    command.arg("--target-dir").arg(target).arg("--").arg(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Features are a set.
fn features(list: Option<&Vec<String>>) -> Value {
    let mut list = list.cloned().unwrap_or_default();
    list.sort();
    json!(list)
}

fn head_of(snapshot: &Snapshot) -> Value {
    let (protocol, metadata) = (&snapshot.protocol, &snapshot.metadata);
    json!({
        "minReaderVersion": protocol.min_reader_version,
        "minWriterVersion": protocol.min_writer_version,
        "readerFeatures": features(protocol.reader_features.as_ref()),
        "writerFeatures": features(protocol.writer_features.as_ref()),
        "id": metadata.id,
        "name": metadata.name,
        "description": metadata.description,
        "format": {"provider": metadata.format_provider, "options": metadata.format_options},
        "schemaString": parsed(&metadata.schema_string),
        "partitionColumns": metadata.partition_columns,
        "createdTime": metadata.created_time_ms,
        "configuration": metadata.configuration,
    })
}

fn head_of_oracle(line: &Value) -> Value {
    let (protocol, metadata) = (&line["protocol"], &line["metadata"]);
    let list = |name: &str| -> Value {
        let list: Option<Vec<String>> = serde_json::from_value(protocol[name].clone()).unwrap();
        features(list.as_ref())
    };
    let mut head = metadata.clone();
    head["schemaString"] = parsed(metadata["schemaString"].as_str().unwrap());
    head["minReaderVersion"] = protocol["minReaderVersion"].clone();
    head["minWriterVersion"] = protocol["minWriterVersion"].clone();
    head["readerFeatures"] = list("readerFeatures");
    head["writerFeatures"] = list("writerFeatures");
    head
}

/// The file name of a vector in a file; the text of an inline one.
fn vector_of(row: &Row) -> Value {
    let Some(vector) = &row.deletion_vector else { return Value::Null };
    let place = vector.get("file").or(vector.get("inline")).unwrap();
    json!([place, vector["offset"], vector["sizeInBytes"], vector["cardinality"]])
}

/// The same of a descriptor, by way of its own: the UUID is decoded by the rules of Z85, digit by digit.
fn vector_of_oracle(descriptor: &Value) -> Value {
    if descriptor.is_null() {
        return Value::Null;
    }
    let text = descriptor["pathOrInlineDv"].as_str().unwrap();
    let place = match descriptor["storageType"].as_str().unwrap() {
        "u" => {
            let (prefix, uuid) = text.split_at(text.len() - 20);
            let slash = if prefix.is_empty() { "" } else { "/" };
            format!("{prefix}{slash}deletion_vector_{}.bin", uuid_of(uuid))
        }
        _ => text.to_owned(),
    };
    let offset = descriptor.get("offset").cloned().unwrap_or_default();
    json!([place, offset, descriptor["sizeInBytes"], descriptor["cardinality"]])
}

fn uuid_of(text: &str) -> String {
    const DIGITS: &str =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let digit = |character: char| u128::try_from(DIGITS.find(character).unwrap()).unwrap();
    let characters: Vec<char> = text.chars().collect();
    let groups = characters.chunks(5).map(|group| group.iter().fold(0, |sum, &c| sum * 85 + digit(c)));
    let number = groups.fold(0, |sum: u128, group| (sum << 32) | group);
    uuid::Uuid::from_u128(number).to_string()
}

fn file_of(row: &Row) -> Value {
    json!({
        "size": row.size,
        "modificationTime": row.modification_time_ms,
        "stats": row.stats.as_deref().map(parsed),
        "deletionVector": vector_of(row),
        "baseRowId": row.row_ids.0,
        "defaultRowCommitVersion": row.row_ids.1,
        "partitionValues": row.partition_values,
    })
}

fn file_of_oracle(file: &Value) -> Value {
    let constants = &file["fileConstantValues"];
    json!({
        "size": file["size"],
        "modificationTime": file["modificationTime"],
        "stats": file["stats"].as_str().map(parsed),
        "deletionVector": vector_of_oracle(&file["deletionVector"]),
        "baseRowId": constants["baseRowId"],
        "defaultRowCommitVersion": constants["defaultRowCommitVersion"],
        "partitionValues": constants["partitionValues"],
    })
}

/// Both texts of a file's partition values say the same: the oracle leaves null ones out or has them empty.
fn level(file: &mut Value) {
    let values = file["partitionValues"].as_object_mut().unwrap();
    values.retain(|_, value| !value.is_null() && value != "");
}

fn compare(name: &str, line: &Value, snapshot: &Snapshot) {
    let of = format!("{name} {}", snapshot.version);
    assert_eq!(head_of(snapshot), head_of_oracle(line), "{of}");
    let mut ours: BTreeMap<_, _> =
        rows(snapshot).iter().map(|(path, row)| (path.clone(), file_of(row))).collect();
    let files = line["files"].as_array().unwrap().iter();
    let mut theirs: BTreeMap<_, _> =
        files.map(|file| (file["path"].as_str().unwrap().to_owned(), file_of_oracle(file))).collect();
    ours.values_mut().chain(theirs.values_mut()).for_each(level);
    assert!(ours.keys().eq(theirs.keys()), "{of}: {:?} {:?}", ours.keys(), theirs.keys());
    for (path, file) in &ours {
        assert_eq!(*file, theirs[path], "{of}: {path}");
    }
    if let Some(timestamp_ms) = line["timestamp"].as_i64() {
        assert_eq!(snapshot.commit_timestamp_ms, timestamp_ms, "{of}");
    }
}

#[test]
fn every_version_of_every_table_is_as_the_oracle_finds_it() {
    let (mut equal, mut both_refused, mut apart) = (0, 0, BTreeMap::<_, Vec<_>>::new());
    let stripped = stripped();
    let is_stripped = |line: &Value| STRIPPED.iter().any(|(table, _)| line["table"] == *table);
    let mut lines = oracle_lines(&corpus().join("delta"));
    lines.retain(|line| !is_stripped(line));
    lines.extend(oracle_lines(stripped.path()));
    for line in lines {
        let (name, version) = (line["table"].as_str().unwrap(), line["version"].as_i64().unwrap());
        if APART.iter().any(|(table, _)| *table == name) {
            apart.entry(name.to_owned()).or_default().push(version);
            continue;
        }
        match (line.get("error"), load(name, Wanted::Version(version))) {
            (None, Ok(snapshot)) => {
                compare(name, &line, &snapshot);
                equal += 1;
            }
            (Some(_), Err(_)) => both_refused += 1,
            (None, Err(error)) => panic!("{name} {version} is refused here alone: {error}"),
            (Some(error), Ok(_)) => panic!("{name} {version} is refused by the oracle alone: {error}"),
        }
    }
    println!("versions equal: {equal}, refused by both: {both_refused}, apart: {apart:?}");
    assert!(equal > 500 && apart.len() == APART.len(), "{equal} {apart:?}");
}
