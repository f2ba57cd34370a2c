//! hyper, rustls and our limits around them; no word of sharing or tables.

pub mod body;
