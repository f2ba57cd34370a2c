//! Data skipping: which files can hold a row that a client wants.
//!
//! Clients send hints beside a query (Delta Sharing, "SQL Expressions for Predicate" and "JSON predicates for
//! Filtering"). A file may be left out only if no row of it can make every hint true; whatever is not understood
//! keeps the file. `json_hints` and `sql_hints` read what was sent into one `expression`; `compile` binds it to the
//! columns of a table version; `predicate` asks it of `domain`s, which `partition`, `partition_facts` and `statistics` read; `verdicts`
//! remembers what was found for partition values, `typed` asks whole blocks by bounds that `bounds_maker` read once;
//! `pruner` leads the way through a list.

mod block_masks;
mod bounds_maker;
mod columns;
mod compile;
mod domain;
mod expression;
mod facts;
pub mod hints;
mod json_hints;
mod literal;
mod moment;
mod partition;
mod partition_facts;
pub mod predicate;
pub mod pruner;
mod sql_casts;
mod sql_hints;
mod sql_tokens;
mod statistics;
mod template;
mod truth;
mod typed;
mod verdicts;

#[cfg(test)]
mod tests;
