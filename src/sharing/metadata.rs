//! The two lines that begin every answer: protocol and metaData.

use std::collections::BTreeMap;

use serde_json::Value;

use super::format::{Choice, told_protocol};
use super::schema_text;
use crate::encode::json::{escape_into, string_into};
use crate::table::snapshot::{Metadata, Protocol, Snapshot, Version};

/// Properties of the log, which clients never see: the kind of its checkpoints, and whether its commits carry their
/// time. Clients make a log of their own from an answer, and would miss the times in it.
const LOG_PROPERTIES: [&str; 4] = [
    "delta.checkpointPolicy",
    "delta.enableInCommitTimestamps",
    "delta.inCommitTimestampEnablementVersion",
    "delta.inCommitTimestampEnablementTimestamp",
];

/// What a `metaData` line says besides the table's own metadata.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras<'a> {
    /// Told where lines of several versions stand in one answer.
    pub version: Option<Version>,
    /// Bytes and number of the shared files.
    pub totals: Option<(u64, u64)>,
    /// Whether changes can be read, if the table records them.
    pub shows_change_feed: bool,
    /// The table's directory, where recipients may read it themselves.
    pub directory: Option<&'a str>,
}

/// Appends both lines (Delta Sharing, "Protocol", "Metadata"); the same bytes for the same version.
pub fn push_head(snapshot: &Snapshot, choice: Choice, extras: &Extras<'_>, out: &mut Vec<u8>) {
    match choice {
        Choice::Parquet { .. } => out.extend_from_slice(b"{\"protocol\":{\"minReaderVersion\":1}}\n"),
        Choice::Delta => push_protocol_line(&snapshot.protocol, None, out),
    }
    push_metadata_line(&snapshot.metadata, choice, extras, out);
}

/// Appends the protocol line of the delta format, with the version where it is told.
pub fn push_protocol_line(protocol: &Protocol, version: Option<Version>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"protocol\":{\"deltaProtocol\":{");
    push_protocol(&told_protocol(protocol), out);
    out.push(b'}');
    if let Some(version) = version {
        out.extend_from_slice(format!(",\"version\":{version}").as_bytes());
    }
    out.extend_from_slice(b"}}\n");
}

/// Appends the `metaData` line.
pub fn push_metadata_line(metadata: &Metadata, choice: Choice, extras: &Extras<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"metaData\":{");
    match choice {
        Choice::Parquet { schema } => push_parquet(metadata, schema, extras, out),
        Choice::Delta => {
            out.extend_from_slice(b"\"deltaMetadata\":{");
            push_delta(metadata, out);
            out.push(b'}');
        }
    }
    if let Some(version) = extras.version {
        out.extend_from_slice(format!(",\"version\":{version}").as_bytes());
    }
    if let Some((size_bytes, file_count)) = extras.totals {
        out.extend_from_slice(format!(",\"size\":{size_bytes},\"numFiles\":{file_count}").as_bytes());
    }
    if let Some(directory) = extras.directory {
        out.extend_from_slice(b",\"location\":");
        string_into(directory, out);
        out.extend_from_slice(b",\"accessModes\":[\"url\",\"dir\"]");
    }
    out.extend_from_slice(b"}}\n");
}

/// The inside of a parquet `metaData`. `configuration` says whether changes can be read, and nothing else.
fn push_parquet(metadata: &Metadata, mut schema: Value, extras: &Extras<'_>, out: &mut Vec<u8>) {
    schema_text::keep_comments_only(&mut schema);
    push_names(metadata, out);
    out.extend_from_slice(b",\"format\":{\"provider\":\"parquet\"},\"schemaString\":");
    string_into(&schema.to_string(), out);
    out.extend_from_slice(if extras.shows_change_feed && metadata.has_change_feed() {
        b",\"configuration\":{\"enableChangeDataFeed\":\"true\"},\"partitionColumns\":".as_slice()
    } else {
        b",\"configuration\":{},\"partitionColumns\":"
    });
    push_list(&metadata.partition_columns, out);
}

