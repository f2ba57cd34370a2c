//! Calls on tables: create, load, list, drop, rename, register.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Response;
use http::header::ETAG;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use uuid::Uuid;

use super::answers;
use super::context::{Context, Payload};
use super::delegation::Wanted;
use super::entries::{self, Rename};
use super::error::Error;
use super::etag;
use super::forms::{self, Form, Snapshots};
use super::idempotency::{Answer, KeyHeader};
use super::location::{self, Place};
use super::metadata_files::is_settled;
use super::overlap;
use super::page::PageQuery;
use super::path::{InEntry, InNamespace, InWarehouse};
use super::purge;
use super::wire::no_content;
use crate::http::coding::Coding;
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

/// `GET /v1/{prefix}/namespaces/{namespace}/tables`.
pub(super) async fn list(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    entries::list(&context, EntryKind::Table, &warehouse, levels, &query).await
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
        entries::require_free(&context, &warehouse, EntryKind::Table, &name).await?;
        let metadata = new_metadata(&context, &warehouse, body)?;
        overlap::refuse(&context, &warehouse, metadata.location(), None).await?;
        if is_staged {
            return answers::of_staged(&context, wanted, (&warehouse, &name), &metadata);
        }
        let id = entries::entry_id(metadata.uuid());
        let written = context.tables.write(&warehouse, metadata, None).await?;
        let metadata_location = written.loaded.location.clone();
        let kept = once.keep(&Answer::table(&warehouse, &name, metadata_location.clone()));
        let create =
            EntryChange::Create { id, kind: EntryKind::Table, name: name.clone(), metadata_location };
        let loaded = context.tables.point(&context.store, &warehouse, written, (create, kept)).await?;
        tracing::info!(warehouse, table = %name, "table created");
        Ok(answers::of_table(&context, wanted, (&warehouse, &name), &loaded))
    })
    .await
}

fn new_metadata(context: &Context, warehouse: &str, body: CreateTable) -> Result<TableMetadata, Error> {
    let uuid = Uuid::new_v4();
    let location = location::choose(warehouse, uuid, body.location)?;
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
    let form = Form { snapshots, coding: Coding::negotiate(&headers) };
    let entry = entries::require(&context, &warehouse, EntryKind::Table, &name).await?;
    let tag = |form: Form| etag::of(&entry.metadata_location, form.as_str());
    let mut response = if etag::knows_any(&headers, &form.equals().map(tag)) {
        let mut response = no_content();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let loaded = context.tables.load(&entry.metadata_location).await?;
        let name = (warehouse.as_str(), &name);
        answers::of_table_in(&context, Wanted::of(&headers), name, &loaded, form).await?
    };
    response.headers_mut().insert(ETAG, etag::header(&tag(form)));
    forms::note_choice(response.headers_mut());
    Ok(response)
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}`.
pub(super) async fn exists(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
) -> Result<Response, Error> {
    entries::require(&context, &warehouse, EntryKind::Table, &name).await?;
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
        let note = if purges { purge::note(&context, &warehouse, &name).await } else { None };
        let dropped = context.store.change_entries(&warehouse, vec![remove], once.keep(&Answer::Empty)).await;
        if let Ok(removed) = &dropped {
            tracing::info!(warehouse, table = %name, purges, "table dropped");
            match removed.first() {
                Some(entry) if purges => purge::purge(&context, &warehouse, entry).await,
                Some(entry) => remember(&context, &warehouse, entry).await,
                None => {}
            }
        }
        // Where nobody knows whether the table is there, the note stays, and the next start looks.
        let is_known = dropped.as_ref().err().is_none_or(is_settled);
        if let Some(note) = note.filter(|_| is_known) {
            note.strike_out();
        }
        dropped?;
        Ok(no_content())
    })
    .await
}

/// Lets an engine whose requests are signed here remove the files of a dropped table.
async fn remember(context: &Context, warehouse: &str, entry: &Entry) {
    let Ok(loaded) = context.tables.load(&entry.metadata_location).await else { return };
    if let Ok(place) = Place::inside(warehouse, "location", loaded.metadata.location()) {
        context.dropped.add(warehouse, entry.name.clone(), place, context.clock.now_ms());
    }
}

/// `POST /v1/{prefix}/tables/rename`.
pub(super) async fn rename(
    State(context): State<Context>,
    InWarehouse { warehouse }: InWarehouse,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<Rename>,
) -> Result<Response, Error> {
    entries::rename(&context, EntryKind::Table, warehouse, &key.once(&context, &bytes), body).await
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
            Ok(Entry { kind: kind @ EntryKind::Table, name, .. }) => {
                return Err(state::Error::EntryExists { kind, name }.into());
            }
            Ok(Entry { kind, name, .. }) => return Err(Error::NameTaken { kind, name }),
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
