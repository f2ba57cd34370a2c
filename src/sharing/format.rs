//! Which format an answer has, and whether its client can read that.

use serde_json::Value;

use super::capabilities::{Capabilities, Format};
use super::error::Error;
use super::schema_text;
use crate::table::snapshot::{Metadata, Protocol, Snapshot, Version};

/// Reader features that concern the log alone. A client that gets URLs never sees the log.
const LOG_FEATURES: [&str; 4] =
    ["v2Checkpoint", "vacuumProtocolCheck", "catalogManaged", "catalogOwned-preview"];

/// Features that concern readers of data files as well as writers.
const READER_FEATURES: [&str; 2] = ["columnMapping", "deletionVectors"];

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

/// The choice of a format that has been found to express this metadata.
pub fn choice_of(format: Format, metadata: &Metadata, version: Version) -> Result<Choice, Error> {
    match format {
        Format::Delta => Ok(Choice::Delta),
        Format::Parquet => serde_json::from_str(&metadata.schema_string)
            .map(|schema| Choice::Parquet { schema })
            .map_err(|source| Error::Schema { version, source }),
    }
}

fn with_delta(capabilities: &Capabilities, snapshot: &Snapshot) -> Result<Choice, Error> {
    let lists =
        |name: &str| capabilities.reader_features.iter().any(|listed| listed.eq_ignore_ascii_case(name));
    // A feature that was renamed before its release; tables of the old name are read in the same way.
    let is_renamed = |feature: &str| feature == "timestampWithoutTimezone" && lists("timestampNtz");
    let is_missing = |feature: &&str| !lists(feature) && !is_renamed(feature);
    let missing: Vec<&str> = data_features(snapshot).filter(is_missing).collect();
    if missing.is_empty() {
        Ok(Choice::Delta)
    } else {
        Err(Error::MissingFeatures { version: snapshot.version, missing: missing.join(", ") })
    }
}

/// Reader features that change what a data file says. Tables older than feature lists map columns by a
/// property alone.
fn data_features(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    let features = reader_features(&snapshot.protocol);
    let maps_columns = features.is_none() && maps_columns(snapshot);
    let listed = features.into_iter().flatten();
    listed.filter(|feature| !LOG_FEATURES.contains(feature)).chain(maps_columns.then_some("columnMapping"))
}

/// The reader features of a protocol that has a list of them. What concerns readers has to be in both lists (Delta,
/// "Table Features"); where a writer forgot the first, the second tells it.
fn reader_features(protocol: &Protocol) -> Option<Vec<&str>> {
    let mut features: Vec<&str> = protocol.reader_features.as_ref()?.iter().map(String::as_str).collect();
    for feature in protocol.writer_features.iter().flatten() {
        if READER_FEATURES.contains(&feature.as_str()) && !features.contains(&feature.as_str()) {
            features.push(feature);
        }
    }
    Some(features)
}

fn maps_columns(snapshot: &Snapshot) -> bool {
    let mode = snapshot.metadata.configuration.get("delta.columnMapping.mode");
    mode.is_some_and(|mode| !mode.eq_ignore_ascii_case("none"))
}

/// What of the table the parquet format cannot express. What its files are counts, not what its protocol allows:
/// a table that may have deletion vectors and has none is as good as one that may not.
fn parquet_obstacle(snapshot: &Snapshot, schema: &Value) -> Option<String> {
    if snapshot.files.has_deletion_vectors() {
        return Some("has files of which rows are deleted (deletionVectors)".to_owned());
    }
    let renamed = maps_columns(snapshot).then(|| schema_text::renamed_column(schema)).flatten();
    renamed.or_else(|| schema_text::inexpressible_column(schema))
}

