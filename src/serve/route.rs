//! Which door a path belongs to.

use http::Method;

use crate::{admin, catalog};

/// The doors of one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoorName {
    Sharing,
    Catalog,
    Admin,
    S3,
    /// Alive: answered as long as the process runs.
    Health,
    /// Ready: answered until the drain begins.
    Ready,
    Metrics,
}

/// The door for a request. Operations are asked by GET and HEAD; for the rest their paths are names like any, which the S3
/// door refuses to give to a bucket.
pub fn door_of(method: &Method, path: &str) -> DoorName {
    let asks = matches!(*method, Method::GET | Method::HEAD);
    match path {
        "/healthz" | "/minio/health/live" if asks => DoorName::Health,
        "/readyz" | "/minio/health/ready" if asks => DoorName::Ready,
        "/metrics" if asks => DoorName::Metrics,
        _ if is_below(path, "/delta-sharing") || is_below(path, "/_delta-sharing") => DoorName::Sharing,
        _ if catalog::Door::serves(path) => DoorName::Catalog,
        _ if admin::Door::serves(path) => DoorName::Admin,
        _ => DoorName::S3,
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_a_slash() {
        assert_eq!(door_of(&Method::GET, "/delta-sharing/v1/shares"), DoorName::Sharing);
        assert_eq!(door_of(&Method::GET, "/_delta-sharing/shares"), DoorName::Sharing);
        assert_eq!(door_of(&Method::GET, "/delta-sharing-data/key"), DoorName::S3);
        assert_eq!(door_of(&Method::GET, "/_iceberg/v1/config"), DoorName::Catalog);
        assert_eq!(door_of(&Method::GET, "/_icebergs/v1/config"), DoorName::S3);
        assert_eq!(door_of(&Method::GET, "/_admin/v1/shares"), DoorName::Admin);
        assert_eq!(door_of(&Method::GET, "/minio/admin/v4/delta-sharing/shares"), DoorName::Admin);
        assert_eq!(door_of(&Method::GET, "/minio/health/live"), DoorName::Health);
        assert_eq!(door_of(&Method::GET, "/minio/key"), DoorName::S3);
        assert_eq!(door_of(&Method::GET, "/"), DoorName::S3);
        assert_eq!(door_of(&Method::PUT, "/healthz"), DoorName::S3);
    }
}
