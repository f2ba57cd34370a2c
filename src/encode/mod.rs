//! Narrow faces on encodings.

pub mod json;
pub mod seal;
pub mod url_path;
pub mod z85;
