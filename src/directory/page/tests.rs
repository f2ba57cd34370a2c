//! Pages add up to the list, and tokens open nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;

#[derive(Debug)]
struct Entry(String);

impl Positioned for Entry {
    fn position(&self) -> &str {
        &self.0
    }
}

fn entries(count: usize) -> Vec<Entry> {
    (0..count).map(|index| Entry(format!("entry{index:05}"))).collect()
}

fn pages() -> Pages {
    Pages::new(&[7; 32])
}

fn scope(listing: Listing<'_>) -> Scope<'_> {
    Scope { recipient: Uuid::from_u128(1), listing }
}

fn page(max_results: usize, page_token: Option<&str>) -> Page {
    Page { max_results: Some(max_results), page_token: page_token.map(str::to_owned) }
}

#[test]
fn the_last_page_has_no_token() {
    let (list, scope) = (entries(3), scope(Listing::Shares));
    let first = pages().cut(&page(2, None), &scope, &list).unwrap();
    assert_eq!(first.entries.len(), 2);
    let token = first.next_page_token.unwrap();
    let second = pages().cut(&page(2, Some(&token)), &scope, &list).unwrap();
    assert_eq!(second.entries.first().unwrap().0, "entry00002");
    assert_eq!(second.next_page_token, None);
    assert_eq!(pages().cut(&page(3, None), &scope, &list).unwrap().next_page_token, None);
}

#[test]
fn zero_results_yield_a_token_that_goes_on_at_the_same_place() {
    let (list, scope) = (entries(2), scope(Listing::Shares));
    let none = pages().cut(&page(0, None), &scope, &list).unwrap();
    assert!(none.entries.is_empty());
    let token = none.next_page_token.unwrap();
    assert_eq!(pages().cut(&page(9, Some(&token)), &scope, &list).unwrap().entries.len(), 2);
    assert_eq!(pages().cut(&page(0, None), &scope, &entries(0)).unwrap().next_page_token, None);
}

#[test]
fn more_than_a_page_is_refused_and_absent_means_a_page() {
    let (list, scope) = (entries(501), scope(Listing::Shares));
    let error = pages().cut(&page(501, None), &scope, &list).unwrap_err();
    assert_eq!((error, error.kind()), (Error::MaxResults { max_results: 501 }, Kind::Invalid));
    assert_eq!(pages().cut(&Page::default(), &scope, &list).unwrap().entries.len(), 500);
}

#[test]
fn a_token_opens_its_own_list_only_whatever_the_case_of_the_names() {
    let list = entries(3);
    let home = scope(Listing::Tables { share: "Vaccine", schema: "Acme" });
    let token = pages().cut(&page(1, None), &home, &list).unwrap().next_page_token.unwrap();
    let go_on = |scope: &Scope<'_>| pages().cut(&page(1, Some(&token)), scope, &list).map(|_| ());
    assert_eq!(go_on(&scope(Listing::Tables { share: "vACCINE", schema: "aCME" })), Ok(()));
    for listing in [
        Listing::Shares,
        Listing::Schemas { share: "vaccine" },
        Listing::AllTables { share: "vaccine" },
        Listing::Tables { share: "vaccine", schema: "other" },
        Listing::Tables { share: "vaccinea", schema: "cme" },
    ] {
        assert_eq!(go_on(&scope(listing)), Err(Error::Token), "{listing:?}");
    }
    assert_eq!(go_on(&Scope { recipient: Uuid::from_u128(2), ..home }), Err(Error::Token));
    let other_key = Pages::new(&[8; 32]).cut(&page(1, Some(&token)), &home, &list).map(|_| ());
    assert_eq!(other_key, Err(Error::Token));
}

#[test]
fn a_token_goes_on_after_its_entry_even_when_the_entry_is_gone() {
    let (mut list, scope) = (entries(4), scope(Listing::Shares));
    let token = pages().cut(&page(2, None), &scope, &list).unwrap().next_page_token.unwrap();
    list.remove(1);
    let rest = pages().cut(&page(9, Some(&token)), &scope, &list).unwrap();
    assert_eq!(
        rest.entries.iter().map(|entry| entry.0.as_str()).collect::<Vec<_>>(),
        ["entry00002", "entry00003"]
    );
}

proptest! {
    #[test]
    fn pages_add_up_to_the_list(count in 0_usize..40, size in 1_usize..12) {
        let (list, scope) = (entries(count), scope(Listing::Schemas { share: "s" }));
        let (mut seen, mut token) = (Vec::new(), None::<String>);
        loop {
            let cut = pages().cut(&page(size, token.as_deref()), &scope, &list).unwrap();
            seen.extend(cut.entries.iter().map(|entry| entry.0.clone()));
            token = cut.next_page_token;
            if token.is_none() {
                break;
            }
        }
        prop_assert_eq!(seen, list.into_iter().map(|entry| entry.0).collect::<Vec<_>>());
    }

    #[test]
    fn foreign_text_is_never_a_token(text in ".{1,80}") {
        let list = entries(2);
        let result = pages().cut(&page(1, Some(&text)), &scope(Listing::Shares), &list);
        prop_assert_eq!(result.map(|_| ()), Err(Error::Token));
    }

    #[test]
    fn a_changed_token_is_refused(at in 0_usize..36, by in 1_u8..=255) {
        let (list, scope) = (entries(3), scope(Listing::Shares));
        let token = pages().cut(&page(1, None), &scope, &list).unwrap().next_page_token.unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= by;
        let changed = URL_SAFE_NO_PAD.encode(bytes);
        let result = pages().cut(&page(1, Some(&changed)), &scope, &list);
        prop_assert_eq!(result.map(|_| ()), Err(Error::Token));
    }
}
