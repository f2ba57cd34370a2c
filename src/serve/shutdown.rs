//! Stop accepting, drain, leave.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::http::connection::Drain;
use crate::http::tls::Certificate;

/// Tells every core, and whoever asks for readiness, that the server is leaving.
#[derive(Debug, Clone)]
pub struct Shutdown {
    begun: watch::Sender<bool>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { begun: watch::Sender::new(false) }
    }
}

impl Shutdown {
    /// Starts the drain; further calls change nothing.
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// For connections, which finish what they have begun.
    pub fn subscribe(&self) -> Drain {
        self.begun.subscribe()
    }

    /// Returns once the drain has begun.
    pub async fn wait(&self) {
        let mut seen = self.begun.subscribe();
        // An error means that no sender is left, which `self` rules out.
        let _ = seen.wait_for(|begun| *begun).await;
    }
}

/// The signals that a server answers, from the moment this exists.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes the signals over from the kernel, on a runtime.
    ///
    /// # Errors
    /// The kernel's, when a handler cannot be installed.
    pub fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT and then begins the drain; SIGHUP reads the certificate again.
    pub async fn watch(mut self, shutdown: Shutdown, certificate: Option<Arc<Certificate>>) {
        loop {
            tokio::select! {
                () = first(&mut self.terminate, &mut self.interrupt) => break,
                _ = self.hang_up.recv() => reload(certificate.as_deref()),
                () = shutdown.wait() => return,
            }
        }
        tracing::info!("draining: no new connections, open answers are finished");
        shutdown.begin();
    }
}

async fn first(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
}

fn reload(certificate: Option<&Certificate>) {
    let Some(certificate) = certificate else {
        tracing::info!("SIGHUP: no certificate to reload");
        return;
    };
    match certificate.reload() {
        Ok(()) => tracing::info!("certificate reloaded"),
        Err(error) => tracing::error!(%error, "certificate not reloaded; the old one stays in use"),
    }
}
