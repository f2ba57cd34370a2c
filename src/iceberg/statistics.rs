//! Files of statistics and encryption keys, which belong to a table's snapshots.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A Puffin file with statistics of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatisticsFile {
    pub snapshot_id: i64,
    pub statistics_path: String,
    pub file_size_in_bytes: i64,
    pub file_footer_size_in_bytes: i64,
    pub blob_metadata: Vec<BlobMetadata>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One blob of a Puffin file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BlobMetadata {
    #[serde(rename = "type")]
    pub kind: String,
    pub snapshot_id: i64,
    pub sequence_number: i64,
    pub fields: Vec<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A file with statistics of the partitions of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartitionStatisticsFile {
    pub snapshot_id: i64,
    pub statistics_path: String,
    pub file_size_in_bytes: i64,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A key, encrypted by another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EncryptedKey {
    pub key_id: String,
    /// In base 64.
    pub encrypted_key_metadata: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_by_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// When which snapshot became the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotLogEntry {
    pub timestamp_ms: i64,
    pub snapshot_id: i64,
}

/// An earlier metadata file, and when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MetadataLogEntry {
    pub timestamp_ms: i64,
    pub metadata_file: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statistics_are_written_as_they_were_read() {
        let blob = json!({"type": "apache-datasketches-theta-v1", "snapshot-id": 1, "sequence-number": 2,
            "fields": [1], "properties": {"ndv": "3"}, "compression": null});
        let file = json!({"snapshot-id": 1, "statistics-path": "s", "file-size-in-bytes": 3,
            "file-footer-size-in-bytes": 2, "blob-metadata": [blob], "key-metadata": "a"});
        let parsed: StatisticsFile = serde_json::from_value(file.clone()).unwrap();
        assert_eq!(serde_json::to_value(parsed).unwrap(), file);
        let key = json!({"key-id": "k", "encrypted-key-metadata": "AA==", "x": 1});
        let parsed: EncryptedKey = serde_json::from_value(key.clone()).unwrap();
        assert_eq!(serde_json::to_value(parsed).unwrap(), key);
    }
}
