//! Delta logs written by hand, one commit a file.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A Delta table below a bucket's directory.
pub struct LogTable {
    root: PathBuf,
    next_version: i64,
}

/// What version 0 says of the table.
pub struct Head {
    pub protocol: Value,
    pub metadata: Value,
}

impl Head {
    /// Reader 1, writer 2, the columns `id` (long) and `date` (string), partitioned by `date`.
    pub fn plain() -> Self {
        let schema = json!({"type": "struct", "fields": [
            {"name": "id", "type": "long", "nullable": true, "metadata": {}},
            {"name": "date", "type": "string", "nullable": true, "metadata": {}}]});
        Self {
            protocol: json!({"minReaderVersion": 1, "minWriterVersion": 2}),
            metadata: json!({
                "id": "364ac6aa-ceb3-4520-b33e-2875a41024c2",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": schema.to_string(),
                "partitionColumns": ["date"],
                "configuration": {},
                "createdTime": 1_700_000_000_000_i64}),
        }
    }

    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.metadata[key] = value;
        self
    }
}

impl LogTable {
    pub fn create(root: &Path, head: &Head) -> Self {
        fs::create_dir_all(root.join("_delta_log")).unwrap();
        let mut table = Self { root: root.to_owned(), next_version: 0 };
        table.commit(&[json!({"protocol": head.protocol}), json!({"metaData": head.metadata})]);
        table
    }

    /// Writes the next version; it appears whole.
    pub fn commit(&mut self, actions: &[Value]) {
        let name = format!("{:020}.json", self.next_version);
        let info = json!({"commitInfo": {"timestamp": 1_700_000_000_000_i64 + self.next_version}});
        self.commit_as(&name, &info, actions);
    }

    /// Writes the next version with an in-commit timestamp.
    pub fn commit_at(&mut self, timestamp_ms: i64, actions: &[Value]) {
        let name = format!("{:020}.json", self.next_version);
        self.commit_as(&name, &json!({"commitInfo": {"inCommitTimestamp": timestamp_ms}}), actions);
    }

    fn commit_as(&mut self, name: &str, info: &Value, actions: &[Value]) {
        let log = self.root.join("_delta_log");
        let lines: Vec<String> =
            [std::slice::from_ref(info), actions].concat().iter().map(Value::to_string).collect();
        let text = lines.join("\n") + "\n";
        let draft = log.join(format!(".{name}.draft"));
        fs::write(&draft, text).unwrap();
        fs::rename(draft, log.join(name)).unwrap();
        self.next_version += 1;
    }

    /// Sets the time of a commit's file.
    pub fn set_time(&self, version: i64, timestamp_ms: u64) {
        let path = self.root.join(format!("_delta_log/{version:020}.json"));
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(timestamp_ms);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    /// Removes a commit, as a cleanup of the log does.
    pub fn forget(&self, version: i64) {
        fs::remove_file(self.root.join(format!("_delta_log/{version:020}.json"))).unwrap();
    }

    /// The next commit is that of `version` again.
    pub fn go_back_to(&mut self, version: i64) {
        self.next_version = version;
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("_delta_log")
    }

    /// A `remove` of the file at `path` with all that clients need.
    pub fn remove(path: &str, date: &str) -> Value {
        json!({"remove": {"path": path, "deletionTimestamp": 7, "dataChange": true, "extendedFileMetadata": true,
                          "partitionValues": {"date": date}, "size": 1000 + path.len()}})
    }

    /// An `add` of the file at `path` (as the log spells it), with statistics for `rows` rows.
    pub fn add(path: &str, date: &Value, rows: Option<u64>) -> Value {
        let mut add = json!({
            "path": path, "partitionValues": {"date": date}, "size": 1000 + path.len(),
            "modificationTime": 1_700_000_000_123_i64, "dataChange": true});
        if let Some(rows) = rows {
            add["stats"] = json!(format!(r#"{{"numRecords":{rows},"minValues":{{"id":1}}}}"#));
        }
        json!({"add": add})
    }

    /// Adds `count` files of `rows` rows in one commit.
    pub fn add_files(&mut self, count: usize, rows: u64) {
        let add = |number| {
            let path = format!("date=2024-01-01/part-{number:05}-c000.snappy.parquet");
            Self::add(&path, &json!("2024-01-01"), Some(rows))
        };
        self.commit(&(0..count).map(add).collect::<Vec<Value>>());
    }

    /// A data file with `bytes` at `key` below the table.
    pub fn write_file(&self, key: &str, bytes: &[u8]) {
        let path = self.root.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
