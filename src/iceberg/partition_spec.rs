//! Partition specs: how rows are put into partitions.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema_index::SchemaIndex;
use super::transform::Transform;
use super::types::Type;

/// Id of the first partition field of a table (Iceberg specification, "Partition Evolution").
pub const FIRST_FIELD_ID: i32 = 1_000;

/// The last id of a table that never had a partition field.
pub const NO_FIELD_ID: i32 = FIRST_FIELD_ID - 1;

/// A spec as clients send it: its fields may lack ids.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnboundPartitionSpec {
    #[serde(default)]
    pub spec_id: i32,
    pub fields: Vec<UnboundPartitionField>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnboundPartitionField {
    pub name: String,
    pub transform: Transform,
    pub source_id: Option<i32>,
    /// Of transforms with several columns, which only later specifications have.
    pub source_ids: Option<Vec<i32>>,
    pub field_id: Option<i32>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A spec of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartitionSpec {
    #[serde(rename = "spec-id")]
    pub id: i32,
    pub fields: Vec<PartitionField>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartitionField {
    pub name: String,
    pub transform: Transform,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ids: Option<Vec<i32>>,
    #[serde(rename = "field-id")]
    pub id: i32,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Why a spec does not fit its table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("Cannot find source column for partition field: {name}")]
    NoSource { name: String },
    #[error("Cannot partition by non-primitive source field: {name} of {source_type}")]
    SourceWithParts { name: String, source_type: &'static str },
    #[error("Invalid source type {source_type} for transform: {transform} of {name}")]
    SourceType { name: String, source_type: String, transform: Transform },
    #[error("Invalid partition field parent: {name} lies in a {parent}")]
    Parent { name: String, parent: &'static str },
    #[error("Cannot create partition {name}: the schema has another field of that name")]
    NameOfColumn { name: String },
    #[error("Cannot use empty partition name")]
    NoName,
    #[error("Cannot use partition name more than once: {name}")]
    NameTwice { name: String },
    #[error("Cannot use partition field id more than once: {id}")]
    IdTwice { id: i32 },
    #[error("Cannot parse spec with missing field IDs: {missing} missing of {count} fields")]
    SomeIds { missing: usize, count: usize },
    #[error("Cannot add a partition field: no id is left for it")]
    NoIdLeft,
    #[error("Spec does not use sequential IDs that are required in v1")]
    NotSequential,
}

/// Where fields without an id get theirs from.
#[derive(Debug)]
pub enum FieldIds<'a> {
    /// Counted from 1000, as in tables of version 1 and in metadata of old writers.
    Sequential,
    /// Those of equal fields of earlier specs, else ids after the last one that the table gave out.
    After { last: i32, specs: &'a [PartitionSpec] },
}

impl UnboundPartitionSpec {
    /// Gives each field an id, if they do not bring theirs.
    pub fn with_ids(self, ids: &FieldIds<'_>) -> Result<PartitionSpec, Fault> {
        let missing = self.fields.iter().filter(|field| field.field_id.is_none()).count();
        if missing > 0 && missing < self.fields.len() {
            return Err(Fault::SomeIds { missing, count: self.fields.len() });
        }
        let mut giver = IdGiver::new(ids);
        let field = |field: UnboundPartitionField| {
            let given = field.field_id.map(Ok);
            let id = given.unwrap_or_else(|| giver.next(&field))?;
            let UnboundPartitionField { name, transform, source_id, source_ids, rest, .. } = field;
            Ok(PartitionField { name, transform, source_id, source_ids, id, rest })
        };
        let fields = self.fields.into_iter().map(field).collect::<Result<_, Fault>>()?;
        Ok(PartitionSpec { id: self.spec_id, fields, rest: self.rest })
    }
}

struct IdGiver {
    last: i32,
    known: HashMap<(Vec<i32>, String), i32>,
}

impl IdGiver {
    fn new(ids: &FieldIds<'_>) -> Self {
        match ids {
            FieldIds::Sequential => Self { last: NO_FIELD_ID, known: HashMap::new() },
            FieldIds::After { last, specs } => {
                let fields = specs.iter().flat_map(|spec| &spec.fields);
                let known = fields
                    .map(|field| ((field.source_ids().to_vec(), field.transform.to_string()), field.id));
                Self { last: *last, known: known.collect() }
            }
        }
    }

    fn next(&mut self, field: &UnboundPartitionField) -> Result<i32, Fault> {
        let sources = sources(field.source_id.as_ref(), field.source_ids.as_ref());
        let key = (sources.to_vec(), field.transform.to_string());
        if let Some(id) = self.known.remove(&key) {
            return Ok(id);
        }
        self.last = self.last.checked_add(1).ok_or(Fault::NoIdLeft)?;
        Ok(self.last)
    }
}

fn sources<'a>(one: Option<&'a i32>, many: Option<&'a Vec<i32>>) -> &'a [i32] {
    match (one, many) {
        (_, Some(many)) if !many.is_empty() => many,
        (Some(one), _) => std::slice::from_ref(one),
        (None, _) => &[],
    }
}

impl PartitionField {
    /// The columns of which the value is made: one, but for transforms of later specifications.
    pub fn source_ids(&self) -> &[i32] {
        sources(self.source_id.as_ref(), self.source_ids.as_ref())
    }
}

impl PartitionSpec {
    pub fn unpartitioned(id: i32) -> Self {
        Self { id, fields: Vec::new(), rest: Map::new() }
    }

    /// The highest id of its fields, or the one before the first.
    pub fn last_field_id(&self) -> i32 {
        self.fields.iter().map(|field| field.id).max().unwrap_or(NO_FIELD_ID).max(NO_FIELD_ID)
    }

    pub fn has_sequential_ids(&self) -> bool {
        (FIRST_FIELD_ID..).zip(&self.fields).all(|(id, field)| field.id == id)
    }

    /// Whether both put rows into the same partitions, under the same names; ids do not matter.
    pub fn is_compatible_with(&self, other: &Self) -> bool {
        let key = |field: &PartitionField| {
            (field.source_ids().to_vec(), field.transform.clone(), field.name.clone())
        };
        self.fields.iter().map(key).eq(other.fields.iter().map(key))
    }

    /// Whether the fields can be made of the columns of a schema.
    pub fn check_sources(&self, schema: &SchemaIndex<'_>) -> Result<(), Fault> {
        let fields = self.fields.iter().filter(|field| field.transform != Transform::Void);
        fields.into_iter().try_for_each(|field| check_sources(field, schema))
    }

    /// Whether the names are no names of other columns, and each is there once.
    pub fn check_names(&self, schema: &SchemaIndex<'_>) -> Result<(), Fault> {
        let mut names = HashSet::new();
        for field in &self.fields {
            if field.name.is_empty() {
                return Err(Fault::NoName);
            }
            if !names.insert(&field.name) {
                return Err(Fault::NameTwice { name: field.name.clone() });
            }
            let has_source = field.source_ids().iter().any(|id| schema.find(*id).is_some());
            let column = schema.find_name(&field.name);
            if has_source && column.is_some_and(|column| !field.source_ids().contains(&column.id)) {
                return Err(Fault::NameOfColumn { name: field.name.clone() });
            }
        }
        Ok(())
    }

    pub fn check_ids(&self) -> Result<(), Fault> {
        let mut ids = HashSet::new();
        match self.fields.iter().find(|field| !ids.insert(field.id)) {
            Some(field) => Err(Fault::IdTwice { id: field.id }),
            None => Ok(()),
        }
    }
}

fn check_sources(field: &PartitionField, schema: &SchemaIndex<'_>) -> Result<(), Fault> {
    let name = || field.name.clone();
    if field.source_ids().is_empty() {
        return Err(Fault::NoSource { name: name() });
    }
    for id in field.source_ids() {
        let source = schema.find(*id).ok_or_else(|| Fault::NoSource { name: name() })?;
        if source.field_type.as_primitive().is_none() {
            return Err(Fault::SourceWithParts { name: name(), source_type: word(source.field_type) });
        }
        if !field.transform.takes(source.field_type) {
            let source_type = source.field_type.word().to_owned();
            let transform = field.transform.clone();
            return Err(Fault::SourceType { name: name(), source_type, transform });
        }
        let parent = schema.above(source).find(|above| !matches!(above.field_type, Type::Struct(_)));
        if let Some(parent) = parent {
            return Err(Fault::Parent { name: name(), parent: word(parent.field_type) });
        }
    }
    Ok(())
}

fn word(field_type: &Type) -> &'static str {
    match field_type {
        Type::Primitive(_) => "primitive",
        Type::Struct(_) => "struct",
        Type::List(_) => "list",
        Type::Map(_) => "map",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::Schema;
    use super::*;

    fn schema() -> Schema {
        let list = json!({"type": "list", "element-id": 4, "element": "int", "element-required": true});
        let parts =
            json!({"type": "struct", "fields": [{"id": 6, "name": "b", "required": true, "type": "int"}]});
        serde_json::from_value(json!({"type": "struct", "fields": [
            {"id": 1, "name": "id", "required": true, "type": "long"},
            {"id": 2, "name": "day", "required": false, "type": "date"},
            {"id": 3, "name": "list", "required": false, "type": list},
            {"id": 5, "name": "a", "required": false, "type": parts},
        ]}))
        .unwrap()
    }

    fn spec(fields: &Value) -> PartitionSpec {
        let unbound: UnboundPartitionSpec =
            serde_json::from_value(json!({"spec-id": 0, "fields": fields})).unwrap();
        unbound.with_ids(&FieldIds::Sequential).unwrap()
    }

    fn field(source: i32, transform: &str, name: &str) -> Value {
        json!({"source-id": source, "transform": transform, "name": name})
    }

    fn check(fields: &Value) -> Result<(), Fault> {
        let schema = schema();
        let index = schema.index().unwrap();
        let spec = spec(fields);
        spec.check_names(&index).and_then(|()| spec.check_sources(&index))
    }

    #[test]
    fn fields_fit_their_columns() {
        let right =
            [field(1, "bucket[4]", "id_bucket"), field(2, "identity", "day"), field(6, "identity", "b")];
        assert_eq!(check(&json!(right)), Ok(()));
        let wrong = |one: Value| check(&json!([one])).unwrap_err();
        assert!(matches!(wrong(field(9, "identity", "x")), Fault::NoSource { .. }));
        assert!(matches!(
            wrong(field(5, "identity", "x")),
            Fault::SourceWithParts { source_type: "struct", .. }
        ));
        assert!(matches!(wrong(field(1, "day", "x")), Fault::SourceType { .. }));
        assert!(matches!(wrong(field(4, "identity", "x")), Fault::Parent { parent: "list", .. }));
        assert!(matches!(wrong(json!({"transform": "identity", "name": "x"})), Fault::NoSource { .. }));
        assert_eq!(check(&json!([field(9, "void", "gone")])), Ok(()));
    }

    #[test]
    fn names_are_no_other_columns() {
        let wrong = |fields: Value| check(&fields).unwrap_err();
        assert!(matches!(wrong(json!([field(1, "bucket[4]", "day")])), Fault::NameOfColumn { .. }));
        assert_eq!(wrong(json!([field(1, "identity", "")])), Fault::NoName);
        let twice = json!([field(1, "bucket[4]", "x"), field(2, "year", "x")]);
        assert!(matches!(wrong(twice), Fault::NameTwice { .. }));
        assert_eq!(check(&json!([field(2, "month", "day")])), Ok(()));
        assert_eq!(check(&json!([field(9, "void", "day")])), Ok(()));
    }

    #[test]
    fn ids_are_brought_counted_or_found_again() {
        let counted = spec(&json!([field(1, "identity", "a"), field(2, "year", "b")]));
        assert!(counted.has_sequential_ids());
        assert_eq!((counted.last_field_id(), PartitionSpec::unpartitioned(0).last_field_id()), (1_001, 999));
        let later: UnboundPartitionSpec = serde_json::from_value(json!({"fields": [
            field(2, "month", "c"), field(2, "year", "b")]}))
        .unwrap();
        let specs = [counted];
        let later = later.with_ids(&FieldIds::After { last: 1_001, specs: &specs }).unwrap();
        let ids: Vec<i32> = later.fields.iter().map(|field| field.id).collect();
        assert_eq!(ids, [1_002, 1_001]);
        let some = json!([field(1, "identity", "a"), {"source-id": 2, "transform": "year", "name": "b", "field-id": 5}]);
        let some: UnboundPartitionSpec = serde_json::from_value(json!({"fields": some})).unwrap();
        assert_eq!(some.with_ids(&FieldIds::Sequential), Err(Fault::SomeIds { missing: 1, count: 2 }));
        let twice = json!([{"source-id": 2, "transform": "year", "name": "b", "field-id": 5},
            {"source-id": 2, "transform": "day", "name": "c", "field-id": 5}]);
        assert_eq!(spec(&twice).check_ids(), Err(Fault::IdTwice { id: 5 }));
    }

    #[test]
    fn a_spec_is_written_as_it_was_read() {
        let written = json!({"spec-id": 0, "y": 1, "fields": [
            {"source-id": 1, "transform": "identity", "name": "a", "field-id": 1000, "x": {}},
            {"source-ids": [1, 2], "transform": "later", "name": "b", "field-id": 1001}]});
        let unbound: UnboundPartitionSpec = serde_json::from_value(written.clone()).unwrap();
        let spec = unbound.with_ids(&FieldIds::Sequential).unwrap();
        assert_eq!(serde_json::to_value(&spec).unwrap(), written);
        assert_eq!(spec.fields[1].source_ids(), [1, 2]);
    }

    #[test]
    fn compatible_specs_differ_in_ids_only() {
        let one = spec(&json!([{"source-id": 2, "transform": "year", "name": "b", "field-id": 1005}]));
        assert!(one.is_compatible_with(&spec(&json!([field(2, "year", "b")]))));
        assert!(!one.is_compatible_with(&spec(&json!([field(2, "year", "c")]))));
        assert!(!one.is_compatible_with(&PartitionSpec::unpartitioned(0)));
    }
}
