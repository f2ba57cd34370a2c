//! What is remembered on the way through many segments changes no answer.

use proptest::prelude::*;
use serde_json::json;

use super::fixture::{Described, file, kept, kept_one_by_one, list_of, plain, sql};
use crate::limits::KNOWN_PARTITIONS_BYTES_MAX;

fn groups() -> impl Strategy<Value = Vec<Vec<(u8, u8, i32)>>> {
    let described = (0..6_u8, 0..3_u8, -2..5_i32);
    proptest::collection::vec(proptest::collection::vec(described, 1..30), 1..6)
}

fn described((p, day, low): (u8, u8, i32)) -> Described {
    let stats =
        json!({"numRecords": 3, "minValues": {"i": low}, "maxValues": {"i": low + 2}, "nullCount": {"i": 0}});
    let p = (p > 0).then(|| p.to_string());
    file(json!({"p": p, "day": format!("2021-01-0{day}")}), &stats)
}

proptest! {
    #[test]
    fn segments_that_number_their_partitions_anew_get_the_same_verdicts(
        groups in groups(),
        hint in proptest::sample::select(vec![
            "p = 2",
            "p = 9",
            "p IS NULL AND i < 0",
            "day = '2021-01-01' OR i = 3",
            "(p = 1 AND i > 2) OR (p = 2 AND i < 1)",
            "NOT (p = 3) AND day <> '2021-01-02' AND i = 1",
        ]),
    ) {
        let groups: Vec<Vec<Described>> =
            groups.iter().map(|group| group.iter().copied().map(described).collect()).collect();
        let groups: Vec<&[Described]> = groups.iter().map(Vec::as_slice).collect();
        let files = list_of(&groups);
        prop_assert_eq!(kept(&sql(hint), &plain(), &files), kept_one_by_one(&sql(hint), &plain(), &files));
    }
}

#[test]
fn more_partition_values_than_are_remembered_are_asked_again() {
    let long = "x".repeat(KNOWN_PARTITIONS_BYTES_MAX / 16);
    let day = |number: usize| file(json!({"p": "1", "day": format!("{}{long}", number % 40)}), &json!({}));
    let group = || (0..50).map(day).collect::<Vec<_>>();
    let files = list_of(&[&group(), &group()]);
    let hint = format!("day >= '2' AND day < '3{long}'");
    let answers = kept(&sql(&hint), &plain(), &files);
    assert_eq!(answers, kept_one_by_one(&sql(&hint), &plain(), &files));
    assert!(answers.contains(&true) && answers.contains(&false));
}
