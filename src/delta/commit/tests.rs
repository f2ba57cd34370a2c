//! Lines are read as they are written, or refused with their number.

use super::*;
use crate::delta::action::Action;

fn read_pieces(pieces: &[&[u8]]) -> Result<Vec<String>, String> {
    let mut parser = CommitParser::default();
    let mut actions = Vec::new();
    let mut act = |action: Action<'_>| {
        actions.push(match action {
            Action::Add(add) => {
                let mut json = Vec::new();
                let columns = ["p".to_owned()];
                crate::delta::partition::write_json(add.partition_values, &columns, &mut json);
                format!(
                    "add {} {} {} {} {:?} {:?}",
                    add.path,
                    add.size_bytes,
                    add.modification_time_ms,
                    String::from_utf8(json).unwrap(),
                    add.stats,
                    add.deletion_vector.map(|vector| vector.unique_id()),
                )
            }
            Action::Remove(remove) => {
                format!(
                    "remove {} {:?}",
                    remove.path,
                    remove.deletion_vector.map(|vector| vector.unique_id())
                )
            }
            Action::Protocol(protocol) => format!(
                "protocol {} {} {:?}",
                protocol.min_reader_version, protocol.min_writer_version, protocol.reader_features
            ),
            Action::Metadata(metadata) => format!(
                "metadata {} {:?} {:?}",
                metadata.id, metadata.partition_columns, metadata.configuration
            ),
            Action::InCommitTimestamp(timestamp_ms) => format!("time {timestamp_ms}"),
            Action::Sidecar(path) => format!("sidecar {path}"),
        });
    };
    parser.start("log/7.json");
    let fed = pieces.iter().try_for_each(|piece| parser.feed(piece, &mut act));
    fed.and_then(|()| parser.finish(&mut act)).map_err(|error| error.to_string())?;
    Ok(actions)
}

fn read(text: &str) -> Result<Vec<String>, String> {
    read_pieces(&[text.as_bytes()])
}

fn refusal(text: &str) -> String {
    read(text).unwrap_err()
}

const ADD: &str =
    r#"{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,"dataChange":true}}"#;
const READ_ADD: &str = r#"add a 1 2 {"p":null} None None"#;

#[test]
fn the_known_actions_are_read_and_all_else_is_passed_over() {
    let text = [
        r#"{"commitInfo":{"inCommitTimestamp":1700,"operationMetrics":{"a":[1.5,null]}}}"#,
        r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["x"],"writerFeatures":[]}}"#,
        r#"{"metaData":{"id":"i","format":{"provider":"parquet","options":{}},"schemaString":"{}","partitionColumns":["p"],"configuration":{"k":"v","n":null}}}"#,
        r#"{"add":{"path":"a\u00e9/b","partitionValues":{"p":"x\"y"},"size":1,"modificationTime":-2,"stats":"{\"numRecords\":3}","tags":{"t":1},"deletionVector":{"storageType":"u","pathOrInlineDv":"vec","offset":4,"cardinality":2}}}"#,
        r#"{"remove":{"path":"b","size":"not looked at","deletionVector":{"storageType":"i","pathOrInlineDv":"vec"}}}"#,
        r#"{"txn":{"appId":1}}"#,
        r#"{"cdc":{"path":5}}"#,
        r#"{"future":[[[{}]]]}"#,
        "",
        "  ",
    ]
    .join("\r\n");
    assert_eq!(
        read(&text).unwrap(),
        [
            "time 1700",
            "protocol 3 7 Some([\"x\"])",
            "metadata i [\"p\"] {\"k\": \"v\"}",
            "add aé/b 1 -2 {\"p\":\"x\\\"y\"} Some(\"{\\\"numRecords\\\":3}\") Some(\"uvec@4\")",
            "remove b Some(\"ivec\")",
        ],
    );
}

