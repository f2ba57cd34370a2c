//! The actions that the sample tables' commits are made of.

use serde_json::{Value, json};

/// A table's unchanging head: its `protocol` (1, 2) and `metaData`.
#[derive(Debug, Clone)]
pub struct Head {
    pub id: String,
    pub name: &'static str,
    pub description: &'static str,
    pub schema_string: String,
    pub partition_column: Option<&'static str>,
    pub created_ms: i64,
}

/// The oldest protocol, which every reader knows (Delta protocol, "Protocol Evolution").
pub const READER_VERSION: i32 = 1;
pub const WRITER_VERSION: i32 = 2;

/// A data file as `add` records it.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Below the table's root. Sample paths need no escaping: letters, digits, `=`, `-`, `.` and `/`.
    pub path: String,
    /// The partition column's name and value.
    pub partition: Option<(&'static str, String)>,
    pub size_bytes: i64,
    pub modified_ms: i64,
    pub stats: String,
}

/// A data file that is no longer part of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Tombstone {
    pub file: DataFile,
    pub deleted_ms: i64,
}

impl Head {
    pub fn partition_columns(&self) -> Vec<&'static str> {
        self.partition_column.into_iter().collect()
    }

    pub fn protocol_json(&self) -> Value {
        json!({"protocol": {"minReaderVersion": READER_VERSION, "minWriterVersion": WRITER_VERSION}})
    }

    pub fn metadata_json(&self) -> Value {
        json!({"metaData": {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": self.schema_string,
            "partitionColumns": self.partition_columns(),
            "configuration": {},
            "createdTime": self.created_ms,
        }})
    }
}

impl DataFile {
    fn partition_values(&self) -> Value {
        self.partition.iter().map(|(column, value)| ((*column).to_owned(), json!(value))).collect()
    }

    /// `data_change` is false where rows only moved from file to file.
    pub fn add_json(&self, data_change: bool) -> Value {
        json!({"add": {
            "path": self.path,
            "partitionValues": self.partition_values(),
            "size": self.size_bytes,
            "modificationTime": self.modified_ms,
            "dataChange": data_change,
            "stats": self.stats,
        }})
    }
}

impl Tombstone {
    pub fn remove_json(&self) -> Value {
        json!({"remove": {
            "path": self.file.path,
            "deletionTimestamp": self.deleted_ms,
            "dataChange": false,
            "extendedFileMetadata": true,
            "partitionValues": self.file.partition_values(),
            "size": self.file.size_bytes,
        }})
    }
}
