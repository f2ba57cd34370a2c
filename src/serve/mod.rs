//! Starts both planes and waits for the end.
