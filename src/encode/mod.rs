//! Narrow faces on encodings.

pub mod json;
