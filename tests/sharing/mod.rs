//! The Delta Sharing door, on the wire.

mod auth;
mod capabilities;
mod data_features;
mod features;
mod golden;
mod hints;
mod lists;
mod log_table;
mod metadata;
mod names;
mod query;
mod refused;
mod wire;
mod world;
