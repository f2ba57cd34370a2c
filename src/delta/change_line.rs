//! One line of a commit as a change.
//!
//! Changes are told with all that the log says of a file, so a line is read here more fully than for a snapshot.
//! Unknown actions and fields are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::error::{Error, LineFault};
use super::path::{self, Root};
use super::{action, deletion_vector};
use crate::encode::json::string_into;
use crate::encode::url_path::{self, OUTSIDE};
use crate::table::change::{ChangeKind, ChangedFile, OwnedVector};
use crate::table::deletion_vector::Place;
use crate::table::snapshot::{Metadata, Protocol};

/// The actions of a line; mostly it is one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Line {
    pub(super) add: Option<FileAction>,
    pub(super) remove: Option<FileAction>,
    pub(super) cdc: Option<FileAction>,
    protocol: Option<ProtocolAction>,
    meta_data: Option<MetadataAction>,
    /// Writers put into it what they like.
    commit_info: Option<Value>,
}

/// `add`, `remove` or `cdc`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileAction {
    pub(super) path: String,
    partition_values: Option<BTreeMap<String, Option<String>>>,
    size: Option<u64>,
    modification_time: Option<i64>,
    deletion_timestamp: Option<i64>,
    data_change: Option<bool>,
    stats: Option<String>,
    pub(super) deletion_vector: Option<VectorAction>,
    base_row_id: Option<i64>,
    default_row_commit_version: Option<i64>,
}

/// A deletion vector descriptor.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VectorAction {
    storage_type: String,
    path_or_inline_dv: String,
    offset: Option<i64>,
    size_in_bytes: Option<i64>,
    cardinality: Option<i64>,
}

