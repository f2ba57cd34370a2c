//! Sample tables for the first five minutes.
