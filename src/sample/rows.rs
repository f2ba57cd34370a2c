//! Rows column by column: their Delta schema, Arrow arrays and statistics.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use serde_json::json;

/// Digits of a `decimal(15,2)`, the type of every amount in TPC-H.
const DECIMAL_PRECISION: u8 = 15;
const DECIMAL_SCALE: i8 = 2;

/// The values of one column; TPC-H has no nulls.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    Long(Vec<i64>),
    Integer(Vec<i32>),
    /// Hundredths.
    Decimal(Vec<i64>),
    /// Days since 1970-01-01.
    Date(Vec<i32>),
    Text(Vec<String>),
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: &'static str,
    pub values: Values,
}

/// Rows of one table, column by column; all columns have the same length.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub columns: Vec<Column>,
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Long(values) | Self::Decimal(values) => values.len(),
            Self::Integer(values) | Self::Date(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// The type's name in a Delta schema (Delta protocol, "Schema Serialization Format").
    fn delta_type(&self) -> String {
        match self {
            Self::Long(_) => "long".to_owned(),
            Self::Integer(_) => "integer".to_owned(),
            Self::Decimal(_) => format!("decimal({DECIMAL_PRECISION},{DECIMAL_SCALE})"),
            Self::Date(_) => "date".to_owned(),
            Self::Text(_) => "string".to_owned(),
        }
    }

    /// The type's name in an Iceberg schema (table specification, "Appendix C").
    pub fn iceberg_type(&self) -> String {
        match self {
            Self::Long(_) => "long".to_owned(),
            Self::Integer(_) => "int".to_owned(),
            Self::Decimal(_) => format!("decimal({DECIMAL_PRECISION}, {DECIMAL_SCALE})"),
            Self::Date(_) => "date".to_owned(),
            Self::Text(_) => "string".to_owned(),
        }
    }

    /// The smallest or the largest value as bytes (Iceberg table specification, "Appendix D").
    pub fn bound_bytes(&self, largest: bool) -> Option<Vec<u8>> {
        fn bound<T: Ord>(values: &[T], largest: bool) -> Option<&T> {
            if largest { values.iter().max() } else { values.iter().min() }
        }
        Some(match self {
            Self::Long(values) => bound(values, largest)?.to_le_bytes().to_vec(),
            Self::Integer(values) | Self::Date(values) => bound(values, largest)?.to_le_bytes().to_vec(),
            Self::Decimal(values) => shortest(*bound(values, largest)?),
            Self::Text(values) => bound(values, largest)?.as_bytes().to_vec(),
        })
    }

    fn arrow_type(&self) -> DataType {
        match self {
            Self::Long(_) => DataType::Int64,
            Self::Integer(_) => DataType::Int32,
            Self::Decimal(_) => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            Self::Date(_) => DataType::Date32,
            Self::Text(_) => DataType::Utf8,
        }
    }

    fn to_array(&self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Long(values) => Arc::new(Int64Array::from(values.clone())),
            Self::Integer(values) => Arc::new(Int32Array::from(values.clone())),
            Self::Decimal(values) => Arc::new(
                Decimal128Array::from_iter_values(values.iter().map(|&hundredths| i128::from(hundredths)))
                    .with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE)?,
            ),
            Self::Date(values) => Arc::new(Date32Array::from(values.clone())),
            Self::Text(values) => Arc::new(StringArray::from_iter_values(values)),
        })
    }

    /// Smallest and largest value as JSON text; `None` for a column without rows.
    fn bounds_json(&self) -> Option<(String, String)> {
        fn bounds<T: Ord>(values: &[T], json: impl Fn(&T) -> String) -> Option<(String, String)> {
            Some((json(values.iter().min()?), json(values.iter().max()?)))
        }
        match self {
            Self::Long(values) => bounds(values, i64::to_string),
            Self::Integer(values) => bounds(values, i32::to_string),
            Self::Decimal(values) => bounds(values, |&hundredths| decimal_text(hundredths)),
            Self::Date(values) => bounds(values, |&days| format!("\"{}\"", date_text(days))),
            Self::Text(values) => bounds(values, |text| json!(text).to_string()),
        }
    }
}

