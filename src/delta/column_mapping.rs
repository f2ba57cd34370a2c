//! Names of columns in the table, and in its log and files.
//!
//! With column mapping a column has a physical name of its own, by which partition values and statistics are keyed
//! ("Column Mapping"). Where there is no mapping, or a column has no physical name, both names are one.

use serde_json::Value;

use crate::table::snapshot::{Metadata, Protocol};

pub(super) const MODE: &str = "delta.columnMapping.mode";
const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";

/// The mode that a table sets, unless that is `none`.
pub(super) fn mode(metadata: &Metadata) -> Option<&str> {
    let mode = metadata.configuration.get(MODE)?;
    (!mode.eq_ignore_ascii_case("none")).then_some(mode)
}

/// Whether readers of this protocol heed the mode. Some writers list the feature for writers alone, which is not
/// legal, and mean it for readers too.
pub(super) fn is_heeded(protocol: &Protocol) -> bool {
    let Some(features) = &protocol.reader_features else { return protocol.min_reader_version == 2 };
    let mut listed = features.iter().chain(protocol.writer_features.iter().flatten());
    listed.any(|feature| feature == "columnMapping")
}

/// The partition columns by the names that the log's partition values have.
///
/// # Errors
/// The schema is not JSON.
pub fn partition_names(metadata: &Metadata) -> Result<Vec<String>, serde_json::Error> {
    if mode(metadata).is_none() || metadata.partition_columns.is_empty() {
        return Ok(metadata.partition_columns.clone());
    }
    let schema: Value = serde_json::from_str(&metadata.schema_string)?;
    let physical = |column: &String| physical_name(&schema, column).unwrap_or(column).to_owned();
    Ok(metadata.partition_columns.iter().map(physical).collect())
}

/// Partition columns stand at the top of the schema. Names are compared as Delta does, without case at last.
fn physical_name<'s>(schema: &'s Value, column: &str) -> Option<&'s str> {
    let fields = schema.get("fields")?.as_array()?;
    let name = |field: &'s Value| field.get("name").and_then(Value::as_str);
    let exact = fields.iter().find(|field| name(field) == Some(column));
    let folded = column.to_lowercase();
    let caseless =
        || fields.iter().find(|field| name(field).is_some_and(|name| name.to_lowercase() == folded));
    exact.or_else(caseless)?.get("metadata")?.get(PHYSICAL_NAME)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(mode: Option<&str>) -> Metadata {
        let field = |name: &str, metadata: Value| json!({"name": name, "type": "long", "metadata": metadata});
        let mapped = |physical: &str| json!({PHYSICAL_NAME: physical, "delta.columnMapping.id": 1});
        let schema = json!({"type": "struct", "fields": [
            field("a", mapped("col-1")), field("B", mapped("col-2")), field("c", json!({}))]});
        Metadata {
            id: String::new(),
            name: None,
            description: None,
            format_provider: "parquet".to_owned(),
            format_options: std::collections::BTreeMap::new(),
            schema_string: schema.to_string(),
            partition_columns: ["b", "a", "c", "lost"].map(str::to_owned).to_vec(),
            configuration: mode.map(|mode| (MODE.to_owned(), mode.to_owned())).into_iter().collect(),
            created_time_ms: None,
        }
    }

    #[test]
    fn partition_columns_have_their_physical_names_where_there_is_a_mapping() {
        for mode in ["name", "id", "NAME"] {
            assert_eq!(partition_names(&metadata(Some(mode))).unwrap(), ["col-2", "col-1", "c", "lost"]);
        }
        for mode in [None, Some("none"), Some("None")] {
            assert_eq!(partition_names(&metadata(mode)).unwrap(), ["b", "a", "c", "lost"]);
        }
        let broken = Metadata { schema_string: "{".to_owned(), ..metadata(Some("name")) };
        assert!(partition_names(&broken).is_err());
    }

    #[test]
    fn a_mode_counts_from_reader_version_2_on() {
        let list = |features: &[&str]| Some(features.iter().map(ToString::to_string).collect());
        let heeded = |min_reader_version, reader: Option<&[&str]>, writer: &[&str]| {
            is_heeded(&Protocol {
                min_reader_version,
                min_writer_version: 7,
                reader_features: reader.and_then(list),
                writer_features: list(writer),
            })
        };
        assert!(heeded(2, None, &[]) && heeded(3, Some(&["columnMapping"]), &[]));
        assert!(heeded(3, Some(&[]), &["columnMapping"]));
        assert!(!heeded(1, None, &["columnMapping"]) && !heeded(3, Some(&["deletionVectors"]), &[]));
    }
}
