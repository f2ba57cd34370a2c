//! Pages of names (REST specification, `pageToken` and `pageSize`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::error::Error;
use crate::limits;
use crate::state::catalog::Page;

/// What a list is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PageQuery {
    pub(super) page_token: Option<String>,
    pub(super) page_size: Option<String>,
    pub(super) parent: Option<String>,
}

/// Where a page begins and how many names it may hold.
#[derive(Debug)]
pub(super) struct Asked {
    after: Option<String>,
    size: usize,
    /// A client that sends no `pageToken` reads one answer only, so it has to hold everything.
    is_paged: bool,
}

impl PageQuery {
    /// # Errors
    /// [`Error::Field`] for a token that is none of ours and a size that is not a positive number.
    pub(super) fn asked(&self) -> Result<Asked, Error> {
        let after = match self.page_token.as_deref() {
            None | Some("") => None,
            Some(token) => Some(
                URL_SAFE_NO_PAD
                    .decode(token)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .ok_or_else(|| {
                        Error::field("pageToken", "it is not one of this catalog; begin without it")
                    })?,
            ),
        };
        let size = match self.page_size.as_deref() {
            None => limits::catalog::CATALOG_PAGE_MAX,
            Some(text) => match text.parse::<usize>() {
                Ok(size) if size > 0 => size.min(limits::catalog::CATALOG_PAGE_MAX),
                _ => return Err(Error::field("pageSize", "it has to be a number above 0")),
            },
        };
        Ok(Asked { after, size, is_paged: self.page_token.is_some() || self.page_size.is_some() })
    }
}

/// A list that is read part by part until it holds what was asked for.
#[derive(Debug)]
pub(super) struct Gathering<T> {
    asked: Asked,
    names: Vec<T>,
    /// What the next part begins after; `None`: the beginning.
    after: Option<String>,
    /// Whether nothing comes after what was read.
    is_whole: bool,
}

impl Asked {
    pub(super) fn begin<T>(self) -> Gathering<T> {
        Gathering { names: Vec::new(), after: self.after.clone(), is_whole: false, asked: self }
    }
}

impl<T> Gathering<T> {
    /// The part that has to be read before this answer is whole.
    pub(super) fn wanted(&self) -> Option<Page> {
        if self.is_whole || self.asked.is_paged && !self.names.is_empty() {
            return None;
        }
        Some(Page { after: self.after.clone(), limit: self.asked.size })
    }

    /// Adds what was read; `key` is what a name is known by to the next part.
    ///
    /// # Errors
    /// [`Error::TooManyNames`]: the client reads no pages, and there are more names than one answer may hold.
    pub(super) fn add(&mut self, page: Vec<T>, key: impl Fn(&T) -> String) -> Result<(), Error> {
        self.is_whole = page.len() < self.asked.size;
        self.after = page.last().map(key);
        self.names.extend(page);
        if !self.is_whole && !self.asked.is_paged && self.names.len() >= limits::catalog::LIST_MAX {
            return Err(Error::TooManyNames);
        }
        Ok(())
    }

    /// The names, and the token of the page after them.
    pub(super) fn finish(self) -> (Vec<T>, Option<String>) {
        let token = self.after.filter(|_| !self.is_whole).map(|after| URL_SAFE_NO_PAD.encode(after));
        (self.names, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(token: Option<&str>, size: Option<&str>) -> PageQuery {
        PageQuery { page_token: token.map(str::to_owned), page_size: size.map(str::to_owned), parent: None }
    }

    fn pages_of(query: &PageQuery, names: &[String]) -> Result<(Vec<String>, Option<String>), Error> {
        let mut gathering = query.asked()?.begin();
        while let Some(page) = gathering.wanted() {
            let after = page.after.unwrap_or_default();
            let found = names.iter().filter(|name| **name > after).take(page.limit).cloned().collect();
            gathering.add(found, Clone::clone)?;
        }
        Ok(gathering.finish())
    }

    #[test]
    fn pages_follow_each_other_until_the_last() {
        let names = ["a", "b", "ü"].map(str::to_owned);
        let (page, token) = pages_of(&query(Some(""), Some("2")), &names).unwrap();
        assert_eq!(page, ["a", "b"]);
        let (page, token) = pages_of(&query(token.as_deref(), Some("2")), &names).unwrap();
        assert_eq!((page.as_slice(), token), (&names[2..], None));
    }

    #[test]
    fn without_a_token_everything_comes_at_once() {
        let names: Vec<String> =
            (0..=2 * limits::catalog::CATALOG_PAGE_MAX).map(|number| format!("{number:06}")).collect();
        assert_eq!(pages_of(&query(None, None), &names).unwrap(), (names, None));
        let too_many: Vec<String> =
            (0..=limits::catalog::LIST_MAX).map(|number| format!("{number:06}")).collect();
        assert!(matches!(pages_of(&query(None, None), &too_many), Err(Error::TooManyNames)));
    }

    #[test]
    fn wrong_tokens_and_sizes_are_named() {
        for (token, size) in [(Some("%"), None), (None, Some("0")), (None, Some("-1")), (None, Some("x"))] {
            assert!(query(token, size).asked().is_err());
        }
    }
}
