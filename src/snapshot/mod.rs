//! Table versions kept in memory, each replayed once.
