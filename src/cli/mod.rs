//! What people type: parses, runs one command, exits with a code.
