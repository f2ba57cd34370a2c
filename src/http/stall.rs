//! Ends connections whose peer takes nothing of its answers.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::MissedTickBehavior;

use super::body::{Body, BodyError};
use crate::limits::{STALL_BYTES_MIN, STALL_LOOKS};

/// What is known of one connection's way out.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// Bytes that the kernel took.
    taken: Rc<Cell<u64>>,
    /// Answers of which a piece was handed over, and no further one was asked for.
    waiting: Rc<Cell<usize>>,
}

impl Pace {
    /// Returns when answers have waited for `patience` while the peer took next to nothing.
    ///
    /// A stalled TCP window is the kernel's to end; this ends streams of HTTP/2 whose own window is shut.
    pub async fn stalled(&self, patience: Duration) {
        let mut looks = tokio::time::interval(patience / STALL_LOOKS);
        // A machine that slept has not looked meanwhile.
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = Watch::default();
        while !watch.look(self) {
            looks.tick().await;
        }
    }

    /// Counts what is written to `stream`.
    pub fn counting<S>(&self, stream: S) -> Counting<S> {
        Counting { stream, pace: self.clone() }
    }

    /// Watches whether the pieces of `body` are asked for, if there are any.
    pub fn watching(&self, body: Body) -> Body {
        if http_body::Body::is_end_stream(&body) {
            return body;
        }
        Body::wrap(Watched { body, pace: self.clone(), is_waiting: false })
    }
}

/// What was seen of a connection's pace.
#[derive(Debug, Default)]
struct Watch {
    idle_looks: u32,
    taken: u64,
}

impl Watch {
    /// Whether the peer has taken next to nothing for a row of looks.
    fn look(&mut self, pace: &Pace) -> bool {
        let taken = pace.taken.get();
        let is_idle = pace.waiting.get() > 0 && taken - self.taken < STALL_BYTES_MIN;
        self.idle_looks = if is_idle { self.idle_looks + 1 } else { 0 };
        self.taken = taken;
        self.idle_looks >= STALL_LOOKS
    }
}

/// A stream that counts its bytes on the way out.
#[derive(Debug)]
pub struct Counting<S> {
    stream: S,
    pace: Pace,
}

impl<S> Counting<S> {
    fn count(&self, written: &io::Result<usize>) {
        let bytes = written.as_ref().copied().unwrap_or_default() as u64;
        self.pace.taken.set(self.pace.taken.get() + bytes);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counting<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.count(&written);
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = pieces.iter().filter(|piece| !piece.is_empty());
        if let (Some(piece), None) = (filled.next(), filled.next()) {
            // The kernel takes one piece a little sooner where it is not told of many.
            return self.poll_write(context, piece);
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, pieces));
        self.count(&written);
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A body that tells when it waits for its reader.
struct Watched {
    body: Body,
    pace: Pace,
    is_waiting: bool,
}

impl Watched {
    fn wait(&mut self, is_waiting: bool) {
        let waiting = self.pace.waiting.get() + usize::from(is_waiting) - usize::from(self.is_waiting);
        self.pace.waiting.set(waiting);
        self.is_waiting = is_waiting;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.wait(false);
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        // While the body is pending it is us that the reader waits for.
        self.wait(matches!(polled, Poll::Ready(Some(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;

    /// Whether a row of looks ends in a stall, and after how many; before each look the peer takes some bytes.
    fn looks_until_stalled(pace: &Pace, taken_bytes: u64) -> Option<u32> {
        let mut watch = Watch::default();
        (1..100).find(|_| {
            pace.taken.set(pace.taken.get() + taken_bytes);
            watch.look(pace)
        })
    }

    #[test]
    fn only_an_answer_that_nobody_takes_is_a_stall() {
        let pace = Pace::default();
        assert_eq!(looks_until_stalled(&pace, 0), None, "nothing is asked for");
        let mut body = pace.watching(Body::full("lines"));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut body).poll_frame(&mut context).is_ready());
        assert_eq!(looks_until_stalled(&pace, 0), Some(STALL_LOOKS));
        assert_eq!(looks_until_stalled(&pace, STALL_BYTES_MIN), None, "a slow reader takes all the same");
        drop(body);
        assert_eq!(looks_until_stalled(&pace, 0), None, "the answer is over");
    }

    #[test]
    fn a_body_that_is_not_ready_lets_its_reader_wait() {
        struct Slow;
        impl http_body::Body for Slow {
            type Data = Bytes;
            type Error = BodyError;

            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
                Poll::Pending
            }
        }
        let pace = Pace::default();
        let mut body = pace.watching(Body::wrap(Slow));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut body).poll_frame(&mut context).is_pending());
        assert_eq!(looks_until_stalled(&pace, 0), None);
    }
}
