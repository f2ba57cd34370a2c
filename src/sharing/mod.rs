//! The Delta Sharing door: one request from end to end.

pub mod access;
pub mod capabilities;
pub mod error;
pub mod format;
pub mod list;
pub mod listing;
pub mod metadata;
pub mod parameters;
pub mod query_request;
pub mod render;
pub mod route;
pub mod schema_text;

#[cfg(test)]
mod fixture;
