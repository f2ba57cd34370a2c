//! Deletion vectors of Iceberg tables.

#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::run("iceberg_deletion_vector", bytes));
