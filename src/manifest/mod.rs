//! Iceberg manifest lists and manifests: bytes in, entries out.
//!
//! Both are Avro object container files. A file tells the schema that its writer had; it is compiled once, then records
//! are read in one pass, each borrowed from the unpacked block: nothing is allocated for an entry, and nothing is read
//! twice. Fields are found by their ids. Foreign bytes are read in bounds, within a budget, or refused.
//!
//! Sources: the Iceberg table specification, "Manifests" and "Manifest Lists"; Apache Avro 1.12, "Object Container Files".

mod avro_schema;
pub mod codec;
pub mod columns;
mod container;
mod cursor;
pub mod entries;
pub mod entry;
pub mod error;
pub mod fault;
#[cfg(test)]
pub(crate) mod fixture;

pub mod manifest_list;
pub mod partition;
mod skip;
#[cfg(test)]
mod tests;
