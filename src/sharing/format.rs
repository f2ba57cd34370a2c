//! Which format an answer has, and whether its client can read that.

use serde_json::Value;

use super::capabilities::{Capabilities, Format};
use super::error::Error;
use super::schema_text;
use crate::table::snapshot::{Protocol, Snapshot};

/// Reader features that concern the log alone. A client that gets URLs never sees the log.
const LOG_FEATURES: [&str; 4] =
    ["v2Checkpoint", "vacuumProtocolCheck", "catalogManaged", "catalogOwned-preview"];

/// The format of an answer, with what is needed to write its head.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// The schema was read to see whether the format can express it.
    Parquet {
        schema: Value,
    },
    Delta,
}

impl Choice {
    pub fn format(&self) -> Format {
        match self {
            Self::Parquet { .. } => Format::Parquet,
            Self::Delta => Format::Delta,
        }
    }
}

/// The format for this table version (Delta Sharing, "responseFormat").
///
/// Parquet where both are accepted and the table can be expressed in it. The same question gets the same
/// answer on metadata and on query, because clients ask on the first and insist on the second.
pub fn choose(capabilities: &Capabilities, snapshot: &Snapshot) -> Result<Choice, Error> {
    if !capabilities.accepts_parquet {
        return with_delta(capabilities, snapshot);
    }
    let schema: Value = serde_json::from_str(&snapshot.metadata.schema_string)
        .map_err(|source| Error::Schema { version: snapshot.version, source })?;
    match parquet_obstacle(snapshot, &schema) {
        None => Ok(Choice::Parquet { schema }),
        Some(_) if capabilities.accepts_delta => with_delta(capabilities, snapshot),
        Some(obstacle) => Err(Error::NeedsDelta { version: snapshot.version, obstacle }),
    }
}

fn with_delta(capabilities: &Capabilities, snapshot: &Snapshot) -> Result<Choice, Error> {
    let missing: Vec<&str> = data_features(snapshot)
        .filter(|feature| !capabilities.reader_features.contains(&feature.to_lowercase()))
        .collect();
    if missing.is_empty() {
        Ok(Choice::Delta)
    } else {
        Err(Error::MissingFeatures { version: snapshot.version, missing: missing.join(", ") })
    }
}

/// Reader features that change what a data file says. Tables older than feature lists map columns by a
/// property alone.
fn data_features(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    let features = snapshot.protocol.reader_features.as_ref();
    let mapping = snapshot.metadata.configuration.get("delta.columnMapping.mode");
    let maps_columns = features.is_none() && mapping.is_some_and(|mode| mode != "none");
    let listed = features.into_iter().flatten().map(String::as_str);
    listed.filter(|feature| !LOG_FEATURES.contains(feature)).chain(maps_columns.then_some("columnMapping"))
}

fn parquet_obstacle(snapshot: &Snapshot, schema: &Value) -> Option<String> {
    let features: Vec<&str> = data_features(snapshot).collect();
    if features.is_empty() {
        schema_text::inexpressible_column(schema)
    } else {
        Some(format!("uses {}", features.join(", ")))
    }
}

