//! State, replay and admin on a few ordinary threads.

use std::path::Path;

use tokio::runtime::{Builder, Runtime};

use super::error::Error;
use crate::limits;

/// The runtime of the control plane; dropped last, so that open answers can finish.
pub(super) fn start_runtime() -> Result<Runtime, Error> {
    Builder::new_multi_thread()
        .worker_threads(limits::CONTROL_THREADS)
        .max_blocking_threads(limits::CONTROL_BLOCKING_THREADS_MAX)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(Error::Thread)
}

/// The server's own directory below the data directory; never a bucket.
pub(super) fn private_dir(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join(".lakeshare")
}
