//! Iceberg tables told as Delta tables: real ones of every writer.

mod corpus;
