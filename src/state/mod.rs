//! What outlives the process: shares, tables, tokens, and the catalog.

pub mod catalog;
pub mod change;
pub mod embedded;
pub mod error;
pub mod identifier;
pub mod name;
pub mod record;

pub use error::Error;
