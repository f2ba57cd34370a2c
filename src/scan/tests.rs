//! Pruning against rows: no file with a matching row is left out.

#![allow(clippy::pedantic, clippy::wildcard_enum_match_arm, reason = "numbers drawn for a test are small")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::columns::Columns;
use super::datum::Datum;
use super::expression::{self, Fault};
use super::filter::Filter;
use super::predicate::Predicate;
use super::transform::apply;
use crate::iceberg::partition_spec::{PartitionField, PartitionSpec};
use crate::iceberg::primitive::Primitive;
use crate::iceberg::schema::Schema;
use crate::iceberg::transform::Transform;
use crate::manifest::codec::Unpacker;
use crate::manifest::entries::Manifest;
use crate::manifest::entry::Inherited;
use crate::manifest::error::Error;
use crate::manifest::fixture::encode::Style;
use crate::manifest::fixture::lists::{ListRow, Summary, manifest_list};
use crate::manifest::fixture::manifest;
use crate::manifest::fixture::rows::{Cell, Row};
use crate::manifest::manifest_list::ManifestList;

/// Columns and the transforms that each is drawn with; the id is the place, from 1 on.
const COLUMNS: [(&str, &str, &[&str]); 7] = [
    ("id", "long", &["identity", "bucket[4]", "truncate[10]"]),
    ("name", "string", &["identity", "bucket[3]", "truncate[2]"]),
    ("at", "timestamp", &["identity", "year", "month", "day", "hour", "bucket[4]"]),
    ("on", "date", &["identity", "year", "month", "day"]),
    ("price", "decimal(9,2)", &["identity", "truncate[50]", "bucket[5]"]),
    ("amount", "double", &["identity"]),
    ("flag", "boolean", &["identity", "void"]),
];

/// One value of a column, or null.
type Value = Option<Datum<'static>>;

fn schema() -> Schema {
    let fields = COLUMNS
        .iter()
        .zip(1..)
        .map(|((name, of, _), id)| json!({"id": id, "name": name, "required": false, "type": of}));
    serde_json::from_value(json!({"type": "struct", "schema-id": 0, "fields": fields.collect::<Vec<_>>()}))
        .unwrap()
}

fn primitive(column: usize) -> Primitive {
    crate::iceberg::primitive::PrimitiveType::parse(COLUMNS[column].1).unwrap().primitive().clone()
}

fn micros() -> i128 {
    3_600_000_000
}

/// Few values, so that they meet, around the turns of transforms.
fn value(column: usize) -> BoxedStrategy<Value> {
    let of = match column {
        0 => (-25_i128..25).prop_map(Datum::Number).boxed(),
        1 => "[abä]{0,4}".prop_map(|text| Datum::Bytes(text.into_bytes().into())).boxed(),
        2 => (-30_i128..30, 0..2_i128)
            .prop_map(|(hours, more)| Datum::Number(hours * 2_000 * micros() + more))
            .boxed(),
        3 => (-800_i128..800).prop_map(Datum::Number).boxed(),
        4 => (-300_i128..300).prop_map(Datum::Number).boxed(),
        5 => prop_oneof![Just(f64::NAN), Just(0.0), Just(-0.0), (-4..4).prop_map(f64::from), Just(0.5)]
            .prop_map(Datum::Float)
            .boxed(),
        _ => any::<bool>().prop_map(Datum::Boolean).boxed(),
    };
    option::weighted(0.8, of).boxed()
}

fn row() -> impl Strategy<Value = Vec<Value>> {
    (0..COLUMNS.len()).map(value).collect::<Vec<_>>()
}

fn spec() -> impl Strategy<Value = PartitionSpec> {
    let field = (0..COLUMNS.len(), any::<prop::sample::Index>());
    vec(field, 0..3).prop_map(|fields| {
        let field = |((column, index), at): ((usize, prop::sample::Index), i32)| {
            let transform = Transform::parse(index.get::<&str>(COLUMNS[column].2)).unwrap();
            PartitionField {
                name: format!("p{at}"),
                transform,
                source_id: Some(column as i32 + 1),
                source_ids: None,
                id: 1_000 + at,
                rest: serde_json::Map::new(),
            }
        };
        PartitionSpec {
            id: 3,
            fields: fields.into_iter().zip(0..).map(field).collect(),
            rest: serde_json::Map::new(),
        }
    })
}

