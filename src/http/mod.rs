//! hyper, rustls and our limits around them; no domain word.

pub mod body;
pub mod connection;
pub mod tls;
