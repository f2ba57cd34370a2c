//! Lines are read as they are written, or refused with their number.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::delta::action::Stats;
use crate::delta::stats::record_count;

/// Says of each action what a listing needs of it.
fn tell(action: Action<'_>) -> String {
    match action {
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
                add.stats.map(Stats::text),
                add.deletion_vector.map(|vector| vector.unique_id()),
            )
        }
        Action::Remove(remove) => {
            format!("remove {} {:?}", remove.path, remove.deletion_vector.map(|vector| vector.unique_id()))
        }
        Action::Protocol(protocol) => format!(
            "protocol {} {} {:?}",
            protocol.min_reader_version, protocol.min_writer_version, protocol.reader_features
        ),
        Action::Metadata(metadata) => {
            format!("metadata {} {:?} {:?}", metadata.id, metadata.partition_columns, metadata.configuration)
        }
        Action::InCommitTimestamp(timestamp_ms) => format!("time {timestamp_ms}"),
        Action::Sidecar(path) => format!("sidecar {path}"),
    }
}

fn read_pieces(pieces: &[&[u8]]) -> Result<Vec<String>, String> {
    let mut parser = CommitParser::default();
    let mut actions = Vec::new();
    let mut act = |action: Action<'_>| actions.push(tell(action));
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

/// JSON text between quotes: plain, escaped in all ways, or none at all.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => "[a-z/=0-9. _-]{0,12}",
        2 => "[a-zé\u{2028}\u{7f}\u{85}ä\u{1F600}%+ ]{0,6}",
        2 => r#"[a-z]{0,3}(\\"|\\\\|\\/|\\n|\\u0041|\\u0000|\\uD83D\\uDE00|\\ud800|\\|\t|"|\x00)[a-z]{0,3}"#,
    ]
}

/// Statistics between quotes.
fn stats() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => r#"\{\\"numRecords\\":[0-9]{1,3}(,\\"minValues\\":\{\\"a\\":\\"[a-z ]{0,20}\\"\})?\}"#,
        2 => r#"\{\\"(numRecords\\":(null|-1|1e3|007|99999999999999999999)|minValues\\":\{\}|numRecords\\":1,\\"a\\": \\"\}\\"|)\}"#,
        2 => r#"\{(\\"|\\\\|\\\\\\"|\\u0022|"|\}|\{|é|\u{85}|\u{2028}|\u{7f}|\t|[a-z]){0,12}\}"#,
        1 => "[a-z}]{0,4}",
    ]
}

/// A whole line: an add of usual and of strange fields in any order.
fn line() -> impl Strategy<Value = String> {
    let number = || {
        prop_oneof![
            40 => "0|[1-9][0-9]{0,17}",
            1 => "[0-9-]{0,21}|9223372036854775807|9223372036854775808|18446744073709551616|1e3|1.5|-0|null|\"7\"| 7",
        ]
    };
    let name = prop_oneof![8 => Just("p".to_owned()), 8 => Just("q".to_owned()), 1 => Just("\\u0070".to_owned()), 1 => text()];
    let value = prop_oneof![40 => text().prop_map(|text| format!("\"{text}\"")), 8 => Just("null".to_owned()), 1 => number()];
    let entry = (name, value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    let values = prop_oneof![
        40 => prop::collection::vec(entry, 0..3).prop_map(|entries| format!("{{{}}}", entries.join(","))),
        1 => prop::sample::select(vec!["null", "[]", "{ }", "\"\"", "{\"p\":{}}"]).prop_map(str::to_owned),
    ];
    let usual =
        (text(), values, number(), number(), stats()).prop_map(|(path, values, size, time, stats)| {
            vec![
                format!("\"path\":\"{path}\""),
                format!("\"partitionValues\":{values}"),
                format!("\"size\":{size}"),
                format!("\"modificationTime\":{time}"),
                "\"dataChange\":true".to_owned(),
                format!("\"stats\":\"{stats}\""),
            ]
        });
    let strange = prop::sample::select(vec![
        "\"tags\":{}",
        "\"tags\":null",
        "\"baseRowId\":7",
        "\"defaultRowCommitVersion\":1",
        "\"size\":3",
        "\"stats\":null",
        "\"stats\":\"\"",
        "\"path\":\"x\"",
        "\"dataChange\":false",
        "\"dataChange\":1",
        " ",
        "\"clusteringProvider\":\"x\\\"\"",
        "\"far\":1e999",
        "\"far\":123456789012345678901234567890",
        "\"deletionVector\":null",
        "\"si\\u007ae\":4",
        "\"partitionValues\":{}",
        "\"add\":{}",
        "\"deletionVector\":{\"storageType\":\"u\",\"pathOrInlineDv\":\"ab\",\"offset\":1,\"sizeInBytes\":3,\"cardinality\":1}",
    ]);
    let fields = (usual, prop::option::weighted(0.2, strange), prop::option::weighted(0.1, 0_usize..6))
        .prop_map(|(mut fields, strange, left_out)| {
            left_out.map(|field| fields.remove(field));
            fields.extend(strange.map(str::to_owned));
            fields
        })
        .prop_shuffle();
    let other_starts = prop::sample::select(vec![" {\"add\":{", "{\"add\": {", "{\"add\":"]);
    let start = prop_oneof![12 => Just("{\"add\":{"), 1 => other_starts];
    let other_ends = vec!["}", "}},", "},\"txn\":{}}", "}} ", "}}x", "},\"add\":null}"];
    let end = prop_oneof![12 => Just("}}"), 2 => Just("}}\r"), 1 => prop::sample::select(other_ends)];
    (start, fields, end).prop_map(|(start, fields, end)| format!("{start}{}{end}", fields.join(",")))
}

/// A line of which bytes are lost, changed, put in, or there twice.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![prop::sample::select(b"\"\\{}:,0n \x7f\xC2\xE2\x00".to_vec()), any::<u8>()];
    let change = (0..5_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), byte);
    (line(), prop::collection::vec(change, 0..3)).prop_map(|(line, changes)| {
        let mut line = line.into_bytes();
        for (kind, at, other, byte) in changes {
            let (at, other) = (at.index(line.len() + 1), other.index(line.len() + 1));
            match kind {
                0 => line.truncate(at),
                1 => drop(line.drain(at.min(other)..at.max(other))),
                2 => line.insert(at, byte),
                3 => drop(line.splice(at..(at + 1).min(line.len()), [byte])),
                _ => {
                    let again = line[at.min(other)..at.max(other)].to_vec();
                    drop(line.splice(at..at, again));
                }
            }
        }
        line
    })
}

