//! The Delta Sharing door: one request from end to end.
