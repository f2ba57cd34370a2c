//! No file that holds a matching row is ever left out.
//!
//! Rows are generated, then described as writers do: strings and timestamps cut, NaN left out or not, rows hidden by
//! deletion vectors, columns without statistics. Conditions are generated as trees, sent as JSON and as SQL as
//! clients do, and evaluated row by row in the plainest way.

use proptest::prelude::*;

use super::client::Client;
use super::fixture::{json_hint, kept, list, sql};
use super::oracle::{COLUMNS, Cell, Condition, PART, holds};
use super::writer::Writer;
use crate::skip::hints::Hints;

fn cell_of(data_type: &str) -> BoxedStrategy<Cell> {
    let long = "p".repeat(40);
    let day = 86_400_000_000_i64;
    match data_type {
        "integer" => (-3..4_i64).prop_map(Cell::Integer).boxed(),
        "long" => prop_oneof![(-3..4_i64), Just(i64::MAX), Just(i64::MIN), Just((1 << 53) + 1)]
            .prop_map(Cell::Integer)
            .boxed(),
        "double" => prop_oneof![
            (-3..4_i32).prop_map(|number| f64::from(number) / 2.0),
            prop_oneof![
                Just(0.1),
                Just(-0.0),
                Just(f64::NAN),
                Just(f64::INFINITY),
                Just(f64::NEG_INFINITY),
                Just(1e300)
            ],
        ]
        .prop_map(Cell::Double)
        .boxed(),
        "string" => prop_oneof![
            "[ab'\\\\\"é\u{2028}]{1,3}",
            "[ab]{0,2}".prop_map(move |end| long.clone() + &end),
            "[a😀\u{ffff}]{1,40}",
        ]
        .prop_map(Cell::Text)
        .boxed(),
        "date" => {
            prop_oneof![-3..4_i64, Just(-25_568), Just(-200_000), Just(18_000)].prop_map(Cell::Day).boxed()
        }
        "timestamp" => prop_oneof![
            -2_500..2_500_i64,
            (-2..3_i64).prop_map(move |days| days * day + 123),
            Just(-3_000_000_000_000_123)
        ]
        .prop_map(Cell::At)
        .boxed(),
        _ => any::<bool>().prop_map(Cell::Flag).boxed(),
    }
}

pub(super) fn maybe_null(data_type: &str) -> BoxedStrategy<Cell> {
    prop_oneof![4 => cell_of(data_type), 1 => Just(Cell::Null)].boxed()
}

fn column_type(column: usize, part_type: &'static str) -> &'static str {
    if column == PART { part_type } else { COLUMNS[column].1 }
}

pub(super) fn condition(part_type: &'static str) -> BoxedStrategy<Condition> {
    let leaf = (0..COLUMNS.len()).prop_flat_map(move |column| {
        let data_type = column_type(column, part_type);
        let operator = proptest::sample::select(vec!["=", "<", "<=", ">", ">="]);
        prop_oneof![
            1 => Just(Condition::IsNull(column)),
            6 => (operator, maybe_null(data_type)).prop_map(move |(operator, cell)| Condition::Compare(operator, column, cell)),
            1 => maybe_null(data_type).prop_map(move |cell| Condition::Same(column, cell)),
            1 => proptest::collection::vec(maybe_null(data_type), 1..4).prop_map(move |cells| Condition::In(column, cells)),
        ]
    });
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Condition::All),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
    .boxed()
}

pub(super) fn writer() -> impl Strategy<Value = Writer> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (flags, proptest::sample::select(vec![16, 32, 64]), -12..15_i64, 0..2 * COLUMNS.len()).prop_map(
        |(
            (tie_breaker, knows_nan, cuts_time, is_mapped, has_record_count),
            string_chars_max,
            zone_hours,
            silent,
        )| Writer {
            string_chars_max,
            tie_breaker,
            knows_nan,
            cuts_time,
            zone_hours,
            is_mapped,
            silent,
            has_record_count,
        },
    )
}

