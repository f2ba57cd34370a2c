//! Rows as writers describe them.

use serde_json::{Value, json};

use super::client::json_cell;
use super::fixture::{Described, field, file, metadata};
use super::oracle::{COLUMNS, Cell, PART, compare, text_of_day, text_of_time, zone};
use crate::table::snapshot::Metadata;

/// How a writer describes its files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer {
    pub(super) string_chars_max: usize,
    pub(super) tie_breaker: bool,
    pub(super) knows_nan: bool,
    pub(super) cuts_time: bool,
    pub(super) zone_hours: i64,
    pub(super) is_mapped: bool,
    /// A column without statistics.
    pub(super) silent: usize,
    pub(super) has_record_count: bool,
}

impl Writer {
    pub(super) fn metadata(&self, part_type: &str) -> Metadata {
        let fields = COLUMNS.iter().map(|(name, data_type, _)| {
            let data_type = if data_type.is_empty() { part_type } else { data_type };
            let mut field = field(name, &json!(data_type));
            if self.is_mapped {
                field["metadata"]["delta.columnMapping.physicalName"] = json!(format!("col-{name}"));
            }
            field
        });
        let mut metadata = metadata(&fields.collect::<Vec<_>>(), &["part"]);
        if self.is_mapped {
            metadata.configuration.insert("delta.columnMapping.mode".to_owned(), "name".to_owned());
        }
        metadata
    }

    fn name(&self, column: usize) -> String {
        let name = COLUMNS[column].0;
        if self.is_mapped { format!("col-{name}") } else { name.to_owned() }
    }

    pub(super) fn describe(&self, rows: &[Vec<Cell>]) -> Described {
        let mut stats = json!({"minValues": {}, "maxValues": {}, "nullCount": {}, "tightBounds": false});
        if self.has_record_count {
            stats["numRecords"] = json!(rows.len());
        }
        for column in (0..PART).filter(|&column| column != self.silent) {
            let name = self.name(column);
            let cells = || rows.iter().map(|row| &row[column]);
            stats["nullCount"][&name] = json!(cells().filter(|cell| **cell == Cell::Null).count());
            let is_nan = |cell: &Cell| matches!(cell, Cell::Double(number) if number.is_nan());
            let bounded = || cells().filter(|cell| **cell != Cell::Null && (self.knows_nan || !is_nan(cell)));
            let by_order = |one: &&Cell, two: &&Cell| compare(one, two).unwrap();
            // Nobody writes bounds of booleans but delta-rs, which writes both.
            if let (Some(low), Some(high)) = (bounded().min_by(by_order), bounded().max_by(by_order)) {
                stats["minValues"][&name] = self.bound(low, false);
                stats["maxValues"][&name] = self.bound(high, true);
            }
        }
        let part = match &rows[0][PART] {
            Cell::Null => json!(null),
            Cell::At(micros) if self.cuts_time => {
                json!(text_of_time(*micros, "%Y-%m-%d %H:%M:%S%.6f", self.zone_hours))
            }
            Cell::At(micros) => json!(text_of_time(*micros, "%Y-%m-%dT%H:%M:%S%.6fZ", 0)),
            cell @ (Cell::Integer(_) | Cell::Double(_) | Cell::Text(_) | Cell::Day(_) | Cell::Flag(_)) => {
                json!(json_cell(cell))
            }
        };
        let mut described = file(json!({}), &stats);
        described.partition_values[self.name(PART)] = part;
        described
    }

    fn bound(&self, cell: &Cell, is_high: bool) -> Value {
        match cell {
            Cell::Null => Value::Null,
            Cell::Integer(number) => json!(number),
            Cell::Double(number) if number.is_finite() => json!(number),
            Cell::Double(number) if number.is_nan() => json!("NaN"),
            Cell::Double(number) => json!(if *number > 0.0 { "Infinity" } else { "-Infinity" }),
            Cell::Text(text) if text.chars().count() > self.string_chars_max => {
                let cut: String = text.chars().take(self.string_chars_max).collect();
                json!(if is_high && self.tie_breaker { cut + "\u{10ffff}" } else { cut })
            }
            Cell::Text(text) => json!(text),
            Cell::Day(days) => json!(text_of_day(*days)),
            Cell::At(micros) => {
                // Formatting cuts towards the past.
                let format = if self.cuts_time { "%Y-%m-%dT%H:%M:%S%.3f" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
                let micros = if self.cuts_time { micros.div_euclid(1_000) * 1_000 } else { *micros };
                json!(text_of_time(micros, format, self.zone_hours) + &zone(self.zone_hours))
            }
            Cell::Flag(value) => json!(value),
        }
    }
}
