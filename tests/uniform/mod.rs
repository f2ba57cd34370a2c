//! Iceberg tables told as Delta tables: real ones of every writer.

pub(crate) mod corpus;
