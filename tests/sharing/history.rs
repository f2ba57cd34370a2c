//! Versions and times: what of the history is shared.

use lakeshare::clock::{Clock, rfc3339};
use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::{Answer, Ask};
use super::world::{TABLE, World, error_of};

const DAY_MS: u64 = 86_400_000;
/// Noon of the first of January 2024.
const NOON_MS: u64 = 1_704_110_400_000;

fn day(number: u64) -> String {
    format!("2024-01-{number:02}T12:00:00Z")
}

/// Versions 0 to `last`, each a day after the one before; version n > 0 adds one file.
fn table_of_days(world: &World, last: u64) -> LogTable {
    let mut table = world.table("t", &Head::plain());
    for number in 1..=last {
        table.commit(&[LogTable::add(&format!("date=x/part-{number}.parquet"), &json!("x"), Some(1))]);
    }
    for version in 0..=last {
        table.set_time(i64::try_from(version).unwrap(), NOON_MS + version * DAY_MS);
    }
    table
}

fn version_from(world: &World, token: &str, timestamp: &str) -> Answer {
    let timestamp = timestamp.replace('+', "%2B").replace(' ', "+");
    world.ask(token, &Ask::get(&format!("{TABLE}/version?startingTimestamp={timestamp}")))
}

fn found(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("delta-table-version").unwrap().parse().unwrap()
}

fn at(timestamp: &str) -> String {
    json!({"timestamp": timestamp}).to_string()
}

#[test]
fn the_first_version_from_a_time_on_is_that_of_an_exact_match() {
    let world = World::start();
    table_of_days(&world, 5);
    let token = world.share_with_options(&json!({"history": true}));
    for (timestamp, version) in [
        ("2020-01-01T00:00:00Z", 0),
        (day(1).as_str(), 0),
        (day(4).as_str(), 3),
        ("2024-01-04T14:00:00+02:00", 3),
        ("2024-01-04 12:00:00", 3),
        ("2024-01-04T12:00:00.0001Z", 4),
        ("2024-01-04T11:59:59.999Z", 3),
        (day(6).as_str(), 5),
    ] {
        assert_eq!(found(&version_from(&world, &token, timestamp)), version, "{timestamp}");
    }
    // An unencoded plus arrives as a space.
    let raw = format!("{TABLE}/version?startingTimestamp=2024-01-04T14:00:00+02:00");
    assert_eq!(found(&world.ask(&token, &Ask::get(&raw))), 3);
    let (_, text) = error_of(&version_from(&world, &token, "2024-01-06T12:00:00.001Z"), 400);
    assert!(text.contains("latest version 5"), "{text}");
    for wrong in ["", "1704110400000", "yesterday"] {
        assert_eq!(
            error_of(&version_from(&world, &token, wrong), 400).0,
            "INVALID_PARAMETER_VALUE",
            "{wrong}"
        );
    }
}

