//! Tokens that pin a version: of pages, refreshes and queries.
//!
//! A token is sealed for one kind, one recipient, one shared table and one set of parameters. It says which versions
//! are meant, where to go on, and when it ends; so the server remembers nothing, and nobody can make a token for
//! a version that was not shown to him.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::Error;
use crate::encode::seal::Sealer;
use crate::limits::{QUERY_TOKEN_BYTES_MAX, QUERY_TOKEN_SECONDS};
use crate::table::snapshot::Version;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The next page of a snapshot.
    Page,
    /// The next page of a range of versions.
    RangePage,
    /// The same files with fresh URLs.
    Refresh,
    /// A query whose answer is fetched later.
    Query,
}

impl Kind {
    /// The name under which a client sends such a token.
    fn parameter(self) -> &'static str {
        match self {
            Self::Page | Self::RangePage => "pageToken",
            Self::Refresh => "refreshToken",
            Self::Query => "queryId",
        }
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The first version of a range, or the one version of a snapshot.
    pub start: Version,
    /// The last version of a range.
    pub end: Version,
    /// The latest version when the first page was made.
    pub latest: Version,
    /// Where to go on, in a form of the kind's own.
    pub rest: Vec<u8>,
}

impl Pinned {
    /// One version, and nothing more.
    pub fn snapshot(version: Version, rest: Vec<u8>) -> Self {
        Self { start: version, end: version, latest: version, rest }
    }

    fn to_bytes(&self, expires_ms: i64) -> Vec<u8> {
        let numbers = [expires_ms, self.start, self.end, self.latest].map(i64::to_le_bytes);
        [numbers.as_flattened(), &self.rest].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<(i64, Self)> {
        let (numbers, rest) = bytes.split_at_checked(32)?;
        let mut numbers = numbers.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
        let expires_ms = numbers.next()?;
        let (start, end, latest) = (numbers.next()?, numbers.next()?, numbers.next()?);
        Some((expires_ms, Self { start, end, latest, rest: rest.to_vec() }))
    }
}

/// A digest of what a request asks besides pages and tokens. Requests of one query have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters([u8; 32]);

impl Parameters {
    /// Of named values in a fixed order.
    pub fn of<'a>(fields: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut hash = Sha256::new();
        for (name, value) in fields {
            let Some(value) = value else { continue };
            for text in [name, value] {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
        Self(hash.finalize().into())
    }

    /// For tokens that hold their parameters themselves.
    pub const NONE: Self = Self([0; 32]);
}

/// Makes and opens the tokens of one recipient for one shared table.
pub struct Tokens<'a> {
    pub sealer: &'a Sealer,
    pub recipient: Uuid,
    pub share: Uuid,
    pub table: Uuid,
    pub now_ms: i64,
}

impl Tokens<'_> {
    pub fn seal(&self, kind: Kind, parameters: &Parameters, pinned: &Pinned) -> String {
        // In whole hours, so that the same question gets the same token for a while.
        let hour_ms = 3_600_000;
        let expires_ms = (self.now_ms / hour_ms + 1) * hour_ms + QUERY_TOKEN_SECONDS * 1000;
        self.with_context(kind, parameters, |context| self.sealer.seal(context, &pinned.to_bytes(expires_ms)))
    }

    /// What `token` says.
    ///
    /// # Errors
    /// [`Error::Token`] for one that was changed, has expired or was made for anything else.
    pub fn open(&self, kind: Kind, parameters: &Parameters, token: &str) -> Result<Pinned, Error> {
        let open = || {
            let text = Some(token).filter(|token| token.len() <= QUERY_TOKEN_BYTES_MAX)?;
            let bytes = self.with_context(kind, parameters, |context| self.sealer.open(context, text))?;
            let (expires_ms, pinned) = Pinned::from_bytes(&bytes)?;
            (self.now_ms < expires_ms).then_some(pinned)
        };
        open().ok_or(Error::Token { name: kind.parameter() })
    }

    fn with_context<T>(&self, kind: Kind, parameters: &Parameters, run: impl FnOnce(&[&[u8]]) -> T) -> T {
        let kind: &[u8] = match kind {
            Kind::Page => b"page of files",
            Kind::RangePage => b"page of changes",
            Kind::Refresh => b"refresh",
            Kind::Query => b"query",
        };
        let ids = [self.recipient, self.share, self.table].map(Uuid::into_bytes);
        run(&[kind, ids.as_flattened(), &parameters.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_790_000_123_456;

    fn tokens(sealer: &Sealer) -> Tokens<'_> {
        let [recipient, share, table] = [1, 2, 3].map(Uuid::from_u128);
        Tokens { sealer, recipient, share, table, now_ms: NOW_MS }
    }

    fn pinned() -> Pinned {
        Pinned { start: 3, end: 9, latest: 12, rest: vec![1, 2, 3] }
    }

    #[test]
    fn a_token_opens_for_its_own_question_only() {
        let sealer = Sealer::new(&[7; 32]);
        let parameters = Parameters::of([("limitHint", Some("5"))]);
        let token = tokens(&sealer).seal(Kind::Page, &parameters, &pinned());
        assert_eq!(tokens(&sealer).open(Kind::Page, &parameters, &token).unwrap(), pinned());
        let other = Parameters::of([("limitHint", Some("6"))]);
        let refused = [
            tokens(&sealer).open(Kind::RangePage, &parameters, &token),
            tokens(&sealer).open(Kind::Refresh, &parameters, &token),
            tokens(&sealer).open(Kind::Query, &parameters, &token),
            tokens(&sealer).open(Kind::Page, &other, &token),
            Tokens { recipient: Uuid::nil(), ..tokens(&sealer) }.open(Kind::Page, &parameters, &token),
            Tokens { share: Uuid::nil(), ..tokens(&sealer) }.open(Kind::Page, &parameters, &token),
            Tokens { table: Uuid::nil(), ..tokens(&sealer) }.open(Kind::Page, &parameters, &token),
            tokens(&Sealer::new(&[8; 32])).open(Kind::Page, &parameters, &token),
            tokens(&sealer).open(Kind::Page, &parameters, &"x".repeat(QUERY_TOKEN_BYTES_MAX + 1)),
        ];
        for result in refused {
            assert_eq!(result.unwrap_err().kind(), crate::error::Kind::Invalid);
        }
    }

    #[test]
    fn a_token_ends_after_three_days_and_is_the_same_for_an_hour() {
        let sealer = Sealer::new(&[7; 32]);
        let at = |now_ms| Tokens { now_ms, ..tokens(&sealer) };
        let token = at(NOW_MS).seal(Kind::Refresh, &Parameters::NONE, &pinned());
        assert_eq!(at(NOW_MS + 60_000).seal(Kind::Refresh, &Parameters::NONE, &pinned()), token);
        let day_ms = 86_400_000;
        assert!(at(NOW_MS + 3 * day_ms).open(Kind::Refresh, &Parameters::NONE, &token).is_ok());
        assert!(at(NOW_MS + 3 * day_ms + 3_600_000).open(Kind::Refresh, &Parameters::NONE, &token).is_err());
    }

    #[test]
    fn parameters_do_not_run_into_each_other() {
        let of = |fields: &[(&'static str, Option<&'static str>)]| Parameters::of(fields.iter().copied());
        assert_eq!(of(&[("a", None), ("b", Some("1"))]), of(&[("b", Some("1"))]));
        assert_ne!(of(&[("a", Some("b")), ("c", Some("d"))]), of(&[("a", Some("bc")), ("", Some("d"))]));
        assert_ne!(of(&[("a", Some(""))]), of(&[]));
    }
}
