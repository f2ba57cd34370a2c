//! The Iceberg catalog, as the commands ask it.

pub(crate) mod address;
pub(crate) mod client;
pub(crate) mod engines;
pub(crate) mod metadata;
pub(crate) mod partition;
pub(crate) mod schema;
pub(crate) mod view;
pub(crate) mod walk;
pub(crate) mod wire;
