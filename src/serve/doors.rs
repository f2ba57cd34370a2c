//! The doors behind one port, and the plain answers of operations.

use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;

use super::count::Counted;
use super::route::{DoorName, door_of};
use super::shutdown::Shutdown;
use crate::http::body::Body;
use crate::telemetry::metrics::{CoreMetrics, Door, HintUse, Metrics};
use crate::{admin, catalog, s3store, sharing};

/// All doors; shared by the cores, each request is answered on the core that accepted it.
pub(super) struct Doors {
    pub(super) sharing: sharing::Door,
    pub(super) catalog: catalog::Door,
    pub(super) admin: admin::Door,
    pub(super) s3: s3store::Door,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shutdown: Shutdown,
}

impl Doors {
    /// Answers one request and counts it for the core.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        metrics: &Arc<CoreMetrics>,
    ) -> Response<Body> {
        let name = door_of(request.method(), request.uri().path());
        let awaits_nothing = awaits_nothing(&request);
        let mut response = match name {
            DoorName::Sharing => self.sharing.handle(request).await,
            DoorName::Catalog => self.catalog.handle(request).await,
            DoorName::Admin => self.admin.handle(request).await,
            DoorName::S3 => self.s3.handle(request).await,
            DoorName::Ready if self.shutdown.has_begun() => plain(StatusCode::SERVICE_UNAVAILABLE),
            DoorName::Health | DoorName::Ready => plain(StatusCode::OK),
            DoorName::Metrics => self.scrape(),
        };
        if awaits_nothing {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        metrics.count(label(name), response.status().as_u16());
        if let Some(hint_use) = response.extensions().get::<HintUse>() {
            metrics.count_hints(*hint_use);
        }
        if response.body().is_end_stream() {
            return response;
        }
        let counted = Arc::clone(metrics);
        response.map(|body| Body::wrap(Counted::new(body, counted)))
    }

    fn scrape(&self) -> Response<Body> {
        let mut response = Response::new(Body::full(self.metrics.render()));
        let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// Whether a client waits for `100 Continue` before a body of no bytes, for which hyper sends none.
///
/// botocore keeps the state of such a connection wrong and loses the next answer on it, so it is closed.
fn awaits_nothing(request: &Request<Incoming>) -> bool {
    let is_first = request.version() <= Version::HTTP_11;
    is_first && request.headers().contains_key(header::EXPECT) && request.body().is_end_stream()
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn label(name: DoorName) -> Door {
    match name {
        DoorName::Sharing => Door::Sharing,
        DoorName::Catalog => Door::Catalog,
        DoorName::Admin => Door::Admin,
        DoorName::S3 => Door::S3,
        DoorName::Health | DoorName::Ready | DoorName::Metrics => Door::Operations,
    }
}