#[test]
fn a_snapshot_is_that_of_its_version_or_its_time() {
    let world = World::start();
    table_of_days(&world, 5);
    let token = world.share_with_options(&json!({"history": true}));
    for (body, version) in [
        (r#"{"version":0}"#.to_owned(), 0),
        (r#"{"version":3}"#.to_owned(), 3),
        (at(&day(1)), 0),
        (at(&day(4)), 3),
        (at("2024-01-05T11:59:59Z"), 3),
        (at(&day(6)), 5),
        (at("2024-01-06T12:00:01Z"), 5),
        (at(&rfc3339(Clock::system().now_ms())), 5),
    ] {
        let answer = world.query(&token, &body);
        assert_eq!(found(&answer), version, "{body}");
        assert_eq!(answer.lines().len(), 2 + usize::try_from(version).unwrap(), "{body}");
    }
    for (body, named) in [
        (r#"{"version":6}"#.to_owned(), "the latest is 5"),
        (at("2023-12-31T00:00:00Z"), "oldest available version 0"),
        (at("2999-01-06T12:00:01Z"), "latest version 5"),
    ] {
        let (code, text) = error_of(&world.query(&token, &body), 400);
        assert_eq!(code, "INVALID_PARAMETER_VALUE");
        assert!(text.contains(named), "{body}: {text}");
    }
}

#[test]
fn metadata_is_that_of_the_version() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    let mut later = Head::plain().metadata;
    later["name"] = json!("renamed");
    table.commit(&[json!({"metaData": later})]);
    table.set_time(0, NOON_MS);
    table.set_time(1, NOON_MS + DAY_MS);
    let token = world.share_with_options(&json!({"history": true}));
    let name = |query: &str| {
        let answer = world.ask(&token, &Ask::get(&format!("{TABLE}/metadata?{query}")));
        assert_eq!(answer.lines().len(), 2);
        (found(&answer), answer.lines()[1]["metaData"]["name"].clone())
    };
    assert_eq!(name("version=0"), (0, Value::Null));
    assert_eq!(name("version=1"), (1, json!("renamed")));
    assert_eq!(name("timestamp=2024-01-01T12:00:00Z"), (0, Value::Null));
    assert_eq!(name(""), (1, json!("renamed")));
    let both = world.ask(&token, &Ask::get(&format!("{TABLE}/metadata?version=0&timestamp={}", day(1))));
    error_of(&both, 400);
}

#[test]
fn nothing_before_the_start_version_is_shown() {
    let world = World::start();
    table_of_days(&world, 5);
    let token = world.share_with_options(&json!({"history": true, "startVersion": 3}));
    for body in [r#"{"version":2}"#.to_owned(), r#"{"startingVersion":2}"#.to_owned(), at(&day(3))] {
        let (_, text) = error_of(&world.query(&token, &body), 400);
        assert!(text.contains("since version 3"), "{body}: {text}");
    }
    for call in [
        "metadata?version=2".to_owned(),
        format!("metadata?timestamp={}", day(3)),
        "changes?startingVersion=2".to_owned(),
        format!("changes?startingTimestamp={}", day(3)),
        format!("version?startingTimestamp={}", day(3)),
    ] {
        let (_, text) = error_of(&world.ask(&token, &Ask::get(&format!("{TABLE}/{call}"))), 400);
        assert!(text.contains("since version 3"), "{call}: {text}");
    }
    assert_eq!(found(&world.query(&token, r#"{"version":3}"#)), 3);
    assert_eq!(found(&world.query(&token, "{}")), 5);
}

#[test]
fn times_of_files_are_moved_until_they_ascend() {
    let world = World::start();
    let table = table_of_days(&world, 4);
    // As after a copy: all at one time, and one before it.
    for version in 0..=4 {
        table.set_time(version, NOON_MS);
    }
    table.set_time(2, NOON_MS - DAY_MS);
    let token = world.share_with_options(&json!({"history": true}));
    for (timestamp, version) in [
        ("2024-01-01T12:00:00.000Z", 0),
        ("2024-01-01T12:00:00.001Z", 1),
        ("2024-01-01T12:00:00.002Z", 2),
        ("2024-01-01T12:00:00.004Z", 4),
    ] {
        assert_eq!(found(&version_from(&world, &token, timestamp)), version, "{timestamp}");
        assert_eq!(found(&world.query(&token, &at(timestamp))), version, "{timestamp}");
    }
}

#[test]
fn in_commit_timestamps_count_from_the_version_that_enabled_them() {
    let world = World::start();
    let head = Head::plain();
    let mut table = LogTable::create(&world.bucket().join("t"), &head);
    table.add_files(1, 1);
    table.add_files(1, 1);
    let mut metadata = head.metadata;
    metadata["configuration"] = json!({"delta.enableInCommitTimestamps": "true",
        "delta.inCommitTimestampEnablementVersion": "3",
        "delta.inCommitTimestampEnablementTimestamp": (NOON_MS + 3 * DAY_MS).to_string()});
    let protocol =
        json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"]});
    let own_time = |version: u64| i64::try_from(NOON_MS + version * DAY_MS).unwrap();
    table.commit_at(own_time(3), &[json!({"protocol": protocol}), json!({"metaData": metadata})]);
    table.commit_at(own_time(4), &[LogTable::add("date=x/a.parquet", &json!("x"), Some(1))]);
    table.commit_at(own_time(5), &[LogTable::add("date=x/b.parquet", &json!("x"), Some(1))]);
    // The times of the files say something else wherever commits have their own.
    for version in 0..=2 {
        table.set_time(version, NOON_MS + u64::try_from(version).unwrap() * DAY_MS);
    }
    for version in 3..=5 {
        table.set_time(version, NOON_MS - DAY_MS);
    }
    let token = world.share_with_options(&json!({"history": true}));
    for version in 0..=5_i64 {
        let timestamp = day(u64::try_from(version).unwrap() + 1);
        assert_eq!(found(&version_from(&world, &token, &timestamp)), version, "{timestamp}");
        assert_eq!(found(&world.query(&token, &at(&timestamp))), version, "{timestamp}");
    }
    assert_eq!(found(&version_from(&world, &token, "2024-01-03T12:00:00.001Z")), 3);
    assert_eq!(found(&world.query(&token, &at("2024-01-04T11:59:59Z"))), 2);
    let lines = world.query(&token, r#"{"startingVersion":4}"#).lines();
    assert_eq!(lines[2]["add"]["timestamp"], json!(NOON_MS + 4 * DAY_MS));
}

#[test]
fn history_that_was_cleaned_up_names_the_oldest_version() {
    let world = World::start();
    let table = table_of_days(&world, 5);
    std::fs::write(table.log().join("00000000000000000003.checkpoint.parquet"), b"not read").unwrap();
    let token = world.share_with_options(&json!({"history": true}));
    for version in 0..=2 {
        table.forget(version);
    }
    let (_, text) = error_of(&world.query(&token, r#"{"startingVersion":2}"#), 400);
    assert!(text.contains("versions 3 to 5"), "{text}");
    let (_, text) = error_of(&world.query(&token, r#"{"version":1}"#), 400);
    assert!(text.contains("versions 3 to 5"), "{text}");
    let (_, text) = error_of(&world.query(&token, &at(&day(2))), 400);
    assert!(text.contains("oldest available version 3"), "{text}");
}
