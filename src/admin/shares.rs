//! Calls that make, show, change and remove shares.

use std::collections::{BTreeMap, HashSet};

use axum::extract::State;
use axum::response::Response;
use http::header::{ETAG, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::admission::{Candidate, admit_all};
use super::context::{Context, InPath, Payload, json, no_content};
use super::error::Error;
use super::wire::{CreateShare, PatchShare, ReplaceShare, SchemaSpec, ShareAnswer, ShareView, SharesAnswer};
use super::{etag, location, options};
use crate::limits;
use crate::state;
use crate::state::change::{Edit, NewShare, NewTable, SharePatch, ShareStamp, TableName};
use crate::state::name::{self, Of};
use crate::state::record::{Share, Table};

pub(super) async fn list(State(context): State<Context>) -> Result<Response, Error> {
    let shares = context.store.list_shares().await?;
    Ok(json(StatusCode::OK, &SharesAnswer { shares: shares.iter().map(ShareView::from).collect() }))
}

pub(super) async fn get(State(context): State<Context>, InPath(share): InPath) -> Result<Response, Error> {
    Ok(answer(StatusCode::OK, &context.store.get_share(&share).await?))
}

pub(super) async fn create(
    State(context): State<Context>,
    Payload(body): Payload<CreateShare>,
) -> Result<Response, Error> {
    name::check(Of::Share, &body.name).map_err(|error| field("name", &error))?;
    let description = checked_description(body.description)?;
    check_properties(&body.properties)?;
    let candidates = candidates_of(body.schemas)?;
    // Known before any table is loaded, which may take long; decided once more with the insertion.
    match context.store.get_share(&body.name).await {
        Ok(share) => return Err(state::Error::ShareExists { name: share.name }.into()),
        Err(state::Error::ShareNotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let tables = admit_all(&context.admission, candidates).await?;
    let properties = body.properties;
    let share =
        context.store.create_share(NewShare { name: body.name, description, properties, tables }).await?;
    context.publish().await?;
    tracing::info!(share = share.name, id = %share.id, "share created");
    let mut response = answer(StatusCode::CREATED, &share);
    if let Ok(place) = HeaderValue::from_str(&format!("/_admin/v1/shares/{}", encoded(&share.name))) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

pub(super) async fn patch(
    State(context): State<Context>,
    InPath(share): InPath,
    headers: HeaderMap,
    Payload(body): Payload<PatchShare>,
) -> Result<Response, Error> {
    let expected = etag::expected(&headers);
    let description = checked_edit(body.description)?;
    body.properties.as_ref().map_or(Ok(()), check_properties)?;
    let properties = body.properties;
    let mut candidates = Vec::with_capacity(body.add.len());
    for (index, addition) in body.add.into_iter().enumerate() {
        let place = format!("add[{index}]");
        name::check(Of::Schema, &addition.schema)
            .map_err(|error| field(&format!("{place}.schema"), &error))?;
        let table = location::table_of(&format!("{place}.table"), addition.schema, addition.table)?;
        candidates.push(Candidate { field: place, table });
    }
    let remove: Vec<TableName> = body
        .remove
        .into_iter()
        .map(|removal| TableName { schema: removal.schema, table: removal.name })
        .collect();
    let current = context.store.get_share(&share).await?;
    check_state(&current, expected.as_deref())?;
    check_free(&current, &candidates, &remove)?;
    let add = admit_all(&context.admission, candidates).await?;
    let patch = SharePatch { description, properties, add, remove };
    let share = context.store.update_share(&share, patch, expected).await?;
    context.publish().await?;
    tracing::info!(share = share.name, id = %share.id, "share changed");
    Ok(answer(StatusCode::OK, &share))
}

/// The older API's PUT: all schemas at once. Becomes the smallest patch that leads there, bound to the
/// state that it was made for, so that tables which stay keep their ids and no other change is lost.
pub(super) async fn replace(
    State(context): State<Context>,
    InPath(share): InPath,
    headers: HeaderMap,
    Payload(body): Payload<ReplaceShare>,
) -> Result<Response, Error> {
    let expected = etag::expected(&headers);
    let description = checked_edit(body.description)?;
    let candidates = body.schemas.map(candidates_of).transpose()?;
    let current = context.store.get_share(&share).await?;
    check_state(&current, expected.as_deref())?;
    let (add, remove) = candidates.map_or_else(Default::default, |wanted| difference(&current, wanted));
    let add = admit_all(&context.admission, add).await?;
    let stamp = vec![ShareStamp::of(&current)];
    let patch = SharePatch { description, properties: None, add, remove };
    let share = context.store.update_share(&share, patch, Some(stamp)).await?;
    context.publish().await?;
    tracing::info!(share = share.name, id = %share.id, "share replaced");
    Ok(answer(StatusCode::OK, &share))
}

pub(super) async fn remove(
    State(context): State<Context>,
    InPath(share): InPath,
    headers: HeaderMap,
) -> Result<Response, Error> {
    context.store.remove_share(&share, etag::expected(&headers)).await?;
    context.publish().await?;
    tracing::info!(share, "share removed with its tokens");
    Ok(no_content())
}

fn answer(status: StatusCode, share: &Share) -> Response {
    let mut response = json(status, &ShareAnswer { share: ShareView::from(share) });
    if let Some(tag) = etag::of(share) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn field(field: &str, reason: &dyn std::error::Error) -> Error {
    Error::Field { field: field.to_owned(), reason: reason.to_string() }
}

/// An empty description is none.
pub(super) fn checked_description(description: Option<String>) -> Result<Option<String>, Error> {
    if let Some(text) = &description {
        check_description(text)?;
    }
    Ok(description.filter(|text| !text.is_empty()))
}

fn checked_edit(edit: Edit) -> Result<Edit, Error> {
    if let Edit::Set(text) = &edit {
        check_description(text)?;
    }
    Ok(edit)
}

fn check_description(text: &str) -> Result<(), Error> {
    if text.len() <= limits::DESCRIPTION_BYTES_MAX {
        return Ok(());
    }
    let reason = format!("is longer than {} bytes", limits::DESCRIPTION_BYTES_MAX);
    Err(Error::Field { field: "description".into(), reason })
}

fn check_properties(properties: &BTreeMap<String, String>) -> Result<(), Error> {
    options::check_properties(properties)
        .map_err(|reason| Error::Field { field: "properties".into(), reason })
}

fn candidates_of(schemas: Vec<SchemaSpec>) -> Result<Vec<Candidate>, Error> {
    let mut candidates = Vec::new();
    for (index, schema) in schemas.into_iter().enumerate() {
        let place = format!("schemas[{index}]");
        name::check(Of::Schema, &schema.name).map_err(|error| field(&format!("{place}.name"), &error))?;
        if schema.tables.is_empty() {
            let reason = "is empty; a schema exists as long as it has tables".to_owned();
            return Err(Error::Field { field: format!("{place}.tables"), reason });
        }
        for (index, table) in schema.tables.into_iter().enumerate() {
            let place = format!("{place}.tables[{index}]");
            let table = location::table_of(&place, schema.name.clone(), table)?;
            candidates.push(Candidate { field: place, table });
        }
    }
    let mut seen = HashSet::new();
    for candidate in &candidates {
        if !seen.insert(key_of(&candidate.table.schema, &candidate.table.name)) {
            let reason = format!("{}.{} appears twice", candidate.table.schema, candidate.table.name);
            return Err(Error::Field { field: candidate.field.clone(), reason });
        }
    }
    Ok(candidates)
}

fn key_of(schema: &str, table: &str) -> (String, String) {
    (name::fold(schema).into_owned(), name::fold(table).into_owned())
}

/// Answers before any table is loaded what the store would answer afterwards.
fn check_state(current: &Share, expected: Option<&[ShareStamp]>) -> Result<(), Error> {
    match expected {
        Some(stamps) if !stamps.contains(&ShareStamp::of(current)) => {
            Err(state::Error::ShareChanged { name: current.name.clone() }.into())
        }
        _ => Ok(()),
    }
}

/// The same for names that are taken.
fn check_free(current: &Share, candidates: &[Candidate], remove: &[TableName]) -> Result<(), Error> {
    let mut taken: HashSet<(String, String)> = current
        .schemas
        .iter()
        .flat_map(|schema| schema.tables.iter().map(|table| key_of(&schema.name, &table.name)))
        .collect();
    for removal in remove {
        taken.remove(&key_of(&removal.schema, &removal.table));
    }
    for Candidate { table, .. } in candidates {
        if !taken.insert(key_of(&table.schema, &table.name)) {
            let NewTable { schema, name, .. } = table.clone();
            return Err(state::Error::TableExists { share: current.name.clone(), schema, table: name }.into());
        }
    }
    Ok(())
}

/// What has to be added and removed to get from `current` to `wanted`.
fn difference(current: &Share, wanted: Vec<Candidate>) -> (Vec<Candidate>, Vec<TableName>) {
    let same = |schema: &str, held: &Table, table: &NewTable| {
        let is_named = table.schema == schema && table.name == held.name;
        is_named && table.source == held.source && table.options == held.options
    };
    let mut remove = Vec::new();
    let mut kept = HashSet::new();
    for schema in &current.schemas {
        for table in &schema.tables {
            let is_kept = wanted.iter().any(|wanted| same(&schema.name, table, &wanted.table));
            if is_kept {
                kept.insert(key_of(&schema.name, &table.name));
            } else {
                remove.push(TableName { schema: schema.name.clone(), table: table.name.clone() });
            }
        }
    }
    let add = wanted
        .into_iter()
        .filter(|wanted| !kept.contains(&key_of(&wanted.table.schema, &wanted.table.name)))
        .collect();
    (add, remove)
}
