//! Changes between versions of Iceberg tables.

use lakeshare::clock::rfc3339;
use serde_json::{Value, json};

use super::iceberg::{bare, shared, start, uniform, with_history};
use super::wire::{Answer, Ask};
use super::world::{TABLE, World, error_of};
use crate::support::catalog::Catalog;
use crate::support::iceberg_table::IcebergTable;

fn changes(world: &World, token: &str, query: &str) -> Answer {
    world.ask(token, &Ask::get(&format!("{TABLE}/changes?{query}")))
}

fn from(world: &World, token: &str, version: i64) -> Answer {
    world.query(token, &json!({"startingVersion": version}).to_string())
}

/// `kind version size` of each line after the head; a file is known by the number of its rows.
fn told(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lines = answer.lines().split_off(2);
    let mut rows_by_id = std::collections::HashMap::new();
    let mut told = Vec::new();
    for line in &lines {
        let (kind, value) = line.as_object().unwrap().iter().next().unwrap();
        if kind == "metaData" || kind == "endStreamAction" {
            told.push(format!("{kind} {}", value["version"]));
            continue;
        }
        let (kind, action) = match value.get("deltaSingleAction") {
            None => (kind, value),
            Some(action) => action.as_object().unwrap().iter().next().unwrap(),
        };
        if let Some(stats) = action["stats"].as_str() {
            let stats: Value = serde_json::from_str(stats).unwrap();
            rows_by_id.insert(value["id"].clone(), stats["numRecords"].to_string());
        }
        let rows = rows_by_id.get(&value["id"]).map_or("?", String::as_str);
        told.push(format!("{kind} {} {rows}", value["version"]));
    }
    told
}

/// Versions 1 to 4: one row, two rows, a rewrite of them that changes nothing, three rows.
async fn written() -> (World, IcebergTable, String) {
    let (world, table) = start().await;
    table.write_as("append", &[1]).await;
    table.write(&[1, 2]).await;
    table.write_as("replace", &[1, 2]).await;
    table.write(&[1, 2, 3]).await;
    let token = shared(&world, &with_history(uniform("orders")));
    (world, table, token)
}

#[tokio::test]
async fn each_version_tells_what_came_and_went() {
    let (world, table, token) = written().await;
    let all = ["add 1 1", "remove 2 1", "add 2 2", "remove 4 ?", "add 4 3"];
    assert_eq!(told(&from(&world, &token, 0)), all);
    let feed = changes(&world, &token, "startingVersion=0");
    assert_eq!(told(&feed), all);
    assert_eq!(feed.header("delta-table-version"), Some("0"));
    assert_eq!(feed.lines()[1]["metaData"]["configuration"], json!({"enableChangeDataFeed": "true"}));
    assert!(told(&from(&world, &token, 3))[0].starts_with("remove 4"), "a rewrite changes no rows");
    let delta = world.get_as(&token, "responseformat=delta", "changes?startingVersion=0&endingVersion=3");
    assert_eq!(told(&delta), ["add 1 1", "remove 2 1", "add 2 2"]);
    let lines = delta.lines();
    assert_eq!(lines[0]["protocol"]["deltaProtocol"], json!({"minReaderVersion": 1, "minWriterVersion": 4}));
    let configuration = &lines[1]["metaData"]["deltaMetadata"]["configuration"];
    assert_eq!(configuration["delta.enableChangeDataFeed"], "true");
    let removed = &lines[3]["file"];
    let action = &removed["deltaSingleAction"]["remove"];
    assert!(action["size"].is_u64() && action["partitionValues"] == json!({}), "{action}");
    let metadata = table.metadata().await;
    assert_eq!(removed["timestamp"], metadata["snapshot-log"][1]["timestamp-ms"]);
    let read = reqwest::get(action["path"].as_str().unwrap()).await.unwrap().bytes().await.unwrap();
    assert_eq!(&read[..4], b"PAR1");
}

#[tokio::test]
async fn a_rollback_takes_back_what_came() {
    let (world, table) = start().await;
    let first = table.write(&[1]).await;
    table.write(&[1, 2]).await;
    table.roll_back(first).await;
    let token = shared(&world, &with_history(uniform("orders")));
    let wanted = ["add 1 1", "remove 2 1", "add 2 2", "remove 3 2", "add 3 1"];
    assert_eq!(told(&from(&world, &token, 0)), wanted);
    assert_eq!(told(&from(&world, &token, 3)), ["remove 3 ?", "add 3 1"]);
    table.write(&[7]).await;
    assert_eq!(told(&from(&world, &token, 4)), ["remove 4 ?", "add 4 1"]);
    let wanted = [&wanted[..], &["remove 4 1", "add 4 1"]].concat();
    assert_eq!(told(&from(&world, &token, 0)), wanted);
}

