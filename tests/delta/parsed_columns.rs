//! Checkpoints with typed columns in the place of text.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow_schema::Field;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::log_builder::{
    Table, add, add_with, checkpoint_bytes, commit_name, metadata, parquet_bytes, protocol, rows,
};

const DAY_MICROS: i64 = 86_400_000_000;

fn structs(fields: Vec<(String, ArrayRef)>) -> ArrayRef {
    let (fields, columns): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
        .unzip();
    Arc::new(StructArray::new(fields.into(), columns, None))
}

fn longs(rows: usize, value: impl Fn(i64) -> Option<i64>) -> ArrayRef {
    Arc::new((0..i64::try_from(rows).unwrap()).map(value).collect::<Int64Array>())
}

/// A checkpoint of the actions whose adds have the column `name` too, and do not have the column `without`.
fn checkpoint_with(actions: &[Value], name: &str, parsed: &ArrayRef, without: &str) -> Vec<u8> {
    let bytes = bytes::Bytes::from(checkpoint_bytes(actions));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().with_batch_size(1 << 20);
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let adds = column.as_any().downcast_ref::<StructArray>().unwrap();
        if field.name() != "add" {
            return (field.name().clone(), column.clone());
        }
        let kept = adds.fields().iter().cloned().zip(adds.columns().iter().cloned());
        let kept = kept.filter(|(field, _)| field.name() != without);
        let more = Arc::new(Field::new(name, parsed.data_type().clone(), true));
        let (fields, children): (Vec<_>, Vec<_>) = kept.chain([(more, parsed.clone())]).unzip();
        let adds: ArrayRef = Arc::new(StructArray::new(fields.into(), children, adds.nulls().cloned()));
        (field.name().clone(), adds)
    });
    parquet_bytes(&RecordBatch::try_from_iter(columns).unwrap())
}

/// The table that version 0 of a checkpoint makes: two rows that are no adds, then `adds`.
fn table(adds: &[Value], parsed: &ArrayRef) -> Table {
    let table = Table::with_commit_0(&[]);
    let actions = [&[protocol(), metadata(&[])], adds].concat();
    table.write(
        "00000000000000000000.checkpoint.parquet",
        checkpoint_with(&actions, "stats_parsed", parsed, ""),
    );
    table.remove(&commit_name(0));
    table
}

