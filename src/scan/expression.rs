//! Filters of scans: from JSON to a predicate over columns.
//!
//! Both forms of the specification are read, that with `child`, `left` and `right` and the older one with `term` and
//! `value`. A comparison that is not understood is left out, which keeps files; what is no expression is refused.
//!
//! Sources: Apache Iceberg, `format/expressions-spec.md`, "JSON serialization"; `rest-catalog-open-api.yaml`, `Predicate`.

use serde_json::{Map, Value as Json};

use super::columns::{Column, Columns};
use super::datum::Datum;
use super::predicate::{Op, Predicate, Test};
use crate::iceberg::primitive::{Primitive, PrimitiveType};
use crate::limits::manifest::{FILTER_DEPTH_MAX, FILTER_TESTS_MAX};

/// Why a filter is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the filter holds {text}, which is no predicate")]
    Shape { text: String },
    #[error("the filter names the column {name}, which the schema does not have")]
    NoColumn { name: String },
    #[error("the filter is nested more than {FILTER_DEPTH_MAX} deep")]
    Depth,
    #[error("the filter compares with more than {FILTER_TESTS_MAX} values")]
    Size,
}

/// Reads a filter against the columns of a schema.
pub fn parse(filter: &Json, columns: &Columns<'_>) -> Result<Predicate, Fault> {
    let mut reader = Reader { columns, values: 0 };
    reader.predicate(filter, &Place { is_negated: false, depth: 0 })
}

struct Reader<'c, 's> {
    columns: &'c Columns<'s>,
    values: usize,
}

#[derive(Clone, Copy)]
struct Place {
    /// Under an odd number of "not".
    is_negated: bool,
    depth: usize,
}

impl Reader<'_, '_> {
    fn predicate(&mut self, json: &Json, place: &Place) -> Result<Predicate, Fault> {
        if place.depth > FILTER_DEPTH_MAX {
            return Err(Fault::Depth);
        }
        let object = match json {
            Json::Bool(holds) => return Ok(constant(*holds != place.is_negated)),
            Json::Object(object) => object,
            Json::Null | Json::Number(_) | Json::String(_) | Json::Array(_) => return Err(shape(json)),
        };
        let kind = object.get("type").and_then(Json::as_str).ok_or_else(|| shape(json))?;
        let below = Place { depth: place.depth + 1, ..*place };
        match kind {
            "true" | "false" => Ok(constant((kind == "true") != place.is_negated)),
            "not" => {
                let child = object.get("child").ok_or_else(|| shape(json))?;
                self.predicate(child, &Place { is_negated: !place.is_negated, ..below })
            }
            "and" | "or" => {
                let side = |name| object.get(name).ok_or_else(|| shape(json));
                let sides = [side("left")?, side("right")?].map(|side| self.predicate(side, &below));
                let sides = sides.into_iter().collect::<Result<_, _>>()?;
                // "not" turns one into the other.
                Ok(if (kind == "and") == place.is_negated {
                    Predicate::or(sides)
                } else {
                    Predicate::and(sides)
                })
            }
            "is-null" | "not-null" | "is-nan" | "not-nan" => self.unary(kind, object, place),
            "in" | "not-in" => self.set(kind, object, place),
            "lt" | "lt-eq" | "gt" | "gt-eq" | "eq" | "not-eq" | "starts-with" | "not-starts-with" => {
                self.comparison(kind, object, place)
            }
            _ => Err(shape(json)),
        }
    }

    fn unary(&mut self, kind: &str, object: &Map<String, Json>, place: &Place) -> Result<Predicate, Fault> {
        let asked = self.operand(operand(object, &["child", "term"])?)?;
        let op = match (kind, place.is_negated) {
            ("is-null", false) | ("not-null", true) => Op::IsNull,
            ("not-null", false) | ("is-null", true) => Op::NotNull,
            ("is-nan", false) | ("not-nan", true) => Op::IsNan,
            _ => Op::NotNan,
        };
        self.test(asked, |_| Some(op))
    }

    fn set(&mut self, kind: &str, object: &Map<String, Json>, place: &Place) -> Result<Predicate, Fault> {
        let asked = self.operand(operand(object, &["child", "term"])?)?;
        let (values, data_type) = match object.get("values") {
            Some(Json::Array(values)) => (values, None),
            Some(Json::Object(typed)) => match typed.get("values") {
                Some(Json::Array(values)) => (values, typed.get("data-type")),
                _ => return Err(shape(&Json::Object(object.clone()))),
            },
            _ => return Err(shape(&Json::Object(object.clone()))),
        };
        self.values += values.len();
        let is_in = (kind == "in") != place.is_negated;
        self.test(asked, |of| {
            let values =
                values.iter().map(|value| literal(value, data_type, of)).collect::<Option<Vec<_>>>()?;
            Some(if is_in { Op::In(values) } else { Op::NotIn(values) })
        })
    }

