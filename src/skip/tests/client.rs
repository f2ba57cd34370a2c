//! Conditions as clients send them.

use serde_json::{Value, json};

use super::oracle::{COLUMNS, Cell, Condition, PART, text_of_day, text_of_time};

/// How a client writes what it asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub(super) zone_hours: i64,
    pub(super) part_type: &'static str,
}

impl Client {
    pub(super) fn sql(&self, condition: &Condition) -> String {
        let join = |conditions: &[Condition], word: &str| {
            let texts: Vec<String> = conditions.iter().map(|one| format!("({})", self.sql(one))).collect();
            texts.join(word)
        };
        match condition {
            Condition::All(conditions) => join(conditions, " AND "),
            Condition::Any(conditions) => join(conditions, " OR "),
            Condition::Not(condition) => format!("NOT ({})", self.sql(condition)),
            Condition::IsNull(column) => format!("`{}` IS NULL", COLUMNS[*column].0),
            Condition::Compare(operator, column, cell) => {
                format!("{} {operator} {}", COLUMNS[*column].0, self.sql_cell(cell))
            }
            Condition::Same(column, cell) => format!("`{}` <=> {}", COLUMNS[*column].0, self.sql_cell(cell)),
            Condition::In(column, cells) => {
                let cells: Vec<String> = cells.iter().map(|cell| self.sql_cell(cell)).collect();
                format!("(`{}` IN ({}))", COLUMNS[*column].0, cells.join(", "))
            }
        }
    }

    fn sql_cell(&self, cell: &Cell) -> String {
        match cell {
            Cell::Null => "NULL".to_owned(),
            Cell::Integer(number) => format!("{number}"),
            Cell::Double(number) if number.is_finite() => format!("{number:?}D"),
            Cell::Double(number) => format!("CAST('{number}' AS DOUBLE)"),
            Cell::Text(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            Cell::Day(days) => format!("DATE '{}'", text_of_day(*days)),
            Cell::At(micros) => {
                format!("TIMESTAMP '{}'", text_of_time(*micros, "%Y-%m-%d %H:%M:%S%.6f", self.zone_hours))
            }
            Cell::Flag(value) => value.to_string(),
        }
    }

    /// As Spark's `OpConverter` does; what it cannot say is something unknown.
    pub(super) fn json(&self, condition: &Condition) -> Value {
        let all = |conditions: &[Condition]| conditions.iter().map(|one| self.json(one)).collect::<Vec<_>>();
        let not = |tree: Value| json!({"op": "not", "children": [tree]});
        let is_null = |column: usize| json!({"op": "isNull", "children": [self.json_column(column)]});
        match condition {
            Condition::All(conditions) => json!({"op": "and", "children": all(conditions)}),
            Condition::Any(conditions) => json!({"op": "or", "children": all(conditions)}),
            Condition::Not(condition) => not(self.json(condition)),
            Condition::IsNull(column) | Condition::Same(column, Cell::Null) => is_null(*column),
            Condition::Compare(_, _, Cell::Null) => json!({"op": "unknown"}),
            Condition::Compare(operator, column, cell) => {
                let op = match *operator {
                    "=" => "equal",
                    "<" => "lessThan",
                    "<=" => "lessThanOrEqual",
                    ">" => "greaterThan",
                    _ => "greaterThanOrEqual",
                };
                let literal =
                    json!({"op": "literal", "value": json_cell(cell), "valueType": self.value_type(*column)});
                json!({"op": op, "children": [self.json_column(*column), literal]})
            }
            Condition::Same(column, cell) => json!({"op": "and", "children": [not(is_null(*column)),
                self.json(&Condition::Compare("=", *column, cell.clone()))]}),
            Condition::In(column, cells) => {
                let equal = |cell: &Cell| self.json(&Condition::Compare("=", *column, cell.clone()));
                json!({"op": "or", "children": cells.iter().map(equal).collect::<Vec<_>>()})
            }
        }
    }

    fn value_type(&self, column: usize) -> &'static str {
        let hinted = |name: &str| COLUMNS.iter().find(|column| column.1 == name).unwrap().2;
        if column == PART { hinted(self.part_type) } else { COLUMNS[column].2 }
    }

    fn json_column(&self, column: usize) -> Value {
        json!({"op": "column", "name": COLUMNS[column].0, "valueType": self.value_type(column)})
    }
}

/// Spark cuts timestamps to milliseconds with Java's division.
pub(super) fn json_cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Double(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Day(days) => text_of_day(*days),
        Cell::At(micros) => text_of_time(micros / 1_000 * 1_000, "%Y-%m-%dT%H:%M:%S%.3fZ", 0),
        Cell::Flag(value) => value.to_string(),
    }
}
