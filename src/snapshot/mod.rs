//! Table versions kept in memory, each replayed once.

mod cache;
pub mod changes;
pub mod error;
mod gather;
pub mod history;
mod iceberg_tables;
mod loaded;
pub mod loader;
