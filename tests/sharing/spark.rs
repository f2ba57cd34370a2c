//! Whole conversations as Spark's connector leads them.
//!
//! Headers, bodies and demands are those of the connector's `DeltaSharingClient` and `DeltaSharingFileIndex`: what it would
//! fail on, fails here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::changes::{HOUR_MS, NOON_MS, add, recording, remove};
use super::log_table::LogTable;
use super::wire::{Answer, Ask};
use super::world::{TABLE, World};

const FEATURES: &str = "readerfeatures=deletionvectors,columnmapping,timestampntz,typewidening,typewidening-preview,\
                        varianttype,varianttype-preview,variantshredding,variantshredding-preview,geospatial";
const AGENT: &str =
    "Delta-Sharing-SparkStructuredStreaming/1.4.2 QueryId-5b1c Hadoop/3.4.1 Linux/6 OpenJDK/17 Scala/2.13";

/// Asks as the connector does: it sends its capabilities with every request.
fn ask(world: &World, token: &str, ask: Ask, formats: &str) -> Answer {
    let capabilities =
        format!("asyncquery=false;responseformat={formats};{FEATURES};includeendstreamaction=true");
    let ask = ask.header("delta-sharing-capabilities", &capabilities).header("user-agent", AGENT);
    world.ask(token, &ask)
}

/// The header as the connector splits it: in lower case, at `;` and `=`, without trimming.
fn told_capabilities(answer: &Answer) -> BTreeMap<String, String> {
    let header = answer.header("delta-sharing-capabilities").unwrap().to_lowercase();
    let pair = |text: &str| {
        let parts: Vec<&str> = text.split('=').collect();
        assert_eq!(parts.len(), 2, "{header}");
        (parts[0].to_owned(), parts[1].to_owned())
    };
    header.split(';').map(pair).collect()
}

/// Checks what the connector demands of every answer with lines; returns them without the last.
fn checked(answer: &Answer, format: &str) -> (Vec<Value>, Value) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = told_capabilities(answer);
    assert_eq!(told["responseformat"], format);
    assert!(answer.header("delta-table-version").unwrap().parse::<i64>().is_ok());
    let mut lines = answer.lines();
    assert_eq!(told["includeendstreamaction"], "true");
    let end = lines.pop().unwrap()["endStreamAction"].clone();
    assert!(end.is_object(), "MissingEndStreamActionException");
    (lines, end)
}

fn table(world: &World) -> LogTable {
    let mut table = world.table("t", &recording());
    table.commit(&(0..12).map(|number| add(&format!("f{number}"))).collect::<Vec<_>>());
    table.commit(&[remove("f3"), add("g")]);
    table.commit(&[]);
    for version in 0..=3 {
        table.set_time(version, NOON_MS + u64::try_from(version).unwrap() * HOUR_MS);
    }
    table
}