/// A literal as JSON; of the type of the column.
fn literal(column: usize) -> BoxedStrategy<Json> {
    value(column)
        .prop_filter_map("a value", |value| value.filter(|value| !value.is_nan()))
        .prop_map(move |value| match (&value, column) {
            (Datum::Number(number), 4) => json!(format!("{:.2}", *number as f64 / 100.0)),
            (Datum::Number(number), 3) => json!(
                chrono::DateTime::from_timestamp(*number as i64 * 86_400, 0)
                    .unwrap()
                    .format("%Y-%m-%d")
                    .to_string()
            ),
            (Datum::Number(number), 2) => json!(
                chrono::DateTime::from_timestamp_micros(*number as i64)
                    .unwrap()
                    .format("%Y-%m-%dT%H:%M:%S%.6f")
                    .to_string()
            ),
            (Datum::Number(number), _) => json!(*number as i64),
            (Datum::Float(number), _) => json!(number),
            (Datum::Boolean(value), _) => json!(value),
            (Datum::Bytes(bytes), _) => json!(std::str::from_utf8(bytes).unwrap()),
        })
        .boxed()
}

fn leaf() -> impl Strategy<Value = Json> {
    (0..COLUMNS.len()).prop_flat_map(|column| {
        let name = COLUMNS[column].0;
        let unary = prop_oneof![Just("is-null"), Just("not-null"), Just("is-nan"), Just("not-nan")]
            .prop_map(move |kind| json!({"type": kind, "term": name}));
        let order = prop_oneof![Just("lt"), Just("lt-eq"), Just("gt"), Just("gt-eq"), Just("eq"), Just("not-eq")];
        let comparison = (order, literal(column), 0..3).prop_map(move |(kind, value, form)| match form {
            0 => json!({"type": kind, "term": name, "value": value}),
            1 => json!({"type": kind, "left": {"type": "reference", "name": name}, "right": {"type": "literal", "value": value}}),
            _ => json!({"type": kind, "left": value, "right": {"type": "reference", "id": column as i32 + 1}}),
        });
        // Only a literal object is no name.
        let comparison = comparison.prop_map(|mut json| {
            if json["left"].is_string() {
                json["left"] = json!({"type": "literal", "value": json["left"]});
            }
            json
        });
        let set = (prop_oneof![Just("in"), Just("not-in")], vec(literal(column), 0..3))
            .prop_map(move |(kind, values)| json!({"type": kind, "term": {"type": "reference", "term": name}, "values": values}));
        let prefix = (prop_oneof![Just("starts-with"), Just("not-starts-with")], "[abä]{0,3}")
            .prop_map(|(kind, prefix)| json!({"type": kind, "term": "name", "value": prefix}));
        prop_oneof![1 => unary, 4 => comparison, 2 => set, 1 => prefix]
    })
}

fn filter() -> impl Strategy<Value = Json> {
    leaf().prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone())
                .prop_map(|(left, right)| json!({"type": "and", "left": left, "right": right})),
            (inner.clone(), inner.clone())
                .prop_map(|(left, right)| json!({"type": "or", "left": left, "right": right})),
            inner.prop_map(|child| json!({"type": "not", "child": child})),
        ]
    })
}

/// The specification's own words, for one row.
fn holds(filter: &Json, row: &[Value]) -> bool {
    let side = |name: &str| holds(&filter[name], row);
    let kind = filter["type"].as_str().unwrap();
    match kind {
        "and" => return side("left") && side("right"),
        "or" => return side("left") || side("right"),
        "not" => return !side("child"),
        _ => {}
    }
    let is_reference = |json: &Json| json["type"] == "reference";
    let (term, literal, is_turned) = match (&filter["term"], &filter["left"], &filter["right"]) {
        (Json::Null, left, right) if is_reference(left) => (left, right, false),
        (Json::Null, left, right) => (right, left, true),
        (term, ..) => (term, &filter["value"], false),
    };
    let by_name = |name: &str| COLUMNS.iter().position(|column| column.0 == name).unwrap();
    let column = match term {
        Json::String(name) => by_name(name),
        object if object["id"].is_i64() => object["id"].as_i64().unwrap() as usize - 1,
        object => by_name(object["name"].as_str().or(object["term"].as_str()).unwrap()),
    };
    let of = primitive(column);
    let value = &row[column];
    let read =
        |json: &Json| Datum::of_json(if json.is_object() { &json["value"] } else { json }, &of).unwrap();
    let is_nan = value.as_ref().is_some_and(Datum::is_nan);
    let order = |json: &Json| value.as_ref().and_then(|value| value.compare(&read(json)));
    use std::cmp::Ordering::{Equal, Greater, Less};
    let turned = |order: std::cmp::Ordering| if is_turned { order.reverse() } else { order };
    let is =
        |wanted: &[std::cmp::Ordering]| order(literal).is_some_and(|order| wanted.contains(&turned(order)));
    let set = || filter["values"].as_array().unwrap().iter().any(|json| order(json) == Some(Equal));
    let starts = || match value {
        Some(Datum::Bytes(bytes)) => bytes.starts_with(literal.as_str().unwrap().as_bytes()),
        _ => false,
    };
    match kind {
        "is-null" => value.is_none(),
        "not-null" => value.is_some(),
        "is-nan" => is_nan,
        "not-nan" => !is_nan,
        "lt" => is(&[Less]),
        "lt-eq" => is(&[Less, Equal]),
        "gt" => is(&[Greater]),
        "gt-eq" => is(&[Greater, Equal]),
        "eq" => is(&[Equal]),
        "not-eq" => !is(&[Equal]),
        "in" => set(),
        "not-in" => !set(),
        "starts-with" => starts(),
        "not-starts-with" => !starts(),
        other => panic!("{other}"),
    }
}

