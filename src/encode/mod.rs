//! Narrow faces on encodings.

pub mod bucket;
pub mod decimal;
mod deflate_lines;
pub mod gzip;
mod huffman;
pub mod json;
pub mod seal;
pub mod stored;
pub mod url_path;
pub mod z85;
