//! Where tables lie: buckets and the objects in them.

pub mod file_read;
