//! The waist: a table version as columns, whatever format wrote it.

pub mod block_key;
pub mod change;
pub mod column_file;
pub mod deletion_vector;
pub(crate) mod dictionary;
pub mod file;
pub mod file_list;
pub mod file_list_builder;
pub mod file_list_parts;
mod live_rows;
mod names;
mod numbers;
mod order;
pub mod page;
mod partition_runs;
mod partitions;
pub mod path_digest;
pub mod segment;
pub mod segment_builder;
mod segment_file;
pub mod snapshot;
mod statistics;
mod successor;
pub mod unpacked_blocks;
