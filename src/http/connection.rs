//! One connection on one core, from handshake to last byte.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::body::Body;
use super::stall::Pace;
use crate::limits;

/// Spawns hyper's own tasks (HTTP/2 streams) on the core that owns the connection.
#[derive(Debug, Clone, Copy)]
struct CoreExecutor;

impl<F> hyper::rt::Executor<F> for CoreExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// Turns to `true` when connections should finish what they have begun and close.
pub type Drain = watch::Receiver<bool>;

/// What all connections of a core are served under.
#[derive(Debug, Clone)]
pub struct Terms {
    pub drain: Drain,
    /// How long a peer may take nothing of an answer.
    pub patience: Duration,
}

/// Answers every request of one connection with `handler`; returns when the peer or the drain ends it, or when the peer
/// takes nothing for too long.
///
/// Errors end the connection only: they are the peer's, or a body of ours that broke on purpose.
pub async fn serve_connection<H, F>(stream: TcpStream, tls: Option<TlsAcceptor>, terms: Terms, handler: Rc<H>)
where
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY refused");
    }
    let Some(acceptor) = tls else { return serve_stream(stream, terms, handler).await };
    let handshake = Duration::from_secs(limits::HEAD_SECONDS_MAX);
    match tokio::time::timeout(handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve_stream(stream, terms, handler).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake timed out"),
    }
}

async fn serve_stream<S, H, F>(stream: S, mut terms: Terms, handler: Rc<H>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    let pace = Pace::default();
    let stream = pace.counting(stream);
    let answers = pace.clone();
    let service = service_fn(move |request| {
        let (answer, pace) = (handler(request), answers.clone());
        async move { Ok::<_, std::convert::Infallible>(answer.await.map(|body| pace.watching(body))) }
    });
    let mut builder = auto::Builder::new(CoreExecutor);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits::HEAD_SECONDS_MAX))
        .max_buf_size(limits::CONNECTION_BUFFER_BYTES)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::HTTP2_STREAMS_MAX)
        .max_send_buf_size(limits::CONNECTION_BUFFER_BYTES)
        .keep_alive_interval(Duration::from_secs(limits::HEAD_SECONDS_MAX));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let served = async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            // An error means that the server is gone already, which is as good a reason to drain.
            _ = terms.drain.wait_for(|begun| *begun) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    tokio::select! {
        ended = served => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            }
        }
        () = pace.stalled(terms.patience) => tracing::debug!("nobody takes the answer"),
    }
}
