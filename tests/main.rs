//! Every capability, against the real executable; a folder per door.

mod cli;
mod conformance;
mod delta;
mod serve;
mod support;
