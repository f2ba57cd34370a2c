//! One thread on one core: accept, serve, no locks.

use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::cores;
use super::doors::Doors;
use super::shutdown::Shutdown;
use crate::http::connection::{Terms, serve_connection};
use crate::limits;
use crate::storage::file_read::FileReader;
use crate::telemetry::metrics::CoreMetrics;

/// What one core is started with.
pub(super) struct Core {
    pub(super) cpu: usize,
    pub(super) listener: TcpListener,
    pub(super) doors: Arc<Doors>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) file_reader: FileReader,
    pub(super) metrics: Arc<CoreMetrics>,
    pub(super) shutdown: Shutdown,
    /// How long a reader may take nothing.
    pub(super) patience: Duration,
}

impl Core {
    /// Serves until the drain is over. Runs on its own thread.
    ///
    /// # Errors
    /// The kernel's, when the runtime or the listener cannot be set up.
    pub(super) fn run(self) -> std::io::Result<()> {
        cores::pin(self.cpu);
        self.file_reader.block_on(self.accept())?
    }

    async fn accept(self) -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let places = Arc::new(Semaphore::new(limits::CONNECTIONS_PER_CORE_MAX as usize));
        let metrics = Arc::clone(&self.metrics);
        // Counted by this core alone, so that cores do not wait for each other to count.
        let answering = Rc::new((self.doors, self.metrics));
        let handler = Rc::new(move |request: http::Request<hyper::body::Incoming>| {
            let answering = Rc::clone(&answering);
            // A connection keeps a place for it as long as its answer is read.
            Box::pin(async move {
                let (doors, metrics) = &*answering;
                doors.answer(request, metrics).await
            })
        });
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.shutdown.wait() => break,
                accepted = async {
                    // Never closed, so a place always comes.
                    let place = Arc::clone(&places).acquire_owned().await;
                    (place, listener.accept().await)
                } => accepted,
            };
            let (place, stream) = match accepted {
                (place, Ok((stream, _peer))) => (place, stream),
                (_, Err(error)) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let terms = Terms { drain: self.shutdown.subscribe(), patience: self.patience };
            let connection = serve_connection(stream, self.tls.clone(), terms, Rc::clone(&handler));
            let open = metrics.connections_open.clone();
            tokio::task::spawn_local(async move {
                open.inc();
                connection.await;
                open.dec();
                drop(place);
            });
        }
        drop(listener);
        let deadline = Duration::from_secs(limits::DRAIN_SECONDS_MAX);
        // All places free again means that the last connection is gone.
        let all_gone = places.acquire_many(limits::CONNECTIONS_PER_CORE_MAX);
        if tokio::time::timeout(deadline, all_gone).await.is_err() {
            tracing::warn!("drain took too long; open answers are cut");
        }
        Ok(())
    }
}
