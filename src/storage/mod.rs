//! Where tables lie: buckets and the objects in them.
