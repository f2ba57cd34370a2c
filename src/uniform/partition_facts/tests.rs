//! No file with a wanted row is left out by its partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::primitive::Primitive;
use crate::iceberg::transform::Transform;
use crate::manifest::fixture::encode::Style;
use crate::manifest::fixture::manifest;
use crate::manifest::fixture::rows::{Cell, Row};
use crate::scan::datum::Datum;
use crate::scan::transform::{apply, result_type};
use crate::skip::hints::Hints;
use crate::skip::predicate::Predicate;
use crate::skip::pruner::Pruner;
use crate::table::deletion_vector::{DeletionVector, Place};
use crate::table::file_list::{Block, FileList};
use crate::table::path_digest::PathDigest;
use crate::uniform::decode::{Buffers, decode};
use crate::uniform::list::{Manifest, Summary, SummaryBounds};
use crate::uniform::paths::Root;
use crate::uniform::presentation::{Presentation, Subject};
use crate::uniform::summary_facts;

/// A table of one column `v`; each spec has these transforms of it.
fn table(of: &str, specs: &[Vec<&str>]) -> Arc<TableMetadata> {
    let mut id = 999;
    let spec = |(number, transforms): (usize, &Vec<&str>)| {
        let fields = transforms.iter().map(|transform| {
            id += 1;
            json!({"source-id": 1, "field-id": id, "name": format!("p{id}"), "transform": transform})
        });
        json!({"spec-id": number, "fields": fields.collect::<Vec<Json>>()})
    };
    let specs: Vec<Json> = specs.iter().enumerate().map(spec).collect();
    let fields = json!([{"id": 1, "name": "v", "required": false, "type": of}]);
    let text = json!({
        "format-version": 2, "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94", "location": "s3://b/t",
        "last-sequence-number": 1, "last-updated-ms": 1, "last-column-id": 1, "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}], "default-spec-id": 0,
        "last-partition-id": id, "partition-specs": specs, "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}], "properties": {},
    });
    Arc::new(TableMetadata::parse(text.to_string().as_bytes()).unwrap())
}

fn present(table: &TableMetadata) -> Presentation {
    let subject = Subject {
        metadata: table,
        snapshot_id: None,
        schema_id: 0,
        has_unnumbered_files: false,
        naming: None,
        lacking_specs: Vec::new(),
    };
    Presentation::of(&subject, Root::new("b", "t", table.location())).unwrap()
}

/// A value of the column: a whole number, unscaled, in days or in microseconds, or a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Plain {
    Number(i64),
    Text(String),
}

impl Plain {
    fn datum(&self) -> Datum<'_> {
        match self {
            Self::Number(number) => Datum::Number((*number).into()),
            Self::Text(text) => Datum::Bytes(text.as_bytes().into()),
        }
    }

    /// As a literal of SQL.
    fn literal(&self, of: &Primitive) -> String {
        match (self, of) {
            (Self::Text(text), _) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            (Self::Number(number), Primitive::Date) => {
                format!("DATE '{}'", NaiveDate::default() + TimeDelta::days(*number))
            }
            (Self::Number(number), Primitive::Timestamp | Primitive::Timestamptz) => {
                let moment = DateTime::from_timestamp_micros(*number).unwrap().naive_utc();
                let text = moment.format("%Y-%m-%d %H:%M:%S%.6f");
                if *of == Primitive::Timestamp {
                    format!("TIMESTAMP_NTZ '{text}'")
                } else {
                    format!("TIMESTAMP '{text}Z'")
                }
            }
            (Self::Number(number), Primitive::Decimal { .. }) => {
                let sign = if *number < 0 { "-" } else { "" };
                let number = number.unsigned_abs();
                format!("{sign}{}.{:02}", number / 100, number % 100)
            }
            (Self::Number(number), _) => number.to_string(),
        }
    }
}

