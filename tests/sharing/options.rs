//! What a provider shares of a table holds on every path.

use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::Ask;
use super::world::{TABLE, World, error_of};

fn add(number: usize, date: &str) -> Value {
    LogTable::add(&format!("date={date}/part-{number}.parquet"), &json!(date), Some(1))
}

/// Four versions: files of the dates a and b, a removal of each, and changed rows of each.
fn table(world: &World) -> LogTable {
    let head = Head::plain().with("configuration", json!({"delta.enableChangeDataFeed": "true"}));
    let mut table = world.table("t", &head);
    table.commit(&[add(1, "a"), add(2, "b"), add(3, "a")]);
    table.commit(&[
        LogTable::remove("date=a/part-1.parquet", "a"),
        LogTable::remove("date=b/part-2.parquet", "b"),
        add(4, "b"),
    ]);
    let cdc = |date: &str| {
        let path = format!("_change_data/date={date}/cdc-0.parquet");
        json!({"cdc": {"path": path, "partitionValues": {"date": date}, "size": 5, "dataChange": false}})
    };
    table.commit(&[cdc("a"), cdc("b"), add(5, "a"), add(6, "b")]);
    table
}

/// The dates of all files of an answer, in order.
fn dates(lines: &[Value]) -> Vec<String> {
    let file =
        |line: &Value| ["file", "add", "remove", "cdf"].into_iter().find_map(|kind| line.get(kind).cloned());
    let files = lines.iter().filter_map(file);
    files.map(|file| file["partitionValues"]["date"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn files_of_other_partitions_are_on_no_path() {
    let world = World::start();
    let _table = table(&world);
    let token = world.share_with_options(&json!({"history": true, "partitionFilter": {"date": ["a"]}}));
    let latest = world.query(&token, "{}").lines();
    assert_eq!(dates(&latest), ["a", "a"]);
    let metadata = &latest[1]["metaData"];
    let size = 2 * (1000 + "date=a/part-3.parquet".len());
    assert_eq!((&metadata["numFiles"], &metadata["size"]), (&json!(2), &json!(size)));
    let head = world.ask(&token, &Ask::get(&format!("{TABLE}/metadata"))).lines();
    assert_eq!(head[1]["metaData"]["numFiles"], 2);
    assert_eq!(dates(&world.query(&token, r#"{"version":1}"#).lines()), ["a", "a"]);
    assert_eq!(dates(&world.query(&token, r#"{"maxFiles":10}"#).lines()), ["a", "a"]);
    assert_eq!(dates(&world.query(&token, r#"{"maxFiles":1}"#).lines()), ["a"]);
    assert_eq!(dates(&world.query(&token, r#"{"startingVersion":0}"#).lines()), ["a", "a", "a", "a"]);
    for page in ["", "&maxFiles=10"] {
        let ask = Ask::get(&format!("{TABLE}/changes?startingVersion=0{page}"));
        let lines = world.ask(&token, &ask).lines();
        assert_eq!(dates(&lines), ["a", "a", "a", "a"], "{page}");
        assert!(!format!("{lines:?}").contains("date%3Db"));
    }
}

#[test]
fn a_filter_of_a_column_that_does_not_partition_is_refused() {
    let world = World::start();
    let mut table = table(&world);
    let share = json!({"name": "x", "schemas": [{"name": "d", "tables": [{"name": "t", "sourceType": "delta",
        "bucket": "lake", "location": "t", "partitionFilter": {"id": ["1"]}}]}]});
    let answer = world.admin("POST", "/shares", &share);
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("not partitioned"), "{}", answer.text());
    let token = world.share_with_options(&json!({"history": true, "partitionFilter": {"DATE": ["a"]}}));
    assert_eq!(dates(&world.query(&token, "{}").lines()), ["a", "a"]);
    // A table that is laid out anew can no longer be told apart; its older versions can.
    let metadata = Head::plain().with("partitionColumns", json!([])).metadata;
    table.commit(&[json!({"metaData": metadata})]);
    for body in ["{}", r#"{"startingVersion":2}"#] {
        let (_, text) = error_of(&world.query(&token, body), 400);
        assert!(text.contains("not partitioned by it") && text.contains("version 4"), "{text}");
    }
    assert_eq!(dates(&world.query(&token, r#"{"version":3}"#).lines()), ["a", "a"]);
}

#[test]
fn null_and_empty_partition_values_are_one_value() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    table.commit(&[
        LogTable::add("date=x/1.parquet", &json!(null), Some(1)),
        LogTable::add("date=x/2.parquet", &json!(""), Some(1)),
        add(3, "a"),
    ]);
    let token = world.share_with_options(&json!({"partitionFilter": {"date": [null]}}));
    let lines = world.query(&token, "{}").lines();
    assert_eq!(lines.len(), 4);
    assert!(lines[2..].iter().all(|line| line["file"]["partitionValues"]["date"].is_null()));
}

#[test]
fn one_share_does_not_open_the_history_of_another() {
    let world = World::start();
    let _table = table(&world);
    let open = world.share_named_with_options("open", &json!({"history": true}));
    let closed = world.share_named_with_options("closed", &json!({}));
    let ask = |share: &str, token: &str| {
        let target = format!("/delta-sharing/shares/{share}/schemas/default/tables/t/query");
        world.ask(token, &Ask::post(&target, r#"{"version":1}"#))
    };
    for _ in 0..2 {
        assert_eq!(ask("open", &open).status, 200);
        let (_, text) = error_of(&ask("closed", &closed), 400);
        assert!(text.contains("history"), "{text}");
    }
}

#[test]
fn properties_and_comments_are_told_with_the_share() {
    let world = World::start();
    world.table("t", &Head::plain());
    let share =
        json!({"name": "s", "description": "for \"all\"", "properties": {"owner": "ann", "b": "\u{2028}"}});
    assert_eq!(world.admin("POST", "/shares", &share).status, 201);
    let token = world.token("s", &json!({}));
    let told = |path: &str| world.get(&token, path).json();
    let item = &told("/shares")["items"][0];
    assert_eq!(item["comment"], "for \"all\"");
    assert_eq!(item["properties"], json!({"b": "\u{2028}", "owner": "ann"}));
    assert_eq!(told("/shares/s")["share"], *item);
    let patch = world.admin("PATCH", "/shares/s", &json!({"properties": {}}));
    assert_eq!(patch.status, 200, "{}", patch.text());
    assert!(told("/shares/s")["share"].get("properties").is_none());
    let large = json!({"properties": {"k": "x".repeat(1001)}});
    assert_eq!(world.admin("PATCH", "/shares/s", &large).status, 400);
}

#[test]
fn options_that_contradict_each_other_are_refused_by_name() {
    let world = World::start();
    world.table("t", &Head::plain());
    for (options, field) in [
        (json!({"startVersion": 1}), "startVersion"),
        (json!({"directoryAccess": true}), "directoryAccess"),
        (json!({"history": "yes"}), "history"),
        (json!({"rowFilter": "a"}), "rowFilter"),
    ] {
        let mut table = json!({"name": "t", "sourceType": "delta", "bucket": "lake", "location": "t"});
        table.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let share = json!({"name": "s", "schemas": [{"name": "d", "tables": [table]}]});
        let answer = world.admin("POST", "/shares", &share);
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(field), "{}", answer.text());
    }
}
