//! What a client is told first: prefix, ways to objects, calls.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::delegation;
use super::error::Error;
use super::wire::json;
use crate::state;

#[derive(Deserialize)]
pub(super) struct ConfigQuery {
    #[serde(default)]
    warehouse: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ConfigAnswer<'a> {
    defaults: BTreeMap<&'static str, String>,
    overrides: BTreeMap<&'static str, String>,
    endpoints: &'a [String],
    idempotency_key_lifetime: &'static str,
}

/// `GET /v1/config`.
pub(super) async fn config(
    State(context): State<Context>,
    Query(query): Query<ConfigQuery>,
) -> Result<Response, Error> {
    let warehouse = match query.warehouse.as_deref().map(name_of) {
        Some(name) if !name.is_empty() => context.store.get_warehouse(name).await?.name,
        Some(_) | None => only_warehouse(&context).await?,
    };
    let mut defaults = delegation::access_properties(&context);
    // An engine that asks for credentials needs none of its own; one that has some may say otherwise.
    defaults.insert("header.X-Iceberg-Access-Delegation", "vended-credentials".into());
    let answer = ConfigAnswer {
        defaults,
        overrides: BTreeMap::from([("prefix", warehouse)]),
        endpoints: &context.endpoints,
        idempotency_key_lifetime: "PT30M",
    };
    Ok(json(StatusCode::OK, &answer))
}

/// A warehouse as clients spell it: its name, its bucket's URL, or an ARN of S3 Tables.
fn name_of(text: &str) -> &str {
    let text = text.strip_prefix("s3://").map_or(text, |rest| rest.trim_end_matches('/'));
    text.rsplit_once(":bucket/").map_or(text, |(_, name)| name)
}

async fn only_warehouse(context: &Context) -> Result<String, Error> {
    let mut warehouses = context.store.list_warehouses().await?;
    match (warehouses.pop(), warehouses.is_empty()) {
        (Some(only), true) => Ok(only.name),
        (Some(_), false) => {
            Err(Error::field("warehouse", "there are several; name one: /_iceberg/v1/config?warehouse=NAME"))
        }
        (None, _) => Err(state::Error::WarehouseNotFound { name: String::new() }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_warehouse_may_be_named_by_url_or_arn() {
        for text in ["lake", "s3://lake", "s3://lake/", "arn:aws:s3tables:us-east-1:1:bucket/lake"] {
            assert_eq!(name_of(text), "lake", "{text}");
        }
    }
}
