//! Calls on namespaces.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::context::{Context, Payload};
use super::error::Error;
use super::idempotency::{Answer, KeyHeader};
use super::page::PageQuery;
use super::path::{InNamespace, InWarehouse, levels_of};
use super::wire::{json, no_content};
use crate::state::catalog::{Namespace, NamespaceUpdate, join_levels};

/// The property that tells where tables of a namespace lie (REST specification, `CreateNamespaceRequest`).
const LOCATION: &str = "location";

#[derive(Deserialize)]
pub(super) struct CreateNamespace {
    namespace: Vec<String>,
    #[serde(default)]
    properties: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
pub(super) struct UpdateProperties {
    #[serde(default)]
    removals: Option<Vec<String>>,
    #[serde(default)]
    updates: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct NamespaceAnswer<'a> {
    namespace: &'a [String],
    properties: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct NamespacesAnswer {
    namespaces: Vec<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

#[derive(Serialize)]
struct PropertiesAnswer {
    updated: Vec<String>,
    removed: Vec<String>,
    missing: Vec<String>,
}

impl<'a> From<&'a Namespace> for NamespaceAnswer<'a> {
    fn from(namespace: &'a Namespace) -> Self {
        Self { namespace: &namespace.levels, properties: &namespace.properties }
    }
}

/// `GET /v1/{prefix}/namespaces`.
pub(super) async fn list(
    State(context): State<Context>,
    InWarehouse { warehouse }: InWarehouse,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    let parent = match query.parent.as_deref() {
        None | Some("") => Vec::new(),
        Some(text) => levels_of(text)?,
    };
    let mut gathering = query.asked()?.begin();
    while let Some(page) = gathering.wanted() {
        let found = context.store.list_namespaces(&warehouse, &parent, page).await?;
        gathering.add(found, |levels| join_levels(levels))?;
    }
    let (namespaces, next_page_token) = gathering.finish();
    Ok(json(StatusCode::OK, &NamespacesAnswer { namespaces, next_page_token }))
}

/// `POST /v1/{prefix}/namespaces`.
pub(super) async fn create(
    State(context): State<Context>,
    InWarehouse { warehouse }: InWarehouse,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<CreateNamespace>,
) -> Result<Response, Error> {
    let CreateNamespace { namespace, properties } = body;
    let properties = properties.unwrap_or_default();
    let answer = Answer::json(&NamespaceAnswer { namespace: &namespace, properties: &properties });
    let once = key.once(&context, &bytes);
    once.run(&context, async {
        let made =
            context.store.create_namespace(&warehouse, namespace, properties, once.keep(&answer)).await?;
        tracing::info!(warehouse, namespace = ?made.levels, "namespace created");
        Ok(json(StatusCode::OK, &NamespaceAnswer::from(&made)))
    })
    .await
}

/// `GET /v1/{prefix}/namespaces/{namespace}`.
pub(super) async fn get(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
) -> Result<Response, Error> {
    let mut namespace = context.store.get_namespace(&warehouse, &levels).await?;
    let place = || location_of(&warehouse, &levels);
    namespace.properties.entry(LOCATION.to_owned()).or_insert_with(place);
    Ok(json(StatusCode::OK, &NamespaceAnswer::from(&namespace)))
}

/// Where tables of a namespace may lie, for engines that choose their place themselves. Trino makes no table in a namespace
/// that tells none: it takes the place that the catalog chose for an occupied one.
fn location_of(warehouse: &str, levels: &[String]) -> String {
    let mut location = format!("s3://{warehouse}");
    for level in levels {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        location.push('/');
        location.extend(level.chars().map(|letter| if is_plain(letter) { letter } else { '_' }));
    }
    location
}

/// `HEAD /v1/{prefix}/namespaces/{namespace}`.
pub(super) async fn exists(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
) -> Result<Response, Error> {
    context.store.get_namespace(&warehouse, &levels).await?;
    Ok(no_content())
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}`.
pub(super) async fn remove(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    key: KeyHeader,
) -> Result<Response, Error> {
    let once = key.once(&context, &[]);
    once.run(&context, async {
        context.store.remove_namespace(&warehouse, &levels, once.keep(&Answer::Empty)).await?;
        tracing::info!(warehouse, namespace = ?levels, "namespace removed");
        Ok(no_content())
    })
    .await
}

/// `POST /v1/{prefix}/namespaces/{namespace}/properties`.
pub(super) async fn update(
    State(context): State<Context>,
    InNamespace { warehouse, levels }: InNamespace,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<UpdateProperties>,
) -> Result<Response, Error> {
    let removals: BTreeSet<String> = body.removals.unwrap_or_default().into_iter().collect();
    let updates = body.updates.unwrap_or_default();
    if let Some(both) = removals.iter().find(|name| updates.contains_key(*name)) {
        return Err(Error::Unprocessable {
            reason: format!("property {both:?} is to be set and to be removed"),
        });
    }
    let once = key.once(&context, &bytes);
    once.run(&context, async {
        // For the kept answer; what is missing may differ by a change in between, which a repeated answer may show.
        let now = context.store.get_namespace(&warehouse, &levels).await?;
        let (removed, missing): (Vec<_>, Vec<_>) =
            removals.iter().cloned().partition(|name| now.properties.contains_key(name));
        let answer =
            Answer::json(&PropertiesAnswer { updated: updates.keys().cloned().collect(), removed, missing });
        let update = NamespaceUpdate { removals, updates };
        let done = context.store.update_namespace(&warehouse, &levels, update, once.keep(&answer)).await?;
        let (updated, removed, missing) = (done.updated, done.removed, done.missing);
        Ok(json(StatusCode::OK, &PropertiesAnswer { updated, removed, missing }))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::location_of;

    #[test]
    fn a_namespace_has_a_place_whatever_its_name() {
        let place = |levels: &[&str]| {
            location_of("lake", &levels.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(place(&["sales", "eu-west"]), "s3://lake/sales/eu-west");
        assert_eq!(place(&["..", "a b/ü"]), "s3://lake/__/a_b__");
    }
}
