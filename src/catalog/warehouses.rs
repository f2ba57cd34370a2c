//! Calls that make, show and remove warehouses.

use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::context::{Context, Payload};
use super::error::Error;
use super::metadata_files::is_settled;
use super::path::InWarehouse;
use super::wire::{json, no_content};
use crate::clock;
use crate::state::catalog::Warehouse;
use crate::storage::pending::PendingFile;

/// Names that stand where the name of a warehouse stands in a path.
const RESERVED: [&str; 3] = ["config", "oauth", "warehouses"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CreateWarehouse {
    name: String,
    /// Taken for the sake of clients that send it: a bucket that is there becomes a warehouse in any case.
    #[serde(default, rename = "upgrade-existing")]
    _upgrade_existing: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RemoveQuery {
    /// Whether the bucket and its objects stay; they do unless the caller says no.
    #[serde(default = "yes")]
    preserve_bucket: bool,
}

fn yes() -> bool {
    true
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct WarehouseView<'a> {
    name: &'a str,
    bucket: &'a str,
    uuid: Uuid,
    created_at: String,
}

#[derive(Serialize)]
struct WarehousesAnswer<'a> {
    warehouses: Vec<WarehouseView<'a>>,
}

impl<'a> From<&'a Warehouse> for WarehouseView<'a> {
    fn from(warehouse: &'a Warehouse) -> Self {
        Self {
            name: &warehouse.name,
            bucket: &warehouse.name,
            uuid: warehouse.id,
            created_at: clock::rfc3339(warehouse.created_ms),
        }
    }
}

/// `POST /v1/warehouses`. The bucket comes first: a warehouse without one could hold no table.
pub(super) async fn create(
    State(context): State<Context>,
    Payload { value: body, .. }: Payload<CreateWarehouse>,
) -> Result<Response, Error> {
    if RESERVED.contains(&body.name.as_str()) {
        return Err(Error::field("name", format!("{:?} is a word of the API; take another", body.name)));
    }
    context.buckets.make_bucket(&body.name).await?;
    let warehouse = context.store.create_warehouse(&body.name).await?;
    tracing::info!(warehouse = warehouse.name, "warehouse created");
    Ok(json(StatusCode::OK, &WarehouseView::from(&warehouse)))
}

/// `GET /v1/warehouses`.
pub(super) async fn list(State(context): State<Context>) -> Result<Response, Error> {
    let warehouses = context.store.list_warehouses().await?;
    let answer = WarehousesAnswer { warehouses: warehouses.iter().map(WarehouseView::from).collect() };
    Ok(json(StatusCode::OK, &answer))
}

/// `GET /v1/warehouses/{name}`.
pub(super) async fn get(
    State(context): State<Context>,
    InWarehouse { warehouse }: InWarehouse,
) -> Result<Response, Error> {
    Ok(json(StatusCode::OK, &WarehouseView::from(&context.store.get_warehouse(&warehouse).await?)))
}

/// `DELETE /v1/warehouses/{name}`; a warehouse with namespaces is refused.
pub(super) async fn remove(
    State(context): State<Context>,
    InWarehouse { warehouse }: InWarehouse,
    Query(query): Query<RemoveQuery>,
) -> Result<Response, Error> {
    if query.preserve_bucket {
        context.store.remove_warehouse(&warehouse).await?;
    } else {
        remove_with_bucket(&context, &warehouse).await?;
    }
    tracing::info!(warehouse, keeps_bucket = query.preserve_bucket, "warehouse removed");
    Ok(no_content())
}

/// A table could be made in a warehouse as long as it is there, so it goes first; where the server dies, the next one goes
/// on with the bucket.
async fn remove_with_bucket(context: &Context, warehouse: &str) -> Result<(), Error> {
    let bucket = PendingFile { bucket: warehouse.to_owned(), key: String::new() };
    let note = context.removals.note(&[bucket])?;
    match context.store.remove_warehouse(warehouse).await {
        Ok(()) => {}
        // Nobody knows whether the warehouse is there: the next start looks.
        Err(error) if !is_settled(&error) => return Err(error.into()),
        Err(error) => {
            note.strike_out();
            return Err(error.into());
        }
    }
    let removed = context.buckets.remove_bucket(warehouse).await;
    // Also where that failed: who is told so may use the bucket from now on.
    note.strike_out();
    Ok(removed?)
}
