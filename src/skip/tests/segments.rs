//! What is remembered on the way through many segments changes no answer.

use proptest::prelude::*;
use serde_json::json;

use super::fixture::{Described, builder, copy, file, kept, kept_one_by_one, list_of, path, plain, sql};
use crate::limits::{KNOWN_PARTITIONS_BYTES_MAX, LISTED_VALUES_BYTES_MAX, STATS_BLOCK_FILES_MIN};
use crate::table::file_list::{Block, FileList};
use crate::table::path_digest::{PathDigest, PathDigests};

/// A file: `p`, which may be null, `day`, and the least `i`.
type Row = (u8, u8, i32);

fn rows(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec((0..6_u8, 0..3_u8, -2..5_i32), count)
}

fn described((p, day, low): Row) -> Described {
    let stats =
        json!({"numRecords": 3, "minValues": {"i": low}, "maxValues": {"i": low + 2}, "nullCount": {"i": 0}});
    let p = (p > 0).then(|| p.to_string());
    file(json!({"p": p, "day": format!("2021-01-0{day}")}), &stats)
}

/// Conditions on both partition columns, and now and then on statistics.
fn hint() -> impl Strategy<Value = String> {
    let operator = || proptest::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        3 => (operator(), 0..7_u8).prop_map(|(operator, p)| format!("p {operator} {p}")),
        3 => (operator(), 0..4_u8).prop_map(|(operator, day)| format!("day {operator} '2021-01-0{day}'")),
        1 => (1..4_u8, 3..7_u8).prop_map(|(one, two)| format!("p IN ({one}, {two})")),
        1 => Just("p IS NULL".to_owned()),
        1 => (operator(), -2..6_i32).prop_map(|(operator, i)| format!("i {operator} {i}")),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one} AND {two})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one} OR {two})")),
            inner.prop_map(|inner| format!("NOT ({inner})")),
        ]
    })
}

/// A change of a table: files that come, and every how many-th file of earlier changes goes.
#[derive(Debug, Clone)]
struct Commit {
    added: Vec<Row>,
    each_removed: usize,
}

fn history() -> impl Strategy<Value = Vec<Commit>> {
    let few = (rows(0..20), 2..40_usize);
    let many = (rows(1..3 * STATS_BLOCK_FILES_MIN), 2..500_usize);
    let commit = prop_oneof![few, many].prop_map(|(added, each_removed)| Commit { added, each_removed });
    proptest::collection::vec(commit, 1..7)
}

/// All versions of the table.
fn versions(history: &[Commit]) -> Vec<FileList> {
    let mut versions = vec![FileList::default()];
    for (number, commit) in history.iter().enumerate() {
        let mut removed = PathDigests::default();
        let earlier = history.iter().take(number).enumerate();
        let paths =
            earlier.flat_map(|(group, commit)| (0..commit.added.len()).map(move |row| path(group, row)));
        for path in paths.skip(number).step_by(commit.each_removed) {
            removed.insert(PathDigest::of(path.as_bytes()));
        }
        let added: Vec<Described> = commit.added.iter().copied().map(described).collect();
        let next = versions[number].successor(&removed, builder(number, &added), &mut copy);
        versions.push(next);
    }
    versions
}

/// What tells the kept files of a list, in any order.
fn kept_names(hint: &str, files: &FileList) -> Vec<String> {
    let (mut block, mut names) = (Block::default(), Vec::new());
    for index in 0..files.block_count() {
        names.extend(
            files
                .read_block(index, &mut block)
                .map(|file| String::from_utf8([file.log_directory, file.log_name].concat()).unwrap()),
        );
    }
    let kept = kept(&sql(hint), &plain(), files).into_iter();
    let mut names: Vec<_> =
        names.into_iter().zip(kept).filter_map(|(name, kept)| kept.then_some(name)).collect();
    names.sort();
    names
}

proptest! {
    #[test]
    fn segments_that_number_their_partitions_anew_get_the_same_verdicts(
        groups in proptest::collection::vec(rows(1..30), 1..6),
        hint in hint(),
    ) {
        let groups: Vec<Vec<Described>> =
            groups.iter().map(|group| group.iter().copied().map(described).collect()).collect();
        let groups: Vec<&[Described]> = groups.iter().map(Vec::as_slice).collect();
        let files = list_of(&groups);
        prop_assert_eq!(kept(&sql(&hint), &plain(), &files), kept_one_by_one(&sql(&hint), &plain(), &files));
    }

    #[test]
    fn versions_that_go_on_with_the_numbers_of_earlier_ones_get_the_same_verdicts(
        history in history(),
        hint in hint(),
    ) {
        for files in versions(&history) {
            prop_assert_eq!(kept(&sql(&hint), &plain(), &files), kept_one_by_one(&sql(&hint), &plain(), &files));
            let again = FileList::of_parts(files.parts()).unwrap();
            prop_assert_eq!(kept_names(&hint, &again), kept_names(&hint, &files), "numbered anew");
            let mut asked = std::collections::BTreeSet::new();
            let part = files.of_partitions(&mut |json| {
                assert!(asked.insert(json.to_vec()), "each value is asked once");
                json.len() % 2 == 0
            });
            prop_assert_eq!(kept(&sql(&hint), &plain(), &part), kept_one_by_one(&sql(&hint), &plain(), &part));
        }
    }
}

#[test]
fn more_partition_values_than_are_remembered_are_asked_again() {
    let long = "x".repeat(KNOWN_PARTITIONS_BYTES_MAX / 16);
    let stats = json!({"numRecords": 3, "minValues": {"i": 1}, "maxValues": {"i": 2}, "nullCount": {"i": 0}});
    let day = |number: usize| file(json!({"p": "1", "day": format!("{}{long}", number % 40)}), &stats);
    let group = || (0..50).map(day).collect::<Vec<_>>();
    let files = list_of(&[&group(), &group()]);
    for hint in
        [format!("day >= '2' AND day < '3{long}'"), format!("day >= '2' AND (day < '3{long}' OR i = 3)")]
    {
        let answers = kept(&sql(&hint), &plain(), &files);
        assert_eq!(answers, kept_one_by_one(&sql(&hint), &plain(), &files));
        assert!(answers.contains(&true) && answers.contains(&false));
    }
}

#[test]
fn values_that_the_list_does_not_number_get_the_same_verdicts() {
    let long = "x".repeat(LISTED_VALUES_BYTES_MAX / 8);
    let day = |number: usize| {
        let stats = json!({"numRecords": 3, "minValues": {"i": number}, "maxValues": {"i": number}, "nullCount": {"i": 0}});
        file(json!({"p": "1", "day": format!("{}{long}", number % 12)}), &stats)
    };
    let group = || (0..20).map(day).collect::<Vec<_>>();
    let files = list_of(&[&group(), &group()]);
    assert!(files.value_count() < 12);
    for hint in ["day >= '8'", "day < '11' OR day > '8' AND i > 8"] {
        let answers = kept(&sql(hint), &plain(), &files);
        assert_eq!(answers, kept_one_by_one(&sql(hint), &plain(), &files));
        assert!(answers.contains(&true) && answers.contains(&false));
    }
}
