//! What engines tell of their scans and commits.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::context::{Context, Payload};
use super::entries;
use super::error::Error;
use super::path::InEntry;
use super::wire::no_content;
use crate::state::catalog::EntryKind;

/// The head of a report (REST specification, `ReportMetricsRequest`); the rest is not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Report {
    report_type: String,
}

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics`.
pub(super) async fn report(
    State(context): State<Context>,
    InEntry { warehouse, name }: InEntry,
    Payload { value: report, .. }: Payload<Report>,
) -> Result<Response, Error> {
    entries::require(&context, &warehouse, EntryKind::Table, &name).await?;
    tracing::debug!(warehouse, table = %name, report = report.report_type, "an engine reports");
    Ok(no_content())
}
