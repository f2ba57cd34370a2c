//! Ranges of versions: queries with a start, and the change data feed.

use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::{Answer, Ask};
use super::world::{TABLE, World, error_of};

pub const HOUR_MS: u64 = 3_600_000;
pub const NOON_MS: u64 = 1_704_110_400_000;

pub fn recording() -> Head {
    Head::plain().with("configuration", json!({"delta.enableChangeDataFeed": "true"}))
}

pub fn add(name: &str) -> Value {
    LogTable::add(&format!("date=x/{name}.parquet"), &json!("x"), Some(1))
}

pub fn remove(name: &str) -> Value {
    LogTable::remove(&format!("date=x/{name}.parquet"), "x")
}

fn cdc(name: &str) -> Value {
    json!({"cdc": {"path": format!("_change_data/{name}.parquet"), "partitionValues": {"date": "x"}, "size": 9,
                   "dataChange": false}})
}

fn without_data_change(mut action: Value) -> Value {
    let inner = action.as_object_mut().unwrap().values_mut().next().unwrap();
    inner["dataChange"] = json!(false);
    action
}

/// v1 adds a and b, v2 rewrites them without a change, v3 has changed rows, v4 has a note only, v5 removes d.
pub fn world() -> (World, LogTable, String) {
    let world = World::start();
    let mut table = world.table("t", &recording());
    table.commit(&[add("a"), add("b")]);
    table.commit(&[
        without_data_change(remove("a")),
        without_data_change(remove("b")),
        without_data_change(add("c")),
    ]);
    table.commit(&[cdc("rows"), remove("c"), add("d"), add("e")]);
    table.commit(&[]);
    table.commit(&[remove("d")]);
    for version in 0..=5 {
        table.set_time(version, NOON_MS + u64::try_from(version).unwrap() * HOUR_MS);
    }
    let token = world.share_with_options(&json!({"history": true}));
    (world, table, token)
}

pub fn changes(world: &World, token: &str, query: &str) -> Answer {
    world.ask(token, &Ask::get(&format!("{TABLE}/changes?{query}")))
}

/// `kind version name` of each line after the head, files named without their directory.
pub fn told(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.lines().split_off(2).iter().map(line_of).collect()
}

fn line_of(line: &Value) -> String {
    let (kind, value) = line.as_object().unwrap().iter().next().unwrap();
    if kind == "metaData" || kind == "protocol" {
        return format!("{kind} {}", value["version"]);
    }
    let (kind, url) = match value.get("deltaSingleAction") {
        None => (kind.clone(), value["url"].clone()),
        Some(action) => {
            let (kind, action) = action.as_object().unwrap().iter().next().unwrap();
            (kind.clone(), action["path"].clone())
        }
    };
    let Some(url) = url.as_str() else { return kind };
    let path = url.split('?').next().unwrap();
    let name = path.rsplit('/').next().unwrap().strip_suffix(".parquet").unwrap();
    let hours = (value["timestamp"].as_u64().unwrap() - NOON_MS) / HOUR_MS;
    assert_eq!(value["version"].as_u64(), Some(hours), "the time is that of the commit");
    format!("{kind} {} {name}", value["version"])
}

