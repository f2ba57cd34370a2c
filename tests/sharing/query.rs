//! Snapshot queries.

use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::{Answer, Ask};
use super::world::{QUERY, World, error_of};

fn files(answer: &Answer) -> Vec<Value> {
    answer.lines().split_off(2)
}

/// The part of a URL after the host.
fn target(url: &str) -> &str {
    let rest = url.split_once("://").unwrap().1;
    &rest[rest.find('/').unwrap()..]
}

#[test]
fn an_empty_table_is_two_lines_whatever_way_nothing_is_asked() {
    let (world, token) = World::with_table(0);
    for body in ["{}", "", " ", r#"{"limitHint":null,"version":null}"#] {
        let answer = world.query(&token, body);
        assert_eq!((answer.status, answer.lines().len()), (200, 2), "{body:?}");
        assert_eq!(answer.header("delta-table-version"), Some("1"));
    }
    // No content type, as curl without -H sends it.
    let bare = Ask::with_body("POST", QUERY, "{}").header("content-type", "text/plain");
    assert_eq!(world.ask(&token, &bare).status, 200);
}

#[test]
fn what_spark_sends_for_a_snapshot_is_answered_with_file_lines_only() {
    let (world, token) = World::with_table(25);
    let body =
        r#"{"predicateHints":[],"limitHint":null,"includeRefreshToken":true,"idempotency_key":"0b1c"}"#;
    let ask = Ask::post(QUERY, body)
        .header(
            "delta-sharing-capabilities",
            "asyncquery=false;responseformat=parquet;includeendstreamaction=false",
        )
        .header("user-agent", "Delta-Sharing-Spark/3.3 QueryId-1234-5678");
    let answer = world.ask(&token, &ask);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store, private"));
    assert_eq!(answer.header("delta-sharing-capabilities"), Some("responseformat=parquet"));
    let mut files = files(&answer);
    let end = files.pop().unwrap();
    assert!(end["endStreamAction"]["refreshToken"].is_string(), "the token that was asked for: {end}");
    assert_eq!(files.len(), 25);
    assert!(files.iter().all(|line| line.as_object().unwrap().keys().eq(["file"])));
}

#[test]
fn a_file_has_what_each_format_promises() {
    let (world, token) = World::with_table(1);
    let parquet = files(&world.query(&token, "{}")).remove(0);
    let file = &parquet["file"];
    let (url, expires) = (file["url"].as_str().unwrap(), file["expirationTimestamp"].as_i64().unwrap());
    let size = 1000 + "date=2024-01-01/part-00000-c000.snappy.parquet".len();
    let stats = r#"{"numRecords":10,"minValues":{"id":1}}"#;
    assert_eq!(
        parquet,
        json!({"file": {"url": url, "id": file["id"], "partitionValues": {"date": "2024-01-01"},
                        "size": size, "stats": stats, "expirationTimestamp": expires}})
    );
    assert!(url.contains("X-Amz-Signature="), "kernel-rs knows a presigned URL by this");
    let now_ms = lakeshare::clock::Clock::system().now_ms();
    assert!((3_590_000..=4_500_000).contains(&(expires - now_ms)), "{}", expires - now_ms);

    let delta = files(&world.query_as(&token, "responseformat=delta", "{}")).remove(0);
    let add = &delta["file"]["deltaSingleAction"]["add"];
    assert_eq!(
        delta,
        json!({"file": {"id": delta["file"]["id"], "expirationTimestamp": delta["file"]["expirationTimestamp"],
            "deltaSingleAction": {"add": {"path": add["path"], "partitionValues": {"date": "2024-01-01"},
                "size": size, "modificationTime": 1_700_000_000_123_i64, "dataChange": true, "stats": stats}}}})
    );
}

#[test]
fn ids_are_hashes_of_the_path_in_the_log_and_survive_a_restart() {
    use md5::{Digest, Md5};
    let directory = tempfile::tempdir().unwrap();
    let mut seen: Vec<Vec<Value>> = Vec::new();
    let mut token = String::new();
    for start in 0..2 {
        let world = World { server: crate::support::server::Server::start_in(directory.path(), &[]) };
        if start == 0 {
            world.table("t", &Head::plain()).add_files(3, 1);
            token = world.share("s", &[("default", "t", "t")]);
        }
        let ids = files(&world.query(&token, "{}")).iter().map(|line| line["file"]["id"].clone()).collect();
        seen.push(ids);
    }
    assert_eq!(seen[0], seen[1]);
    let path = "date=2024-01-01/part-00000-c000.snappy.parquet";
    assert!(seen[0].contains(&json!(hex::encode(Md5::digest(path)))));
}

