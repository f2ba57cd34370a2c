//! Bearer tokens: made once, shown once, kept as digests.

use sha2::{Digest, Sha256};

use crate::error::Kind;

/// Prefix that secret scanners already know.
const PREFIX: &str = "dapi";

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a token: the system's random source failed")]
pub struct Error {
    #[from]
    source: getrandom::Error,
}

impl Error {
    pub fn kind(&self) -> Kind {
        Kind::Internal
    }
}

/// The text of a bearer token. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
}

impl Token {
    /// `dapi` and 64 hex digits: 256 random bits.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self { text: format!("{PREFIX}{}", hex::encode(bytes)) })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the state store keeps of it.
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.text)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token's text.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_random_and_silent() {
        let (one, two) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.text().len(), 68);
        let digits = one.text().strip_prefix("dapi").unwrap();
        assert!(digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert!(!format!("{one:?}").contains(digits));
        assert_eq!(one.digest(), digest(one.text()));
    }

    #[test]
    fn the_digest_is_sha_256() {
        // FIPS 180-4, example "abc".
        assert_eq!(
            hex::encode(digest("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