#[test]
fn a_batch_read_resolves_the_format_pages_and_refreshes() {
    let world = World::start();
    let mut table = table(&world);
    let token = world.share_with_options(&json!({}));
    for (asked, format) in [("parquet,delta", "parquet"), ("delta", "delta")] {
        let metadata = ask(&world, &token, Ask::get(&format!("{TABLE}/metadata")), asked);
        assert_eq!(told_capabilities(&metadata)["responseformat"], format);
        assert_eq!(metadata.lines().len(), 2);
        assert!(metadata.lines()[1]["metaData"]["size"].as_i64().is_some(), "sizeInBytes throws without it");
        let query = |body: Value| {
            let ask_query = Ask::post(&format!("{TABLE}/query"), &body.to_string());
            ask(&world, &token, ask_query, format)
        };
        let question = json!({"predicateHints": [], "jsonPredicateHints": "", "idempotency_key": "0b1c"});
        let with = |more: Value| {
            let mut body = question.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let first = query(with(json!({"maxFiles": 5, "includeRefreshToken": true})));
        let (lines, mut end) = checked(&first, format);
        let refresh = end["refreshToken"].as_str().unwrap().to_owned();
        let mut files = lines[2..].to_vec();
        table.commit(&[add(&format!("later-{format}"))]);
        while let Some(next) = end["nextPageToken"].as_str().map(str::to_owned) {
            let page = query(with(json!({"maxFiles": 100_000, "pageToken": next})));
            let head = |answer: &Answer| answer.text().split_inclusive('\n').take(2).collect::<String>();
            assert_eq!(head(&page), head(&first), "the connector compares both lines");
            assert_eq!(page.header("delta-table-version"), first.header("delta-table-version"));
            let (lines, later) = checked(&page, format);
            files.extend(lines[2..].to_vec());
            end = later;
        }
        let again = query(with(json!({"refreshToken": refresh, "includeRefreshToken": true})));
        let (lines, end) = checked(&again, format);
        assert!(end["refreshToken"].is_string() && end["minUrlExpirationTimestamp"].is_number());
        let by_id = |lines: &[Value]| -> BTreeMap<String, Value> {
            let entry = |line: &Value| {
                assert!(line.as_object().unwrap().keys().eq(["file"]), "a snapshot has file lines only");
                (line["file"]["id"].as_str().unwrap().to_owned(), line["file"]["deltaSingleAction"].clone())
            };
            lines.iter().map(entry).collect()
        };
        assert_eq!(by_id(&files).keys().collect::<Vec<_>>(), by_id(&lines[2..]).keys().collect::<Vec<_>>());
        assert_eq!(by_id(&files).len(), files.len());
    }
}

#[test]
fn a_stream_asks_for_versions_and_the_files_between_them() {
    let world = World::start();
    let mut table = table(&world);
    let token = world.share_with_options(&json!({"history": true}));
    let mut next = 1;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let version = ask(&world, &token, Ask::get(&format!("{TABLE}/version")), "delta");
        let latest: i64 = version.header("delta-table-version").unwrap().parse().unwrap();
        if latest >= next {
            let body = json!({"predicateHints": [], "startingVersion": next, "endingVersion": latest,
                              "includeHistoricalProtocol": true, "idempotency_key": "0b1c"});
            let query =
                Ask::post(&format!("{TABLE}/query"), &body.to_string()).header("fileidhash", "parquet");
            let answer = ask(&world, &token, query, "delta");
            assert_eq!(answer.header("fileidhash"), Some("parquet"), "verifyFileIdHashResponse");
            assert_eq!(answer.header("delta-table-version"), Some(next.to_string().as_str()));
            let (lines, end) = checked(&answer, "delta");
            assert!(end.get("nextPageToken").is_none(), "it would be passed over");
            assert_eq!(lines[0]["protocol"]["version"], json!(next));
            for line in &lines[2..] {
                let file = &line["file"];
                assert!(file["version"].is_i64() && file["timestamp"].is_i64(), "a null is unboxed");
                assert_eq!(file["id"].as_str().unwrap().len(), 32);
                let (kind, action) = file["deltaSingleAction"].as_object().unwrap().iter().next().unwrap();
                assert!(action["size"].is_i64() && action["partitionValues"].is_object());
                seen.push(format!("{} {kind}", file["version"]));
            }
            next = latest + 1;
        }
        table.commit(&[add(&format!("h{next}"))]);
    }
    assert_eq!(seen.len(), 12 + 2 + 1 + 1);
    assert_eq!(seen[12..], ["2 remove", "2 add", "4 add", "5 add"]);
}

#[test]
fn a_feed_is_paged_with_the_token_as_it_is() {
    let world = World::start();
    let _table = table(&world);
    let token = world.share_with_options(&json!({"history": true}));
    for format in ["parquet", "delta"] {
        let base =
            format!("{TABLE}/changes?startingVersion=1&endingVersion=3&includeHistoricalMetadata=true");
        let mut target = format!("{base}&maxFiles=5");
        let mut lines = Vec::new();
        let first = ask(&world, &token, Ask::get(&target), format);
        loop {
            let answer = ask(&world, &token, Ask::get(&target), format);
            let (page, end) = checked(&answer, format);
            assert_eq!(answer.lines()[..2], first.lines()[..2]);
            assert_eq!(page[1]["metaData"]["version"], 1);
            lines.extend(page[2..].to_vec());
            let Some(next) = end["nextPageToken"].as_str() else { break };
            // The page size may change; what is asked may not.
            target = format!("{base}&maxFiles=4&pageToken={next}");
        }
        assert_eq!(lines.len(), 14, "{format}");
    }
}
