//! The command line, as the real executable answers.

mod help;
mod normal;
mod session;
