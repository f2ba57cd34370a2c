//! The command line, as the real executable answers.

mod broken_line;
mod catalog;
mod help;
mod normal;
mod objects;
mod session;
mod shares;
mod tls;