#[test]
fn statistics_are_rebuilt_where_an_add_has_no_text() {
    let adds = [
        add_with("a", json!({"stats": Value::Null})),
        add_with("b", json!({"stats": r#"{"numRecords":77}"#})),
        add_with("c", json!({"stats": ""})),
    ];
    let day = TimestampMicrosecondArray::from(vec![Some(1_500), None, Some(DAY_MICROS), Some(0), Some(-1)]);
    let values = structs(vec![
        ("date".into(), Arc::new(Date32Array::from(vec![0, 0, 19_723, 0, -1]))),
        ("ts".into(), Arc::new(day.clone().with_timezone("UTC"))),
        ("ntz".into(), Arc::new(day)),
        (
            "price".into(),
            Arc::new(
                Decimal128Array::from(vec![0, 0, 1_999, 5, -7]).with_precision_and_scale(10, 2).unwrap(),
            ),
        ),
        (
            "in".into(),
            structs(vec![("x".into(), Arc::new(Float64Array::from(vec![0.0, 0.0, 1.5, 2.0, -0.5])))]),
        ),
        ("name".into(), Arc::new(StringArray::from(vec![None, None, Some("é\"\u{2028}"), Some(""), None]))),
    ]);
    let parsed = structs(vec![
        ("numRecords".into(), longs(5, |row| (row != 3).then_some(row * 10))),
        ("minValues".into(), values),
    ]);
    let rows = rows(&table(&adds, &parsed).latest());
    let stats = |path: &str| serde_json::from_str::<Value>(rows[path].stats.as_ref().unwrap()).unwrap();
    assert_eq!(
        stats("a"),
        json!({"numRecords": 20, "minValues": {
            "date": "2024-01-01", "ts": "1970-01-02T00:00:00.000Z", "ntz": "1970-01-02T00:00:00.000",
            "price": 19.99, "in": {"x": 1.5}, "name": "é\"\u{2028}"}})
    );
    assert_eq!(rows["b"].stats.as_deref(), Some(r#"{"numRecords":77}"#), "text goes before columns");
    assert_eq!(
        stats("c"),
        json!({"numRecords": 40, "minValues": {
            "date": "1969-12-31", "ts": "1969-12-31T23:59:59.999999Z", "ntz": "1969-12-31T23:59:59.999999",
            "price": -0.07, "in": {"x": -0.5}}})
    );
    let counts: Vec<_> = ["a", "b", "c"].map(|path| rows[path].record_count).to_vec();
    assert_eq!(counts, [Some(20), Some(77), Some(40)]);
}

#[test]
fn hundreds_of_columns_of_statistics_are_read_side_by_side() {
    const COLUMNS: i64 = 400;
    const FILES: usize = 2_500;
    let adds: Vec<_> =
        (0..FILES).map(|file| add_with(&format!("f{file:04}"), json!({"stats": Value::Null}))).collect();
    let bounds = |offset: i64| {
        let column = |column: i64| {
            (format!("c{column}"), longs(FILES + 2, move |row| Some(row * COLUMNS + column + offset)))
        };
        structs((0..COLUMNS).map(column).collect())
    };
    let parsed = structs(vec![
        ("numRecords".into(), longs(FILES + 2, Some)),
        ("minValues".into(), bounds(0)),
        ("maxValues".into(), bounds(1)),
    ]);
    let rows = rows(&table(&adds, &parsed).latest());
    assert_eq!(rows.len(), FILES);
    for file in [0, 1_234, FILES - 1] {
        let stats: Value =
            serde_json::from_str(rows[&format!("f{file:04}")].stats.as_ref().unwrap()).unwrap();
        let row = i64::try_from(file).unwrap() + 2;
        assert_eq!(stats["numRecords"], row);
        for column in [0, 7, COLUMNS - 1] {
            let least = row * COLUMNS + column;
            assert_eq!(stats["minValues"][format!("c{column}")], least, "{file} {column}");
            assert_eq!(stats["maxValues"][format!("c{column}")], least + 1, "{file} {column}");
        }
    }
}

#[test]
fn partition_values_are_rebuilt_where_a_checkpoint_has_no_text() {
    let table = Table::with_commit_0(&[]);
    let actions = [protocol(), metadata(&["d", "n"]), add("a"), add("b")];
    let parsed = structs(vec![
        ("n".into(), longs(4, |row| (row == 2).then_some(-7))),
        ("d".into(), Arc::new(Date32Array::from(vec![0, 0, 19_723, 0]))),
    ]);
    let bytes = checkpoint_with(&actions, "partitionValues_parsed", &parsed, "partitionValues");
    table.write("00000000000000000000.checkpoint.parquet", bytes);
    table.remove(&commit_name(0));
    let rows = rows(&table.latest());
    assert_eq!(rows["a"].partition_values, json!({"d": "2024-01-01", "n": "-7"}));
    assert_eq!(rows["b"].partition_values, json!({"d": "1970-01-01", "n": null}));
}

#[test]
fn text_of_partition_values_goes_before_columns() {
    let table = Table::with_commit_0(&[]);
    let file = add_with("a", json!({"partitionValues": {"n": "007"}}));
    let parsed = structs(vec![("n".into(), longs(3, |_| Some(7)))]);
    let bytes = checkpoint_with(&[protocol(), metadata(&["n"]), file], "partitionValues_parsed", &parsed, "");
    table.write("00000000000000000000.checkpoint.parquet", bytes);
    table.remove(&commit_name(0));
    assert_eq!(rows(&table.latest())["a"].partition_values, json!({"n": "007"}));
}