#[tokio::test]
async fn ranges_begin_and_end_where_they_are_told() {
    let (world, table, token) = written().await;
    let metadata = table.metadata().await;
    let last = metadata["snapshot-log"].as_array().unwrap().last().unwrap()["timestamp-ms"].as_i64().unwrap();
    for (query, count) in [
        ("startingVersion=2&endingVersion=2".to_owned(), 2),
        ("startingVersion=3&endingVersion=3".to_owned(), 0),
        ("startingVersion=4&endingVersion=99".to_owned(), 2),
        ("startingTimestamp=2020-01-01T00:00:00Z".to_owned(), 5),
        (format!("startingVersion=0&endingTimestamp={}", rfc3339(last)), 5),
    ] {
        assert_eq!(told(&changes(&world, &token, &query)).len(), count, "{query}");
    }
    for (query, named) in [
        ("startingVersion=5", "the latest is 4"),
        ("startingVersion=3&endingVersion=2", "endingVersion"),
        ("endingVersion=2", "startingVersion"),
    ] {
        let (_, text) = error_of(&changes(&world, &token, query), 400);
        assert!(text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn pages_of_a_range_add_up() {
    let (world, table, token) = written().await;
    let whole = told(&changes(&world, &token, "startingVersion=0"));
    let first = changes(&world, &token, "startingVersion=0&maxFiles=1");
    let (mut lines, mut page) = (Vec::new(), first.lines());
    loop {
        assert_eq!(page[..2], first.lines()[..2]);
        let end = page.pop().unwrap()["endStreamAction"].clone();
        lines.extend(page.into_iter().skip(2));
        let Some(next) = end["nextPageToken"].as_str() else { break };
        if lines.len() == 1 {
            table.write(&[9]).await;
        }
        page = changes(&world, &token, &format!("startingVersion=0&maxFiles=1&pageToken={next}")).lines();
    }
    assert_eq!(lines.len(), whole.len());
    assert_eq!(lines, changes(&world, &token, "startingVersion=0&endingVersion=4").lines()[2..]);
}

#[tokio::test]
async fn expired_snapshots_are_named() {
    let (world, table) = start().await;
    let ids = [table.write(&[1]).await, table.write(&[1, 2]).await, table.write(&[1, 2, 3]).await];
    let token = shared(&world, &with_history(uniform("orders")));
    assert_eq!(told(&from(&world, &token, 0)).len(), 5);
    table.commit(&json!([{"action": "remove-snapshots", "snapshot-ids": [ids[0]]}])).await;
    for start in [0, 1, 2] {
        let (code, message) = error_of(&from(&world, &token, start), 400);
        assert_eq!(code, "INVALID_PARAMETER_VALUE");
        assert!(message.contains("have expired; begin with version 3 or later"), "{message}");
    }
    assert_eq!(told(&from(&world, &token, 3)), ["remove 3 ?", "add 3 3"]);
    table.commit(&json!([{"action": "remove-snapshots", "snapshot-ids": [ids[1]]}])).await;
    let (_, message) = error_of(&from(&world, &token, 3), 400);
    assert!(message.contains("begin with version 4"), "{message}");
    table.write(&[5]).await;
    assert_eq!(told(&from(&world, &token, 4)), ["remove 4 ?", "add 4 1"]);
}

#[tokio::test]
async fn a_new_schema_is_told_where_it_comes() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    let token = shared(&world, &with_history(uniform("orders")));
    assert_eq!(told(&from(&world, &token, 0)), ["add 1 1"]);
    let mut schema = table.metadata().await["schemas"][0].clone();
    let field = json!({"id": 2, "name": "note", "required": false, "type": "string"});
    schema["fields"].as_array_mut().unwrap().push(field);
    let updates = json!([{"action": "add-schema", "schema": schema}, {"action": "set-current-schema", "schema-id": -1}]);
    table.commit(&updates).await;
    assert_eq!(told(&from(&world, &token, 0)), ["add 1 1", "metaData 2"]);
    table.write(&[1, 2]).await;
    assert_eq!(told(&from(&world, &token, 1)), ["add 1 1", "metaData 2", "remove 3 1", "add 3 2"]);
    let late = changes(&world, &token, "startingVersion=1");
    assert_eq!(told(&late), ["add 1 1", "remove 3 1", "add 3 2"]);
    let has_note =
        |answer: &Answer| answer.lines()[1]["metaData"]["schemaString"].as_str().unwrap().contains("note");
    assert!(has_note(&late), "the latest schema is told");
    let early = changes(&world, &token, "startingVersion=1&includeHistoricalMetadata=true");
    assert!(!has_note(&early) && told(&early)[1] == "metaData 2");
    // A column that is renamed is no column of the parquet format.
    let mut schema = table.metadata().await["schemas"][1].clone();
    schema["fields"][1]["name"] = json!("remark");
    let updates = json!([{"action": "add-schema", "schema": schema}, {"action": "set-current-schema", "schema-id": -1}]);
    table.commit(&updates).await;
    let (_, message) = error_of(&from(&world, &token, 1), 400);
    assert!(message.contains("columnMapping") && message.contains("responseFormat=parquet"), "{message}");
    let capabilities = "responseformat=delta;readerfeatures=columnmapping";
    let delta = world.query_as(&token, capabilities, r#"{"startingVersion":1}"#);
    assert_eq!(told(&delta).len(), 5);
    let features = &delta.lines()[0]["protocol"]["deltaProtocol"]["readerFeatures"];
    assert_eq!(features, &json!(["columnMapping"]), "readers of the range have to know what its end demands");
}

#[tokio::test]
async fn a_range_over_a_widened_type_is_for_readers_that_know_of_it() {
    let world = World::start();
    let catalog = Catalog::with_sales(&world.server).await;
    let table = IcebergTable::create_of(&world.server, &catalog, "orders", "int").await;
    let token = shared(&world, &with_history(uniform("orders")));
    table.write(&[1]).await;
    let mut schema = table.metadata().await["schemas"][0].clone();
    schema["fields"][0]["type"] = json!("long");
    table.commit(&json!([{"action": "add-schema", "schema": schema}, {"action": "set-current-schema", "schema-id": -1}])).await;
    table.write(&[1, 2]).await;
    table.write(&[1, 2, 3]).await;
    let asked = |features: &str, target: &str| {
        let capabilities = format!("responseformat=delta;readerfeatures={features}");
        world.ask(&token, &Ask::get(target).header("delta-sharing-capabilities", &capabilities))
    };
    // The range has a file of each type, or takes one of the narrow type away.
    let last = ["metaData 3", "remove 3 2", "add 3 3"];
    for (start, first) in [
        (0, vec!["add 1 1", "metaData 2", "remove 2 1", "add 2 2"]),
        (1, vec!["add 1 1", "metaData 2", "remove 2 1", "add 2 2"]),
        (2, vec!["remove 2 ?", "add 2 2"]),
    ] {
        let target = format!("{TABLE}/changes?startingVersion={start}&includeHistoricalMetadata=true");
        let (_, message) = error_of(&asked("deletionvectors,columnmapping", &target), 400);
        assert!(message.contains("typeWidening"), "{message}");
        let answer = asked("columnmapping,typewidening", &target);
        let features = &answer.lines()[0]["protocol"]["deltaProtocol"]["readerFeatures"];
        assert_eq!(features, &json!(["columnMapping", "typeWidening"]));
        assert_eq!(told(&answer), [&first[..], &last].concat());
    }
    let narrow = asked("columnmapping", &format!("{TABLE}/changes?startingVersion=3"));
    assert_eq!(told(&narrow), ["remove 3 ?", "add 3 3"], "all files have the type of today");
}

#[tokio::test]
async fn changes_are_shared_with_the_history_only() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    let token = shared(&world, &uniform("orders"));
    for answer in [from(&world, &token, 0), changes(&world, &token, "startingVersion=0")] {
        let (_, message) = error_of(&answer, 400);
        assert!(message.contains("the history of this table is not shared"), "{message}");
    }
    let metadata = world.get(&token, "/shares/s/schemas/default/tables/t/metadata");
    assert_eq!(metadata.lines()[1]["metaData"]["configuration"], json!({}));
    let mut late = with_history(uniform("orders"));
    late["startVersion"] = json!(2);
    late["name"] = json!("late");
    table.write(&[1, 2]).await;
    table.write(&[1, 2, 3]).await;
    let share = json!({"name": "x", "schemas": [{"name": "default", "tables": [late]}]});
    assert_eq!(world.admin("POST", "/shares", &share).status, 201);
    let token = world.token("x", &json!({}));
    let target = "/delta-sharing/shares/x/schemas/default/tables/late/query";
    let ask =
        |start: i64| world.ask(&token, &Ask::post(target, &json!({"startingVersion": start}).to_string()));
    error_of(&ask(1), 400);
    assert_eq!(told(&ask(2)), ["remove 2 ?", "add 2 2", "remove 3 2", "add 3 3"]);
}

#[tokio::test]
async fn files_in_other_places_are_told_where_the_share_allows_it() {
    let (world, table) = start().await;
    for (place, ids) in [("inner/a", &[1][..]), ("else/where", &[1, 2]), ("inner/b", &[1, 2, 3])] {
        let id = table.stage(&format!("s3://lake/{place}"), ids).await;
        table.roll_back(id).await;
    }
    let mut spec = with_history(bare(&world, &table, "inner", &json!({})).await);
    spec["allowedLocations"] = json!([]);
    let token = shared(&world, &spec);
    assert_eq!(world.query(&token, "{}").status, 200, "the latest version lies inside");
    for answer in [from(&world, &token, 1), changes(&world, &token, "startingVersion=1")] {
        let (_, message) = error_of(&answer, 400);
        assert!(message.contains("version 2") && message.contains("outside"), "{message}");
        assert!(!message.contains("else/where"), "{message}");
    }
    spec["allowedLocations"] = json!(["lake/else"]);
    assert_eq!(world.admin("DELETE", "/shares/s", &json!(null)).status, 204);
    let token = shared(&world, &spec);
    assert_eq!(told(&from(&world, &token, 1))[1], "remove 2 1");
}