#[test]
fn a_query_from_a_version_tells_what_changed_rows_and_nothing_else() {
    let (world, _table, token) = world();
    let answer = world.query(&token, r#"{"startingVersion":0}"#);
    assert_eq!(answer.header("delta-table-version"), Some("0"));
    assert_eq!(told(&answer), ["add 1 a", "add 1 b", "remove 3 c", "add 3 d", "add 3 e", "remove 5 d"]);
    let lines = answer.lines();
    assert_eq!(lines[0], json!({"protocol": {"minReaderVersion": 1}}));
    assert_eq!(lines[1]["metaData"]["version"], 0);
    assert_eq!(told(&world.query(&token, r#"{"startingVersion":2,"endingVersion":3}"#)).len(), 3);
    assert!(told(&world.query(&token, r#"{"startingVersion":4,"endingVersion":4}"#)).is_empty());
    assert!(told(&world.query(&token, r#"{"startingVersion":2,"endingVersion":2}"#)).is_empty());
    let delta = world.query_as(&token, "responseformat=delta", r#"{"startingVersion":5}"#);
    assert_eq!(told(&delta), ["remove 5 d"]);
    let removed = &delta.lines()[2]["file"]["deltaSingleAction"]["remove"];
    assert!(removed["size"].is_number() && removed["partitionValues"] == json!({"date": "x"}), "{removed}");
    for (body, named) in [
        (r#"{"startingVersion":6}"#, "the latest is 5"),
        (r#"{"startingVersion":1,"endingVersion":6}"#, "the latest is 5"),
        (r#"{"startingVersion":3,"endingVersion":2}"#, "endingVersion"),
    ] {
        let (_, text) = error_of(&world.query(&token, body), 400);
        assert!(text.contains(named), "{text}");
    }
}

#[test]
fn a_commit_that_tells_of_rows_tells_of_nothing_else() {
    let (world, _table, token) = world();
    let parquet = changes(&world, &token, "startingVersion=0");
    assert_eq!(told(&parquet), ["add 1 a", "add 1 b", "cdf 3 rows", "remove 5 d"]);
    assert_eq!(parquet.header("delta-table-version"), Some("0"));
    assert_eq!(parquet.header("content-type"), Some("application/x-ndjson; charset=utf-8"));
    assert_eq!(parquet.lines()[1]["metaData"]["configuration"], json!({"enableChangeDataFeed": "true"}));
    let delta = world.get_as(&token, "responseformat=delta", "changes?startingVersion=0&endingVersion=4");
    assert_eq!(told(&delta), ["add 1 a", "add 1 b", "cdc 3 rows"]);
    assert_eq!(delta.header("delta-sharing-capabilities"), Some("responseformat=delta"));
    assert!(!delta.text().contains("endStreamAction"));
}

#[test]
fn a_feed_ends_where_it_is_told_and_begins_where_it_must() {
    let (world, _table, token) = world();
    let time = |hours: u64| format!("2024-01-01T{:02}:00:00Z", 12 + hours);
    for (query, count) in [
        ("startingVersion=1&endingVersion=1".to_owned(), 2),
        ("startingVersion=3&endingVersion=99".to_owned(), 2),
        (format!("startingTimestamp={}", time(3)), 2),
        (format!("startingTimestamp={}&endingTimestamp={}", time(1), time(1)), 2),
        (format!("startingVersion=5&endingTimestamp={}", time(9)), 1),
        ("startingTimestamp=2020-01-01T00:00:00Z".to_owned(), 4),
    ] {
        assert_eq!(told(&changes(&world, &token, &query)).len(), count, "{query}");
    }
    for (query, named) in [
        (String::new(), "startingVersion"),
        ("endingVersion=3".to_owned(), "startingVersion"),
        (format!("startingVersion=1&startingTimestamp={}", time(1)), "startingTimestamp"),
        (format!("startingVersion=1&endingVersion=2&endingTimestamp={}", time(1)), "endingTimestamp"),
        ("startingVersion=2&endingVersion=1".to_owned(), "endingVersion"),
        ("startingVersion=x".to_owned(), "startingVersion"),
        ("startingVersion=-1".to_owned(), "startingVersion"),
        ("startingTimestamp=1704110400000".to_owned(), "number"),
        (format!("startingTimestamp={}", time(9)), "latest version 5"),
        ("startingVersion=6".to_owned(), "the latest is 5"),
        (format!("startingVersion=4&endingTimestamp={}", time(2)), "empty"),
        ("startingVersion=0&maxFiles=0".to_owned(), "maxFiles"),
        ("startingVersion=0&pageToken=x".to_owned(), "pageToken"),
    ] {
        let (_, text) = error_of(&changes(&world, &token, &query), 400);
        assert!(text.contains(named), "{query}: {text}");
    }
    let closed = world.share_named_with_options("closed", &json!({}));
    let ask = Ask::get("/delta-sharing/shares/closed/schemas/default/tables/t/changes?startingVersion=0");
    assert!(error_of(&world.ask(&closed, &ask), 400).1.contains("history"));
}

#[test]
fn versions_that_record_nothing_are_named() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    table.commit(&[json!({"metaData": recording().metadata}), add("a")]);
    table.commit(&[add("b")]);
    table.commit(&[json!({"metaData": Head::plain().metadata})]);
    table.commit(&[json!({"metaData": recording().metadata})]);
    for version in 0..=4 {
        table.set_time(version, NOON_MS + u64::try_from(version).unwrap() * HOUR_MS);
    }
    let token = world.share_with_options(&json!({"history": true}));
    assert_eq!(told(&changes(&world, &token, "startingVersion=1&endingVersion=2")).len(), 2);
    for (query, version) in [("startingVersion=0", 0), ("startingVersion=1", 3), ("startingVersion=3", 3)] {
        let (code, text) = error_of(&changes(&world, &token, query), 400);
        assert_eq!(code, "UNSUPPORTED_OPERATION");
        assert!(text.contains(&format!("in version {version};")), "{query}: {text}");
    }
    assert_eq!(told(&world.query(&token, r#"{"startingVersion":0}"#)).len(), 5, "queries need no record");
}

#[test]
fn the_head_tells_of_the_latest_version_or_of_the_first() {
    let world = World::start();
    let mut table = world.table("t", &recording());
    table.commit(&[add("a")]);
    let named = |name: &str| json!({"metaData": recording().with("name", json!(name)).metadata});
    table.commit(&[named("second"), add("b")]);
    table.commit(&[named("third")]);
    for version in 0..=3 {
        table.set_time(version, NOON_MS + u64::try_from(version).unwrap() * HOUR_MS);
    }
    let token = world.share_with_options(&json!({"history": true}));
    let latest = changes(&world, &token, "startingVersion=1&endingVersion=2");
    assert_eq!(latest.lines()[1]["metaData"]["name"], "third");
    assert_eq!(latest.lines()[1]["metaData"]["version"], 3);
    assert_eq!(told(&latest), ["add 1 a", "add 2 b"]);
    for flag in ["true", "True"] {
        let query = format!("startingVersion=1&includeHistoricalMetadata={flag}");
        let historical = changes(&world, &token, &query);
        let lines = historical.lines();
        assert_eq!(
            (&lines[1]["metaData"]["name"], &lines[1]["metaData"]["version"]),
            (&Value::Null, &json!(1))
        );
        assert_eq!(told(&historical), ["add 1 a", "metaData 2", "add 2 b", "metaData 3"]);
        assert_eq!(lines[3]["metaData"]["name"], "second");
    }
    let query = world.query(&token, r#"{"startingVersion":2}"#);
    assert_eq!(query.lines()[1]["metaData"]["name"], "second");
    assert_eq!(told(&query), ["add 2 b", "metaData 3"]);
}

#[test]
fn a_change_of_the_protocol_is_told_in_delta_to_those_who_ask() {
    let (world, mut table, token) = world();
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 4}});
    table.commit(&[protocol, add("f")]);
    table.set_time(6, NOON_MS + 6 * HOUR_MS);
    let delta = "responseformat=delta";
    let asked = world.get_as(&token, delta, "changes?startingVersion=5&includeHistoricalProtocol=true");
    assert_eq!(told(&asked), ["remove 5 d", "protocol 6", "add 6 f"]);
    assert_eq!(told(&world.get_as(&token, delta, "changes?startingVersion=5")).len(), 2);
    let parquet = changes(&world, &token, "startingVersion=5&includeHistoricalProtocol=true");
    assert_eq!(told(&parquet), ["remove 5 d", "add 6 f"]);
    let body = r#"{"startingVersion":5,"includeHistoricalProtocol":true}"#;
    assert_eq!(told(&world.query_as(&token, delta, body))[1], "protocol 6");
    let unknown = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
                                      "readerFeatures": ["fooBar"], "writerFeatures": ["fooBar"]}});
    table.commit(&[unknown]);
    let answer =
        world.get_as(&token, "responseformat=delta;readerfeatures=foobar", "changes?startingVersion=5");
    assert!(error_of(&answer, 400).1.contains("fooBar"));
}

#[test]
fn a_range_that_loses_a_column_needs_delta() {
    let (world, mut table, token) = world();
    let schema = |fields: &[(&str, &str)]| {
        let field = |(name, data_type): &(&str, &str)| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
        let fields: Vec<Value> = fields.iter().map(field).collect();
        let text = json!({"type": "struct", "fields": fields}).to_string();
        json!({"metaData": recording().with("schemaString", json!(text)).metadata})
    };
    table.commit(&[schema(&[("id", "long"), ("date", "string"), ("more", "double")])]);
    assert_eq!(changes(&world, &token, "startingVersion=1").status, 200, "a new column is no loss");
    table.commit(&[schema(&[("id", "string"), ("date", "string"), ("more", "double")])]);
    let (code, text) = error_of(&changes(&world, &token, "startingVersion=1"), 400);
    assert_eq!(code, "UNSUPPORTED_OPERATION");
    assert!(text.contains("'id'") && text.contains("responseFormat=delta"), "{text}");
    let both = world.get_as(&token, "responseformat=delta,parquet", "changes?startingVersion=1");
    assert_eq!(both.header("delta-sharing-capabilities"), Some("responseformat=delta"));
    assert_eq!(
        changes(&world, &token, "startingVersion=1&endingVersion=6").status,
        400,
        "the head is the latest"
    );
    let historical = "startingVersion=1&endingVersion=6&includeHistoricalMetadata=true";
    assert_eq!(changes(&world, &token, historical).status, 200);
}

#[test]
fn deletion_vectors_of_a_range_are_told_in_delta_on_both_sides() {
    let world = World::start();
    let head = Head {
        protocol: json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
                         "writerFeatures": ["deletionVectors", "changeDataFeed"]}),
        ..recording()
    };
    let mut table = world.table("t", &head);
    let vector = |offset: i64| {
        json!({"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": offset,
               "sizeInBytes": 40, "cardinality": 1})
    };
    let with = |mut action: Value, vector: Value| {
        action.as_object_mut().unwrap().values_mut().next().unwrap()["deletionVector"] = vector;
        action
    };
    table.commit(&[add("a")]);
    table.commit(&[remove("a"), with(add("a"), vector(1))]);
    table.commit(&[with(remove("a"), vector(1)), with(add("a"), vector(43))]);
    for version in 0..=3 {
        table.set_time(version, NOON_MS + u64::try_from(version).unwrap() * HOUR_MS);
    }
    let token = world.share_with_options(&json!({"history": true}));
    let knows = "responseformat=delta;readerfeatures=deletionvectors,columnmapping";
    for answer in [
        world.get_as(&token, knows, "changes?startingVersion=1"),
        world.query_as(&token, knows, r#"{"startingVersion":1}"#),
    ] {
        assert_eq!(told(&answer), ["add 1 a", "remove 2 a", "add 2 a", "remove 3 a", "add 3 a"]);
        let lines = answer.lines();
        let vectors: Vec<Value> = lines[4..]
            .iter()
            .map(|line| {
                let action = line["file"]["deltaSingleAction"].as_object().unwrap().values().next().unwrap();
                let vector = &action["deletionVector"];
                assert_eq!((&vector["storageType"], &vector["cardinality"]), (&json!("p"), &json!(1)));
                let url = vector["pathOrInlineDv"].as_str().unwrap();
                assert!(
                    url.contains("/t/ab/deletion_vector_d2c639aa") && url.contains("X-Amz-Signature="),
                    "{url}"
                );
                assert_eq!(line["file"]["deletionVectorFileId"], lines[4]["file"]["deletionVectorFileId"]);
                vector["offset"].clone()
            })
            .collect();
        assert_eq!(vectors, [json!(1), json!(1), json!(43)]);
        assert!(lines[3]["file"].get("deletionVectorFileId").is_none());
    }
    let parquet = changes(&world, &token, "startingVersion=1");
    assert!(error_of(&parquet, 400).1.contains("version 2"));
    assert_eq!(told(&changes(&world, &token, "startingVersion=1&endingVersion=1")), ["add 1 a"]);
    let ignorant = world.get_as(&token, "responseformat=delta", "changes?startingVersion=1");
    assert!(error_of(&ignorant, 400).1.contains("deletionVectors"));
}
