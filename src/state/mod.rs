//! What outlives the process: shares, tables, tokens.

pub mod name;
pub mod record;
