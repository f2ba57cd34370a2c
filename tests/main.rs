//! Every capability, against the real executable; a folder per door.

mod serve;
mod support;
