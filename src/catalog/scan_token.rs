//! Plans and tasks as texts that clients carry, unread and unchanged.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::context::Context;
use super::error::Error;
use super::scan_kind::Kind;
use super::scan_request::{PlanRequest, Scan};
use crate::limits::manifest::PLAN_ID_FILTER_BYTES_MAX;

/// A question about one table as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ticket {
    pub(super) table: Uuid,
    pub(super) metadata_location: String,
    pub(super) request: PlanRequest,
    /// Of a task: the first of its manifests, and the one after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) manifests: Option<(usize, usize)>,
    /// Tells plans of one question apart: who cancels his own leaves those of others.
    #[serde(default)]
    pub(super) number: u64,
    /// Of a plan that cannot be told again.
    #[serde(default)]
    pub(super) is_told: bool,
}

impl Ticket {
    /// A plan's id stands in a path: a filter that is too long for it is left out, and such a plan is told once only.
    pub(super) fn seal(&self, context: &Context, kind: Kind) -> String {
        let mut ticket = self.clone();
        ticket.request.select = None;
        if kind == Kind::Plan && ticket.request.is_long(PLAN_ID_FILTER_BYTES_MAX) {
            ticket.request.filter = None;
            ticket.is_told = true;
        }
        let content = serde_json::to_vec(&ticket).unwrap_or_default();
        context.scans.seal(kind, &content)
    }

    pub(super) fn open(context: &Context, kind: Kind, text: &str) -> Option<Self> {
        let content = context.scans.open(kind, text)?;
        serde_json::from_slice(&content).ok()
    }

    /// What is asked, of what; the same for all tasks of a plan.
    pub(super) fn question(&self) -> String {
        let request = PlanRequest { select: None, ..self.request.clone() };
        format!("{} {}", self.metadata_location, serde_json::to_string(&request).unwrap_or_default())
    }

    pub(super) fn with_manifests(&self, manifests: (usize, usize)) -> Self {
        Self { manifests: Some(manifests), ..self.clone() }
    }

    /// The scan, on the metadata that it was planned on.
    pub(super) async fn scan(&self, context: &Context, kind: Kind) -> Result<Scan, Error> {
        let loaded =
            context.tables.load(&self.metadata_location).await.map_err(|_| Error::NoPlan { kind })?;
        Scan::new(&loaded.metadata, &self.request)
    }
}