/// A partition value as manifests have it.
fn cell(transform: &Transform, value: &Plain, of: &Primitive) -> Option<Cell> {
    if *transform == Transform::Void {
        return Some(Cell::Null);
    }
    let result = result_type(transform, of)?;
    Some(match (apply(transform, &value.datum(), of)?, result) {
        (Datum::Number(number), Primitive::Int | Primitive::Date) => Cell::Int(i32::try_from(number).ok()?),
        (Datum::Number(number), Primitive::Decimal { .. }) => {
            Cell::Bytes(i64::try_from(number).ok()?.to_be_bytes().to_vec())
        }
        (Datum::Number(number), _) => Cell::Long(i64::try_from(number).ok()?),
        (Datum::Bytes(text), _) => Cell::Text(String::from_utf8(text.to_vec()).unwrap()),
        (Datum::Boolean(_) | Datum::Float(_), _) => return None,
    })
}

/// The Avro type of partition values.
fn avro(transform: &Transform, of: &Primitive) -> Json {
    match result_type(transform, of) {
        Some(Primitive::Date) => json!({"type": "int", "logicalType": "date"}),
        Some(Primitive::Timestamp | Primitive::Timestamptz) => {
            json!({"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": *of == Primitive::Timestamptz})
        }
        Some(Primitive::Decimal { precision, scale }) => {
            json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale})
        }
        Some(Primitive::Long) => json!("long"),
        Some(Primitive::String) => json!("string"),
        _ => json!("int"),
    }
}

/// A type, the transforms of it, and values.
fn kinds() -> Vec<(&'static str, Vec<&'static str>, BoxedStrategy<Plain>)> {
    let numbers = |range: std::ops::Range<i64>| {
        let edges = prop::sample::select(vec![i64::from(i32::MIN), i64::from(i32::MAX), 0, -1]);
        prop_oneof![6 => range, 1 => edges].prop_map(Plain::Number).boxed()
    };
    let days = || prop_oneof![-800..800_i64, 18_000..18_100_i64];
    let moments = || {
        let micros = days().prop_flat_map(|day| {
            let start = day * 86_400_000_000;
            prop_oneof![Just(start), Just(start - 1), start..start + 86_400_000_000]
        });
        micros.prop_map(Plain::Number).boxed()
    };
    let texts = prop_oneof!["[ab]{0,4}", "[ab]{14,20}", "[a😀\u{ffff}\u{10ffff}'\\\\\"]{0,4}"];
    let times = vec!["identity", "year", "month", "day", "hour", "bucket[3]", "void"];
    let cut =
        vec!["identity", "truncate[1]", "truncate[3]", "truncate[10]", "bucket[2]", "bucket[16]", "void"];
    vec![
        ("int", cut.clone(), numbers(-40..40)),
        ("long", cut.clone(), numbers(-40..40)),
        ("decimal(9,2)", cut.clone(), (-4_000..4_000_i64).prop_map(Plain::Number).boxed()),
        ("decimal(20,2)", cut.clone(), (-4_000..4_000_i64).prop_map(Plain::Number).boxed()),
        ("decimal(38,2)", cut.clone(), (i64::MAX - 400..=i64::MAX).prop_map(Plain::Number).boxed()),
        ("string", cut, texts.prop_map(Plain::Text).boxed()),
        (
            "date",
            vec!["identity", "year", "month", "day", "bucket[3]"],
            days().prop_map(Plain::Number).boxed(),
        ),
        ("timestamp", times.clone(), moments()),
        ("timestamptz", times, moments()),
    ]
}

#[derive(Debug, Clone)]
struct Case {
    of: &'static str,
    specs: Vec<Vec<&'static str>>,
    /// Values of rows, each by the spec in whose files it lies; `None` is null.
    rows: Vec<(usize, Option<Plain>)>,
    operator: &'static str,
    wanted: Vec<Plain>,
}

