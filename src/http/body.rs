//! The one body type that every door answers with.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full};

use crate::limits::{REFUSED_BODY_BYTES_MAX, REFUSED_BODY_SECONDS_MAX};

/// An error of any body; it closes the connection without the last chunk.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Reads what a refused client still sends, and throws it away: the kernel drops an answer with the connection on which
/// somebody sends on. Gives up on what is too much or too slow.
pub async fn discard<B: http_body::Body<Data = Bytes>>(body: B) {
    let reading = async {
        let (mut body, mut byte_count) = (std::pin::pin!(body), 0_usize);
        while byte_count <= REFUSED_BODY_BYTES_MAX {
            let Some(Ok(frame)) = body.frame().await else { return };
            byte_count = byte_count.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        }
    };
    // Given up in time or not: the answer goes either way.
    let _ = tokio::time::timeout(Duration::from_secs(REFUSED_BODY_SECONDS_MAX), reading).await;
}

/// A response body that lives and dies on one core, so it need not be `Send`.
pub struct Body {
    inner: Inner,
}

enum Inner {
    /// All of it, or what is left.
    Whole(Full<Bytes>),
    Other(Pin<Box<dyn http_body::Body<Data = Bytes, Error = BodyError>>>),
}

impl Body {
    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self { inner: Inner::Whole(Full::new(bytes.into())) }
    }

    /// Any other body, one allocation each.
    pub fn wrap<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + 'static,
        B::Error: Into<BodyError>,
    {
        Self { inner: Inner::Other(Box::pin(body.map_err(Into::into))) }
    }
}

/// Bytes that lie in several pieces and are sent as one body of known length.
#[derive(Debug, Default)]
pub struct Chunks {
    rest: VecDeque<Bytes>,
}

impl Chunks {
    pub fn new(pieces: Vec<Bytes>) -> Self {
        Self { rest: pieces.into_iter().filter(|piece| !piece.is_empty()).collect() }
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.rest.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.iter().map(|piece| piece.len() as u64).sum())
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.inner {
            Inner::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Inner::Other(body) => body.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Whole(body) => body.is_end_stream(),
            Inner::Other(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Whole(body) => body.size_hint(),
            Inner::Other(body) => body.size_hint(),
        }
    }
}
