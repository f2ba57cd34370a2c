//! Tokens of pages: only those that were given out open anything.

use lakeshare::directory::entry::Positioned;
use lakeshare::directory::page::{Listing, Page, Pages, Scope};
use uuid::Uuid;

#[derive(Debug)]
struct Entry(&'static str);

impl Positioned for Entry {
    fn position(&self) -> &str {
        self.0
    }
}

pub fn page_token(bytes: &[u8]) {
    let pages = Pages::new(&[7; 32]);
    let scope = Scope { recipient: Uuid::from_u128(1), listing: Listing::Schemas { share: "sales" } };
    let entries = ["a", "b", "c"].map(Entry);
    let page = |token: Option<String>| Page { max_results: Some(1), page_token: token };
    let first = pages.cut(&page(None), &scope, &entries).expect("a first page").next_page_token;
    let second = pages.cut(&page(first.clone()), &scope, &entries).expect("a second page").next_page_token;
    let token = String::from_utf8_lossy(bytes).into_owned();
    let was_given = token.is_empty() || [first, second].contains(&Some(token.clone()));
    assert_eq!(pages.cut(&page(Some(token)), &scope, &entries).is_ok(), was_given);
}
