//! Answers packed as the client accepts them.

use std::io::Read;

use serde_json::json;

use super::log_table::Head;
use super::wire::{Answer, Ask};
use super::world::{QUERY, TABLE, World};

/// More than one run, and more than one block.
const FILES: usize = 1_500;

fn unpacked(answer: &Answer) -> String {
    let mut plain = String::new();
    match answer.header("content-encoding") {
        None => plain.push_str(answer.text()),
        Some("gzip") => {
            let mut decoder = flate2::read::GzDecoder::new(answer.body.as_slice());
            decoder.read_to_string(&mut plain).unwrap();
            assert!(decoder.into_inner().is_empty(), "one member is the whole");
        }
        Some("zstd") => {
            zstd::stream::read::Decoder::new(answer.body.as_slice())
                .unwrap()
                .read_to_string(&mut plain)
                .unwrap();
        }
        Some(other) => panic!("{other} was never accepted"),
    }
    plain
}

fn accepting(world: &World, token: &str, ask: &Ask, accepted: &str) -> Answer {
    let answer = world.ask(token, &ask.clone().header("accept-encoding", accepted));
    assert!(answer.is_whole);
    answer
}

#[test]
fn a_query_is_answered_in_the_coding_that_its_client_prefers() {
    let (world, token) = World::with_table(FILES);
    let query = Ask::post(QUERY, "{}").header("delta-sharing-capabilities", "includeendstreamaction=true");
    let plain = world.ask(&token, &query);
    assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
    assert_eq!(plain.header("vary"), Some("accept-encoding"));
    assert_eq!(plain.lines().len(), 2 + FILES + 1);
    for (accepted, coding) in [
        ("gzip", Some("gzip")),
        ("gzip, deflate", Some("gzip")),
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("zstd;q=0.5, gzip;q=0.8", Some("gzip")),
        ("*", Some("zstd")),
        ("identity;q=0, gzip", Some("gzip")),
        ("br", None),
        ("identity", None),
        ("gzip;q=0", None),
    ] {
        // The second answer comes from what the first one left.
        for _ in 0..2 {
            let answer = accepting(&world, &token, &query, accepted);
            assert_eq!((answer.status, answer.header("content-encoding")), (200, coding), "{accepted}");
            assert_eq!(answer.header("vary"), Some("accept-encoding"));
            assert!(unpacked(&answer) == plain.text(), "{accepted}");
            assert!(coding.is_none() || answer.body.len() < plain.body.len() / 3, "{accepted}");
        }
    }
}

#[test]
fn hints_limits_and_empty_tables_are_packed_alike() {
    let (world, token) = World::with_table(300);
    for body in [json!({"limitHint": 95}), json!({"predicateHints": ["id = 5"]}), json!({"maxFiles": 7})] {
        let query = Ask::post(QUERY, &body.to_string());
        let plain = world.ask(&token, &query);
        for accepted in ["gzip", "zstd"] {
            let answer = accepting(&world, &token, &query, accepted);
            assert_eq!(answer.header("content-encoding"), Some(accepted));
            let lines = |text: &str| text.lines().filter(|line| line.starts_with("{\"file\"")).count();
            // Tokens of pages are never the same twice.
            assert_eq!(lines(&unpacked(&answer)), lines(plain.text()), "{body}");
        }
    }
    world.table("empty", &Head::plain());
    let token = world.share("e", &[("default", "t", "empty")]);
    let query = Ask::post("/delta-sharing/shares/e/schemas/default/tables/t/query", "{}");
    let plain = world.ask(&token, &query);
    for accepted in ["gzip", "zstd"] {
        assert_eq!(unpacked(&accepting(&world, &token, &query, accepted)), plain.text());
    }
}

#[test]
fn changes_are_packed_too() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    table.add_files(20, 10);
    table.add_files(20, 10);
    let token = world.share_with_options(&json!({"history": true}));
    let query = Ask::post(QUERY, &json!({"startingVersion": 0}).to_string());
    let plain = world.ask(&token, &query);
    assert_eq!((plain.status, plain.header("vary")), (200, Some("accept-encoding")), "{}", plain.text());
    for accepted in ["gzip", "zstd"] {
        let answer = accepting(&world, &token, &query, accepted);
        assert_eq!(answer.header("content-encoding"), Some(accepted));
        assert_eq!(unpacked(&answer), plain.text());
    }
}

#[test]
fn errors_and_small_answers_come_as_they_are() {
    let (world, token) = World::with_table(1);
    for (ask, status) in [
        (Ask::post(QUERY, "{\"version\": -1}"), 400),
        (Ask::post("/delta-sharing/shares/none/schemas/default/tables/t/query", "{}"), 404),
        (Ask::get("/delta-sharing/shares"), 200),
        (Ask::get(&format!("{TABLE}/metadata")), 200),
    ] {
        let answer = accepting(&world, &token, &ask, "gzip, zstd");
        assert_eq!((answer.status, answer.header("content-encoding")), (status, None));
        assert!(!answer.text().is_empty());
    }
    let answer = accepting(&world, "wrong", &Ask::post(QUERY, "{}"), "gzip");
    assert_eq!((answer.status, answer.header("content-encoding")), (401, None));
}
