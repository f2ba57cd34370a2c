//! Buckets as directories of plain files, changed durably and by one process.

pub mod attributes;
pub mod data_dir;
pub mod directories;
pub mod error;
pub mod layout;
pub mod locks;
pub mod look;
pub mod object_path;
pub mod publish;
pub mod remove;
pub mod temporary;