impl Rows {
    pub fn row_count(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The table's schema as Delta writes it into `metaData.schemaString`.
    pub fn schema_string(&self) -> String {
        let fields: Vec<_> = self
            .columns
            .iter()
            .map(|column| {
                json!({"name": column.name, "type": column.values.delta_type(), "nullable": true, "metadata": {}})
            })
            .collect();
        json!({"type": "struct", "fields": fields}).to_string()
    }

    /// All columns but `left_out`: what a data file holds (partition columns live in the log only).
    pub fn to_batch(&self, left_out: Option<&str>) -> Result<RecordBatch, ArrowError> {
        let stored: Vec<&Column> = self.stored(left_out).collect();
        let fields: Vec<Field> =
            stored.iter().map(|column| Field::new(column.name, column.values.arrow_type(), true)).collect();
        let arrays = stored.iter().map(|column| column.values.to_array()).collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    /// All columns, numbered from 1 on as Iceberg's readers look for them.
    pub fn to_numbered_batch(&self) -> Result<RecordBatch, ArrowError> {
        let field = |(index, column): (usize, &Column)| {
            let number = [(PARQUET_FIELD_ID_META_KEY, (index + 1).to_string())];
            Field::new(column.name, column.values.arrow_type(), true).with_metadata(number)
        };
        let fields: Vec<Field> = self.columns.iter().enumerate().map(field).collect();
        let arrays = self.columns.iter().map(|column| column.values.to_array()).collect::<Result<_, _>>()?;
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    /// The statistics of a data file (Delta protocol, "Per-file Statistics"), exact and untruncated.
    pub fn stats_json(&self, left_out: Option<&str>) -> String {
        let (mut minima, mut maxima, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
        for column in self.stored(left_out) {
            if let Some((smallest, largest)) = column.values.bounds_json() {
                minima.push(format!("\"{}\":{smallest}", column.name));
                maxima.push(format!("\"{}\":{largest}", column.name));
            }
            nulls.push(format!("\"{}\":0", column.name));
        }
        format!(
            "{{\"numRecords\":{},\"minValues\":{{{}}},\"maxValues\":{{{}}},\"nullCount\":{{{}}}}}",
            self.row_count(),
            minima.join(","),
            maxima.join(","),
            nulls.join(",")
        )
    }

    fn stored<'a>(&'a self, left_out: Option<&'a str>) -> impl Iterator<Item = &'a Column> {
        self.columns.iter().filter(move |column| Some(column.name) != left_out)
    }
}

/// The shortest two's complement of a number, largest byte first.
fn shortest(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let fill = if number < 0 { 0xff } else { 0 };
    let kept_sign = |next: u8| (next ^ fill) & 0x80 == 0;
    let leading = bytes
        .windows(2)
        .take_while(|pair| matches!(pair, [first, next] if *first == fill && kept_sign(*next)));
    let skipped = leading.count();
    bytes.iter().skip(skipped).copied().collect()
}

/// Hundredths as a JSON number with two decimals, exact where a float would round.
fn decimal_text(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let magnitude = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

/// Days since 1970-01-01 as `YYYY-MM-DD`.
fn date_text(days: i32) -> String {
    let day = chrono::DateTime::UNIX_EPOCH + chrono::Days::new(u64::from(days.unsigned_abs()));
    debug_assert!(days >= 0, "TPC-H begins in 1992");
    day.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        Rows {
            columns: vec![
                Column { name: "k", values: Values::Long(vec![7, -3]) },
                Column { name: "n", values: Values::Integer(vec![0, 5]) },
                Column { name: "amount", values: Values::Decimal(vec![-5, 123_456]) },
                Column { name: "day", values: Values::Date(vec![8035, 8094]) },
                Column { name: "word", values: Values::Text(vec!["b\"".into(), "a".into()]) },
            ],
        }
    }

    #[test]
    fn statistics_are_the_exact_bounds() {
        assert_eq!(
            rows().stats_json(None),
            r#"{"numRecords":2,"minValues":{"k":-3,"n":0,"amount":-0.05,"day":"1992-01-01","word":"a"},"#
                .to_owned()
                + r#""maxValues":{"k":7,"n":5,"amount":1234.56,"day":"1992-02-29","word":"b\""},"#
                + r#""nullCount":{"k":0,"n":0,"amount":0,"day":0,"word":0}}"#
        );
    }

    #[test]
    fn a_partition_column_is_in_the_schema_but_not_in_the_file() {
        let rows = rows();
        assert!(
            rows.schema_string().contains(r#"{"name":"word","type":"string","nullable":true,"metadata":{}}"#)
        );
        assert!(rows.schema_string().contains(r#""type":"decimal(15,2)""#));
        assert_eq!(rows.to_batch(Some("word")).unwrap().num_columns(), 4);
        assert!(!rows.stats_json(Some("word")).contains("word"));
    }

    #[test]
    fn no_rows_have_no_bounds() {
        let empty = Rows { columns: vec![Column { name: "k", values: Values::Long(vec![]) }] };
        assert_eq!(
            empty.stats_json(None),
            r#"{"numRecords":0,"minValues":{},"maxValues":{},"nullCount":{"k":0}}"#
        );
    }
}
