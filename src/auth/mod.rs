//! Who knocks: a bearer token in, a recipient out.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::directory::{Directory, Recipient};
use crate::error::Kind;

pub mod profile;
pub mod receive;
pub mod session;
pub mod token;

/// Why a request has no recipient. Both answer 401; neither says whether a token ever existed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("no bearer token; send the header `Authorization: Bearer <token>` from your profile file")]
    Missing,
    #[error("the bearer token is unknown, expired or revoked; ask the provider for a new profile file")]
    Refused,
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Missing | Self::Refused => Kind::Unauthenticated,
        }
    }
}

/// The token of a single `Authorization: Bearer <token>` header (RFC 6750, section 2.1).
///
/// `None` when the header is absent, repeated, of another scheme or not printable ASCII.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim_start();
    let is_token = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains([' ', '\t']);
    is_token.then_some(token)
}

/// The recipient whose live token `headers` carry at `now_ms`.
pub fn recipient<'a>(
    directory: &'a Directory,
    headers: &HeaderMap,
    now_ms: i64,
) -> Result<Recipient<'a>, Error> {
    let text = bearer(headers).ok_or(Error::Missing)?;
    directory.recipient(&token::digest(text), now_ms).ok_or(Error::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect()
    }

    #[test]
    fn bearer_takes_the_scheme_in_any_case() {
        for value in ["Bearer dapi1", "bearer dapi1", "BEARER   dapi1 "] {
            assert_eq!(bearer(&headers(&[value])), Some("dapi1"), "{value}");
        }
    }

    #[test]
    fn other_headers_carry_no_token() {
        for value in ["Basic dXNlcg==", "Bearer", "Bearer ", "Bearer a b", "dapi1", "Bearerdapi1", ""] {
            assert_eq!(bearer(&headers(&[value])), None, "{value}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
        assert_eq!(bearer(&headers(&["Bearer a", "Bearer b"])), None);
    }

    #[test]
    fn an_unknown_token_is_refused() {
        let directory = Directory::default();
        assert_eq!(recipient(&directory, &headers(&["Bearer x"]), 0).unwrap_err(), Error::Refused);
        assert_eq!(recipient(&directory, &HeaderMap::new(), 0).unwrap_err(), Error::Missing);
    }
}
