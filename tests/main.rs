//! Every capability, against the real executable; a folder per door.

mod admin;
mod cli;
mod conformance;
mod delta;
mod faults;
mod serve;
mod support;
