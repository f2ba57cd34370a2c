//! What a table demands of readers, and what is served.

use super::column_mapping;
use crate::table::snapshot::{Metadata, Protocol, Snapshot, Version};

const READER_VERSION_MAX: i32 = 3;
const WRITER_VERSION_MAX: i32 = 7;
const ICT_ENABLEMENT_VERSION: &str = "delta.inCommitTimestampEnablementVersion";

/// Reader features with which the log is read rightly. What a client has to know of them is for the door to say.
const SERVED: &[&str] = &[
    "columnMapping",
    "deletionVectors",
    "geospatial",
    "timestampNtz",
    "timestampWithoutTimezone",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "variantShredding",
    "variantShredding-preview",
    "variantType",
    "variantType-preview",
];

/// Features of tables whose newest version a catalog knows, and not the log.
const CATALOG: &[&str] = &["catalogManaged", "catalogOwned-preview"];

/// What a table demands that is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error(
        "its protocol is ({reader}, {writer}), and up to ({READER_VERSION_MAX}, {WRITER_VERSION_MAX}) is understood"
    )]
    ProtocolVersion { reader: i32, writer: i32 },
    #[error("its protocol has reader version 3, but no list of reader features")]
    NoFeatureList,
    #[error("it demands the reader {}, which {} not known here", list(features), verb(features))]
    Features { features: Vec<String> },
    #[error(
        "it is managed by a catalog (reader feature {feature}), and its log alone does not tell its newest version; \
         drop the feature, or share a copy of the table"
    )]
    CatalogManaged { feature: String },
    #[error("its '{}' is '{mode}', which is none of none, name and id", column_mapping::MODE)]
    MappingMode { mode: String },
    #[error(
        "its '{}' is '{mode}', but its protocol does not have the reader feature columnMapping",
        column_mapping::MODE
    )]
    MappingUnheeded { mode: String },
    #[error(
        "its files have deletion vectors, but its protocol does not have the reader feature deletionVectors"
    )]
    DeletionVectorsUnheeded,
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
    if let Some(feature) = listed.iter().find(|feature| is_in(CATALOG, feature)) {
        return Err(Fault::CatalogManaged { feature: feature.clone() });
    }
    let features: Vec<_> = listed.iter().filter(|feature| !is_in(SERVED, feature)).cloned().collect();
    if features.is_empty() { Ok(()) } else { Err(Fault::Features { features }) }
}

