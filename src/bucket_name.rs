//! Names of buckets: which are served, and which may be made.

use std::net::IpAddr;

use crate::limits::objects::KEY_SEGMENT_BYTES_MAX;

/// First parts of paths that other doors answer, so that a bucket of that name could not be reached.
const TAKEN_NAMES: [&str; 5] = ["delta-sharing", "healthz", "metrics", "minio", "readyz"];

/// Whether a directory of this name is a bucket: wider than Amazon's rules, so that what lies there is served.
///
/// Directories that begin with a dot or an underscore are the server's own, or nobody's.
pub fn is_served(name: &str) -> bool {
    let in_set = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=KEY_SEGMENT_BYTES_MAX).contains(&name.len())
        && name.bytes().all(in_set)
        && !name.starts_with(['_', '.'])
}

/// Whether a bucket may be made under this name: Amazon S3's "Bucket naming rules", and no other door's path.
///
/// Errors: the rule that is broken.
pub fn check_new(name: &str) -> Result<(), &'static str> {
    let in_set = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_plain = (3..=63).contains(&name.len())
        && name.bytes().all(in_set)
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.']);
    if !is_plain {
        return Err("3 to 63 small letters, digits, dots and hyphens, with a letter or digit at both ends");
    }
    if name.contains("..") || name.parse::<IpAddr>().is_ok() || name.starts_with("xn--") {
        return Err("it may not look like an address or an encoded name of a host");
    }
    if TAKEN_NAMES.contains(&name) {
        return Err("the server answers other requests under this name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hidden_names_are_never_buckets() {
        for name in ["_admin", ".lakeshare", "..", ".", "", "a/b", "a b", "ü"] {
            assert!(!is_served(name), "{name:?}");
        }
        for name in ["tables", "My_Data.2", "a"] {
            assert!(is_served(name), "{name:?}");
        }
        assert!(check_new("My_Data").is_err());
        assert!(check_new("delta-sharing").is_err());
        assert!(check_new("tables").is_ok());
    }

    proptest! {
        #[test]
        fn names_are_as_the_s3_library_takes_them(name in "(xn--)?[a-c1-3.-]{0,9}|[0-9]{1,3}(\\.[0-9]{1,3}){3}|[a-z_A]{60,66}") {
            prop_assert_eq!(check_new(&name).is_ok(), s3s::path::check_bucket_name(&name), "{}", name);
            prop_assert!(check_new(&name).is_err() || is_served(&name));
        }
    }
}
