//! Iceberg tables with rows, written as an engine writes them.

use std::path::Path;

use lakeshare::sample::iceberg_snapshot::{EmptyTable, first_snapshot, schema_of};
use lakeshare::sample::rows::{Column, Rows, Values};
use serde_json::{Value, json};

use super::admin::now_ms;
use super::catalog::Catalog;
use super::server::Server;

/// A table `lake`.`sales`.`NAME` of one column `id`; each snapshot has one file.
pub(crate) struct IcebergTable {
    pub(crate) catalog: Catalog,
    pub(crate) name: String,
    data_dir: std::path::PathBuf,
}

impl IcebergTable {
    /// Makes the table without rows; warehouse and namespace are there already.
    pub(crate) async fn create(server: &Server, catalog: &Catalog, name: &str) -> Self {
        Self::create_of(server, catalog, name, "long").await
    }

    /// The same with another type of the column: `int`.
    pub(crate) async fn create_of(server: &Server, catalog: &Catalog, name: &str, of: &str) -> Self {
        let body = json!({"name": name, "schema": schema_of(&ids(&[], of))});
        catalog.post("/lake/namespaces/sales/tables", &body).await.ok();
        Self { catalog: catalog.clone(), name: name.to_owned(), data_dir: server.dir().to_owned() }
    }

    pub(crate) async fn metadata(&self) -> Value {
        let table = self.catalog.get(&self.path()).await.ok();
        table["metadata"].clone()
    }

    /// Where the metadata file lies now.
    pub(crate) async fn metadata_location(&self) -> String {
        let table = self.catalog.get(&self.path()).await.ok();
        table["metadata-location"].as_str().unwrap().to_owned()
    }

    fn path(&self) -> String {
        format!("/lake/namespaces/sales/tables/{}", self.name)
    }

    /// A snapshot of these rows alone becomes the current one; gives back its id.
    pub(crate) async fn write(&self, rows: &[i64]) -> i64 {
        self.write_as("overwrite", rows).await
    }

    /// The same by a writer that says to have done `operation`.
    pub(crate) async fn write_as(&self, operation: &str, rows: &[i64]) -> i64 {
        let metadata = self.metadata().await;
        let mut snapshot = self.snapshot(&metadata, metadata["location"].as_str().unwrap(), rows);
        snapshot["summary"]["operation"] = json!(operation);
        if let Some(parent) = metadata["current-snapshot-id"].as_i64().filter(|id| *id > 0) {
            snapshot["parent-snapshot-id"] = json!(parent);
        }
        let id = snapshot["snapshot-id"].as_i64().unwrap();
        self.commit(&json!([{"action": "add-snapshot", "snapshot": snapshot}, main_is(id)])).await;
        id
    }

    /// Adds a snapshot of these rows whose files lie below `location`, and which no branch leads to; gives back its id.
    pub(crate) async fn stage(&self, location: &str, rows: &[i64]) -> i64 {
        let snapshot = self.snapshot(&self.metadata().await, location, rows);
        self.commit(&json!([{"action": "add-snapshot", "snapshot": snapshot}])).await;
        snapshot["snapshot-id"].as_i64().unwrap()
    }

    /// The next snapshot of a table with that metadata; its files are written.
    fn snapshot(&self, metadata: &Value, location: &str, rows: &[i64]) -> Value {
        let number = metadata["last-sequence-number"].as_i64().unwrap() + 1;
        let schema = current_schema(metadata);
        let table = EmptyTable { location, schema, snapshot_id: number + 100, now_ms: now_ms() };
        let rows = ids(rows, schema["fields"][0]["type"].as_str().unwrap());
        let mut made = first_snapshot(table, &rows).unwrap();
        for (location, bytes) in &made.files {
            put(&self.data_dir, location, bytes);
        }
        made.snapshot["sequence-number"] = json!(number);
        made.snapshot
    }

    /// The current snapshot is an older one.
    pub(crate) async fn roll_back(&self, id: i64) {
        self.commit(&json!([main_is(id)])).await;
    }

    pub(crate) async fn commit(&self, updates: &Value) {
        self.catalog.post(&self.path(), &json!({"requirements": [], "updates": updates})).await.ok();
    }
}

fn current_schema(metadata: &Value) -> &Value {
    let mut schemas = metadata["schemas"].as_array().unwrap().iter();
    schemas.find(|schema| schema["schema-id"] == metadata["current-schema-id"]).unwrap()
}

fn main_is(id: i64) -> Value {
    json!({"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": id})
}

fn ids(rows: &[i64], of: &str) -> Rows {
    let narrow = || rows.iter().map(|row| i32::try_from(*row).unwrap()).collect();
    let values = if of == "int" { Values::Integer(narrow()) } else { Values::Long(rows.to_vec()) };
    Rows { columns: vec![Column { name: "id", values }] }
}

/// Puts an object where a location says.
fn put(data_dir: &Path, location: &str, bytes: &[u8]) {
    let path = location.strip_prefix("s3://").unwrap().replace("//", "/.lakeshare-empty/");
    let path = data_dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