#[test]
fn several_actions_on_a_line_and_null_actions_are_fine() {
    let line =
        r#"{"add":null,"remove":{"path":"b"},"txn":{},"protocol":null,"metaData":null,"commitInfo":"text"}"#;
    assert_eq!(read(line).unwrap(), ["remove b None"]);
    let line = ADD.replace("}}", r#"},"remove":{"path":"b","deletionVector":null}}"#);
    assert_eq!(read(&line).unwrap(), [READ_ADD, "remove b None"]);
}

#[test]
fn a_commit_is_the_same_however_it_is_cut() {
    let text = format!("{ADD}\n\n{ADD}\n{ADD}");
    for cut in 0..text.len() {
        let (head, tail) = text.as_bytes().split_at(cut);
        assert_eq!(read_pieces(&[head, tail]).unwrap(), [READ_ADD; 3], "{cut}");
    }
    let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
    assert_eq!(read_pieces(&bytes).unwrap(), [READ_ADD; 3]);
}

#[test]
fn a_torn_line_is_refused_with_file_and_line() {
    for length in 1..ADD.len() {
        let text = format!("{ADD}\n{ADD}\n{}", &ADD[..length]);
        let refusal = refusal(&text);
        assert!(refusal.starts_with("line 3 of log/7.json cannot be read: it is not JSON"), "{refusal}");
    }
}

#[test]
fn wrong_types_are_refused_by_field() {
    for (from, to, what) in [
        (r#""path":"a""#, r#""path":1"#, "add.path is not a string"),
        (r#""path":"a""#, r#""path":null"#, "add.path is missing"),
        (r#""size":1"#, r#""size":"1""#, "add.size is not an integer of 63 bits, zero or more"),
        (r#""size":1"#, r#""size":-1"#, "add.size is not an integer of 63 bits, zero or more"),
        (r#""size":1"#, r#""size":1.0"#, "add.size is not an integer of 63 bits, zero or more"),
        (
            r#""size":1"#,
            r#""size":9223372036854775808"#,
            "add.size is not an integer of 63 bits, zero or more",
        ),
        (r#""size":1"#, r#""sizes":1"#, "add.size is missing"),
        (r#""size":1"#, r#""size":1,"size":1"#, "add.size is there twice"),
        (
            r#""modificationTime":2"#,
            r#""modificationTime":true"#,
            "add.modificationTime is not an integer of 64 bits",
        ),
        (r#""modificationTime":2,"#, "", "add.modificationTime is missing"),
        (r#""partitionValues":{}"#, r#""partitionValues":[]"#, "add.partitionValues is not an object"),
        (r#""partitionValues":{}"#, r#""partitionValues":{"p":1}"#, "add.partitionValues.p is not a string"),
        (
            r#""partitionValues":{}"#,
            r#""partitionValues":{"p":"1","p":"2"}"#,
            "partitionValues has 'p' twice",
        ),
        (r#""dataChange":true"#, r#""stats":{}"#, "add.stats is not a string"),
        (r#""dataChange":true"#, r#""deletionVector":{}"#, "deletionVector.storageType is missing"),
        (r#"{"add":{"#, r#"{"add":[{"#, "it is not JSON"),
    ] {
        let text = format!("\n{}", ADD.replace(from, to));
        let refusal = refusal(&text);
        assert!(
            refusal.starts_with(&format!("line 2 of log/7.json cannot be read: {what}")),
            "{to}: {refusal}"
        );
    }
    for (line, what) in [
        ("[]", "it is not a JSON object"),
        ("5", "it is not a JSON object"),
        (r#"{"add":5}"#, "add is not an object"),
        (r#"{"remove":{}}"#, "remove.path is missing"),
        (r#"{"protocol":{"minReaderVersion":1}}"#, "protocol.minWriterVersion is missing"),
        (
            r#"{"protocol":{"minReaderVersion":4294967297,"minWriterVersion":1}}"#,
            "protocol.minReaderVersion is not",
        ),
        (r#"{"metaData":{"id":"i"}}"#, "metaData.format is missing"),
        (r#"{"commitInfo":{"inCommitTimestamp":"x"}}"#, "commitInfo.inCommitTimestamp is not"),
    ] {
        assert!(refusal(line).contains(what), "{line}: {}", refusal(line));
    }
}

#[test]
fn huge_numbers_matter_only_where_they_are_read() {
    let huge = "9".repeat(400);
    let line = format!(r#"{{"commitInfo":{{"a":{huge},"inCommitTimestamp":5}}}}"#);
    assert_eq!(read(&line).unwrap(), ["time 5"]);
    let line = ADD.replace(r#""dataChange":true"#, &format!(r#""x\u0041":[{huge},1e999],"stats":"\u0041""#));
    assert_eq!(read(&line).unwrap(), [r#"add a 1 2 {"p":null} Some("A") None"#]);
    assert!(refusal(&ADD.replace(r#""size":1"#, &format!(r#""size":{huge}"#))).contains("line 1"));
    let twice = ADD.replace(r#""dataChange":true"#, &format!(r#""x":{huge},"size":1"#));
    assert!(refusal(&twice).contains("add.size is there twice"));
}

#[test]
fn deep_nesting_and_wrong_text_are_refused_or_passed_over_without_harm() {
    let deep = |depth| format!(r#"{{"future":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(read(&deep(100)).unwrap(), [""; 0]);
    // Far beyond what any stack would take; either answer is sound.
    let _ = read(&deep(3_000_000));
    assert!(refusal(&"[".repeat(3_000_000)).contains("line 1"));
    for bytes in [
        &b"{\"add\":{\"path\":\"\xff\"}}"[..],
        b"\xef\xbb\xbf{}",
        b"{\"remove\":{\"path\":\"\\ud800\"}}",
        b"\0\0\0",
        b"{\"a\":\"\n\"}",
    ] {
        let read = read_pieces(&[bytes]);
        assert!(read.as_ref().is_err_and(|error| error.contains("line 1")), "{bytes:?}: {read:?}");
    }
}

#[test]
fn a_line_beyond_the_bound_is_refused() {
    let long = "x".repeat(COMMIT_LINE_BYTES_MAX);
    assert!(refusal(&long).contains("it is not JSON"));
    assert!(refusal(&format!("{long}x")).contains("longer than"));
    let halves = [long.as_bytes(), b"x"];
    assert!(read_pieces(&halves).unwrap_err().contains("longer than"));
}
