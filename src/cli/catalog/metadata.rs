//! What the commands read of an Iceberg table's metadata.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{partition, schema};

/// Table metadata of versions 1 to 3; what is not shown is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Metadata {
    pub format_version: u32,
    #[serde(default)]
    pub table_uuid: Option<String>,
    pub location: String,
    pub last_updated_ms: i64,
    #[serde(default)]
    current_schema_id: Option<i64>,
    #[serde(default)]
    schemas: Vec<Value>,
    /// Of version 1.
    #[serde(default)]
    schema: Option<Value>,
    #[serde(default)]
    default_spec_id: Option<i64>,
    #[serde(default)]
    partition_specs: Vec<Spec>,
    #[serde(default)]
    default_sort_order_id: Option<i64>,
    #[serde(default)]
    sort_orders: Vec<Order>,
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    #[serde(default)]
    current_snapshot_id: Option<i64>,
    #[serde(default)]
    pub snapshots: Vec<Snapshot>,
    #[serde(default)]
    pub refs: BTreeMap<String, Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Snapshot {
    #[serde(rename = "snapshot-id")]
    pub id: i64,
    pub timestamp_ms: i64,
    #[serde(default)]
    pub summary: BTreeMap<String, String>,
}

impl Snapshot {
    pub(crate) fn operation(&self) -> &str {
        self.summary.get("operation").map_or("-", String::as_str)
    }

    /// A number of the summary, where the writer gave it.
    pub(crate) fn total(&self, key: &str) -> Option<u64> {
        self.summary.get(key)?.parse().ok()
    }
}

/// A branch or a tag.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Reference {
    pub snapshot_id: i64,
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Spec {
    spec_id: i64,
    fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Order {
    order_id: i64,
    fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Field {
    transform: String,
    #[serde(default)]
    source_id: Option<i64>,
    /// Of sort orders.
    #[serde(default)]
    direction: Option<String>,
    #[serde(default)]
    null_order: Option<String>,
}

/// A column, as a line of a table shows it.
pub(crate) struct Column {
    pub id: i64,
    pub name: String,
    pub type_text: String,
    pub is_required: bool,
    pub doc: String,
}

/// The columns of a schema; none where there is none.
pub(crate) fn columns_of(schema: Option<&Value>) -> Vec<Column> {
    let fields = schema.and_then(|schema| schema.get("fields")).and_then(Value::as_array);
    let text = |field: &Value, key: &str| {
        field.get(key).and_then(Value::as_str).map(str::to_owned).unwrap_or_default()
    };
    let column = |field: &Value| Column {
        id: field.get("id").and_then(Value::as_i64).unwrap_or_default(),
        name: text(field, "name"),
        type_text: field.get("type").map(schema::type_text).unwrap_or_default(),
        is_required: field.get("required").is_some_and(|value| value == true),
        doc: text(field, "doc"),
    };
    fields.into_iter().flatten().map(column).collect()
}

impl Metadata {
    fn current_schema(&self) -> Option<&Value> {
        let wanted = self.current_schema_id;
        let of = |schema: &&Value| schema.get("schema-id").and_then(Value::as_i64) == wanted;
        self.schemas.iter().find(of).or(self.schema.as_ref())
    }

    /// The columns of the current schema.
    pub(crate) fn columns(&self) -> Vec<Column> {
        columns_of(self.current_schema())
    }

    /// The fields of the current partition spec, as they are typed.
    pub(crate) fn partitions(&self) -> Vec<String> {
        let spec = self.partition_specs.iter().find(|spec| Some(spec.spec_id) == self.default_spec_id);
        spec.into_iter().flat_map(|spec| &spec.fields).map(|field| self.show(field)).collect()
    }

    /// The fields of the current sort order.
    pub(crate) fn sort_order(&self) -> Vec<String> {
        let order = self.sort_orders.iter().find(|order| Some(order.order_id) == self.default_sort_order_id);
        let show = |field: &Field| {
            let words = [Some(self.show(field)), field.direction.clone(), field.null_order.clone()];
            words.into_iter().flatten().collect::<Vec<_>>().join(" ")
        };
        order.into_iter().flat_map(|order| &order.fields).map(show).collect()
    }

    fn show(&self, field: &Field) -> String {
        let id = field.source_id.unwrap_or_default();
        let name = self.current_schema().and_then(|schema| schema::name_of(schema, id));
        partition::show(&field.transform, &name.unwrap_or_else(|| format!("column {id}")))
    }

    /// The snapshot that readers see; `None` for a table that was never written.
    pub(crate) fn current_snapshot(&self) -> Option<&Snapshot> {
        let id = self.current_snapshot_id?;
        self.snapshots.iter().find(|snapshot| snapshot.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_version_2_is_read() {
        let metadata: Metadata = serde_json::from_str(
            r#"{"format-version":2,"table-uuid":"u","location":"s3://lake/u","last-updated-ms":1769385179123,
               "current-schema-id":1,"schemas":[{"type":"struct","schema-id":0,"fields":[]},
               {"type":"struct","schema-id":1,"fields":[{"id":1,"name":"id","required":true,"type":"long","doc":"the key"},
               {"id":2,"name":"at","required":false,"type":"timestamptz"}]}],
               "default-spec-id":0,"partition-specs":[{"spec-id":0,"fields":[{"name":"at_day","transform":"day","source-id":2,"field-id":1000}]}],
               "default-sort-order-id":1,"sort-orders":[{"order-id":1,"fields":[{"transform":"bucket[4]","source-id":1,"direction":"asc","null-order":"nulls-first"}]}],
               "current-snapshot-id":5,"snapshots":[{"snapshot-id":5,"timestamp-ms":1,"manifest-list":"x","summary":{"operation":"append","total-records":"3"}}],
               "refs":{"main":{"snapshot-id":5,"type":"branch"}},"next-row-id":7}"#,
        )
        .unwrap();
        let columns = metadata.columns();
        assert_eq!(
            (columns[0].name.as_str(), columns[0].doc.as_str(), columns[0].is_required),
            ("id", "the key", true)
        );
        assert_eq!(metadata.partitions(), ["day(at)"]);
        assert_eq!(metadata.sort_order(), ["bucket(4, id) asc nulls-first"]);
        let snapshot = metadata.current_snapshot().unwrap();
        assert_eq!((snapshot.operation(), snapshot.total("total-records")), ("append", Some(3)));
    }

    #[test]
    fn a_table_of_version_1_may_know_one_schema_only() {
        let metadata: Metadata = serde_json::from_str(
            r#"{"format-version":1,"location":"s3://lake/t","last-updated-ms":1,"current-snapshot-id":-1,
               "schema":{"type":"struct","fields":[{"id":1,"name":"x","required":false,"type":"int"}]}}"#,
        )
        .unwrap();
        assert_eq!(metadata.columns()[0].type_text, "int");
        assert!(metadata.current_snapshot().is_none() && metadata.partitions().is_empty());
    }
}
