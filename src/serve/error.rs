//! Why a server does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::error::Kind;
use crate::{catalog, http, s3store, state};

/// A server that could not be started, with what stood in its way.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen on {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("cannot use the data directory {}: {source}", path.display())]
    DataDirectory { path: PathBuf, source: std::io::Error },
    #[error("another server already works on {}; stop it first or choose another directory", path.display())]
    Locked { path: PathBuf },
    #[error(transparent)]
    State(#[from] state::Error),
    #[error(transparent)]
    Buckets(#[from] s3store::error::Error),
    #[error(transparent)]
    Catalog(#[from] catalog::error::Error),
    #[error(transparent)]
    Tls(#[from] http::tls::Error),
    #[error("this kernel refuses io_uring; leave `io` at auto, or set it to pread")]
    NoUring,
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    #[error("cannot take over the signals that stop the server: {0}")]
    Signals(std::io::Error),
    #[error("cannot write {}: {source}", path.display())]
    PortFile { path: PathBuf, source: std::io::Error },
    #[error("the thread of core {0} ended unexpectedly; its panic message is above")]
    CoreDied(usize),
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::State(error) => error.kind(),
            Self::Buckets(error) => error.kind(),
            Self::Catalog(error) => error.kind(),
            Self::Tls(error) => error.kind(),
            Self::Bind { .. } | Self::Locked { .. } => Kind::Conflict,
            Self::DataDirectory { .. } | Self::NoUring | Self::PortFile { .. } => Kind::Invalid,
            Self::Thread(_) | Self::Signals(_) | Self::CoreDied(_) => Kind::Internal,
        }
    }
}
