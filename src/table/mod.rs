//! The waist: a table version as columns, whatever format wrote it.

mod dictionary;
pub mod file_list;
pub mod file_list_builder;
pub mod path_digest;
pub mod segment;
pub mod segment_builder;
pub mod snapshot;
