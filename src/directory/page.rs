//! Pages of lists, continued by tokens that nobody can forge.
//!
//! A page token says after which entry to go on, so entries that come and go between two pages neither
//! repeat others nor hide them. It is sealed for one list of one recipient; used anywhere else it is
//! refused, as is a token with a flipped bit.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::entry::Positioned;
use crate::error::Kind;
use crate::limits;
use crate::state::name;

/// First byte of every token, so that a later form can be told apart.
const FORM: u8 = 1;
/// Bytes of the tag: 128 bits cannot be guessed over a network.
const TAG_BYTES: usize = 16;

/// Why a page cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("maxResults is {max_results}; at most {} are allowed", limits::LIST_PAGE_MAX)]
    MaxResults { max_results: usize },
    #[error("the pageToken does not belong to this list; start again without one")]
    Token,
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::MaxResults { .. } | Self::Token => Kind::Invalid,
        }
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// 0 is legal and yields no entries; absent means as many as fit one page.
    pub max_results: Option<usize>,
    /// From the page before; an empty one counts as absent.
    pub page_token: Option<String>,
}

/// Which list is asked for; names in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing<'a> {
    Shares,
    Schemas { share: &'a str },
    Tables { share: &'a str, schema: &'a str },
    AllTables { share: &'a str },
}

/// Which list, and for whom: what a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// [`super::Recipient::id`].
    pub recipient: Uuid,
    pub listing: Listing<'a>,
}

/// One page of a list.
#[derive(Debug)]
pub struct Cut<'a, E> {
    pub entries: Vec<&'a E>,
    /// Present exactly when entries remain; never empty.
    pub next_page_token: Option<String>,
}

/// Cuts pages and seals their tokens.
#[derive(Clone)]
pub struct Pages {
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

impl Pages {
    /// `key` comes from the state store, so that tokens survive a restart.
    pub fn new(key: &[u8; 32]) -> Self {
        // HMAC fills a key up to the block of its hash with zeros (RFC 2104, section 2).
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self { mac: Hmac::new(&block.into()) }
    }

    /// The page of `entries`, which must ascend by position, that `page` asks for.
    ///
    /// # Errors
    /// [`Error::MaxResults`] above `limits::LIST_PAGE_MAX`, [`Error::Token`] for a token of another list,
    /// another recipient or none of ours.
    pub fn cut<'a, E: Positioned>(
        &self,
        page: &Page,
        scope: &Scope<'_>,
        entries: impl IntoIterator<Item = &'a E>,
    ) -> Result<Cut<'a, E>, Error> {
        let count_max = page.max_results.unwrap_or(limits::LIST_PAGE_MAX);
        if count_max > limits::LIST_PAGE_MAX {
            return Err(Error::MaxResults { max_results: count_max });
        }
        let after = match page.page_token.as_deref() {
            None | Some("") => String::new(),
            Some(token) => self.open(scope, token)?,
        };
        let mut rest = entries.into_iter().skip_while(|entry| entry.position() <= after.as_str());
        let entries: Vec<&E> = rest.by_ref().take(count_max).collect();
        let next_page_token = rest.next().map(|_| {
            let last = entries.last().map_or(after.as_str(), |entry| entry.position());
            self.seal(scope, last)
        });
        Ok(Cut { entries, next_page_token })
    }

    fn seal(&self, scope: &Scope<'_>, position: &str) -> String {
        let tag = self.tag(scope, position.as_bytes()).finalize().into_bytes();
        let mut token = vec![FORM];
        token.extend(tag.iter().take(TAG_BYTES));
        token.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    fn open(&self, scope: &Scope<'_>, token: &str) -> Result<String, Error> {
        if token.len() > limits::PAGE_TOKEN_BYTES_MAX {
            return Err(Error::Token);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::Token)?;
        let sealed = bytes.strip_prefix(&[FORM]).ok_or(Error::Token)?;
        let (tag, position) = sealed.split_at_checked(TAG_BYTES).ok_or(Error::Token)?;
        self.tag(scope, position).verify_truncated_left(tag).map_err(|_| Error::Token)?;
        String::from_utf8(position.to_vec()).map_err(|_| Error::Token)
    }

    /// Every field carries its length, so that no two scopes make the same message.
    fn tag(&self, scope: &Scope<'_>, position: &[u8]) -> Hmac<Sha256> {
        let (kind, share, schema) = match scope.listing {
            Listing::Shares => ("shares", "", ""),
            Listing::Schemas { share } => ("schemas", share, ""),
            Listing::Tables { share, schema } => ("tables", share, schema),
            Listing::AllTables { share } => ("all-tables", share, ""),
        };
        let mut mac = self.mac.clone();
        let (share, schema) = (name::fold(share), name::fold(schema));
        let fields =
            [kind.as_bytes(), scope.recipient.as_bytes(), share.as_bytes(), schema.as_bytes(), position];
        for field in fields {
            mac.update(&field.len().to_le_bytes());
            mac.update(field);
        }
        mac
    }
}

#[cfg(test)]
mod tests;
