//! One connection on one core, from handshake to last byte.

use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::body::Body;
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

/// Answers every request of one connection with `handler`; returns when the peer or the drain ends it.
///
/// Errors end the connection only: they are the peer's, or a body of ours that broke on purpose.
pub async fn serve_connection<H, F>(stream: TcpStream, tls: Option<TlsAcceptor>, drain: Drain, handler: Rc<H>)
where
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY refused");
    }
    let Some(acceptor) = tls else { return serve_stream(stream, false, drain, handler).await };
    let handshake = Duration::from_secs(limits::HEAD_SECONDS_MAX);
    match tokio::time::timeout(handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            serve_stream(stream, is_http2, drain, handler).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake timed out"),
    }
}

/// HTTP/1.1, or HTTP/2 where the TLS handshake agreed on it.
async fn serve_stream<S, H, F>(stream: S, is_http2: bool, drain: Drain, handler: Rc<H>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Response<Body>> + 'static,
{
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let stream = TokioIo::new(stream);
    let patience = Duration::from_secs(limits::HEAD_SECONDS_MAX);
    let ended = if is_http2 {
        let mut builder = http2::Builder::new(CoreExecutor);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits::HTTP2_STREAMS_MAX)
            .max_send_buf_size(limits::CONNECTION_BUFFER_BYTES)
            .keep_alive_interval(patience);
        let connection = builder.serve_connection(stream, service);
        until_drained(connection, drain, http2::Connection::graceful_shutdown).await
    } else {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(limits::CONNECTION_BUFFER_BYTES);
        let connection = builder.serve_connection(stream, service);
        until_drained(connection, drain, http1::Connection::graceful_shutdown).await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Drives a connection to its end; from the drain on it takes no further request.
async fn until_drained<C>(connection: C, mut drain: Drain, shut: fn(Pin<&mut C>)) -> hyper::Result<()>
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        // An error means that the server is gone already, which is as good a reason to drain.
        _ = drain.wait_for(|begun| *begun) => {
            shut(connection.as_mut());
            connection.await
        }
    }
}
