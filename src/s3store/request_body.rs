//! A request's body, whose rest a refusal can still read.
//!
//! A client that is still sending when the server closes may never read the answer: the kernel throws it
//! away with the connection. So a refused body is read to its end, within bounds, before the refusal goes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::http::body::discard;

/// A body that s3s reads; what it leaves stays with [`Rest`].
#[derive(Debug)]
pub(super) struct Held<B> {
    shared: Arc<Mutex<B>>,
}

/// What is left of a body.
#[derive(Debug)]
pub(super) struct Rest<B> {
    shared: Arc<Mutex<B>>,
}

/// The body to pass on, and the hold on its rest.
pub(super) fn hold<B>(body: B) -> (Held<B>, Rest<B>) {
    let shared = Arc::new(Mutex::new(body));
    (Held { shared: Arc::clone(&shared) }, Rest { shared })
}

type NextFrame<B> = Poll<Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>>;

fn poll_shared<B: Body + Unpin>(shared: &Mutex<B>, context: &mut Context<'_>) -> NextFrame<B> {
    let mut body = shared.lock().unwrap_or_else(PoisonError::into_inner);
    Pin::new(&mut *body).poll_frame(context)
}

impl<B> Body for Held<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        poll_shared(&self.shared, context)
    }

    fn is_end_stream(&self) -> bool {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

impl<B> Rest<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Reads what is left and throws it away; gives up on what is too much or too slow.
    pub(super) async fn discard(self) {
        discard(Held { shared: self.shared }).await;
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::limits::REFUSED_BODY_BYTES_MAX;

    type Chunks = http_body_util::StreamBody<
        futures::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, std::io::Error>>>,
    >;

    fn chunks(count: usize, bytes: usize) -> Chunks {
        let chunk = Bytes::from(vec![0; bytes]);
        let frames: Vec<_> = (0..count).map(|_| Ok(Frame::data(chunk.clone()))).collect();
        http_body_util::StreamBody::new(futures::stream::iter(frames))
    }

    #[tokio::test]
    async fn what_was_not_read_is_discarded() {
        let (mut held, rest) = hold(chunks(3, 10));
        assert!(held.frame().await.is_some());
        let shared = Arc::clone(&rest.shared);
        rest.discard().await;
        assert!(held.frame().await.is_none());
        assert_eq!(Arc::strong_count(&shared), 2);
    }

    #[tokio::test]
    async fn discarding_has_a_bound() {
        let (mut held, rest) = hold(chunks(5, REFUSED_BODY_BYTES_MAX / 2));
        rest.discard().await;
        assert!(held.frame().await.is_some(), "the rest beyond the bound is not read");
    }
}
