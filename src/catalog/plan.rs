//! Calls on scans: plan, fetch, cancel, tasks.
//!
//! Nothing of a plan stays here: its id and its tasks are sealed texts that hold the question. A small scan is answered at
//! once. A large one is answered with a task for each group of manifests. One whose list of manifests alone is large is
//! submitted, and planned by who comes to fetch it.

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::context::{Context, Payload};
use super::delegation::{self, Wanted};
use super::error::Error;
use super::location::Place;
use super::path::{InEntry, levels_of};
use super::scan_files::Warehouse;
use super::scan_request::{PlanRequest, Scan};
use super::scan_state::Kind;
use super::scan_token::Ticket;
use super::wire::{json_parts, no_content};
use super::{entries, scan_tasks};
use crate::limits::manifest::{
    PLAN_FILES_AT_ONCE, PLAN_ID_FILTER_BYTES_MAX, PLAN_LIST_BYTES_AT_ONCE, PLAN_TASK_FILTER_BYTES_MAX,
};
use crate::state::catalog::{EntryKind, EntryName};

/// `FetchScanTasksRequest`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct FetchTasks {
    plan_task: String,
}

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan`.
pub(super) async fn plan(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
    headers: HeaderMap,
    Payload { value: mut request, .. }: Payload<PlanRequest>,
) -> Result<Response, Error> {
    let entry = entries::require(&context, &warehouse, EntryKind::Table, &name).await?;
    let loaded = context.tables.load(&entry.metadata_location).await?;
    request.pin(&loaded.metadata)?;
    let scan = Scan::new(&loaded.metadata, &request)?;
    let ticket = Ticket {
        table: entry.id,
        metadata_location: entry.metadata_location,
        request,
        manifests: None,
        is_told: false,
    };
    let id = ticket.seal(&context, Kind::Plan);
    let list = scan.read_list(&Warehouse { context: &context, name: &warehouse }).await?;
    let is_long = ticket.request.is_long(PLAN_ID_FILTER_BYTES_MAX);
    if !is_long && list.as_ref().is_some_and(|list| list.len() > PLAN_LIST_BYTES_AT_ONCE) {
        let text = format!(r#"{{"status":"submitted","plan-id":"{id}"}}"#);
        return Ok(json_parts(StatusCode::OK, vec![text.into()]));
    }
    let asked = Asked { context: &context, warehouse: &warehouse, headers: &headers };
    completed(&asked, &scan, list, ticket, &id).await
}

/// `…/plan/{plan-id}`.
pub(super) type PlanPath = Path<(String, String, String, String)>;

/// `GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}`.
pub(super) async fn fetch(
    State(context): State<Context>,
    path: PlanPath,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (warehouse, name, id) = parts(path)?;
    let ticket = opened(&context, &warehouse, &name, Kind::Plan, &id).await?;
    if ticket.is_told {
        return Err(Error::NoPlan { kind: Kind::Plan });
    }
    if context.scans.is_cancelled(&id) {
        return Ok(json_parts(StatusCode::OK, vec![Bytes::from_static(br#"{"status":"cancelled"}"#)]));
    }
    let scan = ticket.scan(&context, Kind::Plan).await?;
    let list = scan.read_list(&Warehouse { context: &context, name: &warehouse }).await?;
    let asked = Asked { context: &context, warehouse: &warehouse, headers: &headers };
    completed(&asked, &scan, list, ticket, &id).await
}

/// `DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}/plan/{plan-id}`.
pub(super) async fn cancel(State(context): State<Context>, path: PlanPath) -> Result<Response, Error> {
    let (warehouse, name, id) = parts(path)?;
    opened(&context, &warehouse, &name, Kind::Plan, &id).await?;
    context.scans.cancel(&id);
    Ok(no_content())
}

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/tasks`.
pub(super) async fn tasks(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
    Payload { value: body, .. }: Payload<FetchTasks>,
) -> Result<Response, Error> {
    let ticket = opened(&context, &warehouse, &name, Kind::Task, &body.plan_task).await?;
    let scan = ticket.scan(&context, Kind::Task).await?;
    let files = Warehouse { context: &context, name: &warehouse };
    let list = scan.read_list(&files).await?;
    let mut manifests = scan.manifests(list)?;
    let (start, end) = ticket.manifests.unwrap_or_default();
    manifests.data.retain(|manifest| (start..end).contains(&manifest.number));
    let tasks = scan_tasks::collect(&files, scan, manifests).await?;
    Ok(json_parts(StatusCode::OK, vec![Bytes::from_static(b"{"), tasks, Bytes::from_static(b"}")]))
}

fn parts(Path((warehouse, namespace, table, id)): PlanPath) -> Result<(String, EntryName, String), Error> {
    Ok((warehouse, EntryName { namespace: levels_of(&namespace)?, name: table }, id))
}

/// The question that a client carries for us; of another table it is none.
async fn opened(
    context: &Context,
    warehouse: &str,
    name: &EntryName,
    kind: Kind,
    text: &str,
) -> Result<Ticket, Error> {
    let entry = entries::require(context, warehouse, EntryKind::Table, name).await?;
    let ticket = Ticket::open(context, kind, text).filter(|ticket| ticket.table == entry.id);
    ticket.ok_or(Error::NoPlan { kind })
}

/// Who asks, for what.
struct Asked<'a> {
    context: &'a Context,
    warehouse: &'a str,
    headers: &'a HeaderMap,
}

async fn completed(
    asked: &Asked<'_>,
    scan: &Scan,
    list: Option<Bytes>,
    ticket: Ticket,
    id: &str,
) -> Result<Response, Error> {
    let Asked { context, warehouse, headers } = *asked;
    let manifests = scan.manifests(list)?;
    let files: u64 = manifests.data.iter().map(|manifest| manifest.file_count).sum();
    let wanted = Wanted::of(headers);
    let place = Place::inside(warehouse, "location", &scan.location).ok();
    let credentials = place
        .and_then(|place| delegation::credentials_json(context, wanted, &place))
        .map_or_else(String::new, |credentials| format!(r#""storage-credentials":{credentials},"#));
    let head = format!(r#"{{"status":"completed","plan-id":"{id}",{credentials}"#);
    let tasks = if files <= PLAN_FILES_AT_ONCE || ticket.request.is_long(PLAN_TASK_FILTER_BYTES_MAX) {
        let files = Warehouse { context, name: warehouse };
        scan_tasks::collect(&files, scan.clone(), manifests).await?
    } else {
        let groups = manifests.groups();
        let seal = |group| ticket.with_manifests(group).seal(context, Kind::Task);
        let tokens: Vec<String> = groups.into_iter().map(seal).collect();
        // Seals have no character that JSON escapes.
        format!(r#""plan-tasks":["{}"]"#, tokens.join("\",\"")).into()
    };
    Ok(json_parts(StatusCode::OK, vec![head.into(), tasks, Bytes::from_static(b"}")]))
}
