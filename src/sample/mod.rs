//! TPC-H `orders` and `customer` as real Delta tables, for trying out.

pub mod action;
pub mod checkpoint;
pub mod delta_writer;
pub mod error;
pub mod history;
pub mod rows;
pub mod tables;
pub mod tpch;
