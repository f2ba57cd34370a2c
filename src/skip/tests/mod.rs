//! Hints as clients send them, asked of files as writers describe them.

mod cases;
mod client;
mod fixture;
mod oracle;
mod property;
mod segments;
mod typed;
mod writer;
