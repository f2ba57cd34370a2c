//! The server's settings, checked and whole.
