//! Pages and refreshes of snapshots, and the tokens that bind them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::{Answer, Ask};
use super::world::{World, error_of};

/// The ids of the files of an answer.
fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let lines = answer.lines();
    let files = lines.iter().filter_map(|line| line.get("file"));
    files.map(|file| file["id"].as_str().unwrap().to_owned()).collect()
}

fn end(answer: &Answer) -> Value {
    answer.lines().last().unwrap()["endStreamAction"].clone()
}

/// The first two lines as bytes.
fn head(answer: &Answer) -> String {
    answer.text().split_inclusive('\n').take(2).collect()
}

fn next_token(answer: &Answer) -> Option<String> {
    end(answer).get("nextPageToken").map(|token| token.as_str().unwrap().to_owned())
}

fn page_body(token: &str, more: &Value) -> String {
    let mut body = json!({"maxFiles": 10, "pageToken": token});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

fn error_text(answer: &Answer) -> String {
    error_of(answer, 400).1
}

#[test]
fn pages_stay_at_their_version_while_the_table_goes_on() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    // Three commits, so that a list that is rebuilt has another order than one that grew.
    for commit in 0..3 {
        let add = |file| LogTable::add(&format!("date=x/{commit}-{file}.parquet"), &json!("x"), Some(1));
        let files: Vec<Value> = (0..if commit == 2 { 9 } else { 8 }).map(add).collect();
        table.commit(&files);
    }
    let token = world.share_with_options(&json!({}));
    for capabilities in ["responseformat=parquet", "responseformat=delta;includeendstreamaction=true"] {
        let ask = |body: &str| world.query_as(&token, capabilities, body);
        let whole: BTreeSet<String> = ids(&ask("{}")).into_iter().collect();
        let first = ask(r#"{"maxFiles":10}"#);
        let version = first.header("delta-table-version").unwrap().to_owned();
        let mut answers = vec![first];
        let mut files = vec![];
        for round in 0.. {
            let answer = answers.last().unwrap();
            assert_eq!(head(answer), head(&answers[0]));
            assert_eq!(answer.header("delta-table-version"), Some(version.as_str()));
            let is_negotiated = capabilities.contains("includeendstreamaction");
            let echo = answer.header("delta-sharing-capabilities").unwrap();
            assert_eq!(echo.contains("includeendstreamaction=true"), is_negotiated);
            files.push(ids(answer).len());
            assert!(end(answer)["minUrlExpirationTimestamp"].as_i64().is_some());
            let Some(next) = next_token(answer) else { break };
            assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte)));
            match round {
                0 => table.commit(&[
                    LogTable::add("date=x/new.parquet", &json!("x"), Some(1)),
                    LogTable::remove("date=x/0-0.parquet", "x"),
                ]),
                _ => {
                    // Another reader moves the latest version on.
                    assert_eq!(world.query(&token, "{}").status, 200);
                }
            }
            answers.push(ask(&page_body(&next, &json!({}))));
        }
        assert_eq!(files, [10, 10, 5]);
        let paged: Vec<String> = answers.iter().flat_map(ids).collect();
        assert_eq!(paged.iter().cloned().collect::<BTreeSet<_>>(), whole);
        assert_eq!(paged.len(), whole.len());
        // Back to as many files as before.
        table.commit(&[
            LogTable::add("date=x/0-0.parquet", &json!("x"), Some(1)),
            LogTable::remove("date=x/new.parquet", "x"),
        ]);
    }
}

#[test]
fn pages_go_on_after_a_restart_that_reads_the_log_in_another_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World { server: crate::support::server::Server::start_in(dir.path(), &[]) };
    std::fs::create_dir_all(world.bucket()).unwrap();
    let mut table = world.table("t", &Head::plain());
    let token = world.share_with_options(&json!({}));
    for commit in 0..4 {
        let add = |file| LogTable::add(&format!("date=x/{commit}-{file}.parquet"), &json!("x"), Some(1));
        table.commit(&(0..5).map(add).collect::<Vec<_>>());
        // Asked after each commit, the list grows in the order of the commits.
        assert_eq!(world.query(&token, "{}").status, 200);
    }
    let whole: BTreeSet<String> = ids(&world.query(&token, "{}")).into_iter().collect();
    let first = world.query(&token, r#"{"maxFiles":7}"#);
    let next = next_token(&first).unwrap();
    world.server.kill();
    world.server = crate::support::server::Server::start_in(dir.path(), &[]);
    let second = world.query(&token, &json!({"maxFiles": 100, "pageToken": next}).to_string());
    assert_eq!((ids(&second).len(), next_token(&second)), (13, None));
    let both: BTreeSet<String> = ids(&first).into_iter().chain(ids(&second)).collect();
    assert_eq!(both, whole);
    assert_eq!(head(&first), head(&second));
}

