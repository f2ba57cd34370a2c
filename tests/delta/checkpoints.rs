//! Checkpoints in the layout of `v2Checkpoint`: read, or passed over.

use lakeshare::delta::Wanted;
use lakeshare::delta::error::Error;
use lakeshare::error::Kind;
use lakeshare::limits::SEGMENT_FILES_MAX;
use lakeshare::table::file_list::Block;
use serde_json::{Value, json};

use super::log_builder::{
    Table, add, checkpoint_bytes, checkpoint_bytes_without, commit_name, metadata, paths, protocol, remove,
    uuid_name,
};

/// What a case is called or leads to, and what it does to a table.
type Case = (&'static str, fn(&Table));

/// Versions 0 to 3 add `a`, `b`, `c`, `d`, and version 3 removes `a`.
fn table() -> Table {
    let table = Table::with_commit_0(&[add("a")]);
    table.commit(1, &[add("b")]);
    table.commit(2, &[add("c")]);
    table.commit(3, &[add("d"), remove("a")]);
    table
}

/// What a checkpoint of version 2 has beside its adds.
fn top() -> Vec<Value> {
    vec![json!({"checkpointMetadata": {"version": 2}}), protocol(), metadata(&[])]
}

/// A checkpoint of version 2 whose adds are in two sidecars.
fn with_sidecars(table: &Table) -> Vec<Value> {
    let mut actions = top();
    actions.push(table.sidecar("one.parquet", &[add("a"), add("b")]));
    actions.push(table.sidecar("two.parquet", &[add("c"), remove("z")]));
    actions
}

fn without_commits(table: &Table) {
    (0..3).for_each(|version| table.remove(&commit_name(version)));
}

#[test]
fn each_layout_has_the_same_files() {
    let layouts: [Case; 4] = [
        ("json", |table| table.json_checkpoint(2, &[top(), vec![add("a"), add("b"), add("c")]].concat())),
        ("json with sidecars", |table| table.json_checkpoint(2, &with_sidecars(table))),
        ("parquet with sidecars", |table| {
            table.write(&uuid_name(2, "parquet"), checkpoint_bytes(&with_sidecars(table)));
        }),
        ("classic name", |table| table.checkpoint(2, &with_sidecars(table))),
    ];
    for (name, write) in layouts {
        let table = table();
        write(&table);
        table.last_checkpoint(2);
        without_commits(&table);
        assert_eq!(paths(&table.latest()), ["b", "c", "d"], "{name}");
        let at_checkpoint = table.load(Wanted::Version(2)).unwrap();
        assert_eq!(paths(at_checkpoint.snapshot()), ["a", "b", "c"], "{name}");
        assert!(
            matches!(table.load(Wanted::Version(1)), Err(Error::VersionGone { oldest: 2, .. })),
            "{name}"
        );
    }
}

#[test]
fn a_part_without_a_column_for_adds_has_none() {
    let table = table();
    let part = |part: usize, bytes: Vec<u8>| {
        table.write(&format!("{:020}.checkpoint.{part:010}.{:010}.parquet", 2, 2), bytes);
    };
    part(1, checkpoint_bytes_without("add", &[protocol(), metadata(&[])]));
    part(2, checkpoint_bytes(&[add("a"), add("b"), add("c")]));
    without_commits(&table);
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
}

#[test]
fn a_sidecar_by_its_absolute_path_is_the_one_in_this_log() {
    let table = table();
    let mut actions = top();
    table.sidecar("one.parquet", &[add("a"), add("b"), add("c")]);
    let path = "s3a://where/it/was/written/_delta_log/_sidecars/one.parquet";
    actions.push(json!({"sidecar": {"path": path, "sizeInBytes": 1, "modificationTime": 1}}));
    table.json_checkpoint(2, &actions);
    without_commits(&table);
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
}

#[test]
fn a_broken_checkpoint_is_passed_over_while_anything_older_helps() {
    let broken: [Case; 7] = [
        ("is missing", |table| table.remove("_sidecars/two.parquet")),
        ("cannot be read", |table| table.write("_sidecars/two.parquet", "PAR1")),
        ("cannot be read", |table| table.write(&uuid_name(2, "json"), "{\"protocol\":")),
        ("cannot be read", |table| table.write(&uuid_name(2, "json"), "[]")),
        ("no protocol action", |table| table.write(&uuid_name(2, "json"), "")),
        ("no metaData action", |table| table.json_checkpoint(2, &[protocol(), add("x")])),
        ("no file name", |table| {
            let elsewhere = json!({"sidecar": {"path": "s3://elsewhere/secret.parquet"}});
            table.json_checkpoint(2, &[top(), vec![elsewhere]].concat());
        }),
    ];
    for (text, break_it) in broken {
        let table = table();
        table.json_checkpoint(2, &with_sidecars(&table));
        break_it(&table);
        assert_eq!(paths(&table.latest()), ["b", "c", "d"], "{text}: from commits alone");
        table.checkpoint(1, &[protocol(), metadata(&[]), add("a"), add("b")]);
        table.remove(&commit_name(0));
        table.remove(&commit_name(1));
        assert_eq!(paths(&table.latest()), ["b", "c", "d"], "{text}: from the older checkpoint");
        table.remove("00000000000000000001.checkpoint.parquet");
        let refusal = table.refusal();
        assert!(refusal.to_string().contains(text), "{refusal}");
        assert!(!refusal.to_string().contains("secret"), "{refusal}");
        assert_eq!(refusal.kind(), Kind::Corrupt, "{refusal}");
    }
}

#[test]
fn compactions_and_checksums_are_never_believed() {
    let table = table();
    let lie = [add("lie"), remove("b")].map(|action| action.to_string()).join("\n");
    for (from, to) in [(0, 3), (1, 2), (2, 7), (0, 1)] {
        table.write(&format!("{from:020}.{to:020}.compacted.json"), &lie);
    }
    let checksum = json!({"tableSizeBytes": 7, "numFiles": 1, "numMetadata": 1, "numProtocol": 1,
                          "allFiles": [add("lie")["add"]], "protocol": {"minReaderVersion": 9, "minWriterVersion": 9}});
    (0..4).for_each(|version| table.write(&format!("{version:020}.crc"), checksum.to_string()));
    assert_eq!(paths(&table.latest()), ["b", "c", "d"]);
    assert_eq!(paths(table.load(Wanted::Version(1)).unwrap().snapshot()), ["a", "b"]);
}

/// The names of the files of the latest version, in the order of the list.
fn names_in_order(table: &Table) -> Vec<String> {
    let snapshot = table.latest();
    let (mut block, mut names) = (Block::default(), Vec::new());
    for index in 0..snapshot.files.block_count() {
        let files = snapshot.files.read_block(index, &mut block);
        names.extend(files.map(|file| String::from_utf8(file.log_name.to_vec()).unwrap()));
    }
    names
}

#[test]
fn rows_that_are_decoded_side_by_side_keep_their_order_and_their_first_fault() {
    // More than two units, which begin within pages, row groups and parts.
    let count = 2 * SEGMENT_FILES_MAX + 5_000;
    let name = |number: usize| format!("f-{number:06}");
    let mut actions = vec![protocol(), metadata(&[])];
    actions.extend((0..count).map(|number| add(&name(number))));
    let table = Table::new();
    let (first, second) = actions.split_at(70_000);
    table.checkpoint_part(0, 1, 2, first);
    table.checkpoint_part(0, 2, 2, second);
    table.commit(1, &[remove(&name(66_000)), add("later")]);
    let before = (0..count).filter(|&number| number != 66_000).map(name);
    let expected: Vec<_> = std::iter::once("later".to_owned()).chain(before).collect();
    assert!(names_in_order(&table) == expected, "as the log has them");
    assert!(names_in_order(&table) == expected, "and so again");

    let late = actions.len() - 1;
    for (at, path) in [(late, "a/../late"), (80_000, "a/../early")] {
        actions[at] = add(path);
        table.checkpoint_part(0, 2, 2, &actions[70_000..]);
        let fault = table.load(Wanted::Latest).unwrap_err();
        assert!(matches!(&fault, Error::Path { path: named, .. } if named == path), "{fault}");
    }
}
