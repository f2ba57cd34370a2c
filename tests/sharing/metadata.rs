//! Versions and metadata.

use serde_json::json;

use super::log_table::{Head, LogTable};
use super::wire::Ask;
use super::world::{TABLE, World, error_of};

#[test]
fn the_version_is_a_header_without_a_body() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    let token = world.share("s", &[("default", "t", "t")]);
    for version in 0..=5 {
        if version > 0 {
            table.add_files(1, 1);
        }
        for ask in [
            Ask::get(&format!("{TABLE}/version")),
            Ask::new("HEAD", TABLE),
            Ask::new("HEAD", &format!("{TABLE}/version")),
        ] {
            let answer = world.ask(&token, &ask);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("delta-table-version"), Some(version.to_string().as_str()));
            assert!(answer.body.is_empty() && answer.header("transfer-encoding").is_none());
        }
    }
    let missing = world.ask(&token, &Ask::new("HEAD", "/delta-sharing/shares/s/schemas/default/tables/nope"));
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

#[test]
fn metadata_is_two_lines_with_size_and_count() {
    let (world, token) = World::with_table(3);
    let path = "date=2024-01-01/part-00000-c000.snappy.parquet";
    let size = 3 * (1000 + path.len());
    for (format, inner) in [("parquet", None), ("delta", Some("deltaMetadata"))] {
        let ask = Ask::get(&format!("{TABLE}/metadata"))
            .header("delta-sharing-capabilities", &format!("responseformat={format}"));
        let answer = world.ask(&token, &ask);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson; charset=utf-8"));
        assert_eq!(answer.header("delta-table-version"), Some("1"));
        assert_eq!(answer.header("cache-control"), Some("no-store, private"));
        let lines = answer.lines();
        assert_eq!(lines.len(), 2);
        let metadata = &lines[1]["metaData"];
        assert_eq!((&metadata["size"], &metadata["numFiles"]), (&json!(size), &json!(3)));
        let inside = inner.map_or(metadata, |inner| &metadata[inner]);
        assert_eq!(inside["id"], "364ac6aa-ceb3-4520-b33e-2875a41024c2");
        assert_eq!(inside["partitionColumns"], json!(["date"]));
    }
}

#[test]
fn partition_columns_and_values_are_there_when_empty() {
    let world = World::start();
    let head = Head::plain().with("partitionColumns", json!([]));
    let mut table = world.table("t", &head);
    let mut add = LogTable::add("part-0.parquet", &json!(null), Some(1));
    add["add"]["partitionValues"] = json!({});
    table.commit(&[add]);
    let token = world.share("s", &[("default", "t", "t")]);
    let parquet = world.query(&token, "{}").lines();
    assert_eq!(parquet[1]["metaData"]["partitionColumns"], json!([]));
    assert_eq!(parquet[2]["file"]["partitionValues"], json!({}));
    let delta = world.query_as(&token, "responseformat=delta", "{}").lines();
    assert_eq!(delta[1]["metaData"]["deltaMetadata"]["partitionColumns"], json!([]));
    assert_eq!(delta[2]["file"]["deltaSingleAction"]["add"]["partitionValues"], json!({}));
}

#[test]
fn no_character_in_a_comment_breaks_a_line() {
    let world = World::start();
    let comment = "a\u{2028}b\u{2029}c\u{85}d\u{1c}e\u{b}🦀 \"quoted\" \\ \n";
    let schema = json!({"type": "struct", "fields": [
        {"name": "id\u{2028}", "type": "long", "nullable": true,
         "metadata": {"comment": comment, "delta.generationExpression": "secret()"}},
        {"name": "date", "type": "string", "nullable": true, "metadata": {}}]});
    let head = Head::plain()
        .with("name", json!("n\u{85}"))
        .with("description", json!(comment))
        .with("schemaString", json!(schema.to_string()));
    let mut table = world.table("t", &head);
    table.commit(&[LogTable::add("date=x/part-0.parquet", &json!("v\u{2028}\u{85}"), Some(1))]);
    let token = world.share("s", &[("default", "t", "t")]);
    let parquet = world.query(&token, "{}").lines();
    let metadata = &parquet[1]["metaData"];
    assert_eq!((&metadata["description"], &metadata["name"]), (&json!(comment), &json!("n\u{85}")));
    let told: serde_json::Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
    assert_eq!(told["fields"][0]["metadata"], json!({"comment": comment}));
    assert_eq!(parquet[2]["file"]["partitionValues"], json!({"date": "v\u{2028}\u{85}"}));
    let delta = world.query_as(&token, "responseformat=delta", "{}").lines();
    assert_eq!(delta[1]["metaData"]["deltaMetadata"]["schemaString"], json!(schema.to_string()));
}

#[test]
fn properties_that_are_not_deltas_stay_with_the_provider() {
    let world = World::start();
    let configuration = json!({"delta.appendOnly": "true", "owner.password": "hush", "b": "c"});
    world.table("t", &Head::plain().with("configuration", configuration));
    let token = world.share("s", &[("default", "t", "t")]);
    let parquet = world.get(&token, "/shares/s/schemas/default/tables/t/metadata").lines();
    assert_eq!(parquet[1]["metaData"]["configuration"], json!({}));
    let ask =
        Ask::get(&format!("{TABLE}/metadata")).header("delta-sharing-capabilities", "responseformat=delta");
    let delta = world.ask(&token, &ask).lines();
    assert_eq!(delta[1]["metaData"]["deltaMetadata"]["configuration"], json!({"delta.appendOnly": "true"}));
}

#[test]
fn a_table_whose_files_are_gone_is_a_404_that_names_no_path() {
    let (world, token) = World::with_table(1);
    std::fs::remove_dir_all(world.bucket().join("t")).unwrap();
    for path in ["version", "metadata"] {
        let (_, text) =
            error_of(&world.get(&token, &format!("/shares/s/schemas/default/tables/t/{path}")), 404);
        assert!(!text.contains("lake") && !text.contains("_delta_log"), "{text}");
    }
}
