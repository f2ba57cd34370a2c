//! What was acknowledged outlives the process.

mod state;
