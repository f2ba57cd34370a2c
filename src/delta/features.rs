//! What a table demands of readers, and what is served.

use crate::table::snapshot::{Metadata, Protocol};

const READER_VERSION_MAX: i32 = 3;
const WRITER_VERSION_MAX: i32 = 7;
const COLUMN_MAPPING_MODE: &str = "delta.columnMapping.mode";

/// Reader features that change nothing about which files are alive and what is in them.
const SERVED: &[&str] = &["v2Checkpoint", "vacuumProtocolCheck"];

/// Reader features of the protocol that change something.
const KNOWN: &[&str] = &[
    "catalogManaged",
    "catalogOwned-preview",
    "columnMapping",
    "deletionVectors",
    "geospatial",
    "timestampNtz",
    "timestampWithoutTimezone",
    "typeWidening",
    "typeWidening-preview",
    "variantShredding",
    "variantShredding-preview",
    "variantType",
    "variantType-preview",
];

/// What a table demands that is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(
        "its protocol is ({reader}, {writer}), and up to ({READER_VERSION_MAX}, {WRITER_VERSION_MAX}) is understood"
    )]
    ProtocolVersion { reader: i32, writer: i32 },
    #[error("its protocol has reader version 3, but no list of reader features")]
    NoFeatureList,
    #[error(
        "it demands the reader {}, which {} not served{}",
        list(features),
        verb(features),
        unknown_text(unknown)
    )]
    Features {
        features: Vec<String>,
        /// Those of them that are in no protocol known here.
        unknown: Vec<String>,
    },
    #[error("its '{COLUMN_MAPPING_MODE}' is '{mode}', and the reader feature columnMapping is not served")]
    ColumnMapping { mode: String },
    #[error("its file '{path}' has a deletion vector, and the reader feature deletionVectors is not served")]
    DeletionVector { path: String },
    #[error("its files are of the format '{provider}', and only parquet is served")]
    Format { provider: String },
}

fn list(features: &[String]) -> String {
    let noun = if features.len() == 1 { "feature" } else { "features" };
    format!("{noun} {}", features.join(", "))
}

fn verb(features: &[String]) -> &'static str {
    if features.len() == 1 { "is" } else { "are" }
}

fn unknown_text(unknown: &[String]) -> String {
    if unknown.is_empty() { String::new() } else { format!(" (unknown: {})", unknown.join(", ")) }
}

/// Whether tables with this protocol are served.
///
/// Features for writers alone are no obstacle ("Protocol Evolution"). A reader feature counts from the moment
/// the protocol lists it, whether the table makes use of it or not.
pub(super) fn check_protocol(protocol: &Protocol) -> Result<(), Fault> {
    let (reader, writer) = (protocol.min_reader_version, protocol.min_writer_version);
    if !(1..=READER_VERSION_MAX).contains(&reader) || !(1..=WRITER_VERSION_MAX).contains(&writer) {
        return Err(Fault::ProtocolVersion { reader, writer });
    }
    if reader < READER_VERSION_MAX {
        return Ok(());
    }
    let listed = protocol.reader_features.as_ref().ok_or(Fault::NoFeatureList)?;
    let is_in = |list: &[&str], feature: &String| list.contains(&feature.as_str());
    let features: Vec<_> = listed.iter().filter(|feature| !is_in(SERVED, feature)).cloned().collect();
    if features.is_empty() {
        return Ok(());
    }
    let unknown = features.iter().filter(|feature| !is_in(KNOWN, feature)).cloned().collect();
    Err(Fault::Features { features, unknown })
}

/// Whether tables with this metadata are served.
///
/// The mode of column mapping counts whatever the protocol says: a table that sets it under an older protocol is
/// read in two ways by two readers.
pub(super) fn check_metadata(metadata: &Metadata) -> Result<(), Fault> {
    if !metadata.format_provider.eq_ignore_ascii_case("parquet") {
        return Err(Fault::Format { provider: metadata.format_provider.clone() });
    }
    match metadata.configuration.get(COLUMN_MAPPING_MODE) {
        Some(mode) if !mode.eq_ignore_ascii_case("none") => Err(Fault::ColumnMapping { mode: mode.clone() }),
        _ => Ok(()),
    }
}

/// Whether commits carry their own time ("In-Commit Timestamps"): a feature for writers, which readers may use.
pub(super) fn has_in_commit_timestamps(protocol: &Protocol, metadata: &Metadata) -> bool {
    let is_supported =
        protocol.writer_features.iter().flatten().any(|feature| feature == "inCommitTimestamp");
    let setting = metadata.configuration.get("delta.enableInCommitTimestamps");
    is_supported && setting.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(reader: i32, writer: i32, features: Option<&[&str]>) -> Protocol {
        Protocol {
            min_reader_version: reader,
            min_writer_version: writer,
            reader_features: features.map(|list| list.iter().map(|&feature| feature.to_owned()).collect()),
            writer_features: None,
        }
    }

    fn refusal(reader: i32, writer: i32, features: Option<&[&str]>) -> String {
        check_protocol(&protocol(reader, writer, features)).unwrap_err().to_string()
    }

    #[test]
    fn old_protocols_and_harmless_features_are_served() {
        assert_eq!(check_protocol(&protocol(1, 2, None)), Ok(()));
        assert_eq!(check_protocol(&protocol(2, 5, None)), Ok(()));
        assert_eq!(check_protocol(&protocol(3, 7, Some(&[]))), Ok(()));
        assert_eq!(check_protocol(&protocol(3, 7, Some(&["vacuumProtocolCheck"]))), Ok(()));
    }

    #[test]
    fn all_unserved_features_are_named_and_unknown_ones_called_so() {
        assert_eq!(
            refusal(3, 7, Some(&["deletionVectors"])),
            "it demands the reader feature deletionVectors, which is not served",
        );
        assert_eq!(
            refusal(3, 7, Some(&["vacuumProtocolCheck", "columnMapping", "fooBar"])),
            "it demands the reader features columnMapping, fooBar, which are not served (unknown: fooBar)",
        );
    }

    #[test]
    fn protocols_beyond_the_known_ones_are_refused_by_number() {
        for (reader, writer) in [(4, 7), (3, 8), (0, 2), (-1, 2), (99, 99)] {
            let text = refusal(reader, writer, Some(&[]));
            assert!(text.contains(&format!("({reader}, {writer})")), "{text}");
        }
        assert_eq!(check_protocol(&protocol(3, 7, None)), Err(Fault::NoFeatureList));
    }

    fn metadata(key: &str, value: &str) -> Metadata {
        Metadata {
            id: String::new(),
            name: None,
            description: None,
            format_provider: "parquet".to_owned(),
            format_options: std::collections::BTreeMap::new(),
            schema_string: String::new(),
            partition_columns: Vec::new(),
            configuration: [(key.to_owned(), value.to_owned())].into(),
            created_time_ms: None,
        }
    }

    #[test]
    fn column_mapping_is_served_only_where_it_is_off() {
        for mode in ["none", "None"] {
            assert_eq!(check_metadata(&metadata(COLUMN_MAPPING_MODE, mode)), Ok(()));
        }
        for mode in ["name", "id", "other"] {
            let refused = check_metadata(&metadata(COLUMN_MAPPING_MODE, mode)).unwrap_err();
            assert!(refused.to_string().contains("columnMapping"));
        }
        let orc = Metadata { format_provider: "orc".to_owned(), ..metadata("a", "b") };
        assert!(check_metadata(&orc).unwrap_err().to_string().contains("'orc'"));
    }
}
