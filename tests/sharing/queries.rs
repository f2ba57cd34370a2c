//! Queries that are asked first and answered later.

use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::{Answer, Ask};
use super::world::{TABLE, World, error_of};
use crate::support::server::Server;

const ASYNC: &str = "asyncquery=true;responseformat=delta,parquet;readerfeatures=deletionvectors";

fn world() -> (World, LogTable, String) {
    let world = World { server: Server::start_with(&["--async-queries"]) };
    std::fs::create_dir_all(world.bucket()).unwrap();
    let mut table = world.table("t", &Head::plain());
    table.add_files(25, 10);
    let token = world.share_with_options(&json!({"history": true}));
    (world, table, token)
}

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lines = answer.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["queryStatus"]["status"], "pending");
    lines[0]["queryStatus"]["queryId"].as_str().unwrap().to_owned()
}

fn poll(world: &World, token: &str, id: &str, body: &Value) -> Answer {
    world.ask(token, &Ask::post(&format!("{TABLE}/queries/{id}"), &body.to_string()))
}

#[test]
fn an_answer_is_that_of_the_moment_of_the_question() {
    let (world, mut table, token) = world();
    let body = r#"{"idempotency_key":"k","predicateHints":[]}"#;
    let asked = world.query_as(&token, ASYNC, body);
    assert_eq!(asked.header("delta-table-version"), Some("1"), "Spark fails without it");
    assert_eq!(asked.header("delta-sharing-capabilities"), Some("responseformat=parquet;asyncquery=true"));
    let id = id(&asked);
    let direct = world.query_as(&token, "responseformat=delta,parquet", "{}");
    table.commit(&[LogTable::add("date=x/new.parquet", &json!("x"), Some(1))]);
    for _ in 0..2 {
        let answer = poll(&world, &token, &id, &json!({"queryId": id}));
        assert_eq!(answer.header("delta-table-version"), Some("1"));
        assert_eq!(answer.header("delta-sharing-capabilities"), Some("responseformat=parquet"));
        assert_eq!(answer.lines()[..2], direct.lines()[..2]);
        assert_eq!(answer.lines().len(), 27);
    }
    let first = poll(&world, &token, &id, &json!({"maxFiles": 20}));
    let next = first.lines().pop().unwrap()["endStreamAction"]["nextPageToken"].as_str().unwrap().to_owned();
    let second = poll(&world, &token, &id, &json!({"maxFiles": 20, "pageToken": next}));
    assert_eq!((first.lines().len(), second.lines().len()), (23, 8));
}

#[test]
fn one_key_and_one_question_have_one_id() {
    let (world, _table, token) = world();
    let ask = |body: &str| id(&world.query_as(&token, ASYNC, body));
    let one = ask(r#"{"idempotencyKey":"k"}"#);
    assert_eq!(one, ask(r#"{"idempotencyKey":"k"}"#));
    assert_ne!(one, ask(r#"{"idempotencyKey":"l"}"#));
    assert_ne!(one, ask(r#"{"idempotencyKey":"k","limitHint":1}"#));
}

#[test]
fn an_id_is_its_recipients_alone() {
    let (world, _table, token) = world();
    let id = id(&world.query_as(&token, ASYNC, r#"{"idempotency_key":"k"}"#));
    let stranger = world.token("s", &json!({}));
    assert_eq!(error_of(&poll(&world, &stranger, &id, &json!({})), 404).0, "RESOURCE_DOES_NOT_EXIST");
    for other in ["0b1c", "x", &format!("{id}x"), &id[1..]] {
        error_of(&poll(&world, &token, other, &json!({})), 404);
    }
    error_of(&poll(&world, &token, &id, &json!({"maxFiles": 0})), 400);
    let get = Ask::get(&format!("{TABLE}/queries/{id}"));
    assert_eq!(world.ask(&token, &get).status, 405);
}

#[test]
fn what_is_wrong_is_said_at_once_and_not_to_who_polls() {
    let (world, _table, token) = world();
    for body in
        [r#"{"idempotency_key":"k","version":9}"#, r#"{"idempotency_key":"k","version":0,"timestamp":"x"}"#]
    {
        error_of(&world.query_as(&token, ASYNC, body), 400);
    }
    let format = "asyncquery=true;responseformat=arrow";
    error_of(&world.query_as(&token, format, r#"{"idempotency_key":"k"}"#), 400);
}

#[test]
fn a_range_and_a_version_can_be_asked_for_too() {
    let (world, mut table, token) = world();
    let ask = |body: &str| id(&world.query_as(&token, ASYNC, body));
    let range = ask(r#"{"idempotency_key":"k","startingVersion":0}"#);
    let version = ask(r#"{"idempotency_key":"k","version":0}"#);
    table.add_files(3, 1);
    assert_eq!(poll(&world, &token, &range, &json!({})).lines().len(), 27);
    assert_eq!(poll(&world, &token, &version, &json!({})).lines().len(), 2);
}

#[test]
fn nobody_waits_who_did_not_ask_or_asks_too_much() {
    let (world, _table, token) = world();
    let lines = |answer: &Answer| answer.lines().len();
    assert_eq!(lines(&world.query(&token, r#"{"idempotency_key":"k"}"#)), 27);
    assert_eq!(lines(&world.query_as(&token, ASYNC, "{}")), 27, "without a key there is no id");
    let long = json!({"idempotency_key": "k", "jsonPredicateHints": "x".repeat(20_000)});
    assert_eq!(lines(&world.query_as(&token, ASYNC, &long.to_string())), 27, "too long for an id");
}
