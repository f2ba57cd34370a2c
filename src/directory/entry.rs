//! Shares, schemas and tables, sorted and found without regard to case.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::state::name;
use crate::state::record::{Schema, Share, Table};

/// What lists are sorted by and pages continue after.
pub trait Positioned {
    /// Unique within one list; lists ascend by it.
    fn position(&self) -> &str;
}

/// A share with its schemas.
#[derive(Debug)]
pub struct ShareEntry {
    id: Uuid,
    name: Arc<str>,
    key: Box<str>,
    description: Option<Box<str>>,
    properties: BTreeMap<String, String>,
    schemas: Box<[SchemaEntry]>,
}

impl ShareEntry {
    pub(super) fn new(record: Share) -> Self {
        let name: Arc<str> = record.name.into();
        let mut schemas: Vec<SchemaEntry> =
            record.schemas.into_iter().map(|schema| SchemaEntry::new(record.id, &name, schema)).collect();
        schemas.sort_by(|a, b| a.key.cmp(&b.key));
        Self {
            id: record.id,
            key: name::fold(&name).into(),
            name,
            description: record.description.map(Into::into),
            properties: record.properties,
            schemas: schemas.into_boxed_slice(),
        }
    }

    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The name in its canonical spelling.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name under which it is looked up and sorted.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    pub fn properties(&self) -> &BTreeMap<String, String> {
        &self.properties
    }

    /// The schemas, sorted by name.
    pub fn schemas(&self) -> &[SchemaEntry] {
        &self.schemas
    }

    /// A schema by its name in any case.
    pub fn schema(&self, schema: &str) -> Option<&SchemaEntry> {
        let key = name::fold(schema);
        let index = self.schemas.binary_search_by(|entry| entry.key.as_ref().cmp(&key)).ok()?;
        self.schemas.get(index)
    }

    /// The tables of all schemas, sorted by schema and name.
    pub fn all_tables(&self) -> impl Iterator<Item = &TableEntry> {
        self.schemas.iter().flat_map(|schema| schema.tables.iter())
    }
}

impl Positioned for ShareEntry {
    fn position(&self) -> &str {
        &self.key
    }
}

/// A schema of a share with its tables.
#[derive(Debug)]
pub struct SchemaEntry {
    name: Arc<str>,
    key: Box<str>,
    share_name: Arc<str>,
    tables: Box<[TableEntry]>,
}

impl SchemaEntry {
    fn new(share_id: Uuid, share_name: &Arc<str>, record: Schema) -> Self {
        let name: Arc<str> = record.name.into();
        let key: Box<str> = name::fold(&name).into();
        let mut tables: Vec<TableEntry> = record
            .tables
            .into_iter()
            .map(|table| TableEntry {
                position: format!("{key}\0{}", name::fold(&table.name)).into(),
                record: table,
                share_id,
                share_name: Arc::clone(share_name),
                schema_name: Arc::clone(&name),
            })
            .collect();
        tables.sort_by(|a, b| a.position.cmp(&b.position));
        Self { name, key, share_name: Arc::clone(share_name), tables: tables.into_boxed_slice() }
    }

    /// The name in its canonical spelling.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The share's name in its canonical spelling.
    pub fn share_name(&self) -> &str {
        &self.share_name
    }

    /// The tables, sorted by name.
    pub fn tables(&self) -> &[TableEntry] {
        &self.tables
    }

    /// A table by its name in any case.
    pub fn table(&self, table: &str) -> Option<&TableEntry> {
        let key = name::fold(table);
        let index = self.tables.binary_search_by(|entry| entry.key().cmp(&key)).ok()?;
        self.tables.get(index)
    }
}

impl Positioned for SchemaEntry {
    fn position(&self) -> &str {
        &self.key
    }
}

/// A table under its shared name.
#[derive(Debug)]
pub struct TableEntry {
    record: Table,
    /// Folded schema, NUL, folded name: sorts tables across schemas, since no name holds a NUL.
    position: Box<str>,
    share_id: Uuid,
    share_name: Arc<str>,
    schema_name: Arc<str>,
}

impl TableEntry {
    pub fn record(&self) -> &Table {
        &self.record
    }

    /// The name in its canonical spelling.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// The schema's name in its canonical spelling.
    pub fn schema_name(&self) -> &str {
        &self.schema_name
    }

    pub fn share_id(&self) -> Uuid {
        self.share_id
    }

    /// The share's name in its canonical spelling.
    pub fn share_name(&self) -> &str {
        &self.share_name
    }

    fn key(&self) -> &str {
        self.position.split_once('\0').map_or("", |(_, key)| key)
    }
}

impl Positioned for TableEntry {
    fn position(&self) -> &str {
        &self.position
    }
}
