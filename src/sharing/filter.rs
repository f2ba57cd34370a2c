//! Which files of a table are shared, by their partition values.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::error::Error;
use crate::delta::column_mapping;
use crate::limits::KNOWN_PARTITIONS_BYTES_MAX;
use crate::state::record::PartitionFilter;
use crate::table::dictionary::DictionaryBuilder;
use crate::table::file_list::FileList;
use crate::table::snapshot::{Metadata, Snapshot, Version};

/// A partition filter, fitted to one version of a table.
///
/// Values are compared as the log spells them: what is spelt otherwise is not shared, never the other way round.
#[derive(Debug)]
pub struct FileFilter {
    /// All that the filter consists of.
    text: String,
    /// Keys of partition values and the values that are shared; `None` is null.
    columns: Vec<(String, HashSet<Option<String>>)>,
    /// Whole JSON objects that were asked for.
    known: DictionaryBuilder,
    /// What was found for each, by its number.
    kept: Vec<bool>,
}

impl FileFilter {
    /// The filter for a version with this metadata; `None` if all files are shared.
    ///
    /// # Errors
    /// [`Error::FilterColumn`] if the version is not partitioned by a column of the filter: then nobody can tell which
    /// files are shared.
    pub fn new(
        filter: &PartitionFilter,
        version: Version,
        metadata: &Metadata,
    ) -> Result<Option<Self>, Error> {
        if filter.is_empty() {
            return Ok(None);
        }
        let keys =
            column_mapping::partition_names(metadata).map_err(|source| Error::Schema { version, source })?;
        let named: Vec<_> = metadata.partition_columns.iter().zip(keys).collect();
        let mut columns = Vec::with_capacity(filter.len());
        for (column, values) in filter {
            let folded = column.to_lowercase();
            let mut known = named.iter().filter(|(known, _)| known.to_lowercase() == folded);
            let (Some((_, key)), None) = (known.next(), known.next()) else {
                return Err(Error::FilterColumn { column: column.clone(), version });
            };
            columns.push((key.clone(), values.iter().cloned().collect()));
        }
        // The keys come in the order of the filter's columns.
        let texts: Vec<_> = columns.iter().map(|(key, _)| key).zip(filter.values()).collect();
        let text = format!("{texts:?}");
        Ok(Some(Self { text, columns, known: DictionaryBuilder::default(), kept: Vec::new() }))
    }

    /// Whether the file with these partition values, a JSON object, is shared.
    pub fn keeps(&mut self, partition_values_json: &[u8]) -> bool {
        if self.known.byte_count() >= KNOWN_PARTITIONS_BYTES_MAX {
            self.known = DictionaryBuilder::default();
            self.kept.clear();
        }
        let (number, is_new) = self.known.intern(partition_values_json);
        if is_new {
            let is_kept = self.is_shared(partition_values_json);
            self.kept.push(is_kept);
        }
        self.kept.get(number as usize).copied().unwrap_or_default()
    }

    fn is_shared(&self, partition_values_json: &[u8]) -> bool {
        let values: BTreeMap<String, Value> =
            serde_json::from_slice(partition_values_json).unwrap_or_default();
        self.columns.iter().all(|(column, shared)| match values.get(column) {
            Some(Value::String(text)) => shared.contains(&Some(text.clone())),
            Some(Value::Null) => shared.contains(&None),
            _ => false,
        })
    }
}

/// The shared files of a version.
///
/// # Errors
/// As for [`FileFilter::new`].
pub fn shared_files(filter: &PartitionFilter, snapshot: &Snapshot) -> Result<FileList, Error> {
    Ok(match FileFilter::new(filter, snapshot.version, &snapshot.metadata)? {
        None => snapshot.files.clone(),
        Some(mut filter) => {
            let question = std::mem::take(&mut filter.text);
            let files = &snapshot.files;
            files.kept_part(&question, || files.of_partitions(&mut |json| filter.keeps(json)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharing::fixture;

    fn filter(json: &str) -> PartitionFilter {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn files_of_other_partitions_are_not_shared() {
        let snapshot = fixture::snapshot(9);
        let count = |json: &str| shared_files(&filter(json), &snapshot).unwrap().file_count();
        assert_eq!(count("{}"), 9);
        assert_eq!(count(r#"{"date":["2024-01-02"]}"#), 3);
        assert_eq!(count(r#"{"DATE":["2024-01-02","2024-01-03","2024-01-09"]}"#), 6);
        assert_eq!(count(r#"{"date":[null]}"#), 0);
        assert_eq!(count(r#"{"date":["2024-1-2"]}"#), 0);
    }

    #[test]
    fn each_filter_gets_its_own_files_however_often_it_asks() {
        let snapshot = fixture::snapshot(10);
        let filters = [r#"["2024-01-01"]"#, r#"["2024-01-02","2024-01-03"]"#, r#"["2024-01-02"]"#, "[null]"];
        for _ in 0..3 {
            for (values, count) in filters.iter().zip([4, 6, 3, 0]) {
                let filter = filter(&format!(r#"{{"date":{values}}}"#));
                assert_eq!(shared_files(&filter, &snapshot).unwrap().file_count(), count, "{values}");
            }
        }
    }

    #[test]
    fn a_version_that_is_not_partitioned_so_is_refused() {
        let snapshot = fixture::snapshot(9);
        let error = shared_files(&filter(r#"{"id":["1"]}"#), &snapshot).unwrap_err();
        assert!(matches!(error, Error::FilterColumn { .. }), "{error}");
        assert!(shared_files(&filter(r#"{"date":["1"],"x":["1"]}"#), &snapshot).is_err());
    }

    #[test]
    fn null_is_a_value_and_absence_is_none() {
        let metadata = fixture::snapshot(0).metadata;
        let mut filter = FileFilter::new(&filter(r#"{"date":[null,"1"]}"#), 0, &metadata).unwrap().unwrap();
        for (json, kept) in [
            (r#"{"date":null}"#, true),
            (r#"{"date":"1"}"#, true),
            (r#"{"date":"2"}"#, false),
            (r#"{"date":1}"#, false),
            (r#"{"Date":"1"}"#, false),
            ("{}", false),
            ("oops", false),
        ] {
            assert_eq!(
                (filter.keeps(json.as_bytes()), filter.keeps(json.as_bytes())),
                (kept, kept),
                "{json}"
            );
        }
    }

    #[test]
    fn mapped_columns_are_found_under_their_physical_names() {
        let mut metadata = fixture::snapshot(0).metadata;
        metadata.configuration.insert("delta.columnMapping.mode".to_owned(), "name".to_owned());
        metadata.schema_string = metadata.schema_string.replace(
            r#""type":"string","nullable":true,"metadata":{}"#,
            r#""type":"string","nullable":true,"metadata":{"delta.columnMapping.physicalName":"col-7"}"#,
        );
        let mut filter = FileFilter::new(&filter(r#"{"date":["1"]}"#), 0, &metadata).unwrap().unwrap();
        assert!(filter.keeps(br#"{"col-7":"1"}"#) && !filter.keeps(br#"{"date":"1"}"#));
    }
}
