//! Iceberg metadata: real tables, and random commits.

mod commits;
mod corpus;
