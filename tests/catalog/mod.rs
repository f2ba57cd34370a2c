//! The Iceberg REST catalog over real HTTP.

mod access;
mod commits;
mod idempotency;
mod namespaces;
mod refused;
mod tables;
mod views;
