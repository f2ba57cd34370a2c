//! Broken logs: the right version or a named fault, never wrong files.

use lakeshare::delta::Wanted;
use lakeshare::delta::error::Error;
use lakeshare::error::Kind;
use lakeshare::storage::Buckets;
use serde_json::{Value, json};

use super::log_builder::{
    Table, add, add_with, block_on, checkpoint_bytes, commit_name, metadata, paths, protocol, remove, rows,
};

fn state(adds: &[Value]) -> Vec<Value> {
    [&[protocol(), metadata(&[])], adds].concat()
}

/// Versions 0 to 3 add `a`, `b`, `c`, `d`, and version 3 removes `a`; a checkpoint of version 2.
fn table() -> Table {
    let table = Table::with_commit_0(&[add("a")]);
    table.commit(1, &[add("b")]);
    table.commit(2, &[add("c")]);
    table.commit(3, &[add("d"), remove("a")]);
    table.checkpoint(2, &state(&[add("a"), add("b"), add("c")]));
    table.last_checkpoint(2);
    table
}

fn checkpoint_name(version: i64) -> String {
    format!("{version:020}.checkpoint.parquet")
}

#[test]
fn remove_after_checkpoint_hides_the_add() {
    let table = table();
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
    let older = table.load(Wanted::Version(2)).unwrap();
    assert_eq!(paths(older.snapshot()), ["a", "b", "c"]);
}

#[test]
fn the_checkpoint_is_what_is_read() {
    let table = table();
    (0..3).for_each(|version| table.remove(&commit_name(version)));
    let snapshot = table.latest();
    assert_eq!((snapshot.version, paths(&snapshot)), (3, vec!["b".into(), "c".into(), "d".into()]));
    assert_eq!(snapshot.metadata.configuration["a"], "b");
    assert_eq!(snapshot.metadata.created_time_ms, Some(17));
    let oldest = table.load(Wanted::Version(2)).unwrap();
    assert_eq!(paths(oldest.snapshot()), ["a", "b", "c"]);
    let gone = table.load(Wanted::Version(1)).unwrap_err();
    assert!(matches!(gone, Error::VersionGone { wanted: 1, oldest: 2, latest: 3 }), "{gone}");
    assert_eq!(gone.kind(), Kind::Invalid);
}

#[test]
fn last_checkpoint_is_only_a_hint() {
    for hint in [
        "",
        "{",
        "null",
        "[]",
        "\u{0}\u{1}",
        r#"{"version":0}"#,
        r#"{"version":1}"#,
        r#"{"version":3}"#,
        r#"{"version":1000000}"#,
        r#"{"version":-1}"#,
        r#"{"version":9223372036854775807}"#,
        r#"{"version":99999999999999999999}"#,
        r#"{"version":"2"}"#,
        r#"{"size":2}"#,
    ] {
        let table = table();
        table.write("_last_checkpoint", hint);
        assert_eq!(paths(&table.latest()), ["b", "c", "d"], "{hint}");
        assert_eq!(paths(table.load(Wanted::Version(1)).unwrap().snapshot()), ["a", "b"], "{hint}");
    }
    let table = table();
    table.write("_last_checkpoint", vec![b' '; 1 << 20]);
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
    table.remove("_last_checkpoint");
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
    std::fs::create_dir(table.path("_last_checkpoint")).unwrap();
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
}

#[test]
fn a_stale_hint_does_not_hide_a_newer_checkpoint() {
    let table = table();
    table.checkpoint(3, &state(&[add("b"), add("c"), add("d")]));
    (0..4).for_each(|version| table.remove(&commit_name(version)));
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
    assert_eq!(table.latest().version, 3);
}

