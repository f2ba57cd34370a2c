//! Versions of Iceberg tables by time.

use lakeshare::clock::rfc3339;
use serde_json::json;

use super::iceberg::{shared, start, told, uniform, version, with_history};
use super::wire::Ask;
use super::world::{QUERY, TABLE, error_of};

#[tokio::test]
async fn a_time_leads_to_the_version_that_was_current_then() {
    let (world, table) = start().await;
    table.write(&[1]).await;
    table.write(&[1, 2]).await;
    let token = shared(&world, &with_history(uniform("orders")));
    let metadata = table.metadata().await;
    let times: Vec<i64> = metadata["snapshot-log"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["timestamp-ms"].as_i64().unwrap())
        .collect();
    let at = |ms: i64| world.query(&token, &json!({"timestamp": rfc3339(ms)}).to_string());
    assert_eq!(told(&at(times[1])), (2, 2));
    if times[0] < times[1] {
        assert_eq!(told(&at(times[0])), (1, 1));
    }
    let (_, message) = error_of(&at(1_000), 400);
    assert!(message.contains("before the oldest available version 0"), "{message}");
    let from = |ms: i64| {
        let target = format!("{TABLE}/version?startingTimestamp={}", rfc3339(ms));
        world.ask(&token, &Ask::get(&target)).header("delta-table-version").map(str::to_owned)
    };
    assert_eq!(from(times[1]), Some(if times[0] < times[1] { "2" } else { "1" }.to_owned()));
    let plain = json!({"name": "x", "schemas": [{"name": "default", "tables": [uniform("orders")]}]});
    assert_eq!(world.admin("POST", "/shares", &plain).status, 201);
    let token = world.token("x", &json!({}));
    let target = QUERY.replace("/s/", "/x/");
    let (_, message) = error_of(&world.ask(&token, &Ask::post(&target, r#"{"version":1}"#)), 400);
    assert!(message.contains("history"), "{message}");
}

#[tokio::test]
async fn a_time_leads_to_an_older_version_where_the_latest_cannot_be_served() {
    let (world, table) = start().await;
    let token = shared(&world, &with_history(uniform("orders")));
    let (times, metadata) = loop {
        table.write(&[1]).await;
        let metadata = table.metadata().await;
        let log = metadata["snapshot-log"].as_array().unwrap();
        let times: Vec<_> = log.iter().rev().map(|one| one["timestamp-ms"].as_i64().unwrap()).collect();
        if times.len() > 1 && times[0] > times[1] {
            break (times, metadata);
        }
    };
    let latest = i64::try_from(times.len()).unwrap();
    let list = metadata["snapshots"].as_array().unwrap().last().unwrap()["manifest-list"].as_str().unwrap();
    std::fs::remove_file(world.server.dir().join(list.strip_prefix("s3://").unwrap())).unwrap();
    assert_ne!(world.query(&token, "{}").status, 200);
    assert_eq!(told(&version(&world, &token, latest - 1)), (latest - 1, 1));
    let at = |ms: i64| world.query(&token, &json!({"timestamp": rfc3339(ms)}).to_string());
    assert_eq!(told(&at(times[1])), (latest - 1, 1));
    assert_ne!(at(times[0]).status, 200);
    let target = format!("{TABLE}/version?startingTimestamp={}", rfc3339(times[0]));
    let answer = world.ask(&token, &Ask::get(&target));
    assert_eq!(answer.header("delta-table-version"), Some(latest.to_string().as_str()));
}
