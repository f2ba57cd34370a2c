//! The Iceberg REST catalog door: warehouses, namespaces, tables and views.
//!
//! A core proves who asks over the head of a request, takes the body within the door's budget, and hands both to the
//! control plane, where a handler reads and changes the state. What a handler changes is durable before it is
//! answered.
//!
//! Source: Apache Iceberg, `open-api/rest-catalog-open-api.yaml`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use crate::auth::receive::{self, BodyTerms};
use crate::auth::session::Sessions;
use crate::clock::Clock;
use crate::encode::seal::Sealer;
use crate::http::body::Body;
use crate::limits;
use crate::sigv4::credential::Credential;
use crate::state::embedded::Store;
use crate::storage::Buckets;
use crate::storage::pending::Pending;

pub mod error;

mod answers;
mod bearer;
mod caller;
mod commit;
mod config;
mod context;
mod credentials;
mod delegation;
mod dropped;
mod entries;
mod etag;
mod forms;
mod idempotency;
mod location;
mod locks;
mod metadata_files;
mod namespaces;
mod oauth;
mod overlap;
mod page;
mod path;
mod plan;
mod purge;
mod reports;
mod routes;
mod scan_deletes;
mod scan_file_json;
mod scan_files;
mod scan_jobs;
mod scan_kept;
mod scan_kind;
mod scan_manifest;
mod scan_request;
mod scan_state;
mod scan_tasks;
mod scan_token;
mod sweep;
mod tables;
mod views;
mod warehouses;
mod wire;

use bearer::Tokens;
use caller::Proof;
use context::{Context, Inner};
use dropped::Dropped;
use error::Error;
use forms::Forms;
use locks::Locks;
use metadata_files::MetadataFiles;
use scan_state::Scans;

const BODY: BodyTerms = BodyTerms {
    bytes_max: limits::catalog::BODY_BYTES_MAX,
    discard_bytes_max: limits::catalog::BODY_DISCARD_BYTES_MAX,
    seconds_max: limits::catalog::BODY_SECONDS_MAX,
};

/// Bytes of a body that one permit stands for.
const PERMIT_BYTES: usize = 1 << 10;

/// What the door is made of.
pub struct DoorParts {
    pub store: Store,
    pub buckets: Buckets,
    /// Signs requests, and is exchanged for bearer tokens.
    pub root: Credential,
    /// Seals bearer tokens and plans of scans.
    pub sealer: Sealer,
    /// Issues credentials for the directory of one table.
    pub sessions: Sessions,
    /// The control plane, where handlers run.
    pub control: Handle,
    /// Scheme and authority that engines reach.
    pub public_url: String,
    pub region: String,
    /// The server's own directory, where metadata files on their way are noted.
    pub private_dir: PathBuf,
    pub clock: Clock,
}

/// The catalog door; one for all cores.
#[derive(Clone)]
pub struct Door {
    context: Context,
    control: Handle,
    router: axum::Router,
    /// One permit for each kilobyte of bodies in memory.
    body_budget: Arc<Semaphore>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl Door {
    /// Opens the door; what an earlier process left half done is put right first.
    pub async fn new(parts: DoorParts) -> Result<Self, Error> {
        let pending = Pending::open(&parts.private_dir)?;
        let removals = Pending::open_removals(&parts.private_dir)?;
        let tables = MetadataFiles::new(parts.buckets.clone(), pending.clone());
        let views = MetadataFiles::new(parts.buckets.clone(), pending.clone());
        let scans = Scans::new(parts.sealer.clone());
        let tokens = Tokens::new(parts.sealer, &parts.root);
        let context = Context {
            inner: Arc::new(Inner {
                store: parts.store,
                buckets: parts.buckets,
                root: parts.root,
                tokens,
                sessions: parts.sessions,
                public_url: parts.public_url,
                region: parts.region,
                clock: parts.clock,
                tables,
                forms: Forms::new(),
                views,
                locks: Locks::new(),
                removals,
                endpoints: routes::endpoints(),
                scans,
                dropped: Dropped::new(),
            }),
        };
        sweep::sweep(&context.inner, &pending).await?;
        sweep::sweep_removals(&context.inner).await?;
        Ok(Self {
            router: routes::router(context.clone()),
            context,
            control: parts.control,
            body_budget: Arc::new(Semaphore::new(limits::catalog::BODIES_BYTES_MAX / PERMIT_BYTES)),
        })
    }

    /// Whether requests for `path` belong to this door.
    pub fn serves(path: &str) -> bool {
        path.strip_prefix(routes::ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Answers one request. What it changes is carried through even when the client leaves.
    pub async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let answer = self.answer(request).await.unwrap_or_else(IntoResponse::into_response);
        answer.map(Body::wrap)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<axum::response::Response, Error> {
        let (mut parts, body) = request.into_parts();
        let proof = if parts.uri.path() == routes::TOKENS {
            Proof::InBody
        } else {
            match caller::prove(&parts, &self.context) {
                Ok(proof) => proof,
                Err(error) => {
                    receive::discard(&parts.headers, body).await;
                    return Err(error);
                }
            }
        };
        let permit = self.reserve(receive::declared_bytes(&parts.headers)).await?;
        let body = receive::read_body(&parts.headers, body, BODY).await?;
        match &proof {
            Proof::Signed { digest } => receive::check_body(&body, digest)?,
            Proof::SignedWithBody => caller::check_with_body(&parts, &body, &self.context)?,
            Proof::Bearer | Proof::InBody => {}
        }
        parts.extensions.insert(proof.caller(&self.context));
        parts.uri = path::without_plus(parts.uri);
        let router = self.router.clone();
        let task = self.control.spawn(async move {
            let request = Request::from_parts(parts, axum::body::Body::from(body));
            let Ok(response) = router.oneshot(request).await;
            drop(permit);
            response
        });
        task.await.map_err(|source| Error::Task { source })
    }

    /// Room for a body, waited for: a commit that is answered 503 has an unknown outcome to its client.
    async fn reserve(&self, declared_bytes: Option<usize>) -> Result<OwnedSemaphorePermit, Error> {
        let bytes = declared_bytes.unwrap_or(BODY.bytes_max).min(BODY.bytes_max);
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        let budget = Arc::clone(&self.body_budget);
        let patience = Duration::from_secs(BODY.seconds_max);
        match tokio::time::timeout(patience, budget.acquire_many_owned(permits)).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Error::Busy),
        }
    }
}
