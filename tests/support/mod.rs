//! Starts the real executable on a free port and talks to it.

pub mod server;
