//! What statistics say of wanted columns, not yet understood.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::expression::Type;

/// A column that a predicate asks statistics for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StatisticsColumn {
    /// Physical names, from the top.
    pub(super) path: Vec<String>,
    pub(super) data_type: Type,
}

/// A value as statistics spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling<'a> {
    /// JSON text.
    Json(&'a str),
    /// The inside of a JSON string without escapes.
    Plain(&'a str),
}

impl<'a> Spelling<'a> {
    /// The JSON text of what is no string; empty for strings.
    pub(super) fn token(self) -> &'a str {
        match self {
            Self::Json(json) => json,
            Self::Plain(_) => "",
        }
    }

    /// The text of a string; half a surrogate pair makes it none.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(json) => serde_json::from_str::<Text<'_>>(json).ok().map(|text| text.0),
            Self::Plain(text) => Some(Cow::Borrowed(text)),
        }
    }
}

/// What is said of one column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found<'a> {
    pub(super) low: Option<Spelling<'a>>,
    pub(super) high: Option<Spelling<'a>>,
    pub(super) nulls: Option<Spelling<'a>>,
}

/// What is said of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts<'a> {
    /// In the order of the columns that were asked for.
    pub(super) found: Vec<Found<'a>>,
    pub(super) records: Option<Spelling<'a>>,
    /// Whether the statistics are JSON at all.
    pub(super) is_read: bool,
}

impl<'a> Facts<'a> {
    /// Nothing is known of any column.
    pub(super) fn unknown(column_count: usize) -> Self {
        Self { found: vec![Found::default(); column_count], records: None, is_read: false }
    }

    /// Reads statistics, a JSON object. The last of several values counts.
    pub(super) fn read(columns: &[StatisticsColumn], stats: &'a str) -> Self {
        let mut facts = Self::unknown(columns.len());
        let is_read = each_field(stats, |name, value| {
            let slot: Slot<'a, Found<'a>> = match name {
                "numRecords" => {
                    facts.records = Some(Spelling::Json(value.get()));
                    return;
                }
                "minValues" => |found| &mut found.low,
                "maxValues" => |found| &mut found.high,
                "nullCount" => |found| &mut found.nulls,
                _ => return,
            };
            Collector { columns, slot }.collect(&mut facts.found, value, Level::TOP);
        });
        if is_read { Self { is_read, ..facts } } else { Self::unknown(columns.len()) }
    }
}

/// What the field `name` of statistics says of each column.
pub(super) fn section<'a>(
    columns: &[StatisticsColumn],
    stats: &'a str,
    name: &str,
) -> Vec<Option<Spelling<'a>>> {
    let mut found = vec![None; columns.len()];
    each_field(stats, |field, value| {
        if field == name {
            let slot: Slot<'a, Option<Spelling<'a>>> = |found| found;
            Collector { columns, slot }.collect(&mut found, value, Level::TOP);
        }
    });
    found
}

/// Picks one of what is found.
type Slot<'a, F> = for<'f> fn(&'f mut F) -> &'f mut Option<Spelling<'a>>;

struct Collector<'c, 'a, F> {
    columns: &'c [StatisticsColumn],
    slot: Slot<'a, F>,
}

/// How deep an object lies, and which columns have the path that led to it: bit `n` stands for column `n`.
#[derive(Clone, Copy)]
struct Level {
    depth: usize,
    among: u64,
}

impl Level {
    const TOP: Self = Self { depth: 0, among: u64::MAX };
}

impl<'a, F> Collector<'_, 'a, F> {
    /// Puts what `object` has at the columns' paths into their slots.
    fn collect(&self, found: &mut [F], object: &'a RawValue, Level { depth, among }: Level) {
        each_field(object.get(), |name, value| {
            let mut inside = 0_u64;
            for (number, (column, found)) in self.columns.iter().zip(found.iter_mut()).enumerate() {
                let is_here =
                    among >> number & 1 == 1 && column.path.get(depth).is_some_and(|part| part == name);
                if is_here && column.path.len() == depth + 1 {
                    *(self.slot)(found) = Some(Spelling::Json(value.get()));
                } else if is_here {
                    inside |= 1 << number;
                }
            }
            if inside != 0 {
                self.collect(found, value, Level { depth: depth + 1, among: inside });
            }
        });
    }
}

/// A JSON string; half a surrogate pair makes it none.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Calls `visit` for each field of a JSON object; false if the text is no object, whatever was visited.
pub(super) fn each_field<'a>(text: &'a str, visit: impl FnMut(&str, &'a RawValue)) -> bool {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let is_object = deserializer.deserialize_map(Fields(visit)).is_ok();
    is_object && deserializer.end().is_ok()
}

struct Fields<F>(F);

impl<'a, F: FnMut(&str, &'a RawValue)> Visitor<'a> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<Text<'a>, &'a RawValue>()? {
            (self.0)(&name.0, value);
        }
        Ok(())
    }
}
