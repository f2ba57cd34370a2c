//! Writes one Delta table: data files, commits, a checkpoint, durably.
//!
//! Everything is written under a hidden name, synced and then linked or renamed to its own name. A commit's name is
//! taken only if it is free, as the Delta protocol demands; data files come before the commit that names them. So
//! whoever reads at any moment sees whole versions, and a run that was cut off is taken up where it ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::action::{DataFile, Head, Tombstone};
use super::checkpoint::{State, checkpoint_batch};
use super::error::Error;
use super::history::{CommitPlan, DataPlan};
use crate::clock::Clock;

/// A table in the making.
#[derive(Debug)]
pub struct DeltaWriter {
    root: PathBuf,
    clock: Clock,
    head: Head,
    next_version: usize,
    files: BTreeMap<String, DataFile>,
    tombstones: Vec<Tombstone>,
}

impl DeltaWriter {
    /// Makes the table's directories; takes up an interrupted table if it is the one that `head` names.
    pub fn open(root: &Path, mut head: Head, clock: Clock) -> Result<Self, Error> {
        let log = root.join("_delta_log");
        std::fs::create_dir_all(&log).map_err(Error::io(&log))?;
        sync_directory(root)?;
        if latest_version(root)?.is_some() {
            let first = read_first_metadata(&log)?;
            if first.get("id").and_then(Value::as_str) != Some(head.id.as_str()) {
                return Err(Error::ForeignTable { path: root.to_owned() });
            }
            head.created_ms = first.get("createdTime").and_then(Value::as_i64).unwrap_or(head.created_ms);
        }
        Ok(Self {
            root: root.to_owned(),
            clock,
            head,
            next_version: 0,
            files: BTreeMap::new(),
            tombstones: vec![],
        })
    }

    /// Writes the commit's data files, then the commit; a version that is there already stays as it is.
    pub fn commit(&mut self, plan: &CommitPlan) -> Result<(), Error> {
        let mut lines = vec![self.commit_info(plan)];
        match plan {
            CommitPlan::Create => lines.extend([self.head.protocol_json(), self.head.metadata_json()]),
            CommitPlan::Append(data) => lines.push(self.add_file(data)?.add_json(true)),
            CommitPlan::Optimize { removes, adds } => {
                for label in removes {
                    if let Some(file) = self.files.remove(label) {
                        let tombstone = Tombstone { file, deleted_ms: self.clock.now_ms() };
                        lines.push(tombstone.remove_json());
                        self.tombstones.push(tombstone);
                    }
                }
                for data in adds {
                    lines.push(self.add_file(data)?.add_json(false));
                }
            }
        }
        let mut text = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        text.push('\n');
        let path = self.log_path(&format!("{:020}.json", self.next_version));
        write_if_absent(&path, text.as_bytes())?;
        self.next_version += 1;
        Ok(())
    }

    /// Writes a checkpoint of the last version, then `_last_checkpoint`.
    pub fn checkpoint(&self) -> Result<(), Error> {
        let version = self.next_version.saturating_sub(1);
        let path = self.log_path(&format!("{version:020}.checkpoint.parquet"));
        let files: Vec<DataFile> = self.files.values().cloned().collect();
        let state = State { head: &self.head, files: &files, tombstones: &self.tombstones };
        let batch = checkpoint_batch(state).map_err(Error::arrow(&path))?;
        let bytes = encode_parquet(&batch).map_err(Error::parquet(&path))?;
        replace(&path, &bytes)?;
        let hint = json!({
            "version": version,
            "size": batch.num_rows(),
            "sizeInBytes": bytes.len(),
            "numOfAddFiles": files.len(),
        });
        replace(&self.log_path("_last_checkpoint"), hint.to_string().as_bytes())
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.root.join("_delta_log").join(name)
    }

