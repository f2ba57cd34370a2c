//! Calls on tables: create, load, list, drop, rename, register.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Response;
use http::header::ETAG;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answers::{self, Snapshots};
use super::context::{Context, Payload};
use super::delegation::Wanted;
use super::error::Error;
use super::etag;
use super::idempotency::{Answer, KeyHeader};
use super::location::{self, Place};
use super::page::PageQuery;
use super::path::{InEntry, InNamespace, InWarehouse};
use super::wire::{json, no_content};
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::new_table::NewTable;
use crate::iceberg::partition_spec::UnboundPartitionSpec;
use crate::iceberg::schema::Schema;
use crate::iceberg::sort_order::SortOrder;
use crate::state;
use crate::state::catalog::{Entry, EntryChange, EntryKind, EntryName};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct CreateTable {
    name: String,
    #[serde(default)]
    location: Option<String>,
    schema: Schema,
    #[serde(default)]
    partition_spec: Option<UnboundPartitionSpec>,
    #[serde(default)]
    write_order: Option<SortOrder>,
    #[serde(default)]
    stage_create: Option<bool>,
    #[serde(default)]
    properties: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RegisterTable {
    name: String,
    metadata_location: String,
    #[serde(default)]
    overwrite: bool,
}

#[derive(Deserialize)]
pub(super) struct LoadQuery {
    #[serde(default)]
    snapshots: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct DropQuery {
    #[serde(default, rename = "purgeRequested")]
    purge_requested: Option<String>,
}

/// A name as bodies spell it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Identifier {
    namespace: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
pub(super) struct Rename {
    source: Identifier,
    destination: Identifier,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct IdentifiersAnswer {
    identifiers: Vec<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

impl From<Identifier> for EntryName {
    fn from(identifier: Identifier) -> Self {
        Self { namespace: identifier.namespace, name: identifier.name }
    }
}

/// `GET /v1/{prefix}/namespaces/{namespace}/tables`.
pub(super) async fn list(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    list_kind(&context, EntryKind::Table, &warehouse, levels, &query).await
}

/// The names of one kind in a namespace.
pub(super) async fn list_kind(
    context: &Context,
    kind: EntryKind,
    warehouse: &str,
    levels: Vec<String>,
    query: &PageQuery,
) -> Result<Response, Error> {
    let mut gathering = query.asked()?.begin();
    while let Some(page) = gathering.wanted() {
        let found = context.store.list_entries(warehouse, &levels, kind, page).await?;
        gathering.add(found, Clone::clone)?;
    }
    let (names, next_page_token) = gathering.finish();
    let identifiers = names.into_iter().map(|name| Identifier { namespace: levels.clone(), name }).collect();
    Ok(json(StatusCode::OK, &IdentifiersAnswer { identifiers, next_page_token }))
}

/// `POST /v1/{prefix}/namespaces/{namespace}/tables`.
pub(super) async fn create(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    headers: HeaderMap,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<CreateTable>,
) -> Result<Response, Error> {
    let wanted = Wanted::of(&headers);
    let is_staged = body.stage_create.unwrap_or(false);
    let name = EntryName { namespace: levels, name: body.name.clone() };
    let once = key.once(&context, &bytes);
    once.run(&context, async {
        require_free(&context, &warehouse, EntryKind::Table, &name).await?;
        let metadata = new_metadata(&context, &warehouse, body)?;
        if is_staged {
            return answers::of_staged(&context, wanted, (&warehouse, &name), &metadata);
        }
        let id = entry_id(metadata.uuid());
        let written = context.tables.write(&warehouse, metadata, None).await?;
        let metadata_location = written.loaded.location.clone();
        let kept = once.keep(&Answer::table(&warehouse, &name, metadata_location.clone()));
        let create =
            EntryChange::Create { id, kind: EntryKind::Table, name: name.clone(), metadata_location };
        match context.store.change_entries(&warehouse, vec![create], kept).await {
            Ok(_) => {
                let loaded = context.tables.won(written);
                tracing::info!(warehouse, table = %name, "table created");
                Ok(answers::of_table(&context, wanted, (&warehouse, &name), &loaded))
            }
            Err(error) => Err(context.tables.settle(written, error).await),
        }
    })
    .await
}

/// Nothing stands under the name, and its namespace is there: known before a file is written.
pub(super) async fn require_free(
    context: &Context,
    warehouse: &str,
    wanted: EntryKind,
    name: &EntryName,
) -> Result<(), Error> {
    match context.store.get_entry(warehouse, name).await {
        Ok(Entry { kind, name, .. }) if kind == wanted => {
            Err(state::Error::EntryExists { kind, name }.into())
        }
        Ok(Entry { kind, name, .. }) => Err(Error::NameTaken { kind, name }),
        Err(state::Error::EntryNotFound { .. }) => {
            context.store.get_namespace(warehouse, &name.namespace).await?;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// What the state store knows a table or view by: its own UUID; the oldest tables have none.
pub(super) fn entry_id(uuid: Option<&str>) -> Uuid {
    uuid.and_then(|text| Uuid::parse_str(text).ok()).unwrap_or_else(Uuid::new_v4)
}

fn new_metadata(context: &Context, warehouse: &str, body: CreateTable) -> Result<TableMetadata, Error> {
    let uuid = Uuid::new_v4();
    let location = match body.location {
        Some(location) => {
            Place::inside(warehouse, "location", &location)?;
            location.trim_end_matches('/').to_owned()
        }
        None => format!("s3://{warehouse}/{uuid}"),
    };
    let properties = body.properties.unwrap_or_default();
    location::check_properties(warehouse, &properties)?;
    let table = NewTable {
        uuid,
        location,
        schema: body.schema,
        partition_spec: body.partition_spec,
        sort_order: body.write_order,
        properties,
    };
    table.build(context.clock.now_ms()).map_err(Error::Change)
}

/// `GET /v1/{prefix}/namespaces/{namespace}/tables/{table}`.
pub(super) async fn load(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
    Query(query): Query<LoadQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let snapshots = Snapshots::of(query.snapshots.as_deref())?;
    let entry = require(&context, &warehouse, &name).await?;
    let tag = etag::of(&entry.metadata_location, snapshots.as_str());
    if etag::is_known(&headers, &tag) {
        let mut response = no_content();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(ETAG, etag::header(&tag));
        return Ok(response);
    }
    let loaded = context.tables.load(&entry.metadata_location).await?;
    let name = (warehouse.as_str(), &name);
    Ok(answers::of_table_with(&context, Wanted::of(&headers), name, &loaded, snapshots))
}

/// The entry of a table; a view of that name is no table.
pub(super) async fn require(context: &Context, warehouse: &str, name: &EntryName) -> Result<Entry, Error> {
    let missing = |name| state::Error::EntryNotFound { kind: Some(EntryKind::Table), name };
    match context.store.get_entry(warehouse, name).await {
        Ok(entry) if entry.kind == EntryKind::Table => Ok(entry),
        Ok(Entry { name, .. }) | Err(state::Error::EntryNotFound { name, .. }) => Err(missing(name).into()),
        Err(error) => Err(error.into()),
    }
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}`.
pub(super) async fn exists(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
) -> Result<Response, Error> {
    require(&context, &warehouse, &name).await?;
    Ok(no_content())
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}`; files stay unless `purgeRequested=true`.
pub(super) async fn remove(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
    Query(query): Query<DropQuery>,
    key: KeyHeader,
) -> Result<Response, Error> {
    let purges = query.purge_requested.is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let once = key.once(&context, &[]);
    once.run(&context, async {
        let remove = EntryChange::Remove { kind: EntryKind::Table, name: name.clone() };
        let removed =
            context.store.change_entries(&warehouse, vec![remove], once.keep(&Answer::Empty)).await?;
        tracing::info!(warehouse, table = %name, purges, "table dropped");
        if let (true, Some(entry)) = (purges, removed.first()) {
            super::purge::purge(&context, &warehouse, entry).await;
        }
        Ok(no_content())
    })
    .await
}

/// `POST /v1/{prefix}/tables/rename`.
pub(super) async fn rename(
    State(context): State<Context>,
    InWarehouse { warehouse }: InWarehouse,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<Rename>,
) -> Result<Response, Error> {
    rename_kind(&context, EntryKind::Table, warehouse, &key.once(&context, &bytes), body).await
}

pub(super) async fn rename_kind(
    context: &Context,
    kind: EntryKind,
    warehouse: String,
    once: &super::idempotency::Once,
    Rename { source, destination }: Rename,
) -> Result<Response, Error> {
    once.run(context, async {
        let (from, to) = (EntryName::from(source), EntryName::from(destination));
        tracing::info!(warehouse, kind = kind.as_str(), %from, %to, "to be renamed");
        let rename = EntryChange::Rename { kind, from: from.clone(), to: to.clone() };
        match context.store.change_entries(&warehouse, vec![rename], once.keep(&Answer::Empty)).await {
            Ok(_) => Ok(no_content()),
            Err(state::Error::EntryExists { kind, .. }) => Err(Error::RenameTaken { kind, from, to }),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// `POST /v1/{prefix}/namespaces/{namespace}/register`.
pub(super) async fn register(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    headers: HeaderMap,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<RegisterTable>,
) -> Result<Response, Error> {
    let wanted = Wanted::of(&headers);
    let name = EntryName { namespace: levels, name: body.name };
    let once = key.once(&context, &bytes);
    once.run(&context, async {
        Place::inside(&warehouse, "metadata-location", &body.metadata_location)?;
        let loaded = context.tables.load(&body.metadata_location).await?;
        Place::inside(&warehouse, "location", loaded.metadata.location())?;
        let metadata_location = body.metadata_location.clone();
        let change = match context.store.get_entry(&warehouse, &name).await {
            Ok(entry) if body.overwrite && entry.kind == EntryKind::Table => EntryChange::Swap {
                kind: EntryKind::Table,
                name: name.clone(),
                expected: entry.metadata_location,
                metadata_location,
            },
            Ok(Entry { kind, name, .. }) => return Err(state::Error::EntryExists { kind, name }.into()),
            Err(state::Error::EntryNotFound { .. }) => {
                // The same table may stand under two names.
                let id = Uuid::new_v4();
                EntryChange::Create { id, kind: EntryKind::Table, name: name.clone(), metadata_location }
            }
            Err(error) => return Err(error.into()),
        };
        let kept = once.keep(&Answer::table(&warehouse, &name, body.metadata_location.clone()));
        context.store.change_entries(&warehouse, vec![change], kept).await?;
        tracing::info!(warehouse, table = %name, "table registered");
        Ok(answers::of_table(&context, wanted, (&warehouse, &name), &loaded))
    })
    .await
}
