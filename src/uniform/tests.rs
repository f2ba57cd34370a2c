//! Small tables: their schemas, their files, what hints keep of them.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::decode::{Buffers, Reason, Unit, decode};
use super::error::{Error, Fault};
use super::former_types::Verdict;
use super::list::Manifest;
use super::naming::{NAME_MAPPING, Naming};
use super::paths::Root;
use super::presentation::{Presentation, Subject, protocol};
use crate::iceberg::metadata::TableMetadata;
use crate::manifest::fixture::encode::Style;
use crate::manifest::fixture::manifest;
use crate::manifest::fixture::rows::{Cell, Row};
use crate::skip::hints::Hints;
use crate::skip::predicate::Predicate;
use crate::skip::pruner::Pruner;
use crate::table::file_list::{Block, FileList};

/// A table whose schemas have these fields, the last being the current one.
fn table(version: u8, schemas: &[Value], properties: &Value) -> Arc<TableMetadata> {
    let schemas = schemas.iter().enumerate();
    let schemas: Vec<Value> =
        schemas.map(|(id, fields)| json!({"type": "struct", "schema-id": id, "fields": fields})).collect();
    let text = json!({
        "format-version": version, "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94", "location": "s3://b/t",
        "last-sequence-number": 1, "last-updated-ms": 1, "last-column-id": highest(&json!(schemas)),
        "current-schema-id": schemas.len() - 1, "schemas": schemas, "default-spec-id": 0, "last-partition-id": 1000,
        "partition-specs": [{"spec-id": 0, "fields": [
            {"source-id": 1, "field-id": 1000, "name": "p", "transform": "identity"}]}],
        "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}], "properties": properties,
        "next-row-id": 0,
    });
    Arc::new(TableMetadata::parse(text.to_string().as_bytes()).unwrap())
}

