//! What was acknowledged outlives the process.

mod kill_put;
mod state;