impl VectorAction {
    fn resolve(&self, root: &Root) -> Result<OwnedVector, deletion_vector::Fault> {
        let descriptor = action::DeletionVector {
            storage_type: &self.storage_type,
            path_or_inline: &self.path_or_inline_dv,
            offset: self.offset,
            size_bytes: self.size_in_bytes,
            cardinality: self.cardinality,
        };
        let mut scratch = Vec::new();
        let vector = deletion_vector::resolve(&descriptor, root, &mut scratch)?;
        match vector.place {
            Place::File(key) if key.starts_with(OUTSIDE) => {
                Err(deletion_vector::Fault::Path(path::Fault::Outside))
            }
            Place::File(_) | Place::Inline(_) => Ok(vector.into()),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProtocolAction {
    min_reader_version: i32,
    min_writer_version: i32,
    reader_features: Option<Vec<String>>,
    writer_features: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataAction {
    id: String,
    name: Option<String>,
    description: Option<String>,
    format: FormatAction,
    schema_string: String,
    partition_columns: Option<Vec<String>>,
    configuration: Option<Texts>,
    created_time: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct FormatAction {
    provider: String,
    options: Option<Texts>,
}

type Texts = BTreeMap<String, Option<String>>;

fn whole(texts: Option<Texts>) -> BTreeMap<String, String> {
    texts.unwrap_or_default().into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

impl Line {
    pub(super) fn parse(line: &[u8]) -> Result<Self, LineFault> {
        serde_json::from_slice(line).map_err(|error| LineFault::NotJson(error.to_string()))
    }

    pub(super) fn take_protocol(&mut self) -> Option<Protocol> {
        self.protocol.take().map(|protocol| Protocol {
            min_reader_version: protocol.min_reader_version,
            min_writer_version: protocol.min_writer_version,
            reader_features: protocol.reader_features,
            writer_features: protocol.writer_features,
        })
    }

    pub(super) fn take_metadata(&mut self) -> Option<Metadata> {
        self.meta_data.take().map(|metadata| Metadata {
            id: metadata.id,
            name: metadata.name,
            description: metadata.description,
            format_provider: metadata.format.provider,
            format_options: whole(metadata.format.options),
            schema_string: metadata.schema_string,
            partition_columns: metadata.partition_columns.unwrap_or_default(),
            configuration: whole(metadata.configuration),
            created_time_ms: metadata.created_time,
        })
    }

    pub(super) fn in_commit_timestamp_ms(&self) -> Option<i64> {
        self.commit_info.as_ref()?.get("inCommitTimestamp")?.as_i64()
    }

    /// Whether this is the note of a MERGE that changed no row: some writers rewrite files for it all the same.
    pub(super) fn is_empty_merge(&self) -> bool {
        let Some(info) = &self.commit_info else { return false };
        let is_merge = info.get("operation").is_some_and(|operation| operation == "MERGE");
        let metrics = info.get("operationMetrics").and_then(Value::as_object);
        let counts = ["numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"];
        let is_zero = |name| metrics.and_then(|metrics| metrics.get(name)).is_some_and(|count| count == "0");
        is_merge && counts.into_iter().all(is_zero)
    }
}

impl FileAction {
    /// Whether the file changes the rows of the table. Older writers leave the field out of what they add.
    pub(super) fn changes_data(&self) -> bool {
        self.data_change.unwrap_or(true)
    }

    pub(super) fn has_size(&self) -> bool {
        self.size.is_some()
    }

    pub(super) fn has_partition(&self) -> bool {
        self.partition_values.is_some()
    }

    /// The change of a table at `root`, for a version whose partition values have these `keys`.
    ///
    /// # Errors
    /// [`Error::Path`] and [`Error::DeletionVector`].
    pub(super) fn into_change(
        self,
        kind: ChangeKind,
        root: &Root,
        keys: &[String],
    ) -> Result<ChangedFile, Error> {
        let mut scratch = Vec::new();
        let resolved = path::resolve(&self.path, root, &mut scratch);
        let fault = resolved.fault.or(resolved.is_outside.then_some(path::Fault::Outside));
        if let Some(source) = fault {
            return Err(Error::Path { path: self.path, source });
        }
        let mut encoded_path = Vec::with_capacity(resolved.path.key.len());
        url_path::encode_into(resolved.path.key, &mut encoded_path);
        let vector = self.deletion_vector.as_ref().map(|vector| vector.resolve(root)).transpose();
        let deletion_vector =
            vector.map_err(|source| Error::DeletionVector { path: self.path.clone(), source })?;
        let mut partition_values_json = Vec::new();
        write_values(&self.partition_values.unwrap_or_default(), keys, &mut partition_values_json);
        Ok(ChangedFile {
            kind,
            encoded_path,
            partition_values_json,
            size_bytes: self.size.unwrap_or_default(),
            time_ms: match kind {
                ChangeKind::Remove => self.deletion_timestamp,
                ChangeKind::Add | ChangeKind::Cdc => self.modification_time,
            },
            deletion_vector,
            stats: self.stats.filter(|stats| !stats.is_empty()),
            base_row_id: self.base_row_id,
            default_row_commit_version: self.default_row_commit_version,
            log_path: self.path,
        })
    }
}

/// All `keys` in their order. An empty text is null, as is what the log does not have.
fn write_values(values: &BTreeMap<String, Option<String>>, keys: &[String], out: &mut Vec<u8>) {
    out.push(b'{');
    for (number, key) in keys.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        string_into(key, out);
        out.push(b':');
        let caseless = || {
            let folded = key.to_lowercase();
            values.iter().find(|(name, _)| name.to_lowercase() == folded).map(|(_, value)| value)
        };
        match values.get(key).or_else(caseless).and_then(Option::as_deref) {
            Some(value) if !value.is_empty() => string_into(value, out),
            _ => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::deletion_vector::Place;

    fn change(json: &str, keys: &[&str]) -> Result<ChangedFile, Error> {
        let line = Line::parse(format!(r#"{{"add":{json}}}"#).as_bytes()).unwrap();
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        line.add.unwrap().into_change(ChangeKind::Add, &Root::new("lake", "t"), &keys)
    }

    #[test]
    fn a_file_is_told_with_its_key_encoded_and_its_values_in_order() {
        let json = r#"{"path":"d=a%253Ab/x y.parquet","size":5,"partitionValues":{"B":"2","a":"","z":"9"},"new":[1]}"#;
        let change = change(json, &["a", "b", "c"]).unwrap();
        assert_eq!(change.log_path, "d=a%253Ab/x y.parquet");
        assert_eq!(String::from_utf8(change.encoded_path).unwrap(), "d%3Da%253Ab/x%20y.parquet");
        assert_eq!(
            String::from_utf8(change.partition_values_json).unwrap(),
            r#"{"a":null,"b":"2","c":null}"#
        );
    }

    #[test]
    fn a_deletion_vector_is_told_by_its_file() {
        let json = r#"{"path":"x","size":5,"partitionValues":{},"deletionVector":{"storageType":"u",
            "pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":4,"sizeInBytes":40,"cardinality":6}}"#;
        let change = change(json, &[]).unwrap();
        let owned = change.deletion_vector.unwrap();
        let vector = owned.as_vector();
        assert_eq!((vector.offset, vector.size_bytes, vector.cardinality), (Some(4), 40, 6));
        let Place::File(key) = vector.place else { panic!("it is in a file") };
        assert_eq!(key, b"ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in ["/etc/passwd", "../x", "s3://other/x", ""] {
            assert!(change(&format!(r#"{{"path":"{path}","size":1}}"#), &[]).is_err(), "{path}");
        }
    }

    #[test]
    fn lines_that_are_no_actions_are_faults_and_notes_may_be_anything() {
        assert!(Line::parse(b"{oops").is_err());
        assert!(Line::parse(br#"{"add":7}"#).is_err());
        assert!(Line::parse(br#"{"add":{"size":1}}"#).is_err());
        for note in ["7", "null", r#"{"inCommitTimestamp":"x"}"#, "[]", r#"{"inCommitTimestamp":1e400}"#] {
            let line = format!(r#"{{"commitInfo":{note},"txn":{{"appId":1}}}}"#);
            let parsed = Line::parse(line.as_bytes());
            assert!(parsed.is_err() || parsed.unwrap().in_commit_timestamp_ms().is_none(), "{note}");
        }
        let note = Line::parse(br#"{"commitInfo":{"inCommitTimestamp":12,"operation":"WRITE"}}"#).unwrap();
        assert_eq!((note.in_commit_timestamp_ms(), note.is_empty_merge()), (Some(12), false));
    }

    #[test]
    fn a_merge_that_changed_nothing_is_known() {
        let merge = |updated: &str| {
            let metrics = format!(
                r#"{{"numTargetRowsInserted":"0","numTargetRowsUpdated":"{updated}","numTargetRowsDeleted":"0"}}"#
            );
            let line = format!(r#"{{"commitInfo":{{"operation":"MERGE","operationMetrics":{metrics}}}}}"#);
            Line::parse(line.as_bytes()).unwrap().is_empty_merge()
        };
        assert!(merge("0") && !merge("1"));
    }
}
