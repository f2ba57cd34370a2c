//! `customer` as an Iceberg table, written through catalog and store.

use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::catalog::address::{Namespace, Table, Warehouse};
use super::catalog::client::{Catalog, is_there};
use super::catalog::wire::NewTable;
use super::fault::Fault;
use super::s3::{Place, Store};
use crate::sample::iceberg_snapshot::{EmptyTable, first_snapshot, schema_of};
use crate::sample::rows::Rows;

/// The warehouse, which is a bucket beside that of the Delta tables.
pub(crate) const WAREHOUSE: &str = "testice";
/// The table in it.
pub(crate) const TABLE: &str = "customer";

/// Makes what is missing of warehouse, namespace, table and rows; a table that holds rows stays as it is.
///
/// An engine does the same: it makes the table, puts data and manifests where the catalog says, and commits.
pub(crate) async fn make_table(
    catalog: &Catalog,
    store: &Store,
    namespace: &str,
    rows: impl FnOnce() -> Rows,
) -> Result<(), Fault> {
    let warehouse = Warehouse { alias: catalog.peer.name.clone(), name: WAREHOUSE.to_owned() };
    let namespace = Namespace { warehouse, levels: vec![namespace.to_owned()] };
    let table = Table { namespace, name: TABLE.to_owned() };
    if has_rows(catalog, &table).await? {
        return Ok(());
    }
    let rows = rows();
    there_or(catalog.create_warehouse(WAREHOUSE, true).await)?;
    there_or(catalog.create_namespace(&table.namespace, std::iter::empty().collect()).await)?;
    let new = NewTable {
        name: TABLE.to_owned(),
        location: None,
        schema: schema_of(&rows),
        partition_spec: None,
        properties: [("comment".to_owned(), "TPC-H customer".to_owned())].into(),
    };
    there_or(catalog.create_table(&table.namespace, &new).await)?;
    let loaded = catalog.load_table(&table, false).await?;
    write(catalog, store, &table, &loaded.metadata, &rows).await
}

/// What exists already is as good.
fn there_or<T>(made: Result<T, Fault>) -> Result<(), Fault> {
    match made {
        Err(fault) if !is_there(&fault) => Err(fault),
        _ => Ok(()),
    }
}

async fn has_rows(catalog: &Catalog, table: &Table) -> Result<bool, Fault> {
    match catalog.load_table(table, false).await {
        Ok(loaded) => Ok(current_snapshot(&loaded.metadata).is_some()),
        Err(fault) if fault.code.as_deref().is_some_and(|code| code.starts_with("NoSuch")) => Ok(false),
        Err(fault) => Err(fault),
    }
}

fn current_snapshot(metadata: &Value) -> Option<i64> {
    metadata.get("current-snapshot-id").and_then(Value::as_i64).filter(|id| *id >= 0)
}

/// Puts the files where the table lies, then commits the snapshot that names them.
async fn write(
    catalog: &Catalog,
    store: &Store,
    table: &Table,
    metadata: &Value,
    rows: &Rows,
) -> Result<(), Fault> {
    let what = format!("cannot write the table '{}'", table.dotted());
    let schemas = metadata.get("schemas").and_then(Value::as_array);
    let location = metadata.get("location").and_then(Value::as_str);
    let (Some(schema), Some(location)) = (schemas.and_then(|schemas| schemas.first()), location) else {
        return Err(catalog.peer.stranger(&what, "a table without schema or location"));
    };
    let (bits, _) = Uuid::new_v4().as_u64_pair();
    let empty = EmptyTable {
        location,
        schema,
        snapshot_id: (bits >> 1).cast_signed(),
        now_ms: catalog.peer.clock.now_ms(),
    };
    let made = first_snapshot(empty, rows).map_err(|error| Fault::refused(&what, error.to_string()))?;
    for (path, bytes) in made.files {
        let Some((bucket, key)) = path.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) else {
            return Err(catalog.peer.stranger(&what, "a location that is none"));
        };
        let size = bytes.len() as u64;
        let put = store.put(Place { bucket, key }, size, Bytes::from(bytes).into()).await;
        put.map_err(|error| error.into_fault(&what, &store.peer))?;
    }
    let commit = json!({
        "requirements": [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": null}],
        "updates": [
            {"action": "add-snapshot", "snapshot": made.snapshot},
            {
                "action": "set-snapshot-ref",
                "ref-name": "main",
                "type": "branch",
                "snapshot-id": empty.snapshot_id,
            },
        ],
    });
    catalog.commit_table(table, &commit).await
}
