//! The admin door over real HTTP.

mod shares;
mod signatures;
mod tokens;
