//! The S3 door over real HTTP, and the files behind it.

mod conditions;
mod files;
mod signing;
mod written_beside;
