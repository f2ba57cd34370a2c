//! Runs one command that waits for a server.

use super::fault::Fault;

/// Drives `command` to its end on this thread.
pub(crate) fn wait_for<T>(command: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::io("cannot start", &error))?
        .block_on(command)
}
