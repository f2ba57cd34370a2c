//! Every capability, against the real executable; a folder per door.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::pedantic,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "a test fails by panicking, says so on the terminal, and is a crate of its own"
)]

mod admin;
mod catalog;
mod cli;
mod conformance;
mod deletes;
mod delta;
mod faults;
mod fuzz;
mod iceberg;
mod manifest;
mod s3store;
mod serve;
mod sharing;
mod support;
mod uniform;
