//! What a write may ask for that is not kept.

use http::HeaderMap;

use super::error::Error;

/// Canned ACLs that change nothing where the root credential owns everything.
const HARMLESS_ACLS: [&str; 3] = ["private", "bucket-owner-full-control", "bucket-owner-read"];

/// Headers that promise something of the stored object which this server does not do.
const NOT_SERVED: [(&str, &str); 9] = [
    ("x-amz-server-side-encryption", "encryption by the server"),
    ("x-amz-server-side-encryption-customer-algorithm", "encryption with a customer's key"),
    ("x-amz-copy-source-server-side-encryption-customer-algorithm", "encryption with a customer's key"),
    ("x-amz-tagging", "object tagging"),
    ("x-amz-object-lock-mode", "object lock"),
    ("x-amz-object-lock-legal-hold", "object lock"),
    ("x-amz-website-redirect-location", "website redirection"),
    ("x-amz-write-offset-bytes", "appending to an object"),
    ("x-amz-grant-read", "an access control list; share tables instead"),
];

/// Errors: the first header that asks for what is not served.
pub(super) fn check_write(headers: &HeaderMap) -> Result<(), Error> {
    for (name, what) in NOT_SERVED {
        if headers.contains_key(name) {
            return Err(Error::NotServed { what: what.into() });
        }
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(acl) = text("x-amz-acl")
        && !HARMLESS_ACLS.contains(&acl)
    {
        return Err(Error::NotServed { what: format!("the access control list {acl}").into() });
    }
    if let Some(class) = text("x-amz-storage-class")
        && !matches!(class, "" | "STANDARD" | "REDUCED_REDUNDANCY")
    {
        return Err(Error::NotServed { what: format!("the storage class {class}").into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &'static str, value: &'static str) -> Result<(), Error> {
        let pair = (http::HeaderName::from_static(name), http::HeaderValue::from_static(value));
        check_write(&HeaderMap::from_iter([pair]))
    }

    #[test]
    fn what_would_be_lost_is_refused_by_name() {
        for (name, value) in [
            ("x-amz-server-side-encryption", "AES256"),
            ("x-amz-tagging", "a=b"),
            ("x-amz-acl", "public-read"),
            ("x-amz-storage-class", "GLACIER"),
        ] {
            assert!(matches!(check(name, value), Err(Error::NotServed { .. })), "{name}");
        }
        assert!(check("x-amz-acl", "private").is_ok());
        assert!(check("x-amz-storage-class", "STANDARD").is_ok());
    }
}