/// The protocol that clients of the delta format are told: features of the log are left out of it.
///
/// When no reader feature is left, the reader version is 1, since version 3 without a list is not legal.
pub fn told_protocol(protocol: &Protocol) -> Protocol {
    let without = |features: &Option<Vec<String>>| {
        features.as_ref().map(|features| {
            let kept = features.iter().filter(|feature| !LOG_FEATURES.contains(&feature.as_str()));
            kept.cloned().collect::<Vec<String>>()
        })
    };
    let reader_features = without(&protocol.reader_features).filter(|features| !features.is_empty());
    let has_list = protocol.reader_features.is_some();
    let lowered = has_list && reader_features.is_none();
    Protocol {
        min_reader_version: if lowered { 1 } else { protocol.min_reader_version },
        min_writer_version: protocol.min_writer_version,
        reader_features,
        writer_features: without(&protocol.writer_features),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharing::fixture;

    fn capabilities(parquet: bool, delta: bool, features: &[&str]) -> Capabilities {
        Capabilities {
            accepts_parquet: parquet,
            accepts_delta: delta,
            reader_features: features.iter().map(ToString::to_string).collect(),
            include_end_stream_action: false,
        }
    }

    fn with_features(features: &[&str]) -> Snapshot {
        let mut snapshot = fixture::snapshot(0);
        let features: Vec<String> = features.iter().map(ToString::to_string).collect();
        snapshot.protocol = Protocol {
            min_reader_version: 3,
            min_writer_version: 7,
            reader_features: Some(features.clone()),
            writer_features: Some(features),
        };
        snapshot
    }

    #[test]
    fn plain_tables_are_parquet_when_both_are_accepted() {
        let plain = fixture::snapshot(0);
        assert_eq!(choose(&capabilities(true, true, &[]), &plain).unwrap().format(), Format::Parquet);
        assert_eq!(choose(&capabilities(true, false, &[]), &plain).unwrap().format(), Format::Parquet);
        assert_eq!(choose(&capabilities(false, true, &[]), &plain).unwrap().format(), Format::Delta);
    }

    #[test]
    fn features_of_data_files_need_delta_and_a_client_that_lists_them() {
        let table = with_features(&["deletionVectors"]);
        assert!(matches!(choose(&capabilities(true, false, &[]), &table), Err(Error::NeedsDelta { .. })));
        let both = capabilities(true, true, &["deletionvectors"]);
        assert_eq!(choose(&both, &table).unwrap().format(), Format::Delta);
        let error = choose(&capabilities(false, true, &["columnmapping"]), &table).unwrap_err();
        assert!(error.to_string().contains("deletionVectors"), "{error}");
    }

    #[test]
    fn features_of_the_log_are_no_concern_of_clients() {
        let table = with_features(&["v2Checkpoint", "vacuumProtocolCheck"]);
        assert_eq!(choose(&capabilities(true, false, &[]), &table).unwrap().format(), Format::Parquet);
        let told = told_protocol(&table.protocol);
        assert_eq!((told.min_reader_version, told.min_writer_version), (1, 7));
        assert_eq!((told.reader_features, told.writer_features), (None, Some(vec![])));
        let told = told_protocol(&with_features(&["v2Checkpoint", "deletionVectors"]).protocol);
        assert_eq!(told.min_reader_version, 3);
        assert_eq!(told.reader_features, Some(vec!["deletionVectors".to_owned()]));
    }

    #[test]
    fn columns_mapped_without_a_feature_list_need_delta() {
        let mut table = fixture::snapshot(0);
        table.metadata.configuration.insert("delta.columnMapping.mode".to_owned(), "name".to_owned());
        assert!(choose(&capabilities(true, false, &[]), &table).is_err());
        assert!(choose(&capabilities(false, true, &[]), &table).is_err());
        assert_eq!(
            choose(&capabilities(true, true, &["columnmapping"]), &table).unwrap().format(),
            Format::Delta
        );
    }

    #[test]
    fn void_columns_need_delta() {
        let mut table = fixture::snapshot(0);
        table.metadata.schema_string = table.metadata.schema_string.replace("\"long\"", "\"void\"");
        let error = choose(&capabilities(true, false, &[]), &table).unwrap_err();
        assert!(error.to_string().contains("void"), "{error}");
        assert_eq!(choose(&capabilities(true, true, &[]), &table).unwrap().format(), Format::Delta);
    }

    #[test]
    fn a_broken_schema_is_corrupt() {
        let mut table = fixture::snapshot(0);
        table.metadata.schema_string = "{".to_owned();
        let error = choose(&capabilities(true, false, &[]), &table).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Corrupt);
    }
}
