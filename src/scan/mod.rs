//! Scans of Iceberg tables, planned: wanted files and their deletes.
//!
//! Manifests are left out by the summaries of their partitions, files by their partition, then by their bounds. All of it
//! is pure: what was read comes in, and nobody is asked. What is not understood keeps the file.

pub mod columns;
pub mod datum;
pub mod deletes;
pub mod expression;
pub mod filter;
pub mod predicate;
pub mod projection;
#[cfg(test)]
mod tests;
pub mod transform;
