//! Changed files as lines of NDJSON, with version and time.

use super::capabilities::Format;
use super::render::LineWriter;
use crate::encode::decimal;
use crate::encode::json::string_into;
use crate::table::change::{ChangeKind, ChangedFile, CommitMark, OwnedVector};
use crate::table::deletion_vector::Place;

/// The word for a kind of change in each format.
fn word(kind: ChangeKind, format: Format) -> &'static str {
    match (kind, format) {
        (ChangeKind::Add, _) => "add",
        (ChangeKind::Remove, _) => "remove",
        (ChangeKind::Cdc, Format::Parquet) => "cdf",
        (ChangeKind::Cdc, Format::Delta) => "cdc",
    }
}

/// Appends the line of one changed file (Delta Sharing, "Add File", "CDF File", "Remove File" and "File in Delta
/// format").
pub fn push_change(writer: &mut LineWriter, change: &ChangedFile, mark: CommitMark, out: &mut Vec<u8>) {
    match writer.format() {
        Format::Parquet => push_parquet(writer, change, mark, out),
        Format::Delta => push_delta(writer, change, mark, out),
    }
}

fn push_parquet(writer: &mut LineWriter, change: &ChangedFile, mark: CommitMark, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(word(change.kind, Format::Parquet).as_bytes());
    out.extend_from_slice(b"\":{\"url\":\"");
    writer.push_url(&change.encoded_path, out);
    out.extend_from_slice(b"\",\"id\":\"");
    writer.push_id([change.log_path.as_bytes(), b""], out);
    out.extend_from_slice(b"\",\"partitionValues\":");
    out.extend_from_slice(&change.partition_values_json);
    push_number("size", change.size_bytes, out);
    push_mark(mark, out);
    push_stats(change, out);
    out.push(b',');
    writer.push_expiration(out);
    out.extend_from_slice(b"}}\n");
}

fn push_delta(writer: &mut LineWriter, change: &ChangedFile, mark: CommitMark, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"file\":{\"id\":\"");
    writer.push_id([change.log_path.as_bytes(), b""], out);
    let vector = change.deletion_vector.as_ref().map(OwnedVector::as_vector);
    if let Some(Place::File(key)) = vector.map(|vector| vector.place) {
        out.extend_from_slice(b"\",\"deletionVectorFileId\":\"");
        writer.push_id([key, b""], out);
    }
    out.push(b'"');
    push_mark(mark, out);
    out.push(b',');
    writer.push_expiration(out);
    out.extend_from_slice(b",\"deltaSingleAction\":{\"");
    out.extend_from_slice(word(change.kind, Format::Delta).as_bytes());
    out.extend_from_slice(b"\":{\"path\":\"");
    writer.push_url(&change.encoded_path, out);
    out.extend_from_slice(b"\",\"partitionValues\":");
    out.extend_from_slice(&change.partition_values_json);
    push_number("size", change.size_bytes, out);
    match change.kind {
        ChangeKind::Add => {
            push_signed("modificationTime", change.time_ms.or(Some(mark.timestamp_ms)), out);
            out.extend_from_slice(b",\"dataChange\":true");
            push_stats(change, out);
        }
        ChangeKind::Remove => {
            push_signed("deletionTimestamp", change.time_ms.or(Some(mark.timestamp_ms)), out);
            out.extend_from_slice(b",\"dataChange\":true,\"extendedFileMetadata\":true");
        }
        ChangeKind::Cdc => out.extend_from_slice(b",\"dataChange\":false"),
    }
    if let Some(vector) = vector.filter(|_| change.kind != ChangeKind::Cdc) {
        writer.push_deletion_vector(&vector, out);
    }
    push_signed("baseRowId", change.base_row_id, out);
    push_signed("defaultRowCommitVersion", change.default_row_commit_version, out);
    out.extend_from_slice(b"}}}}\n");
}

fn push_mark(mark: CommitMark, out: &mut Vec<u8>) {
    push_signed("version", Some(mark.version), out);
    push_signed("timestamp", Some(mark.timestamp_ms), out);
}

fn push_stats(change: &ChangedFile, out: &mut Vec<u8>) {
    if let Some(stats) = &change.stats {
        out.extend_from_slice(b",\"stats\":");
        string_into(stats, out);
    }
}

fn push_number(name: &str, number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    decimal::push(number, out);
}

fn push_signed(name: &str, number: Option<i64>, out: &mut Vec<u8>) {
    if let Some(number) = number {
        out.extend_from_slice(format!(",\"{name}\":{number}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sharing::fixture;

    const NOW_MS: i64 = 1_790_000_123_456;

    fn line(format: Format, kind: ChangeKind) -> Value {
        let mut writer = LineWriter::new(fixture::signing(), format, format, NOW_MS);
        let change = ChangedFile {
            kind,
            log_path: "d=a%20b/x".to_owned(),
            encoded_path: b"d%3Da%20b/x".to_vec(),
            partition_values_json: br#"{"d":"a b"}"#.to_vec(),
            size_bytes: 17,
            time_ms: Some(5),
            stats: (kind == ChangeKind::Add).then(|| r#"{"numRecords":1}"#.to_owned()),
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
        };
        let mut out = Vec::new();
        push_change(&mut writer, &change, CommitMark { version: 3, timestamp_ms: 99 }, &mut out);
        assert!(out.ends_with(b"}\n"));
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn parquet_lines_have_a_key_for_each_kind_and_the_commit() {
        for (kind, key) in
            [(ChangeKind::Add, "add"), (ChangeKind::Remove, "remove"), (ChangeKind::Cdc, "cdf")]
        {
            let line = line(Format::Parquet, kind);
            let file = &line[key];
            assert!(file["url"].as_str().unwrap().contains("/sales%20data/t/d%3Da%20b/x?X-Amz"), "{line}");
            assert_eq!(file["id"].as_str().unwrap().len(), 32);
            let fields = (&file["version"], &file["timestamp"], &file["size"], &file["partitionValues"]);
            assert_eq!(fields, (&json!(3), &json!(99), &json!(17), &json!({"d": "a b"})));
            assert!(file["expirationTimestamp"].as_i64().unwrap() > NOW_MS);
            assert_eq!(file["stats"].is_string(), kind == ChangeKind::Add);
        }
    }

    #[test]
    fn delta_lines_wrap_the_action_and_name_cdc_as_the_log_does() {
        for (kind, key) in
            [(ChangeKind::Add, "add"), (ChangeKind::Remove, "remove"), (ChangeKind::Cdc, "cdc")]
        {
            let line = line(Format::Delta, kind);
            let file = &line["file"];
            assert_eq!((&file["version"], &file["timestamp"]), (&json!(3), &json!(99)));
            assert_eq!(file["id"].as_str().unwrap().len(), 64);
            let action = &file["deltaSingleAction"][key];
            assert_eq!((&action["size"], &action["partitionValues"]), (&json!(17), &json!({"d": "a b"})));
            assert_eq!(action["dataChange"], json!(kind != ChangeKind::Cdc));
            let time = ["modificationTime", "deletionTimestamp"].map(|name| action[name].as_i64());
            let expected = match kind {
                ChangeKind::Add => [Some(5), None],
                ChangeKind::Remove => [None, Some(5)],
                ChangeKind::Cdc => [None, None],
            };
            assert_eq!(time, expected);
        }
    }
}
