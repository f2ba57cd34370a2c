//! The waist: a table version as columns, whatever format wrote it.

pub mod file_list;
pub mod snapshot;
