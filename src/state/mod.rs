//! What outlives the process: shares, tables, tokens.

pub mod record;