fn case() -> impl Strategy<Value = Case> {
    prop::sample::select((0..kinds().len()).collect::<Vec<_>>()).prop_flat_map(|kind| {
        let (of, transforms, value) = kinds().swap_remove(kind);
        let spec = prop::collection::vec(prop::sample::select(transforms), 1..3);
        let row = (0..2_usize, prop::option::weighted(0.9, value.clone()));
        let operator =
            prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">=", "IN", "IS NULL", "IS NOT NULL"]);
        let rows = prop::collection::vec(row, 1..30);
        let wanted = prop::collection::vec((value, any::<Option<prop::sample::Index>>()), 1..3);
        (prop::collection::vec(spec, 2), rows, operator, wanted).prop_map(
            move |(specs, rows, operator, wanted)| {
                let known: Vec<&Plain> = rows.iter().filter_map(|(_, value)| value.as_ref()).collect();
                let wanted = wanted.into_iter().map(|(other, index)| match index {
                    Some(index) if !known.is_empty() => known[index.index(known.len())].clone(),
                    _ => other,
                });
                let wanted = wanted.collect();
                Case { of, specs, rows, operator, wanted }
            },
        )
    })
}

impl Case {
    fn primitive(&self) -> Primitive {
        crate::iceberg::primitive::PrimitiveType::parse(self.of).unwrap().primitive().clone()
    }

    fn hint(&self) -> String {
        let of = self.primitive();
        let literals: Vec<String> = self.wanted.iter().map(|value| value.literal(&of)).collect();
        match self.operator {
            "IN" => format!("v IN ({})", literals.join(", ")),
            "IS NULL" | "IS NOT NULL" => format!("v {}", self.operator),
            operator => format!("v {operator} {}", literals[0]),
        }
    }

    fn is_wanted(&self, value: Option<&Plain>) -> bool {
        let compare = |holds: fn(std::cmp::Ordering) -> bool| {
            value.is_some_and(|value| holds(value.cmp(&self.wanted[0])))
        };
        match self.operator {
            "=" => compare(std::cmp::Ordering::is_eq),
            "<>" => compare(std::cmp::Ordering::is_ne),
            "<" => compare(std::cmp::Ordering::is_lt),
            "<=" => compare(std::cmp::Ordering::is_le),
            ">" => compare(std::cmp::Ordering::is_gt),
            ">=" => compare(std::cmp::Ordering::is_ge),
            "IN" => value.is_some_and(|value| self.wanted.contains(value)),
            "IS NULL" => value.is_none(),
            _ => value.is_some(),
        }
    }

    /// Files by spec and partition: whether each holds a wanted row, and whether it is kept.
    fn answers(&self) -> Vec<(bool, bool)> {
        let of = self.primitive();
        let told = present(&table(self.of, &self.specs));
        let mut manifests = Vec::new();
        let mut wanted: BTreeMap<String, bool> = BTreeMap::new();
        for (spec_id, spec) in self.specs.iter().enumerate() {
            let transforms: Vec<_> = spec.iter().map(|text| Transform::parse(text).unwrap()).collect();
            let mut files: Vec<(Vec<Cell>, bool)> = Vec::new();
            for (_, value) in self.rows.iter().filter(|(of_spec, _)| *of_spec == spec_id) {
                let cell = |transform: &Transform| {
                    value.as_ref().map_or(Some(Cell::Null), |value| cell(transform, value, &of))
                };
                let Some(tuple) = transforms.iter().map(cell).collect::<Option<Vec<_>>>() else { continue };
                let is_wanted = self.is_wanted(value.as_ref());
                match files.iter_mut().find(|(known, _)| *known == tuple) {
                    Some((_, of_file)) => *of_file |= is_wanted,
                    None => files.push((tuple, is_wanted)),
                }
            }
            let named = |number: usize| format!("s3://b/t/{spec_id}-{number}");
            wanted
                .extend(files.iter().enumerate().map(|(number, (_, is_wanted))| (named(number), *is_wanted)));
            let rows: Vec<Row> = files
                .into_iter()
                .enumerate()
                .map(|(number, (tuple, _))| row(&named(number), tuple))
                .collect();
            let first_id = 1_000 + self.specs.iter().take(spec_id).map(Vec::len).sum::<usize>();
            let ids = (0..).map(|at| i32::try_from(first_id + at).unwrap());
            let types: Vec<_> = ids.zip(transforms.iter().map(|transform| avro(transform, &of))).collect();
            let property = ("partition-spec-id".to_owned(), spec_id.to_string().into_bytes());
            let style = Style {
                properties: vec![property],
                has_ids: self.rows.len().is_multiple_of(2),
                ..Style::default()
            };
            let bytes = Bytes::from(manifest(&rows, &types, &style));
            manifests.push((Manifest::unlisted("m".to_owned(), format!("s3://b/m{spec_id}")), bytes));
        }
        let unit = decode(&told.telling, &manifests, &Buffers::default()).unwrap();
        let kept = kept(&FileList::of_parts(unit.parts).unwrap(), &told, &self.hint());
        kept.into_iter().map(|(path, kept)| (wanted[&path], kept)).collect()
    }