/// The highest id anywhere in the JSON of schemas.
fn highest(value: &Value) -> i64 {
    match value {
        Value::Object(object) => {
            let ids = ["id", "element-id", "key-id", "value-id"]
                .iter()
                .filter_map(|name| object.get(*name)?.as_i64());
            ids.chain(object.values().map(highest)).max().unwrap_or(0)
        }
        Value::Array(items) => items.iter().map(highest).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn field(id: i32, name: &str, of: &Value) -> Value {
    json!({"id": id, "name": name, "required": false, "type": of})
}

fn present(table: &TableMetadata) -> Result<Presentation, Error> {
    Presentation::of(&subject(table), Root::new("b", "t", table.location()))
}

fn subject(metadata: &TableMetadata) -> Subject<'_> {
    Subject {
        metadata,
        snapshot_id: None,
        schema_id: metadata.current_schema_id(),
        has_unnumbered_files: metadata.format_version() == 1,
        naming: None,
        lacking_specs: Vec::new(),
    }
}

fn of_schemas(schemas: &[Value]) -> Presentation {
    present(&table(2, schemas, &json!({}))).unwrap()
}

fn refusal(schemas: &[Value]) -> Fault {
    match present(&table(3, schemas, &json!({}))) {
        Err(Error::Unserved { source }) => source,
        other => panic!("{other:?}"),
    }
}

fn schema_of(told: &Presentation) -> Value {
    serde_json::from_str(&told.metadata.schema_string).unwrap()
}

#[test]
fn a_table_that_never_changed_is_read_by_names() {
    let list = json!({"type": "list", "element-id": 3, "element": "int", "element-required": true});
    let map = json!({"type": "map", "key-id": 5, "key": "string", "value-id": 6, "value": "date", "value-required": false});
    let inner = json!({"type": "struct", "fields": [field(8, "x", &json!("decimal(9, 2)"))]});
    let told = of_schemas(&[json!([
        {"id": 1, "name": "a", "required": true, "type": "long", "doc": "d"},
        field(2, "l", &list), field(4, "m", &map), field(7, "s", &inner),
    ])]);
    assert_eq!((told.naming.mode(), told.features.len()), (None, 0));
    let configuration: Vec<_> = told.metadata.configuration.iter().collect();
    assert_eq!(configuration, [(&"delta.enableChangeDataFeed".to_owned(), &"true".to_owned())]);
    let plain = |name: &str, of: Value| json!({"name": name, "type": of, "nullable": true, "metadata": {}});
    let wanted = json!({"type": "struct", "fields": [
        {"name": "a", "type": "long", "nullable": false, "metadata": {"comment": "d"}},
        plain("l", json!({"type": "array", "elementType": "integer", "containsNull": false})),
        plain("m", json!({"type": "map", "keyType": "string", "valueType": "date", "valueContainsNull": true})),
        plain("s", json!({"type": "struct", "fields": [plain("x", json!("decimal(9,2)"))]})),
    ]});
    assert_eq!(schema_of(&told), wanted);
    assert_eq!(protocol(&told.features).min_reader_version, 1);
}

#[test]
fn a_table_whose_names_are_no_proof_is_read_by_ids() {
    let (int, a, b) = (json!("int"), field(1, "a", &json!("int")), field(2, "b", &json!("int")));
    let renamed = field(1, "c", &int);
    let parts = |inner: &Value| field(3, "s", &json!({"type": "struct", "fields": [inner]}));
    for (schemas, naming) in [
        (vec![json!([a]), json!([a, b])], Naming::Plain),
        (vec![json!([a, b]), json!([b])], Naming::Plain),
        (vec![json!([a]), json!([renamed])], Naming::Id),
        // Another column has the name of one that was dropped, or one that differs by case only.
        (vec![json!([a, b]), json!([field(2, "a", &int)])], Naming::Id),
        (vec![json!([a]), json!([field(2, "A", &int)])], Naming::Id),
        (vec![json!([parts(&a)]), json!([parts(&renamed)])], Naming::Id),
        (vec![json!([parts(&a), b]), json!([a, parts(&b)])], Naming::Id),
        // Names that some writers change.
        (vec![json!([field(1, "a b", &int)])], Naming::Id),
        (vec![json!([field(1, "1a", &int)])], Naming::Id),
        (vec![json!([field(1, "ä", &int)])], Naming::Id),
        // A column that no schema has is one that was dropped before.
        (vec![json!([field(2, "a", &int)])], Naming::Id),
    ] {
        let schemas: Vec<Value> = schemas;
        assert_eq!(of_schemas(&schemas).naming, naming, "{schemas:?}");
    }
    let told = of_schemas(&[json!([a]), json!([renamed])]);
    let metadata = json!({"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-1"});
    assert_eq!(schema_of(&told)["fields"][0]["metadata"], metadata);
    assert_eq!(told.metadata.configuration["delta.columnMapping.mode"], "id");
    assert_eq!(told.metadata.configuration["delta.columnMapping.maxColumnId"], "1");
    assert_eq!(protocol(&told.features).reader_features, Some(vec!["columnMapping".to_owned()]));
    let old = table(1, &[json!([a])], &json!({}));
    assert_eq!(present(&old).unwrap().naming, Naming::Plain, "it has no snapshot");
}

#[test]
fn a_mapping_by_other_names_needs_a_look_into_the_files() {
    let a = field(1, "a", &json!("int"));
    let mapping = |name: &str| json!({NAME_MAPPING: json!([{"field-id": 1, "names": [name]}]).to_string()});
    for (name, is_doubtful) in [("a", false), ("b", true)] {
        let table = table(2, &[json!([a])], &mapping(name));
        let told = present(&table).unwrap();
        assert_eq!((told.naming == Naming::Plain, told.doubt(&table).is_some()), (!is_doubtful, is_doubtful));
    }
    let table = table(2, &[json!([a])], &mapping("b"));
    let names = Naming::Names(Arc::new([(1, "b".to_owned())].into()));
    let subject = Subject { naming: Some(names), ..subject(&table) };
    let told = Presentation::of(&subject, Root::new("b", "t", "s3://b/t")).unwrap();
    assert_eq!(told.metadata.configuration["delta.columnMapping.mode"], "name");
    let metadata = json!({"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "b"});
    assert_eq!(schema_of(&told)["fields"][0]["metadata"], metadata);
}

#[test]
fn widened_types_are_told_with_what_they_were() {
    let typed = |of: Value| json!([field(1, "a", &of)]);
    let list = |element: &str| {
        json!([field(
            2,
            "l",
            &json!({"type": "list", "element-id": 1, "element": element, "element-required": true})
        )])
    };
    let changes = |schemas: &[Value]| {
        let told = of_schemas(schemas);
        assert!(told.features.contains("typeWidening"));
        schema_of(&told)["fields"][0]["metadata"]["delta.typeChanges"].clone()
    };
    let wanted = json!([{"fromType": "integer", "toType": "long"}]);
    assert_eq!(changes(&[typed(json!("int")), typed(json!("long"))]), wanted);
    let wanted = json!([{"fromType": "decimal(5,2)", "toType": "decimal(9,2)"}]);
    assert_eq!(changes(&[typed(json!("decimal(5,2)")), typed(json!("decimal(9,2)"))]), wanted);
    let wanted = json!([{"fromType": "float", "toType": "double", "fieldPath": "element"}]);
    assert_eq!(changes(&[list("float"), list("double")]), wanted);
}

#[test]
fn another_type_matters_as_long_as_a_file_may_have_it() {
    let typed = |of: &str| json!([field(1, "a", &json!(of))]);
    let schemas = [typed("int"), typed("long")];
    for (verdict, is_told) in [(Verdict::Current, false), (Verdict::Open, true), (Verdict::Narrower, true)] {
        let mut told = of_schemas(&schemas);
        told.settle(verdict).unwrap();
        assert_eq!(told.features.contains("typeWidening"), is_told, "{verdict:?}");
        assert_eq!(told.metadata.schema_string.contains("delta.typeChanges"), is_told, "{verdict:?}");
    }
    // Whoever replaces a table may give a name another type.
    let mut replaced = of_schemas(&[typed("int"), typed("string")]);
    assert!(!replaced.features.contains("typeWidening"));
    assert_eq!((replaced.settle(Verdict::Current), replaced.settle(Verdict::Open)), (Ok(()), Ok(())));
    assert!(matches!(replaced.settle(Verdict::Refused(0)), Err(Fault::TypeChange { .. })));
    // A snapshot from before is read with the schema that it had.
    let table = table(2, &schemas, &json!({}));
    let subject = Subject { schema_id: 0, ..subject(&table) };
    let past = Presentation::of(&subject, Root::new("b", "t", "s3://b/t")).unwrap();
    assert!(past.telling.former.is_empty() && !past.features.contains("typeWidening"));
}

#[test]
fn bounds_tell_the_type_that_a_file_was_written_with() {
    let told = of_schemas(&[json!([field(1, "a", &json!("int"))]), json!([field(1, "a", &json!("long"))])]);
    let of = |bounds: &[Option<Vec<u8>>]| {
        let rows = bounds.iter().enumerate().map(|(number, bound)| Row {
            lower_bounds: bound.clone().map(|bound| vec![(1, bound)]),
            ..row(&number.to_string())
        });
        let unit = unit(&told, &json!("int"), &rows.collect::<Vec<_>>()).unwrap();
        format!("{:?}", unit.former)
    };
    let (narrow, wide) = (Some(vec![1; 4]), Some(vec![1; 8]));
    assert!(of(std::slice::from_ref(&wide)).contains("verdict: Current, unclear: []"));
    assert!(of(&[wide.clone(), narrow]).contains("verdict: Narrower, unclear: []"));
    assert!(of(&[wide, None]).contains(r#"verdict: Current, unclear: ["s3://b/t/1"]"#));
}

#[test]
fn what_delta_does_not_have_is_refused_by_column() {
    for name in ["time", "uuid", "fixed[3]", "timestamp_ns", "timestamptz_ns", "geometry", "geography"] {
        let fault = refusal(&[json!([field(1, "a", &json!(name))])]);
        assert_eq!(fault, Fault::Type { column: "a".to_owned(), field_type: name.to_owned() });
    }
    let inner =
        json!({"type": "struct", "fields": [field(2, "x", &json!("int")), field(3, "X", &json!("int"))]});
    let wanted = Fault::NamesByCase { first: "s.x".to_owned(), second: "s.X".to_owned() };
    assert_eq!(refusal(&[json!([field(1, "s", &inner)])]), wanted);
}

fn row(path: &str) -> Row {
    Row {
        status: 1,
        sequence_number: Some(1),
        file_path: format!("s3://b/t/{path}"),
        file_format: "PARQUET".to_owned(),
        partition: vec![Cell::Null],
        record_count: 4,
        file_size_bytes: 100,
        ..Row::default()
    }
}

/// A manifest of these rows, told in the form of a table that is partitioned by its first column.
fn unit(told: &Presentation, partition: &Value, rows: &[Row]) -> Result<Unit, Error> {
    let bytes = manifest(rows, &[(1_000, partition.clone())], &Style::default());
    let manifest = Manifest::unlisted("m".to_owned(), "s3://b/m".to_owned());
    decode(&told.telling, &[(manifest, Bytes::from(bytes))], &Buffers::default())
}

fn files(unit: Unit) -> FileList {
    FileList::of_parts(unit.parts).unwrap()
}

/// The statistics of each file.
fn statistics(files: &FileList) -> Vec<Value> {
    let (mut block, mut found) = (Block::default(), Vec::new());
    for index in 0..files.block_count() {
        for file in files.read_block(index, &mut block) {
            let escaped = std::str::from_utf8(file.stats_escaped).unwrap();
            let text: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
            found.push(serde_json::from_str(&text).unwrap());
        }
    }
    found
}

#[test]
fn statistics_come_in_the_order_of_the_schema_and_say_what_is_known() {
    let inner = json!({"type": "struct", "fields": [field(4, "x", &json!("int")), field(5, "\"y\"", &json!("date"))]});
    let list = json!({"type": "list", "element-id": 8, "element": "int", "element-required": true});
    let told = of_schemas(&[json!([
        field(1, "a", &json!("long")),
        field(2, "g", &json!("double")),
        field(3, "s", &inner),
        field(6, "b", &json!("binary")),
        field(7, "l", &list),
    ])]);
    assert_eq!(told.naming, Naming::Id, "for one name has quotes");
    let number = |number: i32| number.to_le_bytes().to_vec();
    let double = |number: f64| number.to_le_bytes().to_vec();
    let described = Row {
        null_value_counts: Some(vec![(8, 1), (6, 2), (5, 9), (4, 0), (1, 0)]),
        nan_value_counts: Some(vec![(2, 0)]),
        lower_bounds: Some(vec![
            (8, number(1)),
            (6, vec![1]),
            (5, number(1)),
            (2, double(0.5)),
            (1, number(-7)),
        ]),
        upper_bounds: Some(vec![(4, number(3)), (2, double(1.5)), (1, number(9)), (99, vec![])]),
        ..row("a")
    };
    let with_nans = Row { nan_value_counts: Some(vec![(2, 1)]), ..described.clone() };
    let unknown = Row { nan_value_counts: None, ..described.clone() };
    let rows = [described, with_nans, unknown, row("b")];
    let found = statistics(&files(unit(&told, &json!("long"), &rows).unwrap()));
    let wanted = r#"{"numRecords":4,"minValues":{"col-1":-7,"col-2":0.5,"col-3":{"col-5":"1970-01-02"}},"maxValues":{"col-1":9,"col-2":1.5,"col-3":{"col-4":3}},"nullCount":{"col-1":0,"col-3":{"col-4":0},"col-6":2}}"#;
    assert_eq!(found[0].to_string(), wanted);
    for hidden in &found[1..3] {
        assert_eq!(hidden["maxValues"], json!({"col-1": 9, "col-3": {"col-4": 3}}));
    }
    assert_eq!(found[3], json!({"numRecords": 4, "nullCount": {"col-1": 4}}), "its partition is null");
}

#[test]
fn a_partition_fills_what_statistics_do_not_say() {
    for (of, partition, cell, low) in [
        ("long", json!("long"), Cell::Long(-3), json!(-3)),
        ("long", json!("int"), Cell::Int(5), json!(5)),
        ("double", json!("double"), Cell::Double(0.25), json!(0.25)),
        ("string", json!("string"), Cell::Text("ä\"".to_owned()), json!("ä\"")),
        ("boolean", json!("boolean"), Cell::Boolean(true), json!(true)),
    ] {
        let told = of_schemas(&[json!([field(1, "p", &json!(of))])]);
        let described = Row { partition: vec![cell], ..row("a") };
        let found = statistics(&files(unit(&told, &partition, &[described]).unwrap()));
        let wanted =
            json!({"numRecords": 4, "minValues": {"p": low}, "maxValues": {"p": low}, "nullCount": {"p": 0}});
        assert_eq!(found, [wanted]);
    }
    let told = of_schemas(&[json!([field(1, "p", &json!("double"))])]);
    let nan = Row { partition: vec![Cell::Double(f64::NAN)], ..row("a") };
    assert_eq!(
        statistics(&files(unit(&told, &json!("double"), &[nan]).unwrap())),
        [json!({"numRecords": 4})]
    );
}

#[test]
fn files_that_cannot_be_told_are_refused_by_name() {
    let told = of_schemas(&[json!([field(1, "a", &json!("long"))])]);
    let refused = |row: Row| unit(&told, &json!("long"), &[row]).unwrap_err().to_string();
    let orc = refused(Row { file_format: "orc".to_owned(), ..row("a") });
    assert!(orc.contains("'s3://b/t/a' has the format orc") && orc.contains("rewrite_data_files"), "{orc}");
    assert!(refused(Row { key_metadata: Some(vec![1]), ..row("a") }).contains("encrypted"));
    assert!(refused(Row { record_count: -1, ..row("a") }).contains("the record count of 's3://b/t/a'"));
    assert!(refused(Row { content: 1, ..row("a") }).contains("the content"));
    assert!(refused(Row { file_path: "gs://b/t/a".to_owned(), ..row("a") }).contains("'gs://b/t/a'"));
    let gone = Row { status: 2, file_format: "orc".to_owned(), ..row("a") };
    assert_eq!(files(unit(&told, &json!("long"), &[gone]).unwrap()).file_count(), 0, "it was deleted");
}

#[test]
fn a_default_is_an_obstacle_only_to_files_without_the_column() {
    let a = field(1, "a", &json!("long"));
    let mut b = field(2, "b", &json!("int"));
    b["initial-default"] = json!(3);
    let told = present(&table(3, &[json!([a]), json!([a, b])], &json!({}))).unwrap();
    let new = Row { column_sizes: Some(vec![(1, 9), (2, 9)]), ..row("new") };
    assert!(unit(&told, &json!("long"), &[new]).is_ok());
    let old = Row { column_sizes: Some(vec![(1, 9)]), ..row("old") };
    let error = unit(&told, &json!("long"), &[old]).unwrap_err().to_string();
    assert!(error.contains("'b'") && error.contains("s3://b/t/old"), "{error}");
    let told = present(&table(3, &[json!([a, b])], &json!({}))).unwrap();
    assert!(told.telling.wanted.iter().all(|one| one.reason == Reason::Partition), "no file is older");
}

#[test]
fn files_have_to_hold_what_they_are_partitioned_by() {
    let told = of_schemas(&[json!([field(1, "a", &json!("long")), field(2, "b", &json!("long"))])]);
    let whole = Row { value_counts: Some(vec![(1, 4), (2, 4)]), ..row("whole") };
    assert!(unit(&told, &json!("long"), &[whole, row("uncounted")]).is_ok());
    let lacking = Row { value_counts: Some(vec![(2, 4)]), ..row("hive") };
    assert!(unit(&told, &json!("long"), std::slice::from_ref(&lacking)).is_ok(), "it has no value");
    let hive = Row { partition: vec![Cell::Long(7)], ..lacking.clone() };
    let error = unit(&told, &json!("long"), &[hive]).unwrap_err().to_string();
    assert!(error.contains("'s3://b/t/hive' may lack the column 'a'"), "{error}");
    assert_eq!(told.needs.columns, [(1, "a".to_owned())]);
    // Files of other specs may be older than the column.
    let mut other = Manifest::unlisted("m".to_owned(), "s3://b/m".to_owned());
    other.spec_id = 3;
    let metadata = table(2, &[json!([field(1, "a", &json!("long"))])], &json!({})).to_json();
    let mut metadata: Value = serde_json::from_slice(&metadata).unwrap();
    metadata["partition-specs"].as_array_mut().unwrap().push(json!({"spec-id": 3, "fields": []}));
    let metadata = TableMetadata::parse(metadata.to_string().as_bytes()).unwrap();
    let bytes = manifest(&[Row { partition: vec![], ..lacking }], &[], &Style::default());
    let manifests = [(other, Bytes::from(bytes))];
    let unit = decode(&present(&metadata).unwrap().telling, &manifests, &Buffers::default());
    assert!(unit.is_ok(), "{unit:?}");
}

/// A row of the table of the property below.
type Record = (Option<i64>, Option<f64>, Option<String>, Option<i32>);

fn records() -> impl Strategy<Value = Vec<Record>> {
    let long = prop_oneof![4 => -3..4_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let double = prop_oneof![6 => (-3..4_i32).prop_map(|number| f64::from(number) / 2.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)];
    let text = prop_oneof!["[ab]{0,3}", "[ab]{15,19}", "[a😀\u{ffff}]{1,20}"];
    let day = prop_oneof![-3..4_i32, 18_000..18_003_i32];
    let maybe = prop::option::weighted::<BoxedStrategy<i64>>(0.8, long.boxed());
    let record = (
        maybe,
        prop::option::weighted(0.8, double),
        prop::option::weighted(0.8, text),
        prop::option::weighted(0.8, day),
    );
    prop::collection::vec(record, 1..5)
}

/// The bounds of a text as writers cut them: the upper one is raised in its last character that can be.
fn cut(text: &str, count: usize, is_upper: bool) -> Option<Vec<u8>> {
    if text.chars().count() <= count || !is_upper {
        return Some(text.chars().take(count).collect::<String>().into_bytes());
    }
    let mut kept: Vec<char> = text.chars().take(count).collect();
    while let Some(last) = kept.pop() {
        if let Some(next) = char::from_u32(u32::from(last) + 1) {
            kept.push(next);
            return Some(kept.into_iter().collect::<String>().into_bytes());
        }
    }
    None
}

/// What a writer says of a file; bit `n` of `silent` leaves out the bounds of column `n`, higher ones other things.
fn describe(records: &[Record], number: usize, silent: u8) -> Row {
    let (mut low, mut high, mut nulls, mut nans) = (vec![], vec![], vec![], vec![]);
    let mut note = |id: i32, bounds: Option<(Vec<u8>, Option<Vec<u8>>)>, null_count: usize| {
        if let Some((lower, upper)) = bounds.filter(|_| silent & (1 << id) == 0) {
            low.push((id, lower));
            high.extend(upper.map(|upper| (id, upper)));
        }
        if silent & 1 == 0 {
            nulls.push((id, null_count.try_into().unwrap()));
        }
    };
    let missing = |is_null: fn(&Record) -> bool| records.iter().filter(|record| is_null(record)).count();
    let longs: Vec<i64> = records.iter().filter_map(|record| record.0).collect();
    let range = longs.iter().min().zip(longs.iter().max());
    note(
        1,
        range.map(|(low, high)| (low.to_le_bytes().to_vec(), Some(high.to_le_bytes().to_vec()))),
        missing(|r| r.0.is_none()),
    );
    let doubles: Vec<f64> = records.iter().filter_map(|record| record.1).collect();
    let numbers: Vec<f64> = doubles.iter().copied().filter(|number| !number.is_nan()).collect();
    let range = numbers.iter().copied().reduce(f64::min).zip(numbers.iter().copied().reduce(f64::max));
    note(
        2,
        range.map(|(low, high)| (low.to_le_bytes().to_vec(), Some(high.to_le_bytes().to_vec()))),
        missing(|r| r.1.is_none()),
    );
    if silent & 32 == 0 {
        nans.push((2, (doubles.len() - numbers.len()).try_into().unwrap()));
    }
    let texts: Vec<&String> = records.iter().filter_map(|record| record.2.as_ref()).collect();
    let range =
        texts.iter().min_by_key(|text| text.as_bytes()).zip(texts.iter().max_by_key(|text| text.as_bytes()));
    note(
        3,
        range.map(|(low, high)| (cut(low, 16, false).unwrap(), cut(high, 16, true))),
        missing(|r| r.2.is_none()),
    );
    let days: Vec<i32> = records.iter().filter_map(|record| record.3).collect();
    let range = days.iter().min().zip(days.iter().max());
    note(
        4,
        range.map(|(low, high)| (low.to_le_bytes().to_vec(), Some(high.to_le_bytes().to_vec()))),
        missing(|r| r.3.is_none()),
    );
    // A file in the partition of its only value.
    let only = records.iter().all(|record| record.0 == records[0].0).then_some(records[0].0).flatten();
    let partition = vec![only.map_or(Cell::Null, Cell::Long)];
    let is_partitioned = only.is_some() || longs.is_empty();
    Row {
        partition: if is_partitioned { partition } else { vec![Cell::Null] },
        record_count: records.len().try_into().unwrap(),
        null_value_counts: Some(nulls).filter(|_| is_partitioned || silent & 1 == 0),
        nan_value_counts: Some(nans),
        lower_bounds: Some(low),
        upper_bounds: Some(high),
        ..row(&format!("{number:03}"))
    }
}

#[derive(Debug, Clone)]
enum Question {
    Long(&'static str, i64),
    Double(&'static str, f64),
    Text(&'static str, String),
    Day(&'static str, i32),
    IsNull(usize, bool),
}

fn questions() -> impl Strategy<Value = Question> {
    let operator = || prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    prop_oneof![
        (operator(), -4..5_i64).prop_map(|(operator, value)| Question::Long(operator, value)),
        (operator(), -4..5_i32)
            .prop_map(|(operator, value)| Question::Double(operator, f64::from(value) / 2.0)),
        (operator(), "[ab]{0,18}").prop_map(|(operator, value)| Question::Text(operator, value)),
        (operator(), -4..5_i32).prop_map(|(operator, value)| Question::Day(operator, value)),
        (0..4_usize, any::<bool>()).prop_map(|(column, is_null)| Question::IsNull(column, is_null)),
    ]
}

impl Question {
    fn hint(&self) -> String {
        match self {
            Self::Long(operator, value) => format!("a {operator} {value}"),
            Self::Double(operator, value) => format!("g {operator} {value:?}"),
            Self::Text(operator, value) => format!("s {operator} '{value}'"),
            Self::Day(operator, value) => {
                let day = chrono::NaiveDate::default()
                    + chrono::Days::new(10)
                    + chrono::TimeDelta::days(i64::from(*value) - 10);
                format!("d {operator} DATE '{day}'")
            }
            Self::IsNull(column, is_null) => {
                format!("{} IS {}NULL", ["a", "g", "s", "d"][*column], if *is_null { "" } else { "NOT " })
            }
        }
    }

    /// Whether a row is wanted, as Spark would say: NaN is larger than every number.
    fn wants(&self, record: &Record) -> bool {
        use std::cmp::Ordering;
        let holds = |operator: &str, ordering: Ordering| match operator {
            "=" => ordering.is_eq(),
            "<>" => ordering.is_ne(),
            "<" => ordering.is_lt(),
            "<=" => ordering.is_le(),
            ">" => ordering.is_gt(),
            _ => ordering.is_ge(),
        };
        match self {
            Self::Long(operator, value) => record.0.is_some_and(|found| holds(operator, found.cmp(value))),
            Self::Double(operator, value) => record
                .1
                .is_some_and(|found| holds(operator, found.partial_cmp(value).unwrap_or(Ordering::Greater))),
            Self::Text(operator, value) => {
                record.2.as_ref().is_some_and(|found| holds(operator, found.as_bytes().cmp(value.as_bytes())))
            }
            Self::Day(operator, value) => record.3.is_some_and(|found| holds(operator, found.cmp(value))),
            Self::IsNull(column, is_null) => {
                let missing =
                    [record.0.is_none(), record.1.is_none(), record.2.is_none(), record.3.is_none()];
                missing[*column] == *is_null
            }
        }
    }
}

proptest! {
    #[test]
    fn no_file_with_a_wanted_row_is_left_out(
        described in prop::collection::vec((records(), any::<u8>()), 1..6),
        questions in prop::collection::vec(questions(), 1..3),
    ) {
        let told = of_schemas(&[json!([
            field(1, "a", &json!("long")), field(2, "g", &json!("double")),
            field(3, "s", &json!("string")), field(4, "d", &json!("date")),
        ])]);
        // Of a partition that is null, all values of its column are.
        let fits = |records: &Vec<Record>| {
            let longs: Vec<_> = records.iter().map(|record| record.0).collect();
            longs.iter().all(|long| *long == longs[0])
        };
        let described: Vec<_> = described.into_iter().map(|(mut records, silent)| {
            if !fits(&records) {
                let first = records[0].0;
                for record in &mut records {
                    record.0 = first;
                }
            }
            (records, silent)
        }).collect();
        let rows: Vec<Row> =
            described.iter().enumerate().map(|(number, (records, silent))| describe(records, number, *silent)).collect();
        let files = files(unit(&told, &json!("long"), &rows).unwrap());
        let hints = Hints { json: None, sql: questions.iter().map(Question::hint).collect() };
        let mut pruner = Pruner::new(Predicate::compile(&hints, &told.metadata)).unwrap();
        let mut block = Block::default();
        // Files of one partition stand together.
        let mut kept: Vec<(String, bool)> = files.read_block(0, &mut block).map(|file| {
            (String::from_utf8_lossy(file.log_name).into_owned(), pruner.may_match(&file))
        }).collect();
        kept.sort();
        prop_assert_eq!(kept.len(), rows.len());
        for ((records, _), (_, kept)) in described.iter().zip(kept) {
            let is_wanted = records.iter().any(|record| questions.iter().all(|question| question.wants(record)));
            prop_assert!(kept || !is_wanted, "{:?} {:?}", hints, records);
        }
    }
}
