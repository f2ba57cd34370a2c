//! Names of tables and views, which share one set of them.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::context::Context;
use super::error::Error;
use super::idempotency::{Answer, Once};
use super::page::PageQuery;
use super::wire::{json, no_content};
use crate::state;
use crate::state::catalog::{Entry, EntryChange, EntryKind, EntryName};

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

/// The names of one kind in a namespace.
pub(super) async fn list(
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

/// The entry of this kind; one of another kind under the name is none.
pub(super) async fn require(
    context: &Context,
    warehouse: &str,
    kind: EntryKind,
    name: &EntryName,
) -> Result<Entry, Error> {
    let missing = |name| state::Error::EntryNotFound { kind: Some(kind), name };
    match context.store.get_entry(warehouse, name).await {
        Ok(entry) if entry.kind == kind => Ok(entry),
        Ok(Entry { name, .. }) | Err(state::Error::EntryNotFound { name, .. }) => Err(missing(name).into()),
        Err(error) => Err(error.into()),
    }
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

/// Gives another name to an entry of this kind.
pub(super) async fn rename(
    context: &Context,
    kind: EntryKind,
    warehouse: String,
    once: &Once,
    Rename { source, destination }: Rename,
) -> Result<Response, Error> {
    once.run(context, async {
        let (from, to) = (EntryName::from(source), EntryName::from(destination));
        let rename = EntryChange::Rename { kind, from: from.clone(), to: to.clone() };
        match context.store.change_entries(&warehouse, vec![rename], once.keep(&Answer::Empty)).await {
            Ok(_) => {
                tracing::info!(warehouse, kind = kind.as_str(), %from, %to, "renamed");
                Ok(no_content())
            }
            Err(state::Error::EntryExists { kind, .. }) => Err(Error::RenameTaken { kind, from, to }),
            Err(error) => Err(error.into()),
        }
    })
    .await
}
