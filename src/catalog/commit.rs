//! Commits: requirements checked, updates applied, all pointers swapped in one transaction.
//!
//! The metadata files come first, each durable before anything points to it. Then one transaction of the state store
//! swaps the pointers, if none was moved meanwhile; else the files are removed and the commit is tried again on what is
//! there now. Where nobody can tell whether the transaction happened, the files stay and the client is told so.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::answers;
use super::context::{Context, Payload};
use super::delegation::Wanted;
use super::entries::{self, Identifier};
use super::error::Error;
use super::idempotency::{Answer, KeyHeader};
use super::location::{self, Place};
use super::metadata_files::{Loaded, Written};
use super::overlap;
use super::path::{InEntry, InWarehouse};
use super::wire::no_content;
use crate::iceberg::error::Unmet;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::requirement::{self, Requirement};
use crate::iceberg::update::Update;
use crate::limits;
use crate::state;
use crate::state::catalog::{EntryChange, EntryKind, EntryName, KeptAnswer};

type Table = Arc<Loaded<TableMetadata>>;

/// What is kept of the answer about the tables as they are after a commit.
type Answering<'a> = dyn Fn(&[Table]) -> Option<KeptAnswer> + Sync + 'a;

/// One table's part of a commit.
#[derive(Deserialize)]
pub(super) struct CommitTable {
    #[serde(default)]
    identifier: Option<Identifier>,
    requirements: Vec<Requirement>,
    updates: Vec<Update>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct CommitTransaction {
    table_changes: Vec<CommitTable>,
}

/// A table and what is to become of it.
struct TableChange {
    name: EntryName,
    requirements: Vec<Requirement>,
    updates: Vec<Update>,
}

/// What a change comes to.
enum Prepared {
    /// The updates say what is true already.
    Unchanged(Table),
    Changed(Written<TableMetadata>, EntryChange),
}

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}`.
pub(super) async fn commit(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
    headers: HeaderMap,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<CommitTable>,
) -> Result<Response, Error> {
    let wanted = Wanted::of(&headers);
    if body.identifier.is_some_and(|identifier| EntryName::from(identifier) != name) {
        return Err(Error::field("identifier", "it names another table than the path"));
    }
    let change = TableChange { name: name.clone(), requirements: body.requirements, updates: body.updates };
    let once = key.once(&context, &bytes);
    once.run(&context, async {
        let answer = |loaded: &[Table]| {
            let location = loaded.first().map(|loaded| loaded.location.clone()).unwrap_or_default();
            once.keep(&Answer::table(&warehouse, &name, location))
        };
        let done = commit_all(&context, &warehouse, &[change], &answer).await?;
        let loaded = done.first().ok_or(Error::NoChange)?;
        Ok(answers::of_table(&context, wanted, (&warehouse, &name), loaded))
    })
    .await
}

/// `POST /v1/{prefix}/transactions/commit`.
pub(super) async fn transaction(
    State(context): State<Context>,
    InWarehouse { warehouse }: InWarehouse,
    key: KeyHeader,
    Payload { value: body, bytes }: Payload<CommitTransaction>,
) -> Result<Response, Error> {
    let once = key.once(&context, &bytes);
    let mut changes: Vec<TableChange> = Vec::with_capacity(body.table_changes.len());
    for (index, change) in body.table_changes.into_iter().enumerate() {
        let field = format!("table-changes[{index}].identifier");
        let identifier =
            change.identifier.ok_or_else(|| Error::field(&field, "a transaction has to name each table"))?;
        let name = EntryName::from(identifier);
        if changes.iter().any(|earlier| earlier.name == name) {
            return Err(Error::field(&field, "the table is named twice"));
        }
        changes.push(TableChange { name, requirements: change.requirements, updates: change.updates });
    }
    once.run(&context, async {
        commit_all(&context, &warehouse, &changes, &|_| once.keep(&Answer::Empty)).await?;
        Ok(no_content())
    })
    .await
}

/// Carries out all changes or none, and gives back the tables as they are then.
async fn commit_all(
    context: &Context,
    warehouse: &str,
    changes: &[TableChange],
    answer: &Answering<'_>,
) -> Result<Vec<Table>, Error> {
    let _guard = context.locks.lock(warehouse, changes.iter().map(|change| &change.name)).await;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let prepared = prepare_all(context, warehouse, changes).await?;
        let all: Vec<_> = prepared.iter().map(Prepared::loaded).collect();
        let swaps: Vec<EntryChange> = prepared.iter().filter_map(Prepared::swap).collect();
        if swaps.is_empty() {
            return Ok(all);
        }
        match context.store.change_entries(warehouse, swaps, answer(&all)).await {
            Ok(_) => {
                for one in prepared {
                    if let Prepared::Changed(written, _) = one {
                        context.tables.won(written);
                    }
                }
                return Ok(all);
            }
            Err(error) => {
                let is_stale = matches!(error, state::Error::EntryChanged { .. });
                let error = settle_all(context, prepared, error).await;
                if !is_stale || attempts >= limits::catalog::COMMIT_ATTEMPTS_MAX {
                    return Err(error);
                }
            }
        }
    }
}

/// Removes the files of a commit that surely did not happen; keeps those of one that may have.
async fn settle_all(context: &Context, prepared: Vec<Prepared>, error: state::Error) -> Error {
    if super::metadata_files::is_settled(&error) {
        abandon(context, prepared).await;
    }
    error.into()
}

async fn abandon(context: &Context, prepared: Vec<Prepared>) {
    for one in prepared {
        if let Prepared::Changed(written, _) = one {
            context.tables.lost(written).await;
        }
    }
}

/// Checks all changes first, and only then writes the files.
async fn prepare_all(
    context: &Context,
    warehouse: &str,
    changes: &[TableChange],
) -> Result<Vec<Prepared>, Error> {
    let mut checked = Vec::with_capacity(changes.len());
    for change in changes {
        checked.push(check(context, warehouse, change).await?);
    }
    let mut prepared = Vec::with_capacity(checked.len());
    for (change, checked) in changes.iter().zip(checked) {
        match write(context, warehouse, change, checked).await {
            Ok(one) => prepared.push(one),
            Err(error) => {
                abandon(context, prepared).await;
                return Err(error);
            }
        }
    }
    Ok(prepared)
}

/// A change that its table allows.
enum Checked {
    Unchanged(Table),
    Create(TableMetadata),
    Replace { previous: String, metadata: TableMetadata },
}

async fn check(context: &Context, warehouse: &str, change: &TableChange) -> Result<Checked, Error> {
    let TableChange { name, requirements, updates } = change;
    check_places(warehouse, updates)?;
    let now_ms = context.clock.now_ms();
    if requirement::is_create(requirements).map_err(Error::Change)? {
        match entries::require_free(context, warehouse, EntryKind::Table, name).await {
            Err(Error::State(state::Error::EntryExists { .. })) => {
                return Err(Error::Change(Unmet::Exists.into()));
            }
            other => other?,
        }
        let metadata = TableMetadata::from_updates(updates, now_ms).map_err(Error::Change)?;
        overlap::refuse(context, warehouse, metadata.location(), None).await?;
        return Ok(Checked::Create(metadata));
    }
    let entry = entries::require(context, warehouse, EntryKind::Table, name).await?;
    let loaded = context.tables.load(&entry.metadata_location).await?;
    requirement::check_all(requirements, Some(&loaded.metadata)).map_err(Error::Change)?;
    let previous = entry.metadata_location;
    let metadata = loaded.metadata.apply(updates, Some(&previous), now_ms).map_err(Error::Change)?;
    if let Some(moved) = metadata.as_ref().filter(|after| after.location() != loaded.metadata.location()) {
        overlap::refuse(context, warehouse, moved.location(), Some(&previous)).await?;
    }
    Ok(match metadata {
        Some(metadata) => Checked::Replace { previous, metadata },
        None => Checked::Unchanged(loaded),
    })
}

/// Refuses updates that would lead a table's files out of the warehouse.
fn check_places(warehouse: &str, updates: &[Update]) -> Result<(), Error> {
    for update in updates {
        if let Update::SetLocation { location } = update {
            Place::inside(warehouse, "location", location)?;
        } else if let Update::SetProperties { updates } = update {
            location::check_properties(warehouse, updates)?;
        }
    }
    Ok(())
}

async fn write(
    context: &Context,
    warehouse: &str,
    change: &TableChange,
    checked: Checked,
) -> Result<Prepared, Error> {
    let (kind, name) = (EntryKind::Table, change.name.clone());
    Ok(match checked {
        Checked::Unchanged(loaded) => Prepared::Unchanged(loaded),
        Checked::Create(metadata) => {
            let id = entries::entry_id(metadata.uuid());
            let written = context.tables.write(warehouse, metadata, None).await?;
            let metadata_location = written.loaded.location.clone();
            Prepared::Changed(written, EntryChange::Create { id, kind, name, metadata_location })
        }
        Checked::Replace { previous: expected, metadata } => {
            let written = context.tables.write(warehouse, metadata, Some(&expected)).await?;
            let metadata_location = written.loaded.location.clone();
            Prepared::Changed(written, EntryChange::Swap { kind, name, expected, metadata_location })
        }
    })
}

impl Prepared {
    fn loaded(&self) -> Table {
        match self {
            Self::Unchanged(loaded) => Arc::clone(loaded),
            Self::Changed(written, _) => Arc::clone(&written.loaded),
        }
    }

    fn swap(&self) -> Option<EntryChange> {
        match self {
            Self::Unchanged(_) => None,
            Self::Changed(_, change) => Some(change.clone()),
        }
    }
}