fn push_protocol(protocol: &Protocol, out: &mut Vec<u8>) {
    let versions = format!(
        "\"minReaderVersion\":{},\"minWriterVersion\":{}",
        protocol.min_reader_version, protocol.min_writer_version
    );
    out.extend_from_slice(versions.as_bytes());
    for (name, features) in
        [("readerFeatures", &protocol.reader_features), ("writerFeatures", &protocol.writer_features)]
    {
        if let Some(features) = features {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            push_list(features, out);
        }
    }
}

/// The inside of a Delta `metaData` action.
fn push_delta(metadata: &Metadata, out: &mut Vec<u8>) {
    push_names(metadata, out);
    out.extend_from_slice(b",\"format\":{\"provider\":");
    string_into(&metadata.format_provider, out);
    out.extend_from_slice(b",\"options\":");
    push_map(metadata.format_options.iter(), out);
    out.extend_from_slice(b"},\"schemaString\":");
    string_into(&metadata.schema_string, out);
    out.extend_from_slice(b",\"partitionColumns\":");
    push_list(&metadata.partition_columns, out);
    out.extend_from_slice(b",\"configuration\":");
    push_map(told_configuration(&metadata.configuration), out);
    if let Some(created_time_ms) = metadata.created_time_ms {
        out.extend_from_slice(format!(",\"createdTime\":{created_time_ms}").as_bytes());
    }
}

/// Delta's own properties. What else a provider keeps with a table is no business of recipients.
fn told_configuration(configuration: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    let is_told = |name: &str| name.starts_with("delta.") && !LOG_PROPERTIES.contains(&name);
    configuration.iter().filter(move |(name, _)| is_told(name))
}

fn push_names(metadata: &Metadata, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"id\":");
    string_into(&metadata.id, out);
    for (name, text) in [("name", &metadata.name), ("description", &metadata.description)] {
        if let Some(text) = text {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            string_into(text, out);
        }
    }
}

fn push_list(texts: &[String], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string_into(text, out);
    }
    out.push(b']');
}

