//! Starts the real executable on a free port and talks to it.

pub mod admin;
pub mod catalog;
pub mod delta_table;
#[path = "../../benches/inputs/iceberg_manifest.rs"]
pub mod iceberg_manifest;
pub mod iceberg_table;
pub mod s3;
pub mod server;
