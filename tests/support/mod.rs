//! Starts the real executable on a free port and talks to it.

pub mod admin;
pub mod catalog;
pub mod delta_table;
pub mod iceberg_table;
pub mod s3;
pub mod server;