fn push_map<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in pairs.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'"');
        escape_into(name, out);
        out.extend_from_slice(b"\":");
        string_into(value, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sharing::fixture;

    fn parquet(snapshot: &Snapshot) -> Choice {
        Choice::Parquet { schema: serde_json::from_str(&snapshot.metadata.schema_string).unwrap() }
    }

    fn extras(snapshot: &Snapshot) -> Extras<'static> {
        let files = &snapshot.files;
        Extras { totals: Some((files.size_bytes(), files.file_count())), ..Extras::default() }
    }

    #[test]
    fn what_is_shared_besides_is_told() {
        let all = Extras {
            version: Some(4),
            totals: None,
            shows_change_feed: true,
            directory: Some("s3://lake/t"),
        };
        for choice in [parquet(&told()), Choice::Delta] {
            let is_parquet = matches!(choice, Choice::Parquet { .. });
            let mut out = Vec::new();
            push_metadata_line(&told().metadata, choice, &all, &mut out);
            let line: Value = serde_json::from_slice(&out).unwrap();
            let told = &line["metaData"];
            assert_eq!(told["version"], 4);
            assert_eq!(
                (&told["location"], &told["accessModes"]),
                (&json!("s3://lake/t"), &json!(["url", "dir"]))
            );
            assert!(told.get("size").is_none() && told.get("numFiles").is_none());
            if is_parquet {
                assert_eq!(told["configuration"], json!({"enableChangeDataFeed": "true"}));
            }
        }
        let mut out = Vec::new();
        push_protocol_line(&told().protocol, Some(4), &mut out);
        let line: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(line["protocol"]["version"], 4);
    }

    fn head(snapshot: &Snapshot, choice: Choice) -> (Value, Value) {
        let mut out = Vec::new();
        push_head(snapshot, choice, &extras(snapshot), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("}\n"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        (serde_json::from_str(lines[0]).unwrap(), serde_json::from_str(lines[1]).unwrap())
    }

    fn told() -> Snapshot {
        let mut snapshot = fixture::snapshot(3);
        snapshot.metadata.name = Some("orders".to_owned());
        for (name, value) in [
            ("delta.enableChangeDataFeed", "true"),
            ("delta.checkpointPolicy", "v2"),
            ("delta.enableInCommitTimestamps", "true"),
            ("delta.inCommitTimestampEnablementVersion", "3"),
            ("owner.password", "hush"),
        ] {
            snapshot.metadata.configuration.insert(name.to_owned(), value.to_owned());
        }
        snapshot
    }

    #[test]
    fn parquet_metadata_holds_what_parquet_clients_read_and_nothing_else() {
        let (protocol, metadata) = head(&told(), parquet(&told()));
        assert_eq!(protocol, json!({"protocol": {"minReaderVersion": 1}}));
        let schema = metadata["metaData"]["schemaString"].as_str().unwrap();
        assert!(schema.contains("a comment") && !schema.contains("secret"), "{schema}");
        assert_eq!(
            metadata,
            json!({"metaData": {
                "id": "364ac6aa-ceb3-4520-b33e-2875a41024c2", "name": "orders", "format": {"provider": "parquet"},
                "schemaString": schema, "configuration": {}, "partitionColumns": ["date"],
                "size": 3006, "numFiles": 3}})
        );
    }

    #[test]
    fn delta_metadata_keeps_the_schema_and_the_delta_properties() {
        let snapshot = told();
        let (protocol, metadata) = head(&snapshot, Choice::Delta);
        assert_eq!(
            protocol,
            json!({"protocol": {"deltaProtocol": {"minReaderVersion": 1, "minWriterVersion": 2}}})
        );
        assert_eq!(
            metadata,
            json!({"metaData": {"deltaMetadata": {
                "id": "364ac6aa-ceb3-4520-b33e-2875a41024c2", "name": "orders",
                "format": {"provider": "parquet", "options": {}}, "schemaString": snapshot.metadata.schema_string,
                "partitionColumns": ["date"], "configuration": {"delta.enableChangeDataFeed": "true"},
                "createdTime": 1_700_000_000_000_i64}, "size": 3006, "numFiles": 3}})
        );
    }

    #[test]
    fn feature_lists_are_written_as_they_are() {
        let mut snapshot = fixture::snapshot(0);
        snapshot.protocol = Protocol {
            min_reader_version: 3,
            min_writer_version: 7,
            reader_features: Some(vec!["deletionVectors".to_owned()]),
            writer_features: Some(vec!["appendOnly".to_owned(), "deletionVectors".to_owned()]),
        };
        let (protocol, _) = head(&snapshot, Choice::Delta);
        assert_eq!(
            protocol["protocol"]["deltaProtocol"],
            json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
                   "writerFeatures": ["appendOnly", "deletionVectors"]})
        );
    }

    #[test]
    fn no_character_of_a_text_ends_the_line_for_python() {
        let mut snapshot = fixture::snapshot(0);
        snapshot.metadata.description = Some("a\u{2028}b\u{2029}c\u{85}d\u{1f980}\"\n".to_owned());
        for choice in [parquet(&snapshot), Choice::Delta] {
            let mut out = Vec::new();
            push_head(&snapshot, choice, &extras(&snapshot), &mut out);
            let text = String::from_utf8(out).unwrap();
            assert!(!text.contains(['\u{2028}', '\u{2029}', '\u{85}', '\r', '\u{b}', '\u{c}']));
            assert_eq!(text.matches('\n').count(), 2);
            assert!(text.contains(r#"a\u2028b\u2029c\u0085d🦀\"\n"#), "{text}");
        }
    }
}