/// A bound as writers serialize it.
fn bound(value: &Datum<'_>, column: usize) -> Vec<u8> {
    match (value, column) {
        (Datum::Boolean(value), _) => vec![u8::from(*value)],
        (Datum::Number(number), 3) => (*number as i32).to_le_bytes().to_vec(),
        (Datum::Number(number), 4) => (*number as i32).to_be_bytes().to_vec(),
        (Datum::Number(number), _) => (*number as i64).to_le_bytes().to_vec(),
        (Datum::Float(number), _) => number.to_le_bytes().to_vec(),
        (Datum::Bytes(bytes), _) => bytes.to_vec(),
    }
}

/// What a writer knows of the rows of a file; each part may be left out.
fn file(rows: &[Vec<Value>], known: u32) -> Row {
    let (mut values, mut nulls, mut nans, mut lows, mut highs) = (vec![], vec![], vec![], vec![], vec![]);
    for column in 0..COLUMNS.len() {
        let id = column as i32 + 1;
        let all: Vec<&Datum<'_>> = rows.iter().filter_map(|row| row[column].as_ref()).collect();
        let numbers: Vec<&Datum<'_>> = all.iter().copied().filter(|value| !value.is_nan()).collect();
        let knows = |bit: usize| known >> ((column * 5 + bit) % 31) & 1 == 0;
        if knows(0) {
            values.push((id, rows.len() as i64));
        }
        if knows(1) {
            nulls.push((id, (rows.len() - all.len()) as i64));
        }
        if knows(2) && column == 5 {
            nans.push((id, (all.len() - numbers.len()) as i64));
        }
        let ordered = |value: &&Datum<'_>, other: &&Datum<'_>| value.compare(other).unwrap();
        if let (true, Some(low)) = (knows(3), numbers.iter().copied().min_by(|a, b| ordered(a, b))) {
            let mut low = bound(low, column);
            if column == 1 && knows(4) {
                low.truncate(1);
            }
            lows.push((id, low));
        }
        if let (true, Some(high)) = (knows(4), numbers.iter().copied().max_by(|a, b| ordered(a, b))) {
            highs.push((id, bound(high, column)));
        }
    }
    Row {
        status: 1,
        file_path: "f".to_owned(),
        file_format: "parquet".to_owned(),
        record_count: rows.len() as i64,
        value_counts: Some(values),
        null_value_counts: Some(nulls),
        nan_value_counts: Some(nans),
        lower_bounds: Some(lows),
        upper_bounds: Some(highs),
        ..Row::default()
    }
}

/// The tuple of a row, and the types of its parts.
fn tuple(row: &[Value], spec: &PartitionSpec) -> Vec<Cell> {
    let cell = |field: &PartitionField| {
        let column = field.source_id.unwrap() as usize - 1;
        let value = row[column].as_ref().and_then(|value| apply(&field.transform, value, &primitive(column)));
        let is_whole = !matches!(field.transform, Transform::Identity | Transform::Truncate(_));
        match (value, column) {
            (None, _) => Cell::Null,
            (Some(Datum::Number(number)), _) if is_whole => Cell::Int(number as i32),
            (Some(Datum::Number(number)), 3) => Cell::Int(number as i32),
            (Some(Datum::Number(number)), 4) => Cell::Fixed((number as i32).to_be_bytes().to_vec()),
            (Some(Datum::Number(number)), _) => Cell::Long(number as i64),
            (Some(Datum::Float(number)), _) => Cell::Double(number),
            (Some(Datum::Boolean(value)), _) => Cell::Boolean(value),
            (Some(Datum::Bytes(bytes)), _) => Cell::Text(String::from_utf8(bytes.into_owned()).unwrap()),
        }
    };
    spec.fields.iter().map(cell).collect()
}