#[test]
fn nobody_is_paged_who_did_not_ask() {
    let (world, token) = World::with_table(25);
    let plain = world.query(&token, "{}");
    assert_eq!(ids(&plain).len(), 25);
    assert!(!plain.text().contains("endStreamAction"));
    let negotiated = world.query_as(&token, "includeendstreamaction=true", "{}");
    assert!(end(&negotiated).get("nextPageToken").is_none());
    let paged = world.query(&token, r#"{"maxFiles":25}"#);
    assert_eq!((ids(&paged).len(), next_token(&paged)), (25, None));
}

#[test]
fn a_page_token_is_good_for_its_own_question_only() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    table.add_files(25, 10);
    world.table("u", &Head::plain()).add_files(25, 10);
    let token = world.share("s", &[("default", "t", "t"), ("default", "u", "t")]);
    let question = json!({"jsonPredicateHints": "{}", "predicateHints": ["date <> 'x'"]});
    let mut first = question.clone();
    first["maxFiles"] = json!(10);
    let next = next_token(&world.query(&token, &first.to_string())).unwrap();
    assert_eq!(ids(&world.query(&token, &page_body(&next, &question))).len(), 10);
    for changed in [
        json!({}),
        json!({"jsonPredicateHints": "{ }", "predicateHints": ["date <> 'x'"]}),
        json!({"jsonPredicateHints": "{}", "predicateHints": ["date <> 'y'"]}),
        json!({"jsonPredicateHints": "{}", "predicateHints": ["date <> 'x'"], "limitHint": 1}),
    ] {
        let text = error_text(&world.query(&token, &page_body(&next, &changed)));
        assert!(text.contains("pageToken"), "{text}");
    }
    let body = page_body(&next, &question);
    error_text(&world.query_as(&token, "responseformat=delta", &body));
    let other_table = Ask::post("/delta-sharing/shares/s/schemas/default/tables/u/query", &body);
    error_text(&world.ask(&token, &other_table));
    error_text(&world.query(&world.token("s", &json!({})), &body));
    for at in [0, next.len() / 2, next.len() - 1] {
        let mut bytes = next.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).unwrap();
        error_text(&world.query(&token, &page_body(&forged, &question)));
    }
    for foreign in ["x", "", "CAESBAgBEAE", "../../etc/passwd"] {
        let answer = world.query(&token, &page_body(foreign, &question));
        assert_eq!(answer.status, if foreign.is_empty() { 200 } else { 400 }, "{foreign}");
    }
    let with_version = page_body(&next, &json!({"jsonPredicateHints": "{}", "version": 0}));
    error_text(&world.query(&token, &with_version));
}

#[test]
fn a_revoked_token_gets_no_further_page() {
    let world = World::start();
    world.table("t", &Head::plain()).add_files(25, 10);
    world.share_without_token("s", &[("default", "t", "t")]);
    let made = world.admin("POST", "/shares/s/tokens", &json!({})).json();
    let token = made["token"].as_str().unwrap();
    let next = next_token(&world.query(token, r#"{"maxFiles":10}"#)).unwrap();
    let id = made["tokenId"].as_str().unwrap();
    assert_eq!(world.admin("DELETE", &format!("/tokens/{id}"), &Value::Null).status, 204);
    assert_eq!(world.query(token, &page_body(&next, &json!({}))).status, 401);
}

#[test]
fn a_refresh_token_brings_the_same_files_after_the_table_went_on() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    table.add_files(12, 10);
    let token = world.share_with_options(&json!({}));
    for hints in [json!({}), json!({"limitHint": 35}), json!({"jsonPredicateHints": "{}"})] {
        let mut body = hints.clone();
        body["includeRefreshToken"] = json!(true);
        let first = world.query(&token, &body.to_string());
        let refresh = end(&first)["refreshToken"].as_str().unwrap().to_owned();
        let path = format!("date=x/later-{}.parquet", hints.to_string().len());
        table.commit(&[
            LogTable::add(&path, &json!("x"), Some(1)),
            LogTable::remove("date=2024-01-01/part-00001-c000.snappy.parquet", "2024-01-01"),
        ]);
        let mut again = hints.clone();
        again["refreshToken"] = json!(refresh);
        let second = world.query(&token, &again.to_string());
        let sorted = |answer: &Answer| ids(answer).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&first), sorted(&second), "{hints}");
        assert_eq!(first.header("delta-table-version"), second.header("delta-table-version"));
        assert!(end(&second)["refreshToken"].is_string(), "a refresh can be refreshed");
        if hints.get("limitHint").is_some() {
            // One of them may be the file of one row.
            assert!((4..=5).contains(&ids(&first).len()));
        }
        let mut other = again.clone();
        other["limitHint"] = json!(1);
        assert!(error_text(&world.query(&token, &other.to_string())).contains("refreshToken"));
        let stranger = world.token("s", &json!({}));
        error_text(&world.query(&stranger, &again.to_string()));
        let as_page = json!({"pageToken": refresh}).to_string();
        assert!(error_text(&world.query(&token, &as_page)).contains("pageToken"));
    }
}

#[test]
fn sparks_pages_repeat_the_question_without_the_refresh() {
    let (world, token) = World::with_table(25);
    let first = json!({"predicateHints": [], "limitHint": null, "includeRefreshToken": true, "maxFiles": 10});
    let answer = world.query(&token, &first.to_string());
    assert!(end(&answer)["refreshToken"].is_string());
    let next = next_token(&answer).unwrap();
    let page = json!({"predicateHints": [], "limitHint": null, "maxFiles": 100_000, "pageToken": next});
    assert_eq!(ids(&world.query(&token, &page.to_string())).len(), 15);
}

#[test]
fn a_limit_holds_over_pages() {
    let (world, token) = World::with_table(25);
    let first = world.query(&token, r#"{"limitHint":115,"maxFiles":10}"#);
    assert_eq!(ids(&first).len(), 10);
    let next = next_token(&first).unwrap();
    let second = world.query(&token, &page_body(&next, &json!({"limitHint": 115})));
    assert_eq!((ids(&second).len(), next_token(&second)), (2, None));
}
