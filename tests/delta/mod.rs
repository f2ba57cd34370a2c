//! Delta replay: real tables, broken ones, and random histories.

mod checkpoints;
pub(crate) mod corpus;
mod features;
mod history;
mod hostile;
pub(crate) mod log_builder;
mod moments;
mod oracle;

mod parsed_columns;
mod versions;
