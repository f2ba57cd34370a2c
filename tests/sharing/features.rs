//! What tables demand of readers, and what recipients are told.

use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::{Answer, Ask};
use super::world::{TABLE, World, error_of};

const HEADER: &str = "delta-sharing-capabilities";

/// A shared table whose next commit holds `actions`: what the admin door would not have let in.
fn changed_after_sharing(actions: &[Value]) -> (World, String) {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    let token = world.share("s", &[("default", "t", "t")]);
    table.commit(actions);
    (world, token)
}

fn protocol(features: &[&str]) -> Value {
    json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
                        "readerFeatures": features, "writerFeatures": features}})
}

/// Metadata, version and query, with the capabilities of each kind of client.
fn every_call(world: &World, token: &str) -> Vec<Answer> {
    let mut answers = vec![world.get(token, "/shares/s/schemas/default/tables/t/version")];
    for capabilities in
        ["", "responseformat=delta,parquet;readerfeatures=deletionvectors,foobar", "responseformat=delta"]
    {
        answers.push(world.query_as(token, capabilities, "{}"));
        answers.push(world.ask(token, &Ask::get(&format!("{TABLE}/metadata")).header(HEADER, capabilities)));
    }
    answers
}

#[test]
fn reader_features_that_are_not_served_are_named_to_everyone() {
    for feature in ["fooBar", "catalogManaged"] {
        let (world, token) = changed_after_sharing(&[protocol(&[feature])]);
        for answer in every_call(&world, &token) {
            let (code, text) = error_of(&answer, 400);
            assert_eq!(code, "UNSUPPORTED_OPERATION");
            assert!(text.contains(feature), "{text}");
        }
    }
}

#[test]
fn features_of_the_log_are_kept_from_clients() {
    let (world, token) = changed_after_sharing(&[protocol(&["v2Checkpoint", "vacuumProtocolCheck"])]);
    let parquet = world.query(&token, "{}").lines();
    assert_eq!(parquet[0], json!({"protocol": {"minReaderVersion": 1}}));
    let delta = world.query_as(&token, "responseformat=delta", "{}").lines();
    assert_eq!(
        delta[0],
        json!({"protocol": {"deltaProtocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": []}}})
    );
}

#[test]
fn features_for_writers_are_passed_through() {
    let (world, token) = changed_after_sharing(&[json!({"protocol": {
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["appendOnly", "inCommitTimestamp"]}})]);
    let delta = world.query_as(&token, "responseformat=delta", "{}").lines();
    assert_eq!(
        delta[0]["protocol"]["deltaProtocol"],
        json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["appendOnly", "inCommitTimestamp"]})
    );
    assert_eq!(world.query(&token, "{}").status, 200);
}

#[test]
fn files_outside_of_the_table_are_refused_without_saying_where_they_are() {
    for path in ["s3://elsewhere/secret/part.parquet", "file:///elsewhere/secret", "../secret/part.parquet"] {
        let (world, token) = changed_after_sharing(&[LogTable::add(path, &json!("x"), Some(1))]);
        for answer in every_call(&world, &token) {
            let (code, text) = error_of(&answer, 400);
            assert_eq!(code, "UNSUPPORTED_OPERATION");
            assert!(!text.contains("secret") && !text.contains("elsewhere"), "{text}");
        }
    }
}

#[test]
fn a_broken_log_is_a_400_that_tells_nothing_but_a_request_id() {
    let (world, token) = changed_after_sharing(&[json!({"add": {"path": "secret.parquet", "size": "many"}})]);
    for answer in every_call(&world, &token) {
        let (code, text) = error_of(&answer, 400);
        assert_eq!(code, "TABLE_NOT_READABLE");
        assert!(text.contains(answer.header("x-request-id").unwrap()), "{text}");
        assert!(!text.contains("secret") && !text.contains(".json"), "{text}");
    }
}
