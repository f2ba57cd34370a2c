//! Every capability, against the real executable; a folder per door.

mod cli;
mod conformance;
mod serve;
mod support;
