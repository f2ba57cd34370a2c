//! What was acknowledged outlives the process.

mod kill_catalog;
mod kill_commits;
mod kill_put;
mod kill_spill;
mod state;
