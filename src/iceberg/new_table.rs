//! A table that a client asks for, with ids of its own.

use std::collections::HashMap;

use uuid::Uuid;

use super::draft::Draft;
use super::error::{Error, UpdateFault};
use super::fresh_ids;
use super::metadata::TableMetadata;
use super::partition_spec::{self, UnboundPartitionField, UnboundPartitionSpec};
use super::properties::{self, Properties};
use super::schema::Schema;
use super::sort_order::{self, SortOrder};

/// What a table is made of. Specs and orders name columns by the ids that the schema came with.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTable {
    pub uuid: Uuid,
    pub location: String,
    pub schema: Schema,
    pub partition_spec: Option<UnboundPartitionSpec>,
    pub sort_order: Option<SortOrder>,
    /// `format-version` says which version the table gets; 2 if it is not there.
    pub properties: Properties,
}

impl NewTable {
    /// The first metadata of the table. All columns and partition fields get ids anew, as the reference implementation
    /// gives them, so that no client can choose ids.
    ///
    /// # Errors
    /// [`Error::Update`], if the parts do not fit each other or the version.
    pub fn build(self, now_ms: i64) -> Result<TableMetadata, Error> {
        let format_version = properties::format_version(&self.properties)?.map(i32::from);
        self.schema.check()?;
        let fresh = fresh_ids::assign(&self.schema);
        let mut draft = Draft::of_nothing(format_version, now_ms)?;
        draft.assign_uuid(&self.uuid.to_string())?;
        draft.set_location(&self.location)?;
        let version = draft.table.format_version;
        let kept = properties::of_new_table(&self.properties);
        properties::check_new(&kept, &fresh.schema.index()?, version)?;
        draft.add_schema(&fresh.schema)?;
        draft.set_current_schema(fresh.schema.id)?;
        draft.table.last_column_id = fresh.last_id;
        draft.add_spec(of_new_ids(self.partition_spec.unwrap_or_default(), &fresh.ids)?)?;
        let order = self.sort_order.unwrap_or_else(SortOrder::unsorted);
        draft.add_sort_order(&sorted_by_new_ids(order, &fresh.ids)?)?;
        // Both are the first ones: the unsorted order has the id 0, another one 1.
        let order_id = draft.table.sort_orders.first().map(|order| order.id);
        draft.set_default_sort_order(order_id.ok_or(UpdateFault::Lacking { what: "sort order" })?)?;
        draft.set_properties(&kept)?;
        draft.finish_new()
    }
}

fn of_new_ids(
    mut spec: UnboundPartitionSpec,
    ids: &HashMap<i32, i32>,
) -> Result<UnboundPartitionSpec, partition_spec::Fault> {
    for field in &mut spec.fields {
        let UnboundPartitionField { name, source_id, source_ids, field_id, .. } = field;
        *field_id = None;
        for id in source_id.iter_mut().chain(source_ids.iter_mut().flatten()) {
            let no_source = || partition_spec::Fault::NoSource { name: name.clone() };
            *id = *ids.get(id).ok_or_else(no_source)?;
        }
    }
    Ok(spec)
}

fn sorted_by_new_ids(mut order: SortOrder, ids: &HashMap<i32, i32>) -> Result<SortOrder, sort_order::Fault> {
    order.check_id()?;
    for field in &mut order.fields {
        for id in field.source_id.iter_mut().chain(field.source_ids.iter_mut().flatten()) {
            *id = *ids.get(id).ok_or(sort_order::Fault::NoSource { source_id: Some(*id) })?;
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixture::{self, CREATED_MS, UUID, new_table};
    use super::*;

    #[test]
    fn a_new_table_has_ids_of_its_own() {
        let table = fixture::table(2);
        let fields = &table.current_schema().unwrap().fields;
        let ids: Vec<i32> = fields.iter().map(|field| field.id).collect();
        assert_eq!((ids, table.last_column_id()), (vec![1, 2, 3], 3));
        let field = &table.default_spec().unwrap().fields[0];
        assert_eq!((field.id, field.source_id, table.last_partition_id()), (1_000, Some(2), 1_000));
        assert_eq!(
            (table.current_schema_id(), table.default_spec_id(), table.default_sort_order_id()),
            (0, 0, 0)
        );
        assert_eq!((table.uuid(), table.location()), (Some(UUID), "s3://bucket/table"));
        assert_eq!((table.last_updated_ms(), table.format_version()), (CREATED_MS, 2));
        let properties: Vec<_> = table.properties().iter().collect();
        assert_eq!(properties, [(&"write.parquet.compression-codec".to_owned(), &"zstd".to_owned())]);
        assert!(table.metadata_log().is_empty() && table.snapshots().is_empty() && table.refs().is_empty());
    }

    #[test]
    fn a_sorted_table_has_the_order_1() {
        let order = |source: i32| {
            json!({"order-id": 4, "fields": [
            {"transform": "identity", "source-id": source, "direction": "asc", "null-order": "nulls-last"}]})
        };
        let sorted = |order: Value| {
            NewTable { sort_order: Some(serde_json::from_value(order).unwrap()), ..new_table(2) }
                .build(CREATED_MS)
        };
        let table = sorted(order(30)).unwrap();
        assert_eq!((table.default_sort_order_id(), table.sort_orders().len()), (1, 1));
        assert_eq!(table.sort_orders()[0].fields[0].source_id, Some(3));
        assert!(matches!(sorted(order(3)), Err(Error::Update(UpdateFault::SortOrder(_)))));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let with = |name: &str, value: &str| {
            let mut table = new_table(2);
            table.properties.insert(name.to_owned(), value.to_owned());
            table.build(CREATED_MS)
        };
        assert!(matches!(
            with("format-version", "9"),
            Err(Error::Update(UpdateFault::FormatVersion { version: 9 }))
        ));
        assert!(matches!(with("format-version", "two"), Err(Error::Update(UpdateFault::Property(_)))));
        assert!(matches!(
            with("commit.retry.num-retries", "-1"),
            Err(Error::Update(UpdateFault::Property(_)))
        ));
        assert_eq!(with("format-version", "1").unwrap().format_version(), 1);
        assert_eq!(with("format-version", "3").unwrap().format_version(), 3);
        let spec = json!({"fields": [{"name": "x", "transform": "identity", "source-id": 2}]});
        let spec = NewTable { partition_spec: Some(serde_json::from_value(spec).unwrap()), ..new_table(2) };
        assert!(matches!(spec.build(CREATED_MS), Err(Error::Update(UpdateFault::Spec(_)))));
        let mut twice = new_table(2);
        twice.schema.fields[1].name = "id".to_owned();
        assert!(matches!(twice.build(CREATED_MS), Err(Error::Update(UpdateFault::Schema(_)))));
        let nowhere = NewTable { location: "/".to_owned(), ..new_table(2) };
        assert_eq!(nowhere.build(CREATED_MS), Err(Error::Update(UpdateFault::NoLocation)));
    }
}