/// Whether tables with this metadata are served.
pub(super) fn check_metadata(metadata: &Metadata) -> Result<(), Fault> {
    if !metadata.format_provider.eq_ignore_ascii_case("parquet") {
        return Err(Fault::Format { provider: metadata.format_provider.clone() });
    }
    match column_mapping::mode(metadata) {
        Some(mode) if !["name", "id"].iter().any(|known| mode.eq_ignore_ascii_case(known)) => {
            Err(Fault::MappingMode { mode: mode.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether protocol and metadata agree about column mapping: a mode that the protocol hides is heeded by some
/// readers and not by others.
pub(super) fn check_mapping(protocol: &Protocol, metadata: &Metadata) -> Result<(), Fault> {
    match column_mapping::mode(metadata) {
        Some(mode) if !column_mapping::is_heeded(protocol) => {
            Err(Fault::MappingUnheeded { mode: mode.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Whether the protocol lets readers know that files may have deletion vectors.
pub(super) fn check_deletion_vectors(protocol: &Protocol, has_any: bool) -> Result<(), Fault> {
    let is_heeded = || protocol.reader_features.iter().flatten().any(|feature| feature == "deletionVectors");
    if has_any && !is_heeded() { Err(Fault::DeletionVectorsUnheeded) } else { Ok(()) }
}

/// All of the above, of a whole version.
pub(super) fn check_table(snapshot: &Snapshot) -> Result<(), Fault> {
    let Snapshot { protocol, metadata, files, .. } = snapshot;
    check_protocol(protocol)?;
    check_metadata(metadata)?;
    check_mapping(protocol, metadata)?;
    check_deletion_vectors(protocol, files.has_deletion_vectors())
}

/// Whether the commit of `version` carries its own time ("In-Commit Timestamps"): a feature for writers, which
/// readers may use. Tables that got it late name the version from which on it holds.
pub(super) fn has_in_commit_timestamp(protocol: &Protocol, metadata: &Metadata, version: Version) -> bool {
    let is_supported =
        protocol.writer_features.iter().flatten().any(|feature| feature == "inCommitTimestamp");
    let setting = |name: &str| metadata.configuration.get(name);
    let is_enabled =
        setting("delta.enableInCommitTimestamps").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let since = setting(ICT_ENABLEMENT_VERSION).and_then(|version| version.parse().ok());
    is_supported && is_enabled && since.is_none_or(|since: Version| version >= since)
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
        assert_eq!(check_protocol(&protocol(3, 7, Some(SERVED))), Ok(()));
    }

    #[test]
    fn features_that_nobody_knows_are_named_even_beside_known_ones() {
        assert_eq!(
            refusal(3, 7, Some(&["fooBar"])),
            "it demands the reader feature fooBar, which is not known here",
        );
        assert_eq!(
            refusal(3, 7, Some(&["vacuumProtocolCheck", "columnMapping", "fooBar", "DeletionVectors"])),
            "it demands the reader features fooBar, DeletionVectors, which are not known here",
        );
    }

    #[test]
    fn tables_of_a_catalog_are_refused_with_what_to_do() {
        for feature in CATALOG {
            let text = refusal(3, 7, Some(&["fooBar", feature]));
            assert!(text.contains(feature) && text.contains("drop the feature"), "{text}");
        }
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
    fn a_mapping_counts_only_where_the_protocol_has_it() {
        for (mode, heeded, unheeded) in [("none", true, true), ("name", true, false), ("ID", true, false)] {
            let metadata = metadata(column_mapping::MODE, mode);
            assert_eq!(check_metadata(&metadata), Ok(()));
            for reader in [protocol(2, 5, None), protocol(3, 7, Some(&["columnMapping"]))] {
                assert_eq!(check_mapping(&reader, &metadata).is_ok(), heeded, "{mode}");
            }
            for reader in [protocol(1, 2, None), protocol(3, 7, Some(&["deletionVectors"]))] {
                assert_eq!(check_mapping(&reader, &metadata).is_ok(), unheeded, "{mode}");
            }
        }
        let other = check_metadata(&metadata(column_mapping::MODE, "other")).unwrap_err();
        assert!(other.to_string().contains("'other'"), "{other}");
    }

    #[test]
    fn deletion_vectors_that_the_protocol_hides_are_refused() {
        assert_eq!(check_deletion_vectors(&protocol(3, 7, Some(&["deletionVectors"])), true), Ok(()));
        assert_eq!(check_deletion_vectors(&protocol(1, 2, None), false), Ok(()));
        let hidden = check_deletion_vectors(&protocol(3, 7, Some(&[])), true);
        assert_eq!(hidden, Err(Fault::DeletionVectorsUnheeded));
    }

    #[test]
    fn only_parquet_files_are_served() {
        let orc = Metadata { format_provider: "orc".to_owned(), ..metadata("a", "b") };
        assert!(check_metadata(&orc).unwrap_err().to_string().contains("'orc'"));
    }

    #[test]
    fn commits_carry_their_time_from_the_version_of_enablement_on() {
        let mut writer = protocol(1, 7, None);
        let mut metadata = metadata("delta.enableInCommitTimestamps", "true");
        assert!(!has_in_commit_timestamp(&writer, &metadata, 5));
        writer.writer_features = Some(vec!["inCommitTimestamp".to_owned()]);
        assert!(has_in_commit_timestamp(&writer, &metadata, 0));
        metadata.configuration.insert(ICT_ENABLEMENT_VERSION.to_owned(), "3".to_owned());
        let found = [2, 3, 4].map(|version| has_in_commit_timestamp(&writer, &metadata, version));
        assert_eq!(found, [false, true, true]);
    }
}
