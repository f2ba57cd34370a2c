//! The Iceberg REST catalog over real HTTP.

mod access;
mod commits;
mod idempotency;
mod namespaces;
mod plans;
mod refused;
mod tables;
mod views;