/// Takes half of the constants from the rows, so that bounds are met: some a little beside them.
pub(super) fn anchored(condition: Condition, rows: &[Vec<Cell>], dice: &mut u64) -> Condition {
    let mut roll = |sides: u64| {
        *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*dice >> 33) % sides
    };
    let mut anchor = |column: usize, cell: Cell| {
        if roll(2) == 0 {
            return cell;
        }
        let row = usize::try_from(roll(rows.len() as u64)).unwrap();
        let near = rows[row][column].clone();
        if let Cell::At(micros) = near
            && roll(2) == 0
        {
            return Cell::At(micros - i64::try_from(roll(1_000)).unwrap());
        }
        near
    };
    match condition {
        Condition::Compare(operator, column, cell) => {
            Condition::Compare(operator, column, anchor(column, cell))
        }
        Condition::Same(column, cell) => Condition::Same(column, anchor(column, cell)),
        Condition::In(column, cells) => {
            Condition::In(column, cells.into_iter().map(|cell| anchor(column, cell)).collect())
        }
        Condition::Not(inner) => Condition::Not(Box::new(anchored(*inner, rows, dice))),
        Condition::All(all) => Condition::All(all.into_iter().map(|one| anchored(one, rows, dice)).collect()),
        Condition::Any(any) => Condition::Any(any.into_iter().map(|one| anchored(one, rows, dice)).collect()),
        Condition::IsNull(column) => Condition::IsNull(column),
    }
}

#[derive(Debug)]
struct Case {
    part_type: &'static str,
    rows: Vec<Vec<Cell>>,
    /// The first rows, which a deletion vector hides.
    hidden: usize,
    condition: Condition,
    writer: Writer,
    client_zone_hours: i64,
}

fn case() -> impl Strategy<Value = Case> {
    let part_types = vec!["integer", "double", "string", "date", "timestamp", "boolean"];
    proptest::sample::select(part_types).prop_flat_map(|part_type| {
        let row: Vec<_> = (0..PART).map(|column| maybe_null(COLUMNS[column].1)).collect();
        let rows = proptest::collection::vec(row, 1..5);
        (rows, maybe_null(part_type), 0..2_usize, condition(part_type), writer(), (-12..15_i64, any::<u64>()))
            .prop_map(move |(mut rows, part, hidden, condition, writer, (client_zone_hours, mut dice))| {
                for row in &mut rows {
                    row.push(part.clone());
                }
                let condition = anchored(condition, &rows, &mut dice);
                Case { part_type, rows, hidden, condition, writer, client_zone_hours }
            })
    })
}

impl Case {
    fn hints(&self) -> [Hints; 2] {
        let client = Client { zone_hours: self.client_zone_hours, part_type: self.part_type };
        [json_hint(&client.json(&self.condition)), sql(&client.sql(&self.condition))]
    }

    fn kept(&self) -> [bool; 2] {
        let files = list(&[self.writer.describe(&self.rows)]);
        self.hints().map(|hints| kept(&hints, &self.writer.metadata(self.part_type), &files)[0])
    }

    fn has_match(&self) -> bool {
        self.rows.iter().skip(self.hidden).any(|row| holds(&self.condition, row) == Some(true))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn a_file_with_a_matching_row_is_kept(case in case()) {
        if case.has_match() {
            prop_assert_eq!(case.kept(), [true, true], "{:?}", case.hints());
        }
    }
}

#[test]
fn many_files_without_a_matching_row_are_left_out() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut without, mut left_out) = (0, [0, 0]);
    for _ in 0..1_000 {
        let case = case().new_tree(&mut runner).unwrap().current();
        if !case.has_match() {
            without += 1;
            let kept = case.kept();
            left_out = [0, 1].map(|way| left_out[way] + usize::from(!kept[way]));
        }
    }
    assert!(without > 300, "{without}");
    assert!(left_out.iter().all(|&count| count * 5 > without * 2), "{left_out:?} of {without}");
}