    /// Manifests of one spec each: whether one holds a wanted row, and whether it is read.
    fn manifests(&self) -> Vec<(bool, bool)> {
        let of = self.primitive();
        let told = present(&table(self.of, &self.specs));
        let hints = Hints { json: None, sql: vec![self.hint()] };
        let predicate = Predicate::compile(&hints, &told.metadata);
        let mut answers = Vec::new();
        for (spec_id, spec) in self.specs.iter().enumerate() {
            let rows = self.rows.iter().filter(|(of_spec, _)| *of_spec == spec_id).map(|(_, value)| value);
            let values: Vec<&Option<Plain>> = rows.collect();
            let summaries: Option<Vec<Summary>> =
                spec.iter().map(|text| summary(&Transform::parse(text).unwrap(), &values, &of)).collect();
            let (Some(summaries), false) = (summaries, values.is_empty()) else { continue };
            let manifest = Manifest {
                spec_id: i32::try_from(spec_id).unwrap(),
                summaries: summaries.into(),
                ..Manifest::unlisted(String::new(), String::new())
            };
            let text = summary_facts::text(&manifest, &told.telling.facts, &told.telling.columns);
            let is_wanted = values.iter().any(|value| self.is_wanted(value.as_ref()));
            answers.push((is_wanted, predicate.may_match_partition(&text)));
        }
        answers
    }
}

/// What a manifest list says of these values in one field; `None` if a value has no partition.
fn summary(transform: &Transform, values: &[&Option<Plain>], of: &Primitive) -> Option<Summary> {
    let cells = values.iter().map(|value| match value {
        Some(value) => cell(transform, value, of),
        None => Some(Cell::Null),
    });
    let cells: Vec<Cell> = cells.collect::<Option<_>>()?;
    let order = |cell: &Cell| match cell {
        Cell::Int(number) => (i64::from(*number), Vec::new(), number.to_le_bytes().to_vec()),
        Cell::Long(number) => (*number, Vec::new(), number.to_le_bytes().to_vec()),
        Cell::Bytes(bytes) => {
            (i64::from_be_bytes(bytes.as_slice().try_into().unwrap()), Vec::new(), bytes.clone())
        }
        Cell::Text(text) => (0, text.clone().into_bytes(), text.clone().into_bytes()),
        Cell::Null | Cell::Boolean(_) | Cell::Float(_) | Cell::Double(_) | Cell::Fixed(_) => {
            panic!("{cell:?}")
        }
    };
    let mut known: Vec<_> = cells.iter().filter(|cell| **cell != Cell::Null).map(order).collect();
    known.sort();
    let bounds = known.first().zip(known.last());
    Some(Summary {
        has_nulls: known.len() < cells.len(),
        may_have_nans: false,
        bounds: bounds
            .map(|(low, high)| SummaryBounds { low: low.2.clone().into(), high: high.2.clone().into() }),
    })
}

