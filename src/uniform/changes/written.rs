//! Files of small tables, for the tests of changes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

/// So many columns.
pub(super) fn schema(count: usize) -> Value {
    let field = |id: usize| json!({"id": id, "name": format!("c{id}"), "required": false, "type": "long"});
    (1..=count).map(field).collect()
}

/// A bound of the first column.
pub(super) fn bound(row: Option<&u32>) -> Option<Vec<(i32, Vec<u8>)>> {
    row.map(|row| vec![(1, i64::from(*row).to_le_bytes().to_vec())])
}

/// A file of these values of the first column.
pub(super) fn keys(rows: &[u32]) -> Vec<u8> {
    let id = HashMap::from([("PARQUET:field_id".to_owned(), "1".to_owned())]);
    let field = Field::new("c1", DataType::Int64, true).with_metadata(id);
    let column: ArrayRef = Arc::new(rows.iter().map(|row| Some(i64::from(*row))).collect::<Int64Array>());
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap();
    written(&batch)
}

fn written(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub(super) fn position_deletes(path: &str, positions: &[u64]) -> Vec<u8> {
    let field = |id: i32, name: &str, of: DataType| {
        let id = ("PARQUET:field_id".to_owned(), id.to_string());
        Field::new(name, of, false).with_metadata(HashMap::from([id]))
    };
    let fields =
        vec![field(2_147_483_546, "file_path", DataType::Utf8), field(2_147_483_545, "pos", DataType::Int64)];
    let mut positions: Vec<i64> = positions.iter().map(|row| i64::try_from(*row).unwrap()).collect();
    positions.sort_unstable();
    let paths: ArrayRef = Arc::new(StringArray::from(vec![path; positions.len()]));
    let columns = vec![paths, Arc::new(Int64Array::from(positions)) as ArrayRef];
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    written(&batch)
}
