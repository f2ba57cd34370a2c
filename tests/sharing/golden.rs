//! Whole answers, kept as files; `UPDATE_GOLDEN=1` rewrites them.

use std::fs;
use std::path::Path;

use super::wire::{Answer, Ask};
use super::world::{QUERY, TABLE, World};

/// Status, headers in order of name, and body, with all that changes from run to run replaced.
fn steady(answer: &Answer, world: &World) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "connection"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    headers.sort();
    let mut text = format!("{}\n{}\n\n{}", answer.status, headers.join("\n"), answer.text());
    text = text.replace(&world.server.url(), "http://HOST");
    for (before, end) in [
        ("X-Amz-Credential=", '&'),
        ("X-Amz-Date=", '&'),
        ("X-Amz-Signature=", '"'),
        ("\"expirationTimestamp\":", ','),
        ("\"minUrlExpirationTimestamp\":", '}'),
        ("\"shareId\":\"", '"'),
    ] {
        text = replace_after(&text, before, end);
    }
    text
}

/// Puts `…` for what stands between `before` and `end` or a closing brace.
fn replace_after(text: &str, before: &str, end: char) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let stop = part.find([end, '}']).unwrap();
        out = out + before + "…" + &part[stop..];
    }
    out
}

fn check(name: &str, answer: &Answer, world: &World) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sharing").join(name);
    let found = steady(answer, world);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, kept, "{name} changed; UPDATE_GOLDEN=1 rewrites it, then read the difference");
}

#[test]
fn answers_are_as_they_were() {
    let (world, token) = World::with_table(2);
    let delta = "responseformat=delta;readerfeatures=deletionvectors;includeendstreamaction=true";
    check("query_parquet.http", &world.query(&token, "{}"), &world);
    check("query_delta.http", &world.query_as(&token, delta, "{}"), &world);
    check("metadata_parquet.http", &world.ask(&token, &Ask::get(&format!("{TABLE}/metadata"))), &world);
    let version = world.ask(&token, &Ask::get(&format!("{TABLE}/version")));
    check("version.http", &version, &world);
    check("unauthenticated.http", &Ask::post(QUERY, "{}").send(world.server.address), &world);
    check("unknown_table.http", &world.get(&token, "/shares/s/schemas/default/tables/nope/version"), &world);
    check("history_refused.http", &world.query(&token, r#"{"version":0}"#), &world);
}
