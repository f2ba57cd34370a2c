//! One suite for every implementation of a port, and what is held.

mod catalog;
mod report;
mod state;
