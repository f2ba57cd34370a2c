//! Sort orders: in which order writers put rows into files.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema_index::SchemaIndex;
use super::transform::Transform;

/// Id of the order that is none.
pub const UNSORTED_ID: i32 = 0;

/// A sort order of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SortOrder {
    #[serde(rename = "order-id")]
    pub id: i32,
    pub fields: Vec<SortField>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SortField {
    pub transform: Transform,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<i32>,
    /// Of transforms with several columns, which only later specifications have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ids: Option<Vec<i32>>,
    pub direction: Direction,
    pub null_order: NullOrder,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    #[serde(alias = "ASC")]
    Asc,
    #[serde(alias = "DESC")]
    Desc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullOrder {
    NullsFirst,
    NullsLast,
}

/// Why an order does not fit its table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("Cannot find source column for sort field: {source_id:?}")]
    NoSource { source_id: Option<i32> },
    #[error("Cannot sort by non-primitive source field: {source_type}")]
    SourceWithParts { source_type: String },
    #[error("Invalid source type {source_type} for transform: {transform}")]
    SourceType { source_type: String, transform: Transform },
    #[error("Unsorted order ID must be 0")]
    UnsortedId,
    #[error("Sort order ID 0 is reserved for unsorted order")]
    SortedId,
}

impl SortOrder {
    pub fn unsorted() -> Self {
        Self { id: UNSORTED_ID, fields: Vec::new(), rest: Map::new() }
    }

    pub fn is_unsorted(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether both order rows in the same way, whatever their ids are.
    pub fn is_same(&self, other: &Self) -> bool {
        self.fields == other.fields
    }

    pub fn check_id(&self) -> Result<(), Fault> {
        match (self.is_unsorted(), self.id == UNSORTED_ID) {
            (true, false) => Err(Fault::UnsortedId),
            (false, true) => Err(Fault::SortedId),
            (true, true) | (false, false) => Ok(()),
        }
    }

    /// Whether the keys can be made of the columns of a schema.
    pub fn check_sources(&self, schema: &SchemaIndex<'_>) -> Result<(), Fault> {
        self.fields.iter().try_for_each(|field| check_sources(field, schema))
    }
}

impl SortField {
    pub fn source_ids(&self) -> &[i32] {
        match (&self.source_id, &self.source_ids) {
            (_, Some(many)) if !many.is_empty() => many,
            (Some(one), _) => std::slice::from_ref(one),
            (None, _) => &[],
        }
    }
}

fn check_sources(field: &SortField, schema: &SchemaIndex<'_>) -> Result<(), Fault> {
    if field.source_ids().is_empty() {
        return Err(Fault::NoSource { source_id: None });
    }
    for id in field.source_ids() {
        let source = schema.find(*id).ok_or(Fault::NoSource { source_id: Some(*id) })?;
        let source_type = || source.field_type.word().to_owned();
        if source.field_type.as_primitive().is_none() {
            return Err(Fault::SourceWithParts { source_type: source_type() });
        }
        if !field.transform.takes(source.field_type) {
            let transform = field.transform.clone();
            return Err(Fault::SourceType { source_type: source_type(), transform });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::Schema;
    use super::*;

    fn order(id: i32, fields: &Value) -> SortOrder {
        serde_json::from_value(json!({"order-id": id, "fields": fields})).unwrap()
    }

    fn field(source: i32, transform: &str) -> Value {
        json!({"source-id": source, "transform": transform, "direction": "asc", "null-order": "nulls-last", "x": 1})
    }

    #[test]
    fn an_order_is_written_as_it_was_read() {
        let written = json!({"order-id": 1, "fields": [field(1, "bucket[3]")]});
        let parsed = order(1, &json!([field(1, "bucket[3]")]));
        assert_eq!(serde_json::to_value(&parsed).unwrap(), written);
        assert!(parsed.is_same(&order(2, &json!([field(1, "bucket[3]")]))));
        assert!(!parsed.is_same(&SortOrder::unsorted()));
    }

    #[test]
    fn zero_is_the_id_of_no_order_and_of_no_other() {
        assert_eq!(SortOrder::unsorted().check_id(), Ok(()));
        assert_eq!(order(1, &json!([])).check_id(), Err(Fault::UnsortedId));
        assert_eq!(order(0, &json!([field(1, "identity")])).check_id(), Err(Fault::SortedId));
        assert_eq!(order(7, &json!([field(1, "identity")])).check_id(), Ok(()));
    }

    #[test]
    fn keys_fit_their_columns() {
        let list = json!({"type": "list", "element-id": 3, "element": "int", "element-required": true});
        let schema: Schema = serde_json::from_value(json!({"type": "struct", "fields": [
            {"id": 1, "name": "id", "required": true, "type": "long"},
            {"id": 2, "name": "list", "required": true, "type": list}]}))
        .unwrap();
        let index = schema.index().unwrap();
        let check = |one: Value| order(1, &json!([one])).check_sources(&index);
        assert_eq!(check(field(1, "identity")), Ok(()));
        assert_eq!(check(field(9, "identity")), Err(Fault::NoSource { source_id: Some(9) }));
        assert!(matches!(check(field(2, "identity")), Err(Fault::SourceWithParts { .. })));
        assert!(matches!(check(field(1, "hour")), Err(Fault::SourceType { .. })));
    }
}
