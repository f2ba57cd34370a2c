//! Iceberg metadata of tables that other software wrote.

mod corpus;