/// All that an action says.
fn tell_all(action: Action<'_>) -> String {
    let mut more = String::new();
    if let Action::Add(add) = &action {
        let record_count = add.stats.and_then(record_count);
        more = format!(" {record_count:?} {:?} {:?}", add.row_ids, add.partition_values);
    }
    tell(action) + &more
}

/// What the parser makes of a line, and what the walk, if it reads it.
fn both(line: &[u8]) -> (Result<Vec<String>, String>, Option<String>) {
    let mut parsed = Vec::new();
    let result = CommitParser::default().parse_any(line, &mut |action| parsed.push(tell_all(action)));
    let mut tuple = TupleBuilder::default();
    let walked = std::str::from_utf8(line).ok().and_then(|line| {
        let add = commit_scan::scan(line, &mut tuple)?;
        let (mut again, mut kept) = (Vec::new(), Vec::new());
        match add.stats {
            Some(Stats::Escaped(escaped)) => {
                crate::encode::json::escape_into(&add.stats?.text(), &mut again);
                kept.extend_from_slice(escaped.as_bytes());
            }
            Some(Stats::Raw(_)) => kept.push(0),
            None => {}
        }
        assert_eq!(kept, again, "what is kept is not what would have been written");
        Some(tell_all(Action::Add(add)))
    });
    (result.map(|()| parsed).map_err(|fault| fault.to_string()), walked)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_line_that_is_only_walked_through_says_what_the_parser_says(line in line()) {
        if let (parsed, Some(walked)) = both(line.as_bytes()) {
            prop_assert_eq!(parsed, Ok(vec![walked]));
        }
    }

    #[test]
    fn a_broken_line_is_not_read_by_the_walk_alone(line in mutated()) {
        if let (parsed, Some(walked)) = both(&line) {
            prop_assert_eq!(parsed, Ok(vec![walked]));
        }
    }
}

#[test]
fn the_property_sees_many_lines_that_are_walked_through() {
    let mut runner = TestRunner::deterministic();
    let walked = |line: Vec<u8>| both(&line).1.is_some();
    let mut lines = |strategy: &dyn Fn(&mut TestRunner) -> Vec<u8>| {
        (0..500).filter(|_| walked(strategy(&mut runner))).count()
    };
    let whole = lines(&|runner| line().new_tree(runner).unwrap().current().into_bytes());
    let broken = lines(&|runner| mutated().new_tree(runner).unwrap().current());
    assert!(whole > 50 && broken > 25, "{whole} {broken}");
}

#[test]
fn a_usual_add_needs_no_parser() {
    let line = r#"{"add":{"path":"p=1/f","partitionValues":{"p":"1"},"size":10,"modificationTime":7,"dataChange":true,"stats":"{\"numRecords\":5}"}}"#;
    let mut tuple = TupleBuilder::default();
    let told = commit_scan::scan(line, &mut tuple).map(|add| tell(Action::Add(add)));
    assert_eq!(told.as_deref(), Some(r#"add p=1/f 10 7 {"p":"1"} Some("{\"numRecords\":5}") None"#));
    for other in [line.replace("\"size\"", "\"tags\":{},\"size\""), line.replace("p=1/f", "p=1\\/f")] {
        assert!(commit_scan::scan(&other, &mut tuple).is_none(), "{other}");
    }
}
