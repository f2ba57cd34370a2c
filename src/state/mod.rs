//! What outlives the process: shares, tables, tokens.

pub mod change;
pub mod embedded;
pub mod error;
pub mod name;
pub mod record;

pub use error::Error;
