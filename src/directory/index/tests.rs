//! Grants decide what a token can reach.

use super::*;
use crate::state::record::{Schema, Table, TableOptions, TableSource};

fn table(name: &str) -> Table {
    let source = TableSource::Delta { bucket: "b".into(), location: name.to_lowercase() };
    Table { id: Uuid::new_v4(), name: name.into(), source, options: TableOptions::default() }
}

fn share(name: &str, schemas: &[(&str, &[&str])]) -> Share {
    let schema_of = |&(name, tables): &(&str, &[&str])| Schema {
        name: name.into(),
        tables: tables.iter().map(|name| table(name)).collect(),
    };
    Share {
        id: Uuid::new_v4(),
        name: name.into(),
        description: None,
        properties: std::collections::BTreeMap::new(),
        created_ms: 0,
        updated_ms: 0,
        schemas: schemas.iter().map(schema_of).collect(),
    }
}

fn token(digest: u8, shares: &[&Share], expires_ms: Option<i64>) -> Token {
    Token {
        id: Uuid::new_v4(),
        digest: [digest; 32],
        share_ids: shares.iter().map(|share| share.id).collect(),
        description: None,
        created_ms: 0,
        expires_ms,
    }
}

#[test]
fn a_recipient_sees_granted_shares_sorted_and_no_others() {
    let (b, a, hidden) = (share("Beta", &[]), share("alpha", &[]), share("hidden", &[]));
    let tokens = vec![token(1, &[&b, &a, &a], None), token(2, &[&hidden], None)];
    let directory = Directory::build(vec![b, hidden, a], tokens);
    let recipient = directory.recipient(&[1; 32], 0).unwrap();
    assert_eq!(recipient.shares().map(ShareEntry::name).collect::<Vec<_>>(), ["alpha", "Beta"]);
    assert_eq!(recipient.share("bETA").unwrap().name(), "Beta");
    assert!(recipient.share("hidden").is_none());
    assert!(recipient.share("absent").is_none());
    assert!(directory.recipient(&[3; 32], 0).is_none());
}

#[test]
fn a_token_ends_at_its_expiry() {
    let a = share("a", &[]);
    let tokens = vec![token(1, &[&a], Some(1_000))];
    let directory = Directory::build(vec![a], tokens);
    assert!(directory.recipient(&[1; 32], 999).is_some());
    assert!(directory.recipient(&[1; 32], 1_000).is_none());
}

#[test]
fn a_token_without_a_share_opens_nothing() {
    let gone = share("gone", &[]);
    let directory = Directory::build(vec![], vec![token(1, &[&gone], None)]);
    assert!(directory.recipient(&[1; 32], 0).is_none());
    assert_eq!(directory.token_count(), 0);
}

#[test]
fn digests_with_equal_first_bytes_stay_apart() {
    let (a, b) = (share("a", &[]), share("b", &[]));
    let (mut one, mut two) = (token(7, &[&a], None), token(7, &[&b], None));
    (one.digest[31], two.digest[31]) = (1, 2);
    let (first, second) = (one.digest, two.digest);
    let directory = Directory::build(vec![a, b], vec![one, two]);
    assert!(directory.recipient(&first, 0).unwrap().share("a").is_some());
    assert!(directory.recipient(&second, 0).unwrap().share("b").is_some());
    assert!(directory.recipient(&[7; 32], 0).is_none());
}

#[test]
fn names_are_found_in_any_case_and_keep_their_spelling() {
    let record = share("S", &[("Tpch", &["Orders", "customer"]), ("a-b", &["Z"]), ("a", &["z"])]);
    let tokens = vec![token(1, &[&record], None)];
    let directory = Directory::build(vec![record], tokens);
    let share = directory.recipient(&[1; 32], 0).unwrap().share("s").unwrap();
    let orders = share.schema("TPCH").unwrap().table("oRDERS").unwrap();
    assert_eq!((orders.share_name(), orders.schema_name(), orders.name()), ("S", "Tpch", "Orders"));
    assert_eq!(orders.share_id(), share.id());
    assert!(share.schema("tpch").unwrap().table("absent").is_none());
    let all: Vec<_> = share.all_tables().map(|table| (table.schema_name(), table.name())).collect();
    assert_eq!(all, [("a", "z"), ("a-b", "Z"), ("Tpch", "customer"), ("Tpch", "Orders")]);
}
