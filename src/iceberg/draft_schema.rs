//! Schemas, specs and sort orders of a table under change.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::draft::Draft;
use super::error::{Error, UpdateFault, next_id};
use super::partition_spec::{self, FieldIds, PartitionSpec, UnboundPartitionSpec};
use super::schema::Schema;
use super::sort_order::{SortOrder, UNSORTED_ID};

/// Id of the first order of a table that is one.
const FIRST_ORDER_ID: i32 = 1;

impl Draft {
    /// Adds a schema, unless an equal one is there.
    pub(super) fn add_schema(&mut self, schema: &Schema) -> Result<(), Error> {
        schema.check()?;
        schema.check_version(self.table.format_version)?;
        let last_column_id = self.table.last_column_id.max(schema.highest_field_id()?);
        if let Some(same) = self.table.schemas.iter().find(|there| there.is_same(schema)) {
            self.schemas.note_known(same.id);
            return Ok(());
        }
        let ids = self.table.schemas.iter().map(|there| there.id);
        let id = next_id(ids, self.table.current_schema_id, "schema")?;
        let mut added = schema.clone();
        added.id = id;
        self.table.schemas.push(Arc::new(added));
        self.table.last_column_id = last_column_id;
        self.schemas.note(id);
        self.is_changed = true;
        Ok(())
    }

    pub(super) fn set_current_schema(&mut self, id: i32) -> Result<(), Error> {
        let id = self.schemas.resolve(id, "schema")?;
        let schema = self.table.schema(id).ok_or(UpdateFault::Unknown { what: "current schema", id })?;
        if self.table.current_schema_id == id {
            return Ok(());
        }
        let index = schema.index()?;
        self.table.specs.iter().try_for_each(|spec| spec.check_names(&index))?;
        self.table.current_schema_id = id;
        self.is_changed = true;
        self.is_layout_changed = true;
        Ok(())
    }

    fn current_schema(&self) -> Result<Arc<Schema>, UpdateFault> {
        let unknown = UpdateFault::Unknown { what: "current schema", id: self.table.current_schema_id };
        self.table.current_schema().cloned().ok_or(unknown)
    }

    /// Adds a spec that fits the current schema, unless an equal one is there.
    pub(super) fn add_spec(&mut self, spec: UnboundPartitionSpec) -> Result<(), Error> {
        let is_first_version = self.table.format_version == 1;
        let ids = if is_first_version {
            FieldIds::Sequential
        } else {
            FieldIds::After { last: self.table.last_partition_id, specs: &self.table.specs }
        };
        let spec = spec.with_ids(&ids)?;
        let schema = self.current_schema()?;
        let index = schema.index()?;
        spec.check_names(&index)?;
        spec.check_sources(&index)?;
        if let Some(same) = self.table.specs.iter().find(|there| there.is_compatible_with(&spec)) {
            self.specs.note_known(same.id);
            return Ok(());
        }
        spec.check_ids()?;
        if is_first_version && !spec.has_sequential_ids() {
            return Err(partition_spec::Fault::NotSequential.into());
        }
        let id = next_id(self.table.specs.iter().map(|there| there.id), 0, "partition spec")?;
        self.table.last_partition_id = self.table.last_partition_id.max(spec.last_field_id());
        self.table.specs.push(PartitionSpec { id, ..spec });
        self.specs.note(id);
        self.is_changed = true;
        self.is_layout_changed = true;
        Ok(())
    }

    pub(super) fn set_default_spec(&mut self, id: i32) -> Result<(), Error> {
        let id = self.specs.resolve(id, "spec")?;
        if self.table.spec(id).is_none() {
            return Err(UpdateFault::Unknown { what: "default partition spec", id }.into());
        }
        self.is_changed |= self.table.default_spec_id != id;
        self.is_layout_changed |= self.table.default_spec_id != id;
        self.table.default_spec_id = id;
        Ok(())
    }

    /// Adds an order that fits the current schema, unless an equal one is there.
    pub(super) fn add_sort_order(&mut self, order: &SortOrder) -> Result<(), Error> {
        order.check_id()?;
        let schema = self.current_schema()?;
        order.check_sources(&schema.index()?)?;
        if let Some(same) = self.table.sort_orders.iter().find(|there| there.is_same(order)) {
            self.sort_orders.note_known(same.id);
            return Ok(());
        }
        let ids = self.table.sort_orders.iter().map(|there| there.id);
        let id = if order.is_unsorted() {
            UNSORTED_ID
        } else {
            next_id(ids, FIRST_ORDER_ID, "sort order")?.max(FIRST_ORDER_ID)
        };
        self.table.sort_orders.push(SortOrder { id, ..order.clone() });
        self.sort_orders.note(id);
        self.is_changed = true;
        self.is_layout_changed = true;
        Ok(())
    }

    pub(super) fn set_default_sort_order(&mut self, id: i32) -> Result<(), Error> {
        let id = self.sort_orders.resolve(id, "sort order")?;
        if !self.table.sort_orders.iter().any(|order| order.id == id) {
            return Err(UpdateFault::Unknown { what: "default sort order", id }.into());
        }
        self.is_changed |= self.table.default_sort_order_id != id;
        self.is_layout_changed |= self.table.default_sort_order_id != id;
        self.table.default_sort_order_id = id;
        Ok(())
    }

    pub(super) fn remove_specs(&mut self, ids: &BTreeSet<i32>) -> Result<(), Error> {
        if ids.contains(&self.table.default_spec_id) {
            return Err(UpdateFault::DefaultSpec.into());
        }
        self.is_changed |= !ids.is_empty();
        self.table.specs.retain(|spec| !ids.contains(&spec.id));
        Ok(())
    }

    pub(super) fn remove_schemas(&mut self, ids: &BTreeSet<i32>) -> Result<(), Error> {
        if ids.contains(&self.table.current_schema_id) {
            return Err(UpdateFault::CurrentSchema.into());
        }
        self.is_changed |= !ids.is_empty();
        self.removed_schemas.extend(ids.iter().filter(|id| self.table.schema(**id).is_some()));
        self.table.schemas.retain(|schema| !ids.contains(&schema.id));
        Ok(())
    }

    /// Whether the default spec and order fit the current schema, once all updates are made.
    pub(super) fn check_layout(&self) -> Result<(), Error> {
        if !self.is_layout_changed {
            return Ok(());
        }
        let schema = self.current_schema()?;
        let index = schema.index()?;
        let id = self.table.default_spec_id;
        let unknown = UpdateFault::Unknown { what: "default partition spec", id };
        self.table.default_spec().ok_or(unknown)?.check_sources(&index)?;
        let id = self.table.default_sort_order_id;
        let unknown = UpdateFault::Unknown { what: "default sort order", id };
        let mut orders = self.table.sort_orders.iter();
        Ok(orders.find(|order| order.id == id).ok_or(unknown)?.check_sources(&index)?)
    }

    /// A schema that a snapshot was written with is needed to read it.
    pub(super) fn check_schemas_in_use(&self) -> Result<(), Error> {
        if self.removed_schemas.is_empty() {
            return Ok(());
        }
        for snapshot in self.slots.iter().flatten() {
            let facts = snapshot.facts();
            if let Some(id) = facts.schema_id.filter(|id| self.removed_schemas.contains(id)) {
                return Err(UpdateFault::SchemaInUse { id, snapshot_id: facts.id }.into());
            }
        }
        Ok(())
    }
}
