//! Typed bounds change no answer.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::client::Client;
use super::fixture::{Described, file, json_hint, kept, kept_one_by_one, list_of, plain, sql};
use super::oracle::{COLUMNS, Cell, Condition, PART};
use super::property::{anchored, condition, maybe_null, writer};
use super::writer::Writer;

/// A table whose files come from two writers that agree on names, and a condition.
#[derive(Debug)]
struct Table {
    part_type: &'static str,
    /// Rows of each file, by segment.
    segments: Vec<Vec<Vec<Vec<Cell>>>>,
    writers: [Writer; 2],
    condition: Condition,
}

fn table() -> impl Strategy<Value = Table> {
    let part_types = vec!["integer", "string", "date"];
    proptest::sample::select(part_types).prop_flat_map(|part_type| {
        let row: Vec<_> = (0..PART).map(|column| maybe_null(COLUMNS[column].1)).collect();
        let rows = proptest::collection::vec(row, 1..3);
        let part = prop_oneof![Just(Cell::Null), maybe_null(part_type)];
        let file = (rows, part).prop_map(|(mut rows, part)| {
            for row in &mut rows {
                row.push(part.clone());
            }
            rows
        });
        let segments = proptest::collection::vec(proptest::collection::vec(file, 1..12), 1..4);
        (segments, [writer(), writer()], condition(part_type), any::<u64>()).prop_map(
            move |(segments, mut writers, condition, mut dice)| {
                writers[1].is_mapped = writers[0].is_mapped;
                let condition = anchored(condition, &segments[0][0], &mut dice);
                Table { part_type, segments, writers, condition }
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn files_are_kept_as_their_own_texts_have_it(table in table()) {
        let describe = |(number, rows): (usize, &Vec<Vec<Cell>>)| table.writers[number % 2].describe(rows);
        let segments: Vec<Vec<Described>> =
            table.segments.iter().map(|files| files.iter().enumerate().map(describe).collect()).collect();
        let files = list_of(&segments.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let metadata = table.writers[0].metadata(table.part_type);
        let client = Client { zone_hours: 0, part_type: table.part_type };
        for hints in [json_hint(&client.json(&table.condition)), sql(&client.sql(&table.condition))] {
            let expected = kept_one_by_one(&hints, &metadata, &files);
            prop_assert_eq!(&kept(&hints, &metadata, &files), &expected, "made: {:?}", hints);
            prop_assert_eq!(&kept(&hints, &metadata, &files), &expected, "kept: {:?}", hints);
        }
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    let texts =
        ["", "a", "ab", "abcdefg", "abcdefgh", "abcdefgz", "abcdefghijklmnopq", "b\"q", "é", "Infinity"];
    prop_oneof![
        8 => (-4..5_i64).prop_map(|number| json!(number)),
        4 => proptest::sample::select(texts.to_vec()).prop_map(|text| json!(text)),
        2 => proptest::sample::select(vec!["2021-01-01", "2021-01-02", "1800-01-01"]).prop_map(|day| json!(day)),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(|value| json!(value)),
        1 => Just(json!({"x": 1})),
        1 => Just(json!([])),
    ]
}

/// Statistics that contradict each other, the columns and themselves.
fn nonsense() -> impl Strategy<Value = String> {
    let columns = ["i", "l", "g", "s", "d", "Point", "m"].map(str::to_owned).to_vec();
    let bounds = || {
        proptest::collection::btree_map(proptest::sample::select(columns.clone()), scalar(), 0..7)
            .prop_map(|map| json!(map))
    };
    let whole = (scalar(), bounds(), bounds(), bounds()).prop_map(|(records, low, high, nulls)| {
        json!({"numRecords": records, "minValues": low, "maxValues": high, "nullCount": nulls}).to_string()
    });
    let cut = proptest::option::weighted(0.1, any::<proptest::sample::Index>());
    (whole, cut).prop_map(|(text, cut)| {
        let chars = cut.map_or(usize::MAX, |cut| cut.index(text.len()));
        text.chars().take(chars).collect()
    })
}

const NONSENSE_HINTS: [&str; 12] = [
    "i >= 1 AND i < 3",
    "l = 2 OR g > 1.5",
    "NOT (i = 2)",
    "s >= 'abcdefg' AND s < 'abcdefgy'",
    "s = 'abcdefgh'",
    "s > 'abcdefghijklmnopa' OR s <= ''",
    "d = DATE '2021-01-02'",
    "Point.x = 1 OR m <= 2",
    "i IS NULL OR l IS NOT NULL",
    "NOT (s IS NULL AND g IS NULL)",
    "p = 1 AND i = 3 OR p = 2 AND l < 0",
    "i = 1 AND l = 1 AND g = 1 AND s = 'a' AND d > DATE '2020-01-01' AND m > 0 AND Point.x > 0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nonsense_is_read_by_both_ways_alike(
        stats in proptest::collection::vec((nonsense(), 0..3_u8), 1..40),
        hint in proptest::sample::select(NONSENSE_HINTS.to_vec()),
    ) {
        let described = |(stats, p): (String, u8)| Described {
            partition_values: json!({"p": p.to_string(), "day": null}),
            stats,
        };
        let files = list_of(&[&stats.into_iter().map(described).collect::<Vec<_>>()]);
        let expected = kept_one_by_one(&sql(hint), &plain(), &files);
        prop_assert_eq!(&kept(&sql(hint), &plain(), &files), &expected);
        prop_assert_eq!(kept(&sql(hint), &plain(), &files), expected);
    }
}

#[test]
fn codes_that_are_too_coarse_leave_the_answer_to_the_text() {
    let described = |row: i64| {
        let (low, high) = (row * 1_000_003, row * 1_000_003 + 7);
        let stats = json!({"numRecords": 3, "minValues": {"l": low}, "maxValues": {"l": high}, "nullCount": {"l": 0}});
        file(json!({"p": "1", "day": null}), &stats)
    };
    let files = list_of(&[&(0..1_000).map(described).collect::<Vec<_>>()]);
    for (hint, count) in [
        ("l = 500001500", 1),
        ("l = 500001507", 1),
        ("l = 500001508", 0),
        ("l = 500001499", 0),
        ("l > 500001507", 499),
        ("l >= 500001507", 500),
        ("l < 500001500", 500),
        ("NOT (l <= 500001500)", 500),
    ] {
        let kept = kept(&sql(hint), &plain(), &files);
        assert_eq!(kept.iter().filter(|kept| **kept).count(), count, "{hint}");
    }
}
