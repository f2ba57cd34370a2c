//! Logs and metrics: every name in one place.

mod fields;
mod lines;
pub mod log;
pub mod metrics;
pub mod request_id;
