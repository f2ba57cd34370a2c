//! Bearer tokens of this door: a sealed end, bound to a key.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::encode::seal::Sealer;
use crate::limits;
use crate::sigv4::credential::Credential;

/// Makes and checks bearer tokens. None is remembered: a token ends with its time, or when the secret is changed.
pub(super) struct Tokens {
    sealer: Sealer,
    root: Credential,
    /// SHA-256 of the secret that tokens are bound to.
    secret_digest: [u8; 32],
}

impl Tokens {
    pub(super) fn new(sealer: Sealer, root: &Credential) -> Self {
        let secret_digest = Sha256::digest(root.secret_key.as_bytes()).into();
        Self { sealer, root: root.clone(), secret_digest }
    }

    /// Whether a client has shown our access key and its secret.
    pub(super) fn knows(&self, client_id: &str, client_secret: &str) -> bool {
        let id = client_id.as_bytes().ct_eq(self.root.access_key.as_bytes());
        let secret = client_secret.as_bytes().ct_eq(self.root.secret_key.as_bytes());
        bool::from(id & secret)
    }

    /// A token that ends `limits::catalog::TOKEN_SECONDS` after `now_ms`.
    pub(super) fn issue(&self, now_ms: i64) -> String {
        let end_ms = now_ms.saturating_add(limits::catalog::TOKEN_SECONDS.saturating_mul(1_000));
        self.sealer.seal(&self.context(), end_ms.to_string().as_bytes())
    }

    /// Whether a token is one of ours and has not ended at `now_ms`.
    pub(super) fn is_live(&self, token: &str, now_ms: i64) -> bool {
        let end_ms = self
            .sealer
            .open(&self.context(), token)
            .and_then(|content| String::from_utf8(content).ok()?.parse::<i64>().ok());
        end_ms.is_some_and(|end_ms| now_ms < end_ms)
    }

    fn context(&self) -> [&[u8]; 3] {
        [b"catalog token", self.root.access_key.as_bytes(), &self.secret_digest]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: &str) -> Tokens {
        let root = Credential { access_key: "key".into(), secret_key: secret.into() };
        Tokens::new(Sealer::new(&[3; 32]), &root)
    }

    #[test]
    fn a_token_ends_with_its_time_and_with_its_secret() {
        let ours = tokens("old");
        let token = ours.issue(1_000);
        let end_ms = 1_000 + limits::catalog::TOKEN_SECONDS * 1_000;
        assert!(ours.is_live(&token, 1_000) && ours.is_live(&token, end_ms - 1));
        assert!(!ours.is_live(&token, end_ms));
        assert!(!tokens("new").is_live(&token, 1_000));
        assert!(!ours.is_live("", 1_000) && !ours.is_live("dapi0", 1_000));
    }

    #[test]
    fn both_halves_of_a_credential_have_to_be_right() {
        let ours = tokens("secret");
        assert!(ours.knows("key", "secret"));
        assert!(!ours.knows("key", "secre") && !ours.knows("ke", "secret") && !ours.knows("", ""));
    }
}
