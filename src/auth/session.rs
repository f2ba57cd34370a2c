//! Temporary credentials: a sealed statement of a directory, a reach, an end.
//!
//! The S3 door remembers none of them. The session token says what its holder may do and until when; the access
//! key is a digest of that statement, and the secret key is derived from the access key. So a token works with its
//! own key pair only, and nobody can make one.

use hex::encode_upper;

use crate::encode::seal::{self, Sealer};

/// Begins the access key of every session.
const PREFIX: &str = "ASIA";

/// What may be done to the objects of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Get and list.
    Read,
    /// Get, list, put and delete.
    Write,
}

/// What the holder of a session may do with what lies in one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub bucket: String,
    /// Path inside the bucket without slashes at its ends; empty is the bucket itself.
    pub directory: String,
    pub reach: Reach,
    /// Milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

/// The three texts that an S3 client is given.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCredential {
    pub access_key: String,
    pub secret_key: String,
    pub session_token: String,
}

impl std::fmt::Debug for SessionCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionCredential").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Issues and checks sessions; cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    sealer: Sealer,
    secret: [u8; 32],
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// `key` comes from the state store, so that sessions survive a restart.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { sealer: Sealer::new(key), secret: seal::derive(key, "session: secret") }
    }

    pub fn issue(&self, grant: &Grant) -> SessionCredential {
        // No bucket's name holds a NUL.
        let Grant { bucket, directory, reach, expires_ms } = grant;
        let statement = format!("{expires_ms}\0{}\0{bucket}\0{directory}", reach.letter());
        let digest = seal::derive(&self.secret, &format!("key of {statement}"));
        let access_key = format!("{PREFIX}{}", encode_upper(digest.first_chunk::<8>().unwrap_or(&[0; 8])));
        let session_token = self.sealer.seal(&[access_key.as_bytes()], statement.as_bytes());
        SessionCredential { secret_key: self.derived(&access_key), access_key, session_token }
    }

    /// The secret of the access key of a session; `None` for keys that are none.
    pub fn secret_of(&self, access_key: &str) -> Option<String> {
        Self::is_session(access_key).then(|| self.derived(access_key))
    }

    /// Whether an access key is that of a session.
    pub fn is_session(access_key: &str) -> bool {
        access_key.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == 16)
    }

    /// What the holder of a token may do at `now_ms`; `None` if it has ended or does not belong to the access key.
    pub fn open(&self, access_key: &str, session_token: &str, now_ms: i64) -> Option<Grant> {
        let statement = self.sealer.open(&[access_key.as_bytes()], session_token)?;
        let statement = String::from_utf8(statement).ok()?;
        let mut parts = statement.splitn(4, '\0');
        let expires_ms = parts.next()?.parse().ok()?;
        let reach = Reach::of_letter(parts.next()?)?;
        let bucket = parts.next()?.to_owned();
        let grant = Grant { bucket, directory: parts.next()?.to_owned(), reach, expires_ms };
        (now_ms < expires_ms).then_some(grant)
    }

    fn derived(&self, access_key: &str) -> String {
        let digest = seal::derive(&self.secret, &format!("secret of {access_key}"));
        hex::encode(digest.first_chunk::<20>().unwrap_or(&[0; 20]))
    }
}

impl Reach {
    fn letter(self) -> &'static str {
        match self {
            Self::Read => "r",
            Self::Write => "w",
        }
    }

    fn of_letter(letter: &str) -> Option<Self> {
        [Self::Read, Self::Write].into_iter().find(|reach| reach.letter() == letter)
    }
}

impl Grant {
    /// Whether an object of the bucket lies in the directory. The directory's own name counts: clients look whether it
    /// is an object.
    pub fn holds(&self, bucket: &str, key: &str) -> bool {
        bucket == self.bucket && (self.directory.is_empty() || key == self.directory || self.is_below(key))
    }

    /// Whether a listing of the bucket under a prefix shows nothing else.
    pub fn may_list(&self, bucket: &str, prefix: &str) -> bool {
        bucket == self.bucket && (self.directory.is_empty() || self.is_below(prefix))
    }

    fn is_below(&self, key: &str) -> bool {
        key.strip_prefix(self.directory.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant { bucket: "lake".into(), directory: "sales/t1".into(), reach: Reach::Read, expires_ms: 1_000 }
    }

    #[test]
    fn a_session_works_with_its_own_key_until_its_end() {
        let sessions = Sessions::new(&[7; 32]);
        let made = sessions.issue(&grant());
        assert_eq!((made.access_key.len(), made.secret_key.len()), (20, 40));
        assert_eq!(sessions.secret_of(&made.access_key), Some(made.secret_key.clone()));
        assert_eq!(sessions.open(&made.access_key, &made.session_token, 999), Some(grant()));
        assert_eq!(sessions.open(&made.access_key, &made.session_token, 1_000), None);
        let other = sessions.issue(&Grant { directory: String::new(), ..grant() });
        assert_ne!(other.access_key, made.access_key);
        let writing = Grant { reach: Reach::Write, ..grant() };
        let writer = sessions.issue(&writing);
        assert_ne!(writer.access_key, made.access_key);
        assert_eq!(sessions.open(&writer.access_key, &writer.session_token, 0), Some(writing));
        assert_eq!(sessions.open(&other.access_key, &made.session_token, 0), None);
        assert_eq!(Sessions::new(&[8; 32]).open(&made.access_key, &made.session_token, 0), None);
        assert_eq!(sessions.secret_of("lakeadmin"), None);
        assert!(!format!("{made:?}").contains(&made.secret_key));
    }

    #[test]
    fn a_grant_ends_at_the_border_of_its_directory() {
        let grant = grant();
        for (key, holds, lists) in [
            ("sales/t1/part", true, true),
            ("sales/t1/", true, true),
            ("sales/t1", true, false),
            ("sales/t10", false, false),
            ("sales/t10/part", false, false),
            ("sales/", false, false),
            ("", false, false),
        ] {
            assert_eq!((grant.holds("lake", key), grant.may_list("lake", key)), (holds, lists), "{key}");
            assert!(!grant.holds("other", key) && !grant.may_list("other", key));
        }
        let whole = Grant { directory: String::new(), ..grant };
        assert!(whole.holds("lake", "x") && whole.may_list("lake", "") && !whole.holds("other", "x"));
    }
}
