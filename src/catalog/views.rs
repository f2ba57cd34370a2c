//! Calls on views.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::answers;
use super::context::{Context, Payload};
use super::entries::{self, Identifier, Rename};
use super::error::Error;
use super::idempotency::{Answer, KeyHeader};
use super::location::{self, Place};
use super::metadata_files::Loaded;
use super::page::PageQuery;
use super::path::{InEntry, InNamespace, InWarehouse};
use super::wire::no_content;
use crate::iceberg::schema::Schema;
use crate::iceberg::view::ViewMetadata;
use crate::iceberg::view_update::{NewView, ViewRequirement, ViewUpdate};
use crate::iceberg::view_version::ViewVersion;
use crate::limits;
use crate::state;
use crate::state::catalog::{EntryChange, EntryKind, EntryName};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct CreateView {
    name: String,
    #[serde(default)]
    location: Option<String>,
    schema: Schema,
    view_version: ViewVersion,
    #[serde(default)]
    properties: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
pub(super) struct CommitView {
    #[serde(default)]
    identifier: Option<Identifier>,
    #[serde(default)]
    requirements: Vec<ViewRequirement>,
    updates: Vec<ViewUpdate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RegisterView {
    name: String,
    metadata_location: String,
}

/// `GET /v1/{prefix}/namespaces/{namespace}/views`.
pub(super) async fn list(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    entries::list(&context, EntryKind::View, &warehouse, levels, &query).await
}

/// `POST /v1/{prefix}/namespaces/{namespace}/views`.
pub(super) async fn create(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<CreateView>,
) -> Result<Response, Error> {
    let name = EntryName { namespace: levels, name: body.name.clone() };
    let once = key.once(&context, &bytes);
    once.run(&context, async {
        entries::require_free(&context, &warehouse, EntryKind::View, &name).await?;
        let metadata = new_metadata(&context, &warehouse, body)?;
        let id = entries::entry_id(Some(metadata.uuid()));
        let written = context.views.write(&warehouse, metadata, None).await?;
        let metadata_location = written.loaded.location.clone();
        let kept = once.keep(&Answer::view(&warehouse, &name, metadata_location.clone()));
        let create = EntryChange::Create { id, kind: EntryKind::View, name: name.clone(), metadata_location };
        let loaded = context.views.point(&context.store, &warehouse, written, (create, kept)).await?;
        tracing::info!(warehouse, view = %name, "view created");
        Ok(answers::of_view(&loaded))
    })
    .await
}

fn new_metadata(context: &Context, warehouse: &str, body: CreateView) -> Result<ViewMetadata, Error> {
    let uuid = Uuid::new_v4();
    let location = location::choose(warehouse, uuid, body.location)?;
    let view = NewView {
        uuid,
        location,
        schema: body.schema,
        version: body.view_version,
        properties: body.properties.unwrap_or_default(),
    };
    view.build(context.clock.now_ms()).map_err(Error::Change)
}

/// `GET /v1/{prefix}/namespaces/{namespace}/views/{view}`.
pub(super) async fn load(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
) -> Result<Response, Error> {
    let entry = entries::require(&context, &warehouse, EntryKind::View, &name).await?;
    Ok(answers::of_view(context.views.load(&entry.metadata_location).await?.as_ref()))
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}`.
pub(super) async fn exists(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
) -> Result<Response, Error> {
    entries::require(&context, &warehouse, EntryKind::View, &name).await?;
    Ok(no_content())
}

/// `POST /v1/{prefix}/namespaces/{namespace}/views/{view}`.
pub(super) async fn commit(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<CommitView>,
) -> Result<Response, Error> {
    if body.identifier.as_ref().is_some_and(|identifier| EntryName::from(identifier.clone()) != name) {
        return Err(Error::field("identifier", "it names another view than the path"));
    }
    let once = key.once(&context, &bytes);
    once.run(&context, async {
        let _guard = context.locks.lock(&warehouse, [&name]).await;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (previous, changed) = change(&context, &warehouse, &name, &body).await?;
            let Some(metadata) = changed else { return Ok(answers::of_view(&previous)) };
            let written = context.views.write(&warehouse, metadata, Some(&previous.location)).await?;
            let metadata_location = written.loaded.location.clone();
            let kept = once.keep(&Answer::view(&warehouse, &name, metadata_location.clone()));
            let expected = previous.location.clone();
            let swap =
                EntryChange::Swap { kind: EntryKind::View, name: name.clone(), expected, metadata_location };
            match context.views.point(&context.store, &warehouse, written, (swap, kept)).await {
                Err(Error::State(state::Error::EntryChanged { .. }))
                    if attempts < limits::catalog::COMMIT_ATTEMPTS_MAX => {}
                done => return Ok(answers::of_view(done?.as_ref())),
            }
        }
    })
    .await
}

/// The view as it is, and as the commit makes it; `None`: the updates say what is true already.
async fn change(
    context: &Context,
    warehouse: &str,
    name: &EntryName,
    body: &CommitView,
) -> Result<(Arc<Loaded<ViewMetadata>>, Option<ViewMetadata>), Error> {
    for update in &body.updates {
        if let ViewUpdate::SetLocation { location } = update {
            Place::inside(warehouse, "location", location)?;
        }
    }
    let entry = entries::require(context, warehouse, EntryKind::View, name).await?;
    let loaded = context.views.load(&entry.metadata_location).await?;
    for requirement in &body.requirements {
        requirement.check(Some(&loaded.metadata)).map_err(Error::Change)?;
    }
    let changed = loaded.metadata.apply(&body.updates, context.clock.now_ms()).map_err(Error::Change)?;
    Ok((loaded, changed))
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}`.
pub(super) async fn remove(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
    key: KeyHeader,
) -> Result<Response, Error> {
    let once = key.once(&context, &[]);
    once.run(&context, async {
        let remove = EntryChange::Remove { kind: EntryKind::View, name: name.clone() };
        context.store.change_entries(&warehouse, vec![remove], once.keep(&Answer::Empty)).await?;
        tracing::info!(warehouse, view = %name, "view dropped");
        Ok(no_content())
    })
    .await
}

/// `POST /v1/{prefix}/views/rename`.
pub(super) async fn rename(
    State(context): State<Context>,
    InWarehouse { warehouse }: InWarehouse,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<Rename>,
) -> Result<Response, Error> {
    entries::rename(&context, EntryKind::View, warehouse, &key.once(&context, &bytes), body).await
}

/// `POST /v1/{prefix}/namespaces/{namespace}/register-view`.
pub(super) async fn register(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<RegisterView>,
) -> Result<Response, Error> {
    let name = EntryName { namespace: levels, name: body.name };
    let once = key.once(&context, &bytes);
    once.run(&context, async {
        Place::inside(&warehouse, "metadata-location", &body.metadata_location)?;
        entries::require_free(&context, &warehouse, EntryKind::View, &name).await?;
        let loaded = context.views.load(&body.metadata_location).await?;
        let id = Uuid::new_v4();
        let metadata_location = body.metadata_location;
        let kept = once.keep(&Answer::view(&warehouse, &name, metadata_location.clone()));
        let create = EntryChange::Create { id, kind: EntryKind::View, name, metadata_location };
        context.store.change_entries(&warehouse, vec![create], kept).await?;
        Ok(answers::of_view(&loaded))
    })
    .await
}
