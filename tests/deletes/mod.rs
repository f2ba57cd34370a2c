//! Deleted rows of Iceberg tables, as other software deleted them.

mod corpus;