fn row(path: &str, partition: Vec<Cell>) -> Row {
    Row {
        status: 1,
        sequence_number: Some(1),
        file_path: path.to_owned(),
        file_format: "PARQUET".to_owned(),
        partition,
        record_count: 4,
        file_size_bytes: 100,
        ..Row::default()
    }
}

/// The paths of all files, and whether a hint keeps them.
fn kept(files: &FileList, told: &Presentation, hint: &str) -> Vec<(String, bool)> {
    let hints = Hints { json: None, sql: vec![hint.to_owned()] };
    let mut pruner =
        Pruner::new(Predicate::compile(&hints, &told.metadata)).unwrap_or_else(|| panic!("{hint}"));
    let (mut block, mut kept) = (Block::default(), Vec::new());
    for index in 0..files.block_count() {
        let any = pruner.may_match_block(files, index);
        for file in files.read_block(index, &mut block) {
            assert_eq!(file.partition_values_json, b"{}", "readers are told no partitions");
            let path = String::from_utf8([file.log_directory, file.log_name].concat()).unwrap();
            kept.push((path, any && pruner.may_match(&file)));
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_file_with_a_wanted_row_is_kept(case in case()) {
        for (is_wanted, kept) in case.answers() {
            prop_assert!(kept || !is_wanted, "{}", case.hint());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_manifest_with_a_wanted_row_is_read(case in case()) {
        for (is_wanted, is_read) in case.manifests() {
            prop_assert!(is_read || !is_wanted, "{}", case.hint());
        }
    }
}

#[test]
fn many_manifests_without_a_wanted_row_are_left_unread() {
    let mut runner = TestRunner::deterministic();
    let (mut without, mut unread) = (0, 0);
    for _ in 0..500 {
        for (is_wanted, is_read) in case().new_tree(&mut runner).unwrap().current().manifests() {
            without += usize::from(!is_wanted);
            unread += usize::from(!is_wanted && !is_read);
        }
    }
    assert!(unread * 4 > without, "{unread} of {without}");
}

#[test]
fn many_files_without_a_wanted_row_are_left_out() {
    let mut runner = TestRunner::deterministic();
    let (mut without, mut left_out) = (0, 0);
    for _ in 0..500 {
        for (is_wanted, kept) in case().new_tree(&mut runner).unwrap().current().answers() {
            without += usize::from(!is_wanted);
            left_out += usize::from(!is_wanted && !kept);
        }
    }
    assert!(left_out * 2 > without, "{left_out} of {without}");
}

/// Whether a hint keeps a file of this partition of a table with one field.
fn keeps(of: &str, transform: &str, cell: &Cell, hint: &str) -> bool {
    let told = present(&table(of, &[vec![transform]]));
    let primitive = crate::iceberg::primitive::PrimitiveType::parse(of).unwrap().primitive().clone();
    let avro = avro(&Transform::parse(transform).unwrap(), &primitive);
    // Old writers left out the ids of fields.
    let [with_ids, without_ids] = [true, false].map(|has_ids| {
        let style = Style { has_ids, ..Style::default() };
        let bytes = manifest(&[row("s3://b/t/f", vec![cell.clone()])], &[(1_000, avro.clone())], &style);
        let manifest = Manifest::unlisted("m".to_owned(), "s3://b/m".to_owned());
        let unit = decode(&told.telling, &[(manifest, Bytes::from(bytes))], &Buffers::default()).unwrap();
        kept(&FileList::of_parts(unit.parts).unwrap(), &told, hint)[0].1
    });
    assert_eq!(with_ids, without_ids, "{transform} {hint}");
    with_ids
}

const HUGE: &str = "v = 123456789012345678901234567890123456.78";

#[test]
fn each_transform_says_as_much_as_it_can() {
    for (of, transform, cell, kept, left_out) in [
        ("int", "truncate[10]", Cell::Int(20), "v = 29", "v = 30"),
        ("int", "truncate[10]", Cell::Int(-10), "v = -10", "v = 0"),
        ("string", "truncate[2]", Cell::Text("ab".to_owned()), "v >= 'abz'", "v >= 'ac'"),
        ("string", "truncate[4]", Cell::Text("ab".to_owned()), "v = 'ab'", "v = 'abc'"),
        ("date", "year", Cell::Int(50), "v = DATE '2020-12-31'", "v = DATE '2021-01-01'"),
        ("date", "month", Cell::Int(601), "v <= DATE '2020-02-01'", "v < DATE '2020-02-01'"),
        ("timestamptz", "day", Cell::Int(18_000), "v < '2019-04-14T00:00:01Z'", "v < '2019-04-13T23:59:59Z'"),
        ("timestamp", "hour", Cell::Int(432_000), "v > '2019-04-14T00:30:00'", "v >= '2019-04-14T01:00:00'"),
        ("long", "bucket[16]", Cell::Int(3), "v = 34", "v = 35"),
        ("string", "bucket[2]", Cell::Int(0), "v >= 'iceberg'", "v IN ('iceberg')"),
        ("decimal(38,2)", "bucket[16]", Cell::Int(13), "v = 1.5", "v = 1.51"),
        ("decimal(38,2)", "bucket[16]", Cell::Int(11), HUGE, "v = 123456789012345678901234567890123456.79"),
        (
            "decimal(38,2)",
            "bucket[16]",
            Cell::Int(6),
            "v = -99999999999999999999.02",
            "v = -99999999999999999999.01",
        ),
        ("decimal(38,2)", "bucket[16]", Cell::Int(6), "v = 1.005", "v IN (1.5, 1.51)"),
        ("long", "bucket[16]", Cell::Null, "v IS NULL", "v IS NOT NULL"),
        ("long", "identity", Cell::Long(7), "v = 7", "v <> 7"),
    ] {
        assert!(keeps(of, transform, &cell, kept), "{transform} {kept}");
        assert!(!keeps(of, transform, &cell, left_out), "{transform} {left_out}");
    }
}

#[test]
fn a_file_that_loses_rows_stays_in_its_partition() {
    let told = present(&table("long", &[vec!["bucket[16]"]]));
    let rows = [2, 3].map(|bucket| row(&format!("s3://b/t/{bucket}"), vec![Cell::Int(bucket)]));
    let bytes = Bytes::from(manifest(&rows, &[(1_000, json!("int"))], &Style::default()));
    let manifests = [(Manifest::unlisted("m".to_owned(), "s3://b/m".to_owned()), bytes)];
    let unit = decode(&told.telling, &manifests, &Buffers::default());
    let files = FileList::of_parts(unit.unwrap().parts).unwrap();
    let vector = DeletionVector {
        place: Place::Inline(b"vBn[lx{q8@P<9BNH/isA"),
        offset: None,
        size_bytes: 36,
        cardinality: 2,
    };
    let lost = [2, 3].map(|bucket| (PathDigest::of(format!("{bucket}").as_bytes()), vector));
    let files = files.with_vectors(&lost.into());
    assert!(files.has_deletion_vectors());
    let kept: BTreeMap<String, bool> = kept(&files, &told, "v = 34").into_iter().collect();
    assert_eq!(kept.into_values().collect::<Vec<_>>(), [false, true]);
}

#[test]
fn what_old_or_careless_writers_meant_is_kept() {
    // Times before 1970 were cut to the next unit above.
    assert!(keeps("timestamp", "day", &Cell::Int(0), "v = '1969-12-31T10:00:00'"));
    assert!(keeps("date", "month", &Cell::Int(-1), "v = DATE '1969-11-05'"));
    assert!(!keeps("date", "day", &Cell::Int(0), "v = DATE '1969-12-31'"));
    // The least numbers ran over when they were cut.
    assert!(keeps("int", "truncate[10]", &Cell::Int(2_147_483_646), "v = -2147483648"));
    // Void says nothing, and a bucket that cannot be says nothing either.
    assert!(keeps("int", "void", &Cell::Null, "v = 1"));
    assert!(keeps("int", "bucket[4]", &Cell::Int(9), "v = 1"));
}
