//! hyper, rustls and our limits around them; no domain word.

pub mod body;
pub mod buffer;
pub mod coding;
pub mod connection;
pub mod stall;
pub mod tls;
