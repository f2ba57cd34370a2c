//! One suite for every implementation of a port, and what is held.

mod catalog;
mod engines;
mod features;
mod report;
mod state;
