//! TPC-H `orders` and `customer` as real tables, for trying out.

pub mod action;
pub mod avro;
pub mod checkpoint;
pub mod delta_writer;
pub mod error;
pub mod history;
pub mod iceberg_snapshot;
pub mod rows;
pub mod tables;
pub mod tpch;
