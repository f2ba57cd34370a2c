//! Starts both planes and waits for the end.

pub mod cores;
pub mod error;
pub mod listen;
pub mod lock;
pub mod route;
pub mod shutdown;
