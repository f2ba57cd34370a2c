//! Which door a path belongs to.

use crate::admin;

/// The doors of one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoorName {
    Sharing,
    Admin,
    S3,
    /// Alive: answered as long as the process runs.
    Health,
    /// Ready: answered until the drain begins.
    Ready,
    Metrics,
}

/// The door for `path`. Names that begin with `_` are never buckets, so the S3 door may refuse the rest.
pub fn door_of(path: &str) -> DoorName {
    match path {
        "/healthz" | "/minio/health/live" => DoorName::Health,
        "/readyz" | "/minio/health/ready" => DoorName::Ready,
        "/metrics" => DoorName::Metrics,
        _ if is_below(path, "/delta-sharing") || is_below(path, "/_delta-sharing") => DoorName::Sharing,
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
        assert_eq!(door_of("/delta-sharing/v1/shares"), DoorName::Sharing);
        assert_eq!(door_of("/_delta-sharing/shares"), DoorName::Sharing);
        assert_eq!(door_of("/delta-sharing-data/key"), DoorName::S3);
        assert_eq!(door_of("/_admin/v1/shares"), DoorName::Admin);
        assert_eq!(door_of("/minio/admin/v4/delta-sharing/shares"), DoorName::Admin);
        assert_eq!(door_of("/minio/health/live"), DoorName::Health);
        assert_eq!(door_of("/minio/key"), DoorName::S3);
        assert_eq!(door_of("/"), DoorName::S3);
    }
}
