//! Every capability, against the real executable; a folder per door.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test did not expect fails it, also outside of the test functions themselves"
)]
#![allow(unreachable_pub, reason = "one binary: nothing is reached from outside")]

mod admin;
mod cli;
mod conformance;
mod delta;
mod faults;
mod serve;
mod sharing;
mod support;
