//! Profile files: what a recipient's client needs to connect.

use serde::{Deserialize, Serialize};

use crate::clock;

/// A profile of version 1 (Delta Sharing, "Profile File Format"). `Debug` never shows the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub share_credentials_version: u32,
    /// Where clients append `/shares`.
    pub endpoint: String,
    pub bearer_token: String,
    /// RFC 3339; absent when the token never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<String>,
}

impl Profile {
    /// A profile for the server that recipients reach at `public_url` (`https://host[:port]`).
    pub fn new(public_url: &str, bearer_token: &str, expires_ms: Option<i64>) -> Self {
        Self {
            share_credentials_version: 1,
            endpoint: format!("{}/delta-sharing", public_url.trim_end_matches('/')),
            bearer_token: bearer_token.to_owned(),
            expiration_time: expires_ms.map(clock::rfc3339),
        }
    }
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile")
            .field("endpoint", &self.endpoint)
            .field("expiration_time", &self.expiration_time)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_the_keys_that_clients_read() {
        let profile = Profile::new("https://share.example/", "dapi1", Some(1_770_999_725_000));
        assert_eq!(
            serde_json::to_string(&profile).unwrap(),
            r#"{"shareCredentialsVersion":1,"endpoint":"https://share.example/delta-sharing","bearerToken":"dapi1","expirationTime":"2026-02-13T16:22:05.000Z"}"#
        );
        assert!(!format!("{profile:?}").contains("dapi1"));
    }

    #[test]
    fn a_token_without_end_has_no_expiration_time() {
        let profile = Profile::new("http://127.0.0.1:9000", "dapi1", None);
        assert!(!serde_json::to_string(&profile).unwrap().contains("expirationTime"));
    }
}