#[test]
fn urls_open_the_object_behind_any_spelling() {
    let world = World::start();
    let mut table = world.table("some table/t", &Head::plain());
    // The path as the log spells it, and the object's key: decoded once.
    let spellings = [
        ("date=2024-01-01/part-0.parquet", "date=2024-01-01/part-0.parquet"),
        ("date=a%20b/part-1.parquet", "date=a b/part-1.parquet"),
        ("date=2023-11-05%2000%253A00/part-2.parquet", "date=2023-11-05 00%3A00/part-2.parquet"),
        ("date=%C3%A9%2Bx/part-3.parquet", "date=é+x/part-3.parquet"),
        ("日本/p&a=r?t%23.parquet", "日本/p&a=r?t#.parquet"),
    ];
    let mut adds = Vec::new();
    for (path, key) in spellings {
        table.write_file(key, path.as_bytes());
        adds.push(LogTable::add(path, &json!(key), Some(1)));
    }
    table.commit(&adds);
    let token = world.share("s", &[("default", "t", "some table/t")]);
    for format in ["parquet", "delta"] {
        let answer = world.query_as(&token, &format!("responseformat={format}"), "{}");
        let files = files(&answer);
        assert_eq!(files.len(), spellings.len());
        for line in files {
            let file = &line["file"];
            let (url, values) = match format {
                "parquet" => (&file["url"], &file["partitionValues"]),
                _ => (
                    &file["deltaSingleAction"]["add"]["path"],
                    &file["deltaSingleAction"]["add"]["partitionValues"],
                ),
            };
            let url = url.as_str().unwrap();
            assert!(url.starts_with(&world.server.url()), "{url}");
            let (path, _) = spellings.iter().find(|(_, key)| values["date"] == *key).unwrap();
            let object = Ask::get(target(url)).send(world.server.address);
            assert_eq!((object.status, object.text()), (200, *path), "{url}");
            let last = path.len() - 1;
            let part =
                Ask::get(target(url)).header("range", &format!("bytes=0-{last}")).send(world.server.address);
            assert_eq!((part.status, part.text()), (206, *path), "{url}");
            let (unsigned, signature) = target(url).rsplit_once('=').unwrap();
            let flipped: String = signature.chars().rev().collect();
            let changed = Ask::get(&format!("{unsigned}={flipped}")).send(world.server.address);
            assert_eq!(changed.status, 403, "{}", changed.text());
        }
    }
}

#[test]
fn partition_values_are_told_as_the_log_has_them() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    let values = [json!(null), json!(""), json!("a/b"), json!("50%"), json!(" "), json!("12:30")];
    let add = |(number, value)| LogTable::add(&format!("part-{number}.parquet"), value, None);
    table.commit(&values.iter().enumerate().map(add).collect::<Vec<Value>>());
    let token = world.share("s", &[("default", "t", "t")]);
    let mut lines = files(&world.query(&token, "{}"));
    lines.sort_by_key(|line| line["file"]["url"].to_string());
    let told: Vec<Value> = lines
        .iter()
        .map(|line| {
            assert!(line["file"].get("stats").is_none());
            line["file"]["partitionValues"]["date"].clone()
        })
        .collect();
    // An empty value is null (Delta, "Partition Value Serialization").
    let meant = values.map(|value| if value == "" { json!(null) } else { value });
    assert_eq!(told, meant);
}

