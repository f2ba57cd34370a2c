//! Conditions on rows, evaluated in the plainest way.

use std::cmp::Ordering;

/// Index into a row.
pub(super) const COLUMNS: [(&str, &str, &str); 8] = [
    // Name, type in the schema, type in a JSON hint.
    ("num", "integer", "int"),
    ("big", "long", "long"),
    ("dbl", "double", "double"),
    ("txt", "string", "string"),
    ("day", "date", "date"),
    ("at", "timestamp", "timestamp"),
    ("flag", "boolean", "bool"),
    ("part", "", ""),
];
pub(super) const PART: usize = 7;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Double(f64),
    Text(String),
    /// Days since 1970.
    Day(i64),
    /// Microseconds since 1970.
    At(i64),
    Flag(bool),
}

#[derive(Debug, Clone)]
pub(super) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    IsNull(usize),
    Compare(&'static str, usize, Cell),
    Same(usize, Cell),
    In(usize, Vec<Cell>),
}

pub(super) fn text_of_day(days: i64) -> String {
    let date = chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::Duration::days(days);
    date.format("%Y-%m-%d").to_string()
}

/// With as many digits of a second, in a zone that many hours east.
pub(super) fn text_of_time(micros: i64, format: &str, zone_hours: i64) -> String {
    let local = chrono::DateTime::from_timestamp_micros(micros + zone_hours * 3_600_000_000).unwrap();
    local.format(format).to_string()
}

pub(super) fn zone(hours: i64) -> String {
    if hours == 0 {
        "Z".to_owned()
    } else {
        format!("{}{:02}:00", if hours < 0 { '-' } else { '+' }, hours.abs())
    }
}

/// As Spark compares: NaN is above all and equals itself, zero has one value.
pub(super) fn compare(one: &Cell, two: &Cell) -> Option<Ordering> {
    match (one, two) {
        (Cell::Integer(a), Cell::Integer(b)) | (Cell::Day(a), Cell::Day(b)) | (Cell::At(a), Cell::At(b)) => {
            Some(a.cmp(b))
        }
        (Cell::Double(a), Cell::Double(b)) => {
            Some(a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())))
        }
        (Cell::Text(a), Cell::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Cell::Flag(a), Cell::Flag(b)) => Some(a.cmp(b)),
        (
            Cell::Null
            | Cell::Integer(_)
            | Cell::Double(_)
            | Cell::Text(_)
            | Cell::Day(_)
            | Cell::At(_)
            | Cell::Flag(_),
            _,
        ) => None,
    }
}

pub(super) fn holds(condition: &Condition, row: &[Cell]) -> Option<bool> {
    match condition {
        Condition::All(conditions) => {
            let answers: Vec<Option<bool>> = conditions.iter().map(|one| holds(one, row)).collect();
            let some = if answers.contains(&None) { None } else { Some(true) };
            if answers.contains(&Some(false)) { Some(false) } else { some }
        }
        Condition::Any(conditions) => {
            let negated = conditions.iter().cloned().map(|one| Condition::Not(Box::new(one))).collect();
            holds(&Condition::All(negated), row).map(|none| !none)
        }
        Condition::Not(condition) => holds(condition, row).map(|value| !value),
        Condition::IsNull(column) => Some(row[*column] == Cell::Null),
        Condition::Compare(operator, column, cell) => {
            let order = compare(&row[*column], cell)?;
            Some(match *operator {
                "=" => order.is_eq(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        Condition::Same(column, cell) => Some(match (&row[*column], cell) {
            (Cell::Null, Cell::Null) => true,
            (Cell::Null, _) | (_, Cell::Null) => false,
            (value, cell) => compare(value, cell).is_some_and(Ordering::is_eq),
        }),
        Condition::In(column, cells) => {
            let equal = |cell: &Cell| Condition::Compare("=", *column, cell.clone());
            holds(&Condition::Any(cells.iter().map(equal).collect()), row)
        }
    }
}