fn declared(spec: &PartitionSpec) -> Vec<(i32, Json)> {
    let of = |field: &PartitionField| match (&field.transform, field.source_id) {
        (Transform::Identity | Transform::Truncate(_), Some(source)) => match source {
            1 => json!("long"),
            2 => json!("string"),
            3 => json!({"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": false}),
            4 => json!({"type": "int", "logicalType": "date"}),
            5 => {
                json!({"type": "fixed", "name": format!("d{}", field.id), "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2})
            }
            6 => json!("double"),
            _ => json!("boolean"),
        },
        (Transform::Void, _) => json!("boolean"),
        _ => json!("int"),
    };
    spec.fields.iter().map(|field| (field.id, of(field))).collect()
}

fn parse(filter: &Json) -> Result<Predicate, Fault> {
    let schema = schema();
    let index = schema.index().unwrap();
    expression::parse(filter, &Columns::new(&index, true))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_file_with_a_matching_row_is_left_out(
        rows in vec(row(), 1..5),
        spec in spec(),
        json in filter(),
        known: u32,
    ) {
        let first = tuple(&rows[0], &spec);
        // One file holds the rows of one partition.
        let rows: Vec<_> = rows.into_iter().filter(|row| tuple(row, &spec).iter().map(key).eq(first.iter().map(key))).collect();
        let written = Row { partition: first, ..file(&rows, known) };
        let bytes = manifest(&[written], &declared(&spec), &Style::default());
        let filter = Filter::new(parse(&json).unwrap(), std::slice::from_ref(&spec));
        let opened = Manifest::open(&bytes).unwrap();
        let of_manifest = filter.of_manifest(spec.id, opened.partition_fields());
        let is_listed = may_match_list(&filter, &list(&rows[0], &spec));
        let mut is_kept = None;
        opened.each(Inherited::default(), &mut Unpacker::new(), |entry| {
            is_kept = Some(of_manifest.may_match(entry));
            Ok::<_, Error>(())
        }).unwrap();
        let matches = rows.iter().any(|row| holds(&json, row));
        prop_assert!(is_kept.unwrap() || !matches, "{json} holds of a row");
        prop_assert!(is_listed || !matches, "{json} holds of a row of the manifest");
    }

    #[test]
    fn foreign_filters_never_panic(text in "[a-z{}\\[\\]:,\"0-9.-]{0,80}", json in filter()) {
        if let Ok(json) = serde_json::from_str(&text) {
            let _ = parse(&json);
        }
        prop_assert!(parse(&json).is_ok());
    }
}

/// A manifest list with one manifest, of one file with the partition of `row`.
fn list(row: &[Value], spec: &PartitionSpec) -> Vec<u8> {
    let summary = |field: &PartitionField| {
        let column = field.source_id.unwrap() as usize - 1;
        let value = row[column].as_ref().and_then(|value| apply(&field.transform, value, &primitive(column)));
        let is_whole = !matches!(field.transform, Transform::Identity | Transform::Truncate(_));
        let bytes = value.as_ref().filter(|value| !value.is_nan()).map(|value| match value {
            Datum::Number(number) if is_whole => (*number as i32).to_le_bytes().to_vec(),
            value => bound(value, column),
        });
        Summary {
            contains_null: value.is_none(),
            contains_nan: Some(value.as_ref().is_some_and(Datum::is_nan)),
            lower_bound: bytes.clone(),
            upper_bound: bytes,
        }
    };
    let partitions = Some(spec.fields.iter().map(summary).collect());
    let file = ListRow { path: "m".to_owned(), spec_id: spec.id, partitions, ..ListRow::default() };
    manifest_list(&[file], &Style::default())
}

fn may_match_list(filter: &Filter, bytes: &[u8]) -> bool {
    let mut found = Vec::new();
    let list = ManifestList::open(bytes).unwrap();
    let read = list.each(&mut Unpacker::new(), |file| {
        found.push(filter.may_match_manifest(file));
        Ok::<_, Error>(())
    });
    read.unwrap();
    found == [true]
}

/// Floats by their bits.
fn key(cell: &Cell) -> String {
    if let Cell::Double(value) = cell { format!("{:x}", value.to_bits()) } else { format!("{cell:?}") }
}

fn kept(json: &Json, rows: &[Vec<Value>], spec: &PartitionSpec) -> bool {
    let written = Row { partition: tuple(&rows[0], spec), ..file(rows, 0) };
    let bytes = manifest(&[written], &declared(spec), &Style::default());
    let filter = Filter::new(parse(json).unwrap(), std::slice::from_ref(spec));
    let opened = Manifest::open(&bytes).unwrap();
    let of_manifest = filter.of_manifest(spec.id, opened.partition_fields());
    let mut is_kept = false;
    let read = opened.each(Inherited::default(), &mut Unpacker::new(), |entry| {
        is_kept = of_manifest.may_match(entry);
        Ok::<_, Error>(())
    });
    read.unwrap();
    is_kept
}

#[test]
fn bounds_and_partitions_leave_files_out() {
    let number = |number: i128| Some(Datum::Number(number));
    let row = |id: i128, name: &str, hours: i128| {
        let name = Some(Datum::Bytes(name.as_bytes().to_vec().into()));
        vec![number(id), name, number(hours * micros()), None, number(100), Some(Datum::Float(1.0)), None]
    };
    let rows = [row(10, "bear", 30), row(20, "bee", 40)];
    let none = PartitionSpec::unpartitioned(3);
    let spec = |column: i32, transform: &str| PartitionSpec {
        fields: vec![PartitionField {
            name: "p".to_owned(),
            transform: Transform::parse(transform).unwrap(),
            source_id: Some(column),
            source_ids: None,
            id: 1_000,
            rest: serde_json::Map::new(),
        }],
        ..PartitionSpec::unpartitioned(3)
    };
    let one = |kind: &str, term: &str, value: Json| json!({"type": kind, "term": term, "value": value});
    for (json, is_kept) in [
        (one("lt", "id", json!(10)), false),
        (one("lt-eq", "id", json!(10)), true),
        (one("gt", "id", json!(20)), false),
        (one("eq", "id", json!(21)), false),
        (one("eq", "price", json!("1.00")), true),
        (one("not-eq", "price", json!("1.00")), false),
        (one("starts-with", "name", json!("be")), true),
        (one("starts-with", "name", json!("c")), false),
        (one("not-starts-with", "name", json!("be")), true),
        (one("not-starts-with", "name", json!("b")), false),
        (json!({"type": "is-null", "term": "id"}), false),
        (json!({"type": "not-null", "term": "on"}), false),
        (json!({"type": "in", "term": "id", "values": [1, 2, 30]}), false),
        (json!({"type": "in", "term": "id", "values": [1, 15]}), true),
        (json!({"type": "not", "child": one("gt-eq", "id", json!(5))}), false),
        // A function that nobody here knows.
        (
            json!({"type": "eq", "left": {"type": "apply", "function": "f", "arguments": []}, "right": 3}),
            true,
        ),
    ] {
        assert_eq!(kept(&json, &rows, &none), is_kept, "{json}");
    }
    let outside = one("eq", "at", json!("1970-01-05T00:00:00"));
    assert!(!kept(&outside, &[row(1, "a", 30)], &spec(3, "day")));
    let bucket = one("eq", "id", json!(11));
    assert!(kept(&bucket, &[row(11, "a", 0)], &spec(1, "bucket[4]")));
    let unlike = (0..20).filter(|id| {
        !kept(&one("eq", "id", json!(id)), &[row(0, "a", 0), row(19, "a", 0)], &spec(1, "bucket[4]"))
    });
    assert!(unlike.count() > 5, "buckets leave files out that bounds would keep");
}

#[test]
fn what_is_no_filter_is_refused() {
    let shape = |json: Json| matches!(parse(&json), Err(Fault::Shape { .. }));
    assert!(
        shape(json!(null))
            && shape(json!("id"))
            && shape(json!({"type": "between"}))
            && shape(json!({"type": "and"}))
    );
    let unknown = json!({"type": "is-null", "term": "unheard"});
    assert_eq!(parse(&unknown), Err(Fault::NoColumn { name: "unheard".to_owned() }));
    let deep = (0..101).fold(json!(true), |child, _| json!({"type": "not", "child": child}));
    assert_eq!(parse(&deep), Err(Fault::Depth));
    assert_eq!(parse(&json!({"type": "eq", "term": "id", "value": "x"})), Ok(Predicate::True));
}
