//! Calls on scans: plan, fetch, cancel, tasks.
//!
//! Nothing of a plan has to stay here: its id and its tasks are sealed texts that hold the question. A small scan is
//! answered at once. A large one is answered with a task for each group of manifests. One whose list of manifests alone is
//! large is submitted, and planned while its client waits; after a restart, by who comes to fetch it.

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::context::{Context, Payload};
use super::delegation::{self, Wanted};
use super::error::{Error, ErrorModel};
use super::location::Place;
use super::path::{InEntry, levels_of};
use super::scan_files::Warehouse;
use super::scan_jobs::{Outcome, Standing};
use super::scan_kind::Kind;
use super::scan_request::{PlanRequest, Scan};
use super::scan_token::Ticket;
use super::wire::{json, json_parts, no_content};
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
        number: Uuid::new_v4().as_u64_pair().0,
        is_told: false,
    };
    let id = ticket.seal(&context, Kind::Plan);
    let list = Warehouse { context: &context, name: &warehouse }.read_list(&scan).await?;
    let is_long = ticket.request.is_long(PLAN_ID_FILTER_BYTES_MAX);
    if !is_long && list.as_ref().is_some_and(|list| list.len() > PLAN_LIST_BYTES_AT_ONCE) {
        let text = format!(r#"{{"status":"submitted","plan-id":"{id}"}}"#);
        let jobs = context.scans.jobs.clone();
        jobs.begin(&id, async move { tasks_of(&context, &warehouse, (scan, list), &ticket).await });
        return Ok(json_parts(StatusCode::OK, vec![text.into()]));
    }
    let asked = Asked { context: &context, warehouse: &warehouse, headers: &headers };
    let place = scan.location.clone();
    let tasks = tasks_of(&context, &warehouse, (scan, list), &ticket).await?;
    Ok(asked.completed(&id, &place, tasks))
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
    let standing = context.scans.jobs.standing(&id);
    if let Standing::UnderWay = standing {
        return Ok(json_parts(StatusCode::OK, vec![Bytes::from_static(br#"{"status":"submitted"}"#)]));
    }
    if let Standing::Over(Outcome::Failed(error)) = standing {
        return Ok(json(StatusCode::OK, &Failed { status: "failed", error }));
    }
    let scan = ticket.scan(&context, Kind::Plan).await?;
    let place = scan.location.clone();
    let tasks = if let Standing::Over(Outcome::Done(tasks)) = standing {
        tasks
    } else {
        let list = Warehouse { context: &context, name: &warehouse }.read_list(&scan).await?;
        tasks_of(&context, &warehouse, (scan, list), &ticket).await?
    };
    let asked = Asked { context: &context, warehouse: &warehouse, headers: &headers };
    Ok(asked.completed(&id, &place, tasks))
}

/// `FailedPlanningResult`.
#[derive(Serialize)]
struct Failed {
    status: &'static str,
    error: ErrorModel,
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
    let list = files.read_list(&scan).await?;
    let mut manifests = files.forget_broken(scan.manifests(list))?;
    let (start, end) = ticket.manifests.unwrap_or_default();
    manifests.data.retain(|manifest| (start..end).contains(&manifest.number));
    let tasks = files.forget_broken(scan_tasks::collect(&files, scan, manifests, ticket.question()).await)?;
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

impl Asked<'_> {
    fn completed(&self, id: &str, location: &str, tasks: Bytes) -> Response {
        let wanted = Wanted::of(self.headers);
        let place = Place::inside(self.warehouse, "location", location).ok();
        let credentials = place
            .and_then(|place| delegation::credentials_json(self.context, wanted, &place))
            .map_or_else(String::new, |credentials| format!(r#""storage-credentials":{credentials},"#));
        let head = format!(r#"{{"status":"completed","plan-id":"{id}",{credentials}"#);
        json_parts(StatusCode::OK, vec![head.into(), tasks, Bytes::from_static(b"}")])
    }
}

/// The fields of `ScanTasks` that answer a plan: files, or tasks where there are many.
async fn tasks_of(
    context: &Context,
    warehouse: &str,
    (scan, list): (Scan, Option<Bytes>),
    ticket: &Ticket,
) -> Result<Bytes, Error> {
    let files = Warehouse { context, name: warehouse };
    let manifests = files.forget_broken(scan.manifests(list))?;
    let file_count: u64 = manifests.data.iter().map(|manifest| manifest.file_count).sum();
    if file_count <= PLAN_FILES_AT_ONCE || ticket.request.is_long(PLAN_TASK_FILTER_BYTES_MAX) {
        return files.forget_broken(scan_tasks::collect(&files, scan, manifests, ticket.question()).await);
    }
    let groups = manifests.groups();
    let seal = |group| ticket.with_manifests(group).seal(context, Kind::Task);
    let tokens: Vec<String> = groups.into_iter().map(seal).collect();
    // Seals have no character that JSON escapes.
    Ok(format!(r#""plan-tasks":["{}"]"#, tokens.join("\",\"")).into())
}
