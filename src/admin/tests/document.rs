//! The routes are those of the document, both ways.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{info, routes};
use super::fixture::fixture;

const METHODS: [&str; 7] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"];

fn document() -> Value {
    serde_json::from_str(info::OPENAPI).unwrap()
}

/// Every path that the routes or the document name, with every method.
fn calls() -> impl Iterator<Item = (String, &'static str)> {
    let document = document();
    let mut paths: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    paths.extend(routes::routes().into_iter().map(|route| route.path.to_owned()));
    paths.into_iter().flat_map(|path| METHODS.map(|method| (path.clone(), method)))
}

#[tokio::test]
async fn exactly_the_documented_calls_are_answered() {
    let (fixture, document) = (fixture(), document());
    for (path, method) in calls() {
        let place = path.replace("{name}", "s").replace("{id}", "x");
        let answer = fixture.call(method, &place, Value::Null).await;
        let is_served = !["METHOD_NOT_ALLOWED", "NOT_FOUND"].contains(&answer.code().1);
        let is_documented = !document["paths"][&path][method.to_lowercase()].is_null();
        assert_eq!(is_served, is_documented, "{method} {path}: {:?}", answer.body);
    }
}

#[tokio::test]
async fn the_server_shows_the_document() {
    let answer = fixture().call("GET", "/openapi.json", Value::Null).await;
    assert_eq!(answer.body, document());
    let info = fixture().call("GET", "/info", Value::Null).await;
    let required = document().pointer("/components/schemas/Info/required").unwrap().clone();
    for key in required.as_array().unwrap() {
        assert!(!info.body[key.as_str().unwrap()].is_null(), "{key}: {:?}", info.body);
    }
}

#[test]
fn the_document_points_at_what_it_has() {
    fn check(document: &Value, value: &Value) {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
        if let Some(items) = value.as_object() {
            for item in items.values() {
                check(document, item);
            }
        }
        if let Some(items) = value.as_array() {
            for item in items {
                check(document, item);
            }
        }
    }
    let document = document();
    check(&document, &document);
}
