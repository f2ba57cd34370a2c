//! The Delta Sharing door, on the wire.

mod auth;
mod capabilities;
mod change_pages;
mod changes;
mod codings;
mod data_features;
mod directory;
mod features;
mod golden;
mod hints;
mod history;
mod lists;
mod log_table;
mod metadata;
mod names;
mod open_answers;
mod options;
mod outside;
mod pages;
mod queries;
mod query;
mod refused;
mod spark;
mod spill;
mod wire;
mod world;