    fn add_file(&mut self, data: &DataPlan) -> Result<&DataFile, Error> {
        let partition = self.head.partition_column.zip(data.partition_value.clone());
        let directory =
            partition.as_ref().map_or(String::new(), |(column, value)| format!("{column}={value}/"));
        let id = stable_uuid(&format!("{}/{}", self.head.id, data.label));
        let path = format!("{directory}part-00000-{id}.c000.snappy.parquet");
        let left_out = self.head.partition_column;
        let full_path = self.root.join(&path);
        let batch = data.rows.to_batch(left_out).map_err(Error::arrow(&full_path))?;
        let bytes = encode_parquet(&batch).map_err(Error::parquet(&full_path))?;
        if let Some(parent) = full_path.parent() {
            std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
            sync_directory(&self.root)?;
        }
        replace(&full_path, &bytes)?;
        let file = DataFile {
            path,
            partition,
            size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            modified_ms: self.clock.now_ms(),
            stats: data.rows.stats_json(left_out),
        };
        Ok(self.files.entry(data.label.clone()).insert_entry(file).into_mut())
    }

    fn commit_info(&self, plan: &CommitPlan) -> Value {
        let partition_by = json!(self.head.partition_columns()).to_string();
        let (operation, parameters, is_blind_append) = match plan {
            CommitPlan::Create => ("CREATE TABLE", json!({"partitionBy": partition_by}), true),
            CommitPlan::Append(_) => ("WRITE", json!({"mode": "Append", "partitionBy": partition_by}), true),
            CommitPlan::Optimize { .. } => ("OPTIMIZE", json!({"predicate": "[]"}), false),
        };
        json!({"commitInfo": {
            "timestamp": self.clock.now_ms(),
            "operation": operation,
            "operationParameters": parameters,
            "isolationLevel": "Serializable",
            "isBlindAppend": is_blind_append,
            "engineInfo": concat!("lakeshare/", env!("CARGO_PKG_VERSION")),
        }})
    }
}

/// The highest version in a table's log; `None` where there is no commit.
pub fn latest_version(root: &Path) -> Result<Option<u64>, Error> {
    let log = root.join("_delta_log");
    let entries = match std::fs::read_dir(&log) {
        Ok(entries) => entries,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Io { path: log, source }),
    };
    let mut latest = None;
    for entry in entries {
        let name = entry.map_err(Error::io(&log))?.file_name();
        let version = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok());
        latest = latest.max(version);
    }
    Ok(latest)
}

/// A UUID in form that the same `name` always gets, so that a second attempt meets its own files.
pub fn stable_uuid(name: &str) -> Uuid {
    uuid::Builder::from_random_bytes(xxh3_128(name.as_bytes()).to_be_bytes()).into_uuid()
}

/// The `metaData` of version 0; null where there is none.
fn read_first_metadata(log: &Path) -> Result<Value, Error> {
    let path = log.join(format!("{:020}.json", 0));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(Value::Null),
        Err(source) => return Err(Error::Io { path, source }),
    };
    let metadata = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|mut action| action.get_mut("metaData").map(Value::take));
    Ok(metadata.unwrap_or_default())
}

/// The rows of `batch` as a Parquet file.
pub fn encode_parquet(batch: &arrow_array::RecordBatch) -> parquet::errors::Result<Vec<u8>> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    // Readers take their schema from the table's log, so the Arrow copy in the footer would only cost bytes.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options)?;
    writer.write(batch)?;
    writer.into_inner()
}

/// Writes `bytes` under a hidden name beside `path` and syncs them.
fn write_hidden(path: &Path, bytes: &[u8]) -> Result<PathBuf, Error> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let hidden = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let mut file = File::create(&hidden).map_err(Error::io(&hidden))?;
    file.write_all(bytes).map_err(Error::io(&hidden))?;
    file.sync_all().map_err(Error::io(&hidden))?;
    Ok(hidden)
}

/// Makes `path` consist of `bytes`, whatever it was.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let hidden = write_hidden(path, bytes)?;
    std::fs::rename(&hidden, path).map_err(Error::io(path))?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes `path` consist of `bytes` unless it exists already.
fn write_if_absent(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let hidden = write_hidden(path, bytes)?;
    let linked = std::fs::hard_link(&hidden, path);
    std::fs::remove_file(&hidden).map_err(Error::io(&hidden))?;
    match linked {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => {
            Err(Error::Io { path: path.to_owned(), source })
        }
        _ => path.parent().map_or(Ok(()), sync_directory),
    }
}

fn sync_directory(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(Error::io(path))
}
