//! Starts both planes and waits for the end.

mod admission;
mod control_plane;
pub mod cores;
mod count;
mod data_plane;
mod doors;
pub mod error;
pub mod listen;
mod lock;
pub mod route;
pub mod shutdown;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_rustls::TlsAcceptor;

use self::control_plane::{Ground, build_doors, private_dir, start_runtime};
use self::data_plane::Core;
use self::doors::Doors;
use self::error::Error;
use self::lock::DirectoryLock;
use self::shutdown::{Shutdown, Signals};
use crate::clock::Clock;
use crate::config::{Config, IoMode};
use crate::http::tls::Certificate;
use crate::storage::file_read::{FileReader, Mode};
use crate::telemetry::metrics::Metrics;

/// A server that is up: where it listens and how recipients reach it.
#[derive(Debug, Clone)]
pub struct Started {
    pub address: SocketAddr,
    pub public_url: String,
}

/// Runs a server on the calling thread until SIGTERM, SIGINT or `shutdown`, then drains.
///
/// `started` is called once, when every core listens; an error of its ends the server.
pub fn run(
    config: &Config,
    shutdown: &Shutdown,
    started: impl FnOnce(&Started) -> Result<(), Error>,
) -> Result<(), Error> {
    let _lock = DirectoryLock::take(&config.data_dir, &private_dir(&config.data_dir))?;
    let certificate = config
        .tls
        .as_ref()
        .map(|files| Certificate::read(&files.certificate, &files.private_key))
        .transpose()?;
    let file_reader = choose_file_reader(config.io)?;
    let cores = cores::choose(config.cores);
    let patience = Duration::from_secs(u64::from(config.reader_timeout_seconds));
    let listeners = listen::bind(config.address, cores.len(), patience)?;
    let address = local_address(&listeners, config.address)?;
    let public_url = config.public_url.clone().unwrap_or_else(|| default_url(address, certificate.is_some()));
    let metrics = Arc::new(Metrics::new(file_reader.as_str()));
    let runtime = start_runtime()?;
    let doors = Arc::new(runtime.block_on(build_doors(Ground {
        config,
        public_url: public_url.clone(),
        file_reader,
        metrics,
        shutdown: shutdown.clone(),
        clock: Clock::system(),
    }))?);
    // Before anybody hears of this server: who starts it may stop it at once.
    let signals = runtime.block_on(async { Signals::install() }).map_err(Error::Signals)?;
    let signals = runtime.spawn(signals.watch(shutdown.clone(), certificate.clone()));
    let terms = CoreTerms { tls: certificate.as_ref().map(Certificate::acceptor), file_reader, patience };
    let threads = start_cores(listeners, &cores, &doors, &terms)?;
    tracing::info!(%address, %public_url, cores = cores.len(), file_io = file_reader.as_str(), "listening");
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let result = started(&Started { address, public_url });
    if result.is_err() {
        shutdown.begin();
    }
    let ended = join_cores(threads);
    signals.abort();
    drop(doors);
    tracing::info!("stopped");
    result.and(ended)
}

/// The engine for local files; a demanded io_uring that the kernel refuses is an error.
fn choose_file_reader(mode: IoMode) -> Result<FileReader, Error> {
    let reader = FileReader::probe(match mode {
        IoMode::Auto => Mode::Auto,
        IoMode::Uring => Mode::Uring,
        IoMode::Pread => Mode::Pread,
    });
    if mode == IoMode::Uring && !reader.uses_uring() {
        return Err(Error::NoUring);
    }
    Ok(reader)
}

/// Writes the address that a server listens on to `path`, whole or not at all.
pub fn write_port_file(path: &Path, address: SocketAddr) -> Result<(), Error> {
    let failed = |source| Error::PortFile { path: path.to_owned(), source };
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, format!("{address}\n")).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)
}

fn local_address(listeners: &[TcpListener], wanted: SocketAddr) -> Result<SocketAddr, Error> {
    let address = listeners.first().map(TcpListener::local_addr).transpose();
    let address = address.map_err(|source| Error::Bind { address: wanted, source })?;
    Ok(address.unwrap_or(wanted))
}

fn default_url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    if address.ip().is_unspecified() {
        return format!("{scheme}://localhost:{}", address.port());
    }
    format!("{scheme}://{address}")
}

/// What all cores serve under.
struct CoreTerms {
    tls: Option<TlsAcceptor>,
    file_reader: FileReader,
    patience: Duration,
}

type CoreThread = (usize, JoinHandle<std::io::Result<()>>);

fn start_cores(
    listeners: Vec<TcpListener>,
    cores: &[usize],
    doors: &Arc<Doors>,
    terms: &CoreTerms,
) -> Result<Vec<CoreThread>, Error> {
    let mut threads = Vec::with_capacity(cores.len());
    for (number, (listener, cpu)) in (0_u32..).zip(listeners.into_iter().zip(cores.iter().copied())) {
        let core = Core {
            cpu,
            listener,
            doors: Arc::clone(doors),
            tls: terms.tls.clone(),
            file_reader: terms.file_reader,
            patience: terms.patience,
            metrics: doors.metrics.core(number),
            shutdown: doors.shutdown.clone(),
        };
        let shutdown = doors.shutdown.clone();
        let thread = std::thread::Builder::new()
            .name(format!("core-{cpu}"))
            .spawn(move || {
                let result = core.run();
                // Whether it drained or failed: without this core the others must not go on alone.
                shutdown.begin();
                result
            })
            .map_err(Error::Thread)?;
        threads.push((cpu, thread));
    }
    Ok(threads)
}

fn join_cores(threads: Vec<CoreThread>) -> Result<(), Error> {
    let mut ended = Ok(());
    for (cpu, thread) in threads {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => ended = Err(Error::Thread(error)),
            Err(_) => ended = Err(Error::CoreDied(cpu)),
        }
    }
    ended
}
