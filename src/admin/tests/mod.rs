//! Handlers answer as the document says, over a real store.

use super::*;

mod bodies;
mod changes;
mod document;
mod fixture;

#[test]
fn the_door_knows_its_paths() {
    for path in ["/_admin", "/_admin/v1/shares", "/minio/admin/v4/delta-sharing/shares"] {
        assert!(Door::serves(path), "{path}");
    }
    for path in ["/_administration", "/minio/admin/v4/delta-sharing-x", "/minio/health/live", "/"] {
        assert!(!Door::serves(path), "{path}");
    }
}
