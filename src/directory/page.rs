//! Pages of lists, continued by tokens that nobody can forge.
//!
//! A page token says after which entry to go on, so entries that come and go between two pages neither
//! repeat others nor hide them. It is sealed for one list of one recipient; used anywhere else it is
//! refused, as is a token with a flipped bit.

use uuid::Uuid;

use super::entry::Positioned;
use crate::encode::seal::Sealer;
use crate::error::Kind;
use crate::limits;
use crate::state::name;

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
#[derive(Debug, Clone)]
pub struct Pages {
    sealer: Sealer,
}

impl Pages {
    /// `key` comes from the state store, so that tokens survive a restart.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { sealer: Sealer::new(key) }
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
        scope.with_context(|context| self.sealer.seal(context, position.as_bytes()))
    }

    fn open(&self, scope: &Scope<'_>, token: &str) -> Result<String, Error> {
        if token.len() > limits::PAGE_TOKEN_BYTES_MAX {
            return Err(Error::Token);
        }
        let position = scope.with_context(|context| self.sealer.open(context, token)).ok_or(Error::Token)?;
        String::from_utf8(position).map_err(|_| Error::Token)
    }
}

impl Scope<'_> {
    /// What a token of this list is sealed with.
    fn with_context<T>(&self, run: impl FnOnce(&[&[u8]]) -> T) -> T {
        let (kind, share, schema) = match self.listing {
            Listing::Shares => ("shares", "", ""),
            Listing::Schemas { share } => ("schemas", share, ""),
            Listing::Tables { share, schema } => ("tables", share, schema),
            Listing::AllTables { share } => ("all-tables", share, ""),
        };
        let (share, schema) = (name::fold(share), name::fold(schema));
        run(&[kind.as_bytes(), self.recipient.as_bytes(), share.as_bytes(), schema.as_bytes()])
    }
}

#[cfg(test)]
mod tests;
