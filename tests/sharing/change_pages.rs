//! Pages and ends of ranges, and what cannot be told.

use serde_json::json;

use super::changes::{HOUR_MS, NOON_MS, add, changes, recording, remove, told, world};
use super::wire::Ask;
use super::world::{TABLE, World, error_of};

#[test]
fn pages_of_a_range_add_up_and_repeat_their_head() {
    let (world, mut table, token) = world();
    for (start, count) in [("startingVersion=0", 4), ("startingTimestamp=2024-01-01T13:00:00Z", 4)] {
        let whole = told(&changes(&world, &token, start));
        assert_eq!(whole.len(), count);
        let (mut lines, mut query) = (Vec::new(), format!("{start}&maxFiles=1"));
        let first = changes(&world, &token, &query);
        for page in 1.. {
            // Raw, as Spark puts it into the URL.
            let answer = changes(&world, &token, &query);
            assert_eq!(answer.lines()[..2], first.lines()[..2]);
            assert_eq!(answer.header("delta-table-version"), first.header("delta-table-version"));
            let mut of_page = told(&answer);
            assert_eq!(of_page.pop().as_deref(), Some("endStreamAction"));
            assert!(of_page.len() <= 1);
            lines.extend(of_page);
            let end = answer.lines().pop().unwrap()["endStreamAction"].clone();
            let Some(next) = end["nextPageToken"].as_str() else { break };
            if page == 1 {
                table.commit(&[add("later")]);
            }
            query = format!("{start}&maxFiles=1&pageToken={next}");
        }
        assert_eq!(lines, whole);
        let next =
            first.lines().pop().unwrap()["endStreamAction"]["nextPageToken"].as_str().unwrap().to_owned();
        let changed = format!("{start}&includeHistoricalMetadata=true&pageToken={next}");
        assert!(error_of(&changes(&world, &token, &changed), 400).1.contains("pageToken"));
        table.commit(&[remove("later")]);
        let last = "00000000000000000006.json";
        std::fs::remove_file(table.log().join(last)).unwrap();
        std::fs::remove_file(table.log().join("00000000000000000007.json")).unwrap();
        table.go_back_to(6);
    }
    let query = world.query(&token, r#"{"startingVersion":0,"maxFiles":4}"#);
    assert_eq!(told(&query).len(), 5);
    let next = query.lines().pop().unwrap()["endStreamAction"]["nextPageToken"].as_str().unwrap().to_owned();
    let rest = world.query(&token, &json!({"startingVersion": 0, "pageToken": next}).to_string());
    assert_eq!(told(&rest), ["add 3 e", "remove 5 d", "endStreamAction"]);
    let snapshot = world.query(&token, &json!({"pageToken": next}).to_string());
    assert!(error_of(&snapshot, 400).1.contains("pageToken"));
}

#[test]
fn a_long_range_comes_in_one_answer_to_those_who_do_not_page() {
    let world = World::start();
    let mut table = world.table("t", &recording());
    table.add_files(20_000, 1);
    table.set_time(0, NOON_MS);
    table.set_time(1, NOON_MS + HOUR_MS);
    let token = world.share_with_options(&json!({"history": true}));
    let answer = world.query(&token, r#"{"startingVersion":1}"#);
    assert!(answer.is_whole);
    assert_eq!(told(&answer).len(), 20_000);
}

#[test]
fn a_removal_without_its_size_is_refused_and_a_merge_of_nothing_is_nothing() {
    let (world, mut table, token) = world();
    let metrics =
        json!({"numTargetRowsInserted": "0", "numTargetRowsUpdated": "0", "numTargetRowsDeleted": "0"});
    let note = json!({"commitInfo": {"operation": "MERGE", "operationMetrics": metrics}});
    table.commit(&[note, remove("e"), add("g")]);
    table.set_time(6, NOON_MS + 6 * HOUR_MS);
    assert!(told(&changes(&world, &token, "startingVersion=6")).is_empty());
    assert_eq!(told(&world.query(&token, r#"{"startingVersion":6}"#)).len(), 2);
    table.commit(&[
        json!({"remove": {"path": "date=x/g.parquet", "deletionTimestamp": 1, "dataChange": true}}),
    ]);
    for answer in
        [changes(&world, &token, "startingVersion=5"), world.query(&token, r#"{"startingVersion":5}"#)]
    {
        assert!(error_of(&answer, 400).1.contains("version 7"));
    }
}

#[test]
fn ids_of_files_follow_the_header_and_it_is_echoed() {
    let (world, _table, token) = world();
    let ask = |hash: &str| {
        let ask = Ask::get(&format!("{TABLE}/changes?startingVersion=1&endingVersion=1"));
        world.ask(
            &token,
            &ask.header("delta-sharing-capabilities", "responseformat=delta").header("fileidhash", hash),
        )
    };
    for (hash, length) in [("Parquet", 32), ("delta", 64)] {
        let answer = ask(hash);
        assert_eq!(answer.header("fileidhash"), Some(hash.to_lowercase().as_str()));
        assert_eq!(answer.lines()[2]["file"]["id"].as_str().unwrap().len(), length);
    }
    assert!(error_of(&ask("foo"), 400).1.contains("fileidhash"));
}

#[test]
fn a_feed_that_breaks_says_so_or_breaks_the_connection() {
    let world = World::start();
    let mut table = world.table("t", &recording());
    // More than the socket and the chunks ahead hold, so that the commit is still being read when it changes.
    table.add_files(60_000, 1);
    let token = world.share_with_options(&json!({"history": true}));
    for (capabilities, is_told) in [("includeendstreamaction=true", true), ("responseformat=parquet", false)]
    {
        let path = table.log().join("00000000000000000001.json");
        let before = std::fs::read(&path).unwrap();
        let ask = Ask::post(&format!("{TABLE}/query"), r#"{"startingVersion":1}"#);
        let ask = ask.bearer(&token).header("delta-sharing-capabilities", capabilities);
        let answer = ask.send_and_then(world.server.address, || std::fs::write(&path, b"{}\n").unwrap());
        assert_eq!(answer.status, 200);
        assert_eq!(answer.is_whole, is_told, "{capabilities}");
        let last = answer.text().lines().last().unwrap_or_default();
        assert_eq!(last.contains("errorMessage") && last.contains("500"), is_told, "{last}");
        std::fs::write(&path, before).unwrap();
    }
}

#[test]
fn a_removal_without_partition_values_is_told_where_there_are_no_partitions() {
    let world = World::start();
    let mut table = world.table("t", &recording().with("partitionColumns", json!([])));
    let bare =
        json!({"remove": {"path": "x.parquet", "deletionTimestamp": 1, "dataChange": true, "size": 5}});
    table.commit(&[bare]);
    table.set_time(0, NOON_MS);
    table.set_time(1, NOON_MS + HOUR_MS);
    let token = world.share_with_options(&json!({"history": true}));
    assert_eq!(told(&changes(&world, &token, "startingVersion=1")), ["remove 1 x"]);
}

#[test]
fn a_revoked_token_polls_and_pages_no_more() {
    let (world, _table, _) = world();
    let made = world.admin("POST", "/shares/s/tokens", &json!({})).json();
    let token = made["token"].as_str().unwrap();
    let page = changes(&world, token, "startingVersion=0&maxFiles=1");
    let next = page.lines().pop().unwrap()["endStreamAction"]["nextPageToken"].as_str().unwrap().to_owned();
    let id = made["tokenId"].as_str().unwrap();
    assert_eq!(world.admin("DELETE", &format!("/tokens/{id}"), &json!(null)).status, 204);
    let query = format!("startingVersion=0&maxFiles=1&pageToken={next}");
    assert_eq!(changes(&world, token, &query).status, 401);
    assert_eq!(world.query(token, r#"{"startingVersion":0}"#).status, 401);
}
