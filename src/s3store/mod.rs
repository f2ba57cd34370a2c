//! The S3 door over plain files.
