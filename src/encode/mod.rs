//! Narrow faces on encodings.
