//! Table versions kept in memory, each replayed once.

mod cache;
pub mod error;
mod gather;
pub mod loader;
