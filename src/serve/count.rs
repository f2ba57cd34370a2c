//! A body that counts its bytes on the way out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::http::body::{Body, BodyError};
use crate::telemetry::metrics::CoreMetrics;

/// Hands `body` on and adds its bytes to the core's counter.
#[derive(Debug)]
pub(super) struct Counted {
    body: Body,
    metrics: Arc<CoreMetrics>,
}

impl Counted {
    pub(super) fn new(body: Body, metrics: Arc<CoreMetrics>) -> Self {
        Self { body, metrics }
    }
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref) {
            self.metrics.bytes_sent.inc_by(data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
