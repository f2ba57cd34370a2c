//! The key of one day, region and service.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The region and service that a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    pub region: &'a str,
    pub service: &'a str,
}

/// A moment in the two forms that signatures use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmzDate {
    /// `20130524T000000Z`
    pub text: String,
}

impl AmzDate {
    /// `None` for moments outside the years 0 to 9999.
    pub fn from_ms(now_ms: i64) -> Option<Self> {
        let moment = chrono::DateTime::from_timestamp_millis(now_ms)?;
        let text = moment.format("%Y%m%dT%H%M%SZ").to_string();
        (text.len() == 16).then_some(Self { text })
    }

    /// `20130524`
    pub fn day(&self) -> &str {
        self.text.get(..8).unwrap_or_default()
    }

    /// `20130524/us-east-1/s3/aws4_request`
    pub fn credential_scope(&self, scope: &Scope<'_>) -> String {
        format!("{}/{}/{}/aws4_request", self.day(), scope.region, scope.service)
    }

    /// The string to sign up to the hash of the canonical request, with its line feed.
    pub fn string_to_sign_head(&self, scope: &Scope<'_>) -> String {
        format!("AWS4-HMAC-SHA256\n{}\n{}\n", self.text, self.credential_scope(scope))
    }
}

/// The signing key for one day (`20130524`), region and service.
pub fn derive(secret_key: &str, day: &str, scope: &Scope<'_>) -> [u8; 32] {
    let day_key = hmac(format!("AWS4{secret_key}").as_bytes(), day.as_bytes());
    let region_key = hmac(&day_key, scope.region.as_bytes());
    let service_key = hmac(&region_key, scope.service.as_bytes());
    hmac(&service_key, b"aws4_request")
}

/// HMAC-SHA-256 of `message` under `key`.
pub fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::{AmzDate, Scope, derive};

    /// AWS General Reference, "Examples of how to derive a signing key".
    #[test]
    fn derived_key_is_the_published_one() {
        let scope = Scope { region: "us-east-1", service: "iam" };
        let key = derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", &scope);
        assert_eq!(hex::encode(key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
    }

    #[test]
    fn dates_outside_four_digit_years_are_none() {
        assert_eq!(AmzDate::from_ms(1_369_353_600_000).unwrap().text, "20130524T000000Z");
        assert_eq!(AmzDate::from_ms(i64::MAX), None);
        assert_eq!(AmzDate::from_ms(253_402_300_800_000), None);
    }
}
