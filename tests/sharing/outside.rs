//! Files that lie outside of their table, as shallow clones have them.

use md5::Digest as _;
use serde_json::{Value, json};

use super::log_table::{Head, LogTable};
use super::wire::Ask;
use super::world::{World, error_of};

const BASE: &str = "s3a://lake/base/date=x/part%201.parquet";

/// A clone `t` with a file of its own and one of `base`, and the bytes of both.
fn world_with_clone() -> (World, LogTable) {
    let world = World::start();
    world.table("base", &Head::plain()).write_file("date=x/part 1.parquet", b"of the base");
    let mut table = world.table("t", &Head::plain());
    table.write_file("own.parquet", b"of the clone");
    table.commit(&[
        LogTable::add(BASE, &json!("x"), Some(1)),
        LogTable::add("own.parquet", &json!("x"), Some(1)),
    ]);
    (world, table)
}

fn create(world: &World, name: &str, allowed: &Value) -> (u16, String) {
    let table = json!({"name": "t", "sourceType": "delta", "bucket": "lake", "location": "t", "allowedLocations": allowed});
    let share = json!({"name": name, "schemas": [{"name": "default", "tables": [table]}]});
    let answer = world.admin("POST", "/shares", &share);
    (answer.status, answer.text().to_owned())
}

/// What the URLs of an answer open, by their order.
fn opened(world: &World, token: &str, share: &str) -> Vec<String> {
    let lines = world.query_of(token, share).lines();
    let urls = lines.iter().skip(2).map(|line| line["file"]["url"].as_str().unwrap().to_owned());
    let mut contents: Vec<String> = urls
        .map(|url| {
            let got = Ask::get(&url[url.find("/lake/").unwrap()..]).send(world.server.address);
            assert_eq!(got.status, 200, "{url}: {}", got.text());
            got.text().to_owned()
        })
        .collect();
    contents.sort();
    contents
}

#[test]
fn files_of_allowed_places_are_signed_where_they_lie() {
    let (world, _) = world_with_clone();
    for allowed in
        [json!([]), json!(["lake/bas"]), json!(["lake/base/date=x/part 1.parquet"]), json!(["other"])]
    {
        let (status, text) = create(&world, "s", &allowed);
        assert_eq!(status, 400, "{text}");
        assert!(text.contains("lake/base/date=x") && text.contains("--allow-location"), "{text}");
    }
    for (name, allowed) in [("a", "lake/base"), ("b", "/lake/base/date=x/"), ("c", "lake")] {
        assert_eq!(create(&world, name, &json!([allowed])).0, 201, "{allowed}");
    }
    let token = world.token("a", &json!({"additionalShares": ["b", "c"]}));
    for share in ["a", "b", "c"] {
        assert_eq!(opened(&world, &token, share), ["of the base", "of the clone"]);
    }
    let id = hex::encode(md5::Md5::digest(BASE));
    let answer = world.query_of(&token, "a");
    assert!(answer.text().contains(&id), "{}", answer.text());
}

#[test]
fn a_place_is_allowed_for_its_share_alone() {
    let (world, mut table) = world_with_clone();
    let base_add = LogTable::add(BASE, &json!("x"), Some(1));
    table.commit(&[LogTable::remove(BASE, "x")]);
    let closed = world.share("s", &[("default", "t", "t")]);
    assert_eq!(opened(&world, &closed, "s"), ["of the clone"]);
    table.commit(&[base_add]);
    assert_eq!(create(&world, "open", &json!(["lake/base"])).0, 201);
    let open = world.token("open", &json!({}));
    for _ in 0..2 {
        let (code, text) = error_of(&world.query(&closed, "{}"), 400);
        assert_eq!(code, "UNSUPPORTED_OPERATION");
        assert!(text.contains("outside") && !text.contains("base"), "{text}");
        assert_eq!(world.query_of(&open, "open").lines().len(), 4);
    }
    table.commit(&[LogTable::remove(BASE, "x")]);
    assert_eq!(opened(&world, &closed, "s"), ["of the clone"]);
}

#[test]
fn deletion_vectors_of_other_places_need_to_be_allowed_too() {
    let (world, mut table) = world_with_clone();
    let protocol = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}});
    let mut add = LogTable::add("own.parquet", &json!("x"), Some(5));
    add["add"]["deletionVector"] = json!({"storageType": "p", "pathOrInlineDv": "s3://vectors/t/dv%201.bin",
        "offset": 1, "sizeInBytes": 40, "cardinality": 2});
    table.commit(&[protocol, LogTable::remove("own.parquet", "x"), LogTable::remove(BASE, "x"), add]);
    let (status, text) = create(&world, "s", &json!(["lake/base"]));
    assert!(status == 400 && text.contains("vectors/t/dv 1.bin"), "{text}");
    assert_eq!(create(&world, "s", &json!(["vectors/t"])).0, 201);
    let token = world.token("s", &json!({}));
    let lines = world.query_as(&token, "responseformat=delta;readerfeatures=deletionvectors", "{}").lines();
    let vector = &lines[2]["file"]["deltaSingleAction"]["add"]["deletionVector"];
    let url = vector["pathOrInlineDv"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/vectors/t/dv%201.bin?X-Amz-", world.server.url())), "{url}");
}