    fn comparison(
        &mut self,
        kind: &str,
        object: &Map<String, Json>,
        place: &Place,
    ) -> Result<Predicate, Fault> {
        let (left, right) = (operand(object, &["left", "term"])?, operand(object, &["right", "value"])?);
        let is_turned = !is_value(right) && is_value(left) && object.contains_key("left");
        let (asked, value) = if is_turned { (right, left) } else { (left, right) };
        let asked = self.operand(asked)?;
        if !is_value(value) {
            // Two columns, or what a function makes of them.
            self.operand(value)?;
            return Ok(Predicate::True);
        }
        let kind = if is_turned { turned(kind) } else { kind };
        let column = asked.clone();
        let test = self.test(asked, |of| {
            let value = literal(value, None, of)?;
            Some(match (kind, place.is_negated) {
                ("lt", false) | ("gt-eq", true) => Op::Less(value),
                ("lt-eq", false) | ("gt", true) => Op::LessOrEqual(value),
                ("gt", false) | ("lt-eq", true) => Op::Greater(value),
                ("gt-eq", false) | ("lt", true) => Op::GreaterOrEqual(value),
                ("eq", false) | ("not-eq", true) => Op::In(vec![value]),
                ("not-eq", false) | ("eq", true) => Op::NotIn(vec![value]),
                (_, is_negated) => match (value, *of == Primitive::String) {
                    (Datum::Bytes(prefix), true) if (kind == "starts-with") != is_negated => {
                        Op::StartsWith(prefix.into_owned())
                    }
                    (Datum::Bytes(prefix), true) => Op::NotStartsWith(prefix.into_owned()),
                    _ => return None,
                },
            })
        })?;
        // A comparison is false of null and of NaN, so that its opposite holds of them.
        let is_order = matches!(kind, "lt" | "lt-eq" | "gt" | "gt-eq");
        match column {
            Column::Single(at, of) if place.is_negated && is_order && test != Predicate::True => {
                let also = |op| Predicate::Test(Test { at, of: of.clone(), op });
                Ok(Predicate::or(vec![test, also(Op::IsNull), also(Op::IsNan)]))
            }
            Column::Single(..) | Column::Many => Ok(test),
        }
    }

    fn test(&mut self, asked: Column, op: impl FnOnce(&Primitive) -> Option<Op>) -> Result<Predicate, Fault> {
        self.values += 1;
        if self.values > FILTER_TESTS_MAX {
            return Err(Fault::Size);
        }
        let Column::Single(at, of) = asked else { return Ok(Predicate::True) };
        Ok(op(&of).map_or(Predicate::True, |op| Predicate::Test(Test { at, of, op })))
    }

    /// The column that an operand stands for.
    fn operand(&self, json: &Json) -> Result<Column, Fault> {
        let by_name = |name: &str| {
            self.columns.find(name).ok_or_else(|| Fault::NoColumn { name: name.chars().take(256).collect() })
        };
        match json {
            Json::String(name) => by_name(name),
            Json::Object(object) => match object.get("type").and_then(Json::as_str) {
                Some("reference") => {
                    match (object.get("id"), object.get("name").or_else(|| object.get("term"))) {
                        (Some(id), None) => {
                            let id = id
                                .as_i64()
                                .and_then(|id| i32::try_from(id).ok())
                                .ok_or_else(|| shape(json))?;
                            self.columns.find_id(id).ok_or_else(|| Fault::NoColumn { name: id.to_string() })
                        }
                        (None, Some(Json::String(name))) => by_name(name),
                        _ => Err(shape(json)),
                    }
                }
                Some("transform" | "apply" | "literal") => Ok(Column::Many),
                _ => Err(shape(json)),
            },
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => Err(shape(json)),
        }
    }
}

fn constant(holds: bool) -> Predicate {
    if holds { Predicate::True } else { Predicate::False }
}

fn shape(json: &Json) -> Fault {
    Fault::Shape { text: json.to_string().chars().take(256).collect() }
}

fn operand<'j>(object: &'j Map<String, Json>, names: &[&str]) -> Result<&'j Json, Fault> {
    let found = names.iter().find_map(|name| object.get(*name));
    found.ok_or_else(|| shape(&Json::Object(object.clone())))
}

/// Whether it is a literal: everything but references, functions and transforms.
fn is_value(json: &Json) -> bool {
    match json {
        Json::Object(object) => object.get("type").and_then(Json::as_str) == Some("literal"),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => true,
    }
}

/// With both sides exchanged.
fn turned(kind: &str) -> &str {
    match kind {
        "lt" => "gt",
        "lt-eq" => "gt-eq",
        "gt" => "lt",
        "gt-eq" => "lt-eq",
        "eq" | "not-eq" => kind,
        // The prefix of a value is no question to a column.
        _ => "unanswered",
    }
}

/// A value of the type `of`; `None` for one that is not understood.
fn literal(json: &Json, data_type: Option<&Json>, of: &Primitive) -> Option<Datum<'static>> {
    let (value, data_type) = match json.as_object() {
        Some(object) => (object.get("value")?, object.get("data-type").or(data_type)),
        None => (json, data_type),
    };
    let Some(data_type) = data_type else { return Datum::of_json(value, of) };
    let declared = PrimitiveType::parse(data_type.as_str()?).ok()?;
    let declared = declared.primitive();
    let is_whole = |primitive: &Primitive| matches!(primitive, Primitive::Int | Primitive::Long);
    let is_float = |primitive: &Primitive| matches!(primitive, Primitive::Float | Primitive::Double);
    if declared == of || is_whole(declared) && is_whole(of) || is_float(declared) && is_float(of) {
        Datum::of_json(value, declared)
    } else {
        None
    }
}