#[test]
fn a_limit_stops_after_enough_rows() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    let add = |number: usize, rows| LogTable::add(&format!("part-{number}.parquet"), &json!("x"), rows);
    table.commit(&[add(0, Some(3)), add(1, Some(3)), add(2, Some(3))]);
    let token = world.share("s", &[("default", "t", "t")]);
    for (limit, count) in
        [("0", 0), ("1", 1), ("3", 1), ("5", 2), ("6", 2), ("7", 3), ("1000", 3), ("\"5\"", 2)]
    {
        let answer = world.query(&token, &format!(r#"{{"limitHint":{limit}}}"#));
        assert_eq!(files(&answer).len(), count, "limit {limit}");
        assert_eq!(answer.lines()[1]["metaData"]["numFiles"], 3);
    }
    for hint in [
        r#""predicateHints":["id = 1"]"#,
        r#""jsonPredicateHints":"{}""#,
        r#""jsonPredicateHints":{"op":"x"}"#,
    ] {
        let answer = world.query(&token, &format!(r#"{{"limitHint":1,{hint}}}"#));
        assert_eq!(files(&answer).len(), 3, "{hint}");
    }
    table.commit(&[add(3, None), add(4, None)]);
    assert_eq!(files(&world.query(&token, r#"{"limitHint":10}"#)).len(), 5, "uncounted files may be empty");
}

#[test]
fn hints_that_cannot_be_read_leave_all_files() {
    let (world, token) = World::with_table(4);
    for hint in [
        r#""predicateHints":["`date` >= DATE '2021-01-01'","((("]"#,
        r#""jsonPredicateHints":"{oops""#,
        r#""jsonPredicateHints":{"op":"equal"}"#,
        r#""jsonPredicateHints":7"#,
    ] {
        assert_eq!(files(&world.query(&token, &format!("{{{hint}}}"))).len(), 4, "{hint}");
    }
}

#[test]
fn the_same_question_gets_the_same_bytes() {
    let (world, token) = World::with_table(3000);
    let first = world.query(&token, "{}");
    assert!(first.is_whole);
    assert_eq!(first.header("transfer-encoding"), Some("chunked"));
    let second = world.query(&token, "{}");
    // The bucket of time may end between the two: then only the signatures differ.
    if first.body != second.body {
        assert_eq!(world.query(&token, "{}").body, second.body);
    }
    assert_eq!(files(&first).len(), 3000);
}

#[test]
fn removed_files_are_gone_and_new_ones_are_there_at_once() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    table.add_files(2, 1);
    let token = world.share("s", &[("default", "t", "t")]);
    assert_eq!(files(&world.query(&token, "{}")).len(), 2);
    let path = "date=2024-01-01/part-00000-c000.snappy.parquet";
    table.commit(&[
        json!({"remove": {"path": path, "deletionTimestamp": 1, "dataChange": true}}),
        LogTable::add("date=y/new.parquet", &json!("y"), Some(1)),
    ]);
    let answer = world.query(&token, "{}");
    assert_eq!(answer.header("delta-table-version"), Some("2"));
    let dates: Vec<Value> =
        files(&answer).iter().map(|line| line["file"]["partitionValues"]["date"].clone()).collect();
    assert_eq!(dates.len(), 2);
    assert!(dates.contains(&json!("y")) && !answer.text().contains("part-00000"));
}

#[test]
fn wrong_bodies_are_400_and_name_the_field() {
    let (world, token) = World::with_table(1);
    for (body, code, word) in [
        ("{oops", "MALFORMED_REQUEST", "JSON"),
        ("[]", "MALFORMED_REQUEST", "object"),
        ("\u{feff}{}", "MALFORMED_REQUEST", "JSON"),
        (r#"{"limitHint":"x"}"#, "INVALID_PARAMETER_VALUE", "limitHint"),
        (r#"{"limitHint":-5}"#, "INVALID_PARAMETER_VALUE", "limitHint"),
        (r#"{"predicateHints":"x"}"#, "INVALID_PARAMETER_VALUE", "predicateHints"),
    ] {
        let (found, text) = error_of(&world.query(&token, body), 400);
        assert_eq!(found, code, "{body}");
        assert!(text.contains(word), "{body}: {text}");
    }
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    error_of(&world.query(&token, &deep), 400);
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(9 << 20));
    error_of(&world.query(&token, &large), 413);
}

#[test]
fn clients_that_leave_are_forgotten() {
    use std::io::{Read, Write};
    let (world, token) = World::with_table(5_000);
    let open = || {
        let metrics = Ask::get("/metrics").send(world.server.address);
        let of_core = |line: &str| line.rsplit_once(' ').unwrap().1.parse::<i64>().unwrap();
        let lines = metrics.text().lines().filter(|line| line.starts_with("lakeshare_connections_open{"));
        lines.map(of_core).sum::<i64>()
    };
    let mut leaving: Vec<std::net::TcpStream> = Vec::new();
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(world.server.address).unwrap();
        let head = format!(
            "POST {QUERY} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        leaving.push(stream);
    }
    assert!(open() > 20);
    drop(leaving);
    // The one that is left asks for the metrics. Each look is an event; the test harness ends a vain wait.
    while open() > 1 {
        std::thread::yield_now();
    }
    assert_eq!(files(&world.query(&token, "{}")).len(), 5_000);
}
