//! Tokens that clients carry: only those given out open anything.

use lakeshare::directory::entry::Positioned;
use lakeshare::directory::page::{Listing, Page, Pages, Scope};
use lakeshare::encode::seal::Sealer;
use lakeshare::sharing::token::{Kind, Parameters, Pinned, Tokens};
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

/// A token of a query opens for its own question, and no other text does.
pub fn query_token(bytes: &[u8]) {
    let sealer = Sealer::new(&[7; 32]);
    let [recipient, share, table] = [1, 2, 3].map(Uuid::from_u128);
    let tokens = Tokens { sealer: &sealer, recipient, share, table, now_ms: 1_790_000_123_456 };
    let parameters = Parameters::of([("version", Some("3"))]);
    let pinned = Pinned::snapshot(3, bytes.to_vec());
    let token = tokens.seal(Kind::Page, &parameters, &pinned);
    if let Ok(opened) = tokens.open(Kind::Page, &parameters, &token) {
        assert_eq!(opened, pinned);
    }
    assert!(tokens.open(Kind::Refresh, &parameters, &token).is_err());
    assert!(tokens.open(Kind::Page, &Parameters::NONE, &token).is_err());
    let text = String::from_utf8_lossy(bytes);
    for kind in [Kind::Page, Kind::RangePage, Kind::Refresh, Kind::Query] {
        assert!(tokens.open(kind, &parameters, &text).is_err(), "nobody was given that");
    }
}