#[test]
fn a_truncated_checkpoint_is_passed_over_while_anything_older_helps() {
    let whole = checkpoint_bytes(&state(&[add("a"), add("b"), add("c")]));
    let cuts = [0, 1, 4, 100, whole.len() / 2, whole.len() - 9, whole.len() - 1];
    for cut in cuts {
        let table = table();
        table.write(&checkpoint_name(2), &whole[..cut]);
        assert_eq!(paths(&table.latest()), ["b", "c", "d"], "{cut}: from commits alone");
        table.checkpoint(1, &state(&[add("a"), add("b")]));
        table.remove(&commit_name(0));
        table.remove(&commit_name(1));
        assert_eq!(paths(&table.latest()), ["b", "c", "d"], "{cut}: from the older checkpoint");
        table.remove(&checkpoint_name(1));
        let refusal = table.refusal();
        assert!(matches!(refusal, Error::Checkpoint { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains(&checkpoint_name(2)), "{refusal}");
        assert_eq!(refusal.kind(), Kind::Corrupt);
    }
}

#[test]
fn a_checkpoint_with_flipped_bytes_is_right_or_refused() {
    let whole = checkpoint_bytes(&state(&[add("a"), add("b"), add("c")]));
    let table = table();
    let with_flip = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        bytes
    };
    (0..3).for_each(|version| table.remove(&commit_name(version)));
    for at in (0..whole.len()).step_by(7) {
        table.write(&checkpoint_name(2), with_flip(at));
        // Text may be changed unnoticed, for Parquet pages have no checksum here; files must not appear twice,
        // and nothing may panic or hang.
        if let Ok(loaded) = table.load(Wanted::Latest) {
            assert!(paths(loaded.snapshot()).len() <= 4, "{at}");
        }
    }
}

#[test]
fn multi_part_checkpoints_count_only_when_they_are_whole() {
    let table = table();
    table.remove(&checkpoint_name(2));
    table.checkpoint_part(2, 1, 3, &state(&[add("a")]));
    table.checkpoint_part(2, 3, 3, &[add("c")]);
    assert_eq!(paths(&table.latest()), ["b", "c", "d"], "from commits alone");
    (0..3).for_each(|version| table.remove(&commit_name(version)));
    let refusal = table.refusal();
    assert!(matches!(refusal, Error::MissingCommit { wanted: 3, missing: 0 }), "{refusal}");
    table.checkpoint_part(2, 2, 3, &[add("b")]);
    assert_eq!(paths(&table.latest()), ["b", "c", "d"], "from three parts");
}

#[test]
fn a_missing_commit_is_named() {
    let table = table();
    table.commit(5, &[add("f")]);
    let refusal = table.refusal();
    assert!(matches!(refusal, Error::MissingCommit { wanted: 5, missing: 4 }), "{refusal}");
    assert_eq!(refusal.kind(), Kind::Corrupt);
    assert_eq!(paths(table.load(Wanted::Version(3)).unwrap().snapshot()), ["b", "c", "d"]);
}

#[test]
fn versions_that_do_not_exist_are_refused_with_the_range() {
    let table = table();
    for (wanted, text) in [
        (4, "version 4 does not exist, the latest is 3"),
        (i64::MAX, "version 9223372036854775807 does not exist, the latest is 3"),
        (-1, "version -1 is not available, only versions 0 to 3 are"),
        (i64::MIN, "version -9223372036854775808 is not available, only versions 0 to 3 are"),
    ] {
        let refusal = table.load(Wanted::Version(wanted)).unwrap_err();
        assert_eq!((refusal.to_string().as_str(), refusal.kind()), (text, Kind::Invalid));
    }
}

#[test]
fn a_torn_line_names_file_and_line() {
    let table = table();
    table.write(&commit_name(3), format!("{}\n{}", add("d"), &remove("a").to_string()[..20]));
    let refusal = table.refusal();
    let text = "line 2 of _delta_log/00000000000000000003.json cannot be read: it is not JSON";
    assert!(refusal.to_string().starts_with(text), "{refusal}");
    assert_eq!(refusal.kind(), Kind::Corrupt);
}

#[test]
fn wrong_bytes_in_a_commit_are_refused() {
    for text in [
        &b"\xff\xfe{}"[..],
        br#"{"add":{"path":"x","partitionValues":{},"modificationTime":1}}"#,
        br#"{"add":{"path":"x","partitionValues":{},"size":-1,"modificationTime":1}}"#,
        br#"{"add":{"path":"x","partitionValues":{},"size":1e400,"modificationTime":1}}"#,
        br#"{"add":{"path":"x","partitionValues":{},"size":"1","modificationTime":1}}"#,
        br#"{"add":{"path":"x","path":"y","partitionValues":{},"size":1,"modificationTime":1}}"#,
        br#"{"add":{"path":"x"#,
    ] {
        let table = table();
        table.write(&commit_name(3), text);
        assert!(matches!(table.refusal(), Error::Line { line: 1, .. }), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn a_table_without_log_is_not_a_delta_table() {
    let table = Table::new();
    assert!(matches!(table.refusal(), Error::NotATable { .. }));
    table.write("00000000000000000000.crc", "{}");
    table.write(".00000000000000000000.json.crc", "");
    table.last_checkpoint(3);
    assert_eq!(
        table.refusal().to_string(),
        "'b/t' is not a Delta table: it has no commit and no checkpoint in _delta_log"
    );
    assert_eq!(table.refusal().kind(), Kind::NotFound);
    let store = Buckets::embedded(table.data_dir()).open("b", "absent").unwrap();
    let refusal = block_on(lakeshare::delta::load(&store, Wanted::Latest, None)).unwrap_err();
    assert!(matches!(refusal, Error::NotATable { .. }));
}

#[test]
fn protocol_and_metadata_are_demanded() {
    let table = Table::new();
    table.write(&commit_name(0), "");
    assert!(matches!(table.refusal(), Error::MissingProtocol { version: 0 }));
    table.commit(0, &[protocol(), add("a")]);
    assert!(matches!(table.refusal(), Error::MissingMetadata { version: 0 }));
    table.commit(0, &[metadata(&[]), add("a")]);
    assert!(matches!(table.refusal(), Error::MissingProtocol { version: 0 }));
}

#[test]
fn other_files_in_the_log_are_nobody_s_business() {
    let table = table();
    for name in [
        "00000000000000000004.crc",
        "00000000000000000003.00000000000000000009.compacted.json",
        "00000000000000000007.json.tmp",
        ".00000000000000000007.json.crc",
        "00000000000000000004.checkpoint.parquet.tmp",
        "junk \u{e9} %20#7",
    ] {
        table.write(name, "junk");
    }
    for directory in ["_staged_commits", "_sidecars", "00000000000000000008.json"] {
        std::fs::create_dir(table.path(directory)).unwrap();
        std::fs::write(table.path(directory).join("00000000000000000009.json"), "junk").unwrap();
    }
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
}

#[test]
fn live_files_outside_the_table_are_refused_and_dead_ones_do_no_harm() {
    for path in
        ["gs://other/a", "file:///etc/passwd", "/etc/passwd", "../u/a", "p/%2E%2E/%2E%2E/a", "a%zz", "a//b"]
    {
        let table = table();
        table.commit(4, &[add(path)]);
        let refusal = table.refusal();
        assert!(matches!(refusal, Error::Path { .. }), "{path}: {refusal}");
        assert_eq!(refusal.kind(), Kind::Unsupported);
        table.commit(5, &[remove(path)]);
        assert_eq!(paths(&table.latest()), ["b", "c", "d"], "{path}");
    }
}

#[test]
fn a_remove_finds_its_add_in_any_spelling() {
    let table = table();
    table.commit(4, &[add("p=a%7Cb/x%20y"), add("p=c|d/z")]);
    assert_eq!(paths(&table.latest()).len(), 5);
    table.commit(5, &[remove("p=a|b/x y"), remove("p=c%7cd/z")]);
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
}

#[test]
fn an_unserved_protocol_is_told_before_all_else() {
    let table = table();
    let features = ["deletionVectors", "fooBar", "vacuumProtocolCheck"];
    let protocol =
        json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features}});
    table.commit(4, &[protocol]);
    table.commit(5, &[add("s3://elsewhere/x")]);
    assert_eq!(
        table.refusal().to_string(),
        "version 5 cannot be served: it demands the reader feature fooBar, which is not known here",
    );
    assert_eq!(table.refusal().kind(), Kind::Unsupported);
    assert_eq!(paths(table.load(Wanted::Version(3)).unwrap().snapshot()), ["b", "c", "d"]);
}

#[test]
fn checkpoints_that_are_no_checkpoints_are_refused_by_column() {
    use arrow_array::{Int64Array, RecordBatch, StringArray};
    use std::sync::Arc;
    let table = table();
    (0..3).for_each(|version| table.remove(&commit_name(version)));
    let text: arrow_array::ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let long: arrow_array::ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batches = [
        (
            RecordBatch::try_from_iter([("add", text), ("n", long.clone())]).unwrap(),
            "it has no protocol action",
        ),
        (RecordBatch::try_from_iter([("n", long)]).unwrap(), "it has no protocol action"),
    ];
    for (batch, text) in batches {
        table.write(&checkpoint_name(2), super::log_builder::parquet_bytes(&batch));
        let refusal = table.refusal();
        assert!(refusal.to_string().contains(text), "{refusal}");
    }
    let head = [protocol(), metadata(&[])];
    table.write(&checkpoint_name(2), super::log_builder::checkpoint_bytes_without("add", &head));
    assert!(table.refusal().to_string().contains("the column add is missing"));
    for (bad, text) in [
        (add_with("x", json!({"size": null})), "a row has no add.size"),
        (add_with("x", json!({"size": -4})), "add.size is negative"),
        (add_with("x", json!({"path": null})), "a row has no add.path"),
        (add_with("x", json!({"modificationTime": null})), "a row has no add.modificationTime"),
    ] {
        table.checkpoint(2, &state(&[add("a"), bad]));
        let refusal = table.refusal();
        assert!(refusal.to_string().contains(text), "{refusal}");
        assert_eq!(refusal.kind(), Kind::Corrupt);
    }
}

#[test]
fn partition_values_come_from_commits_and_checkpoints_alike() {
    let values = [
        (json!({"p": "x", "q": "\"1\""}), json!({"q": "\"1\"", "p": "x"})),
        (json!({"q": "", "p": null}), json!({"q": null, "p": null})),
        (json!({"P": "y"}), json!({"q": null, "p": "y"})),
    ];
    let adds: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(number, (values, _))| add_with(&format!("f{number}"), json!({"partitionValues": values})))
        .collect();
    let whole = [&[protocol(), metadata(&["q", "p"])], adds.as_slice()].concat();
    let table = Table::new();
    table.commit(0, &whole);
    let from_commit = rows(&table.latest());
    table.checkpoint(0, &whole);
    table.remove(&commit_name(0));
    assert_eq!(rows(&table.latest()), from_commit);
    for (number, (_, expected)) in values.iter().enumerate() {
        assert_eq!(&from_commit[&format!("f{number}")].partition_values, expected);
    }
}