/// The protocol that clients of the delta format are told: features of the log are left out of it.
///
/// When no reader feature is left, the reader version is 1, since version 3 without a list is not legal.
pub fn told_protocol(protocol: &Protocol) -> Protocol {
    let without = |features: Vec<&str>| {
        let kept = features.into_iter().filter(|feature| !LOG_FEATURES.contains(feature));
        kept.map(str::to_owned).collect::<Vec<String>>()
    };
    let reader_features = reader_features(protocol).map(without).filter(|features| !features.is_empty());
    let writer_features = protocol.writer_features.as_ref();
    let writer_features = writer_features.map(|features| features.iter().map(String::as_str).collect());
    let has_list = protocol.reader_features.is_some();
    let lowered = has_list && reader_features.is_none();
    Protocol {
        min_reader_version: if lowered { 1 } else { protocol.min_reader_version },
        min_writer_version: protocol.min_writer_version,
        reader_features,
        writer_features: writer_features.map(without),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharing::fixture;
    use crate::table::deletion_vector::{DeletionVector, Place};

    fn capabilities(parquet: bool, delta: bool, features: &[&str]) -> Capabilities {
        Capabilities {
            accepts_parquet: parquet,
            accepts_delta: delta,
            reader_features: features.iter().map(ToString::to_string).collect(),
            include_end_stream_action: false,
            async_query: false,
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
        let vector =
            DeletionVector { place: Place::Inline(b"x"), offset: None, size_bytes: 1, cardinality: 1 };
        let files = fixture::with_vectors(4, &|number| (number == 2).then_some(vector)).files;
        let table = Snapshot { files, ..with_features(&["deletionVectors"]) };
        assert!(matches!(choose(&capabilities(true, false, &[]), &table), Err(Error::NeedsDelta { .. })));
        let both = capabilities(true, true, &["deletionvectors"]);
        assert_eq!(choose(&both, &table).unwrap().format(), Format::Delta);
        let error = choose(&capabilities(false, true, &["columnmapping"]), &table).unwrap_err();
        assert!(error.to_string().contains("deletionVectors"), "{error}");
    }

    #[test]
    fn a_feature_that_no_file_and_no_column_makes_use_of_is_no_obstacle_to_parquet() {
        for feature in ["deletionVectors", "columnMapping", "timestampNtz", "typeWidening", "variantType"] {
            let table = with_features(&[feature]);
            assert_eq!(choose(&capabilities(true, true, &[]), &table).unwrap().format(), Format::Parquet);
            assert!(choose(&capabilities(false, true, &[]), &table).is_err(), "{feature}");
        }
    }

    #[test]
    fn the_old_name_of_a_feature_is_known_to_those_who_know_the_new_one() {
        let table = with_features(&["timestampWithoutTimezone"]);
        assert!(choose(&capabilities(false, true, &["timestampntz"]), &table).is_ok());
        assert!(choose(&capabilities(false, true, &["timestampwithouttimezone"]), &table).is_ok());
        assert!(choose(&capabilities(false, true, &["deletionvectors"]), &table).is_err());
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
    fn a_feature_that_is_listed_for_writers_alone_is_told_to_readers() {
        let mut table = with_features(&[]);
        let listed = ["appendOnly", "columnMapping"].map(str::to_owned).to_vec();
        table.protocol.writer_features = Some(listed.clone());
        let told = told_protocol(&table.protocol);
        assert_eq!(
            (told.min_reader_version, told.reader_features),
            (3, Some(vec!["columnMapping".to_owned()]))
        );
        assert_eq!(told.writer_features, Some(listed));
        assert!(choose(&capabilities(false, true, &[]), &table).is_err());
        assert!(choose(&capabilities(false, true, &["columnmapping"]), &table).is_ok());
    }

    #[test]
    fn columns_mapped_without_a_feature_list_need_delta() {
        let mut table = fixture::snapshot(0);
        table.metadata.configuration.insert("delta.columnMapping.mode".to_owned(), "name".to_owned());
        let unchanged = choose(&capabilities(true, false, &[]), &table).unwrap();
        assert_eq!(unchanged.format(), Format::Parquet);
        let renamed = r#""metadata":{"delta.columnMapping.physicalName":"col-1"}"#;
        table.metadata.schema_string = table.metadata.schema_string.replace(r#""metadata":{}"#, renamed);
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
