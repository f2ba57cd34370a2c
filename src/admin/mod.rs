//! The admin door: shares and tokens over signed JSON.
//!
//! A core checks the signature over the head, reads the body within its bounds, compares its digest
//! with the signed one, and hands both to the control plane. There a handler changes the state, and
//! publishes the new directory before it answers: when a revocation is answered, no core honours the
//! token any more.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::auth::receive::{self, BodyTerms};
use crate::clock::Clock;
use crate::directory::Published;
use crate::http::body::Body;
use crate::limits;
use crate::sigv4::credential::Credential;
use crate::state::embedded::Store;

pub mod admission;
pub mod error;

mod context;
mod etag;
mod info;
mod location;
mod options;
mod publisher;
mod routes;
mod shares;
mod tokens;
mod wire;

use admission::Admission;
use context::{Context, Inner};
use error::Error;
use publisher::Publisher;

/// Services that a request may be signed for.
const SERVICES: [&str; 1] = ["s3"];

const BODY: BodyTerms = BodyTerms {
    bytes_max: limits::ADMIN_BODY_BYTES_MAX,
    discard_bytes_max: limits::ADMIN_BODY_DISCARD_BYTES_MAX,
    seconds_max: limits::ADMIN_BODY_SECONDS_MAX,
};

/// What the door is made of.
pub struct DoorParts {
    pub store: Store,
    /// Holds the directory built from `store` at the start.
    pub published: Arc<Published>,
    pub admission: Arc<dyn Admission>,
    /// Signs every request of this door.
    pub root: Credential,
    /// The control plane, where handlers run.
    pub control: Handle,
    /// Scheme and authority that recipients reach, for profiles.
    pub public_url: String,
    pub region: String,
    /// How local files are read, for `GET /info`.
    pub io_mode: String,
    pub clock: Clock,
}

/// The admin door; one for all cores.
#[derive(Clone)]
pub struct Door {
    root: Credential,
    control: Handle,
    clock: Clock,
    router: axum::Router,
    permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl Door {
    pub fn new(parts: DoorParts) -> Self {
        let publisher = Publisher::new(parts.store.clone(), Arc::clone(&parts.published));
        let started_ms = parts.clock.now_ms();
        let context = Context {
            inner: Arc::new(Inner {
                store: parts.store,
                published: parts.published,
                publisher,
                admission: parts.admission,
                public_url: parts.public_url,
                region: parts.region,
                io_mode: parts.io_mode,
                clock: parts.clock.clone(),
                started_ms,
            }),
        };
        Self {
            root: parts.root,
            control: parts.control,
            clock: parts.clock,
            router: routes::router(context),
            permits: Arc::new(Semaphore::new(limits::ADMIN_REQUESTS_MAX)),
        }
    }

    /// Whether requests for `path` belong to this door.
    pub fn serves(path: &str) -> bool {
        let is_below = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        is_below("/_admin") || routes::OLDER_PREFIXES.into_iter().any(is_below)
    }

    /// Answers one request. What it changes is carried through even when the client leaves.
    pub async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        use axum::response::IntoResponse;
        self.answer(request).await.unwrap_or_else(IntoResponse::into_response).map(Body::wrap)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<axum::response::Response, Error> {
        let (parts, body) = request.into_parts();
        let digest = receive::check_head(&parts, &self.root, &SERVICES, self.clock.now_ms())?;
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| Error::Busy)?;
        let body = receive::read_body(&parts.headers, body, BODY).await?;
        receive::check_body(&body, &digest)?;
        let router = self.router.clone();
        let task = self.control.spawn(async move {
            let request = Request::from_parts(parts, axum::body::Body::from(body));
            let Ok(response) = router.oneshot(request).await;
            drop(permit);
            response
        });
        task.await.map_err(|source| Error::Task { source })
    }
}

#[cfg(test)]
mod tests;
