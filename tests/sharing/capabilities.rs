//! Which format is answered, and what the answer says of itself.

use serde_json::json;

use super::log_table::Head;
use super::wire::{Answer, Ask};
use super::world::{TABLE, World, error_of};

const HEADER: &str = "delta-sharing-capabilities";

fn metadata(world: &World, token: &str, capabilities: Option<&str>) -> Answer {
    let mut ask = Ask::get(&format!("{TABLE}/metadata"));
    if let Some(capabilities) = capabilities {
        ask = ask.header(HEADER, capabilities);
    }
    world.ask(token, &ask)
}

#[test]
fn plain_tables_are_parquet_unless_delta_alone_is_asked_for() {
    let (world, token) = World::with_table(1);
    // What Spark and the Python client send, word for word.
    let python = "responseformat=delta,parquet;readerfeatures=deletionvectors,columnmapping,timestampntz";
    let spark = "responseformat=parquet,delta;readerfeatures=deletionvectors,columnmapping,timestampntz,\
                 variantType-preview,variantType;includeendstreamaction=true";
    for asked in [None, Some(python), Some(spark), Some("responseformat=parquet"), Some("responseformat=")] {
        let answer = metadata(&world, &token, asked);
        assert_eq!(answer.header(HEADER), Some("responseformat=parquet"), "{asked:?}");
        assert_eq!(answer.lines()[0], json!({"protocol": {"minReaderVersion": 1}}));
    }
    for asked in ["responseformat=delta", " responseFormat = DELTA ; readerFeatures = DeletionVectors "] {
        let answer = metadata(&world, &token, Some(asked));
        assert_eq!(answer.header(HEADER), Some("responseformat=delta"), "{asked}");
        assert_eq!(
            answer.lines()[0],
            json!({"protocol": {"deltaProtocol": {"minReaderVersion": 1, "minWriterVersion": 2}}})
        );
    }
}

#[test]
fn metadata_and_query_choose_the_same_format() {
    let (world, token) = World::with_table(1);
    for asked in ["responseformat=delta,parquet", "responseformat=delta", "responseformat=parquet", ""] {
        let metadata = metadata(&world, &token, Some(asked));
        let query = world.query_as(&token, asked, "{}");
        assert_eq!(metadata.header(HEADER), query.header(HEADER), "{asked}");
        let head = |answer: &Answer| answer.text().lines().take(2).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(head(&metadata), head(&query), "{asked}");
    }
}

#[test]
fn unknown_formats_alone_are_refused_and_unknown_capabilities_are_not() {
    let (world, token) = World::with_table(1);
    let (code, text) = error_of(&metadata(&world, &token, Some("responseformat=arrow")), 400);
    assert_eq!(code, "UNSUPPORTED_OPERATION");
    assert!(text.contains("arrow"));
    let asked = "responseformat=arrow,parquet;accessmodes=dir;x=delta;asyncquery=true;;=;a";
    assert_eq!(metadata(&world, &token, Some(asked)).header(HEADER), Some("responseformat=parquet"));
}

#[test]
fn void_columns_are_delta_only() {
    let world = World::start();
    let schema = json!({"type": "struct", "fields": [
        {"name": "nothing", "type": "void", "nullable": true, "metadata": {}}]});
    let head =
        Head::plain().with("schemaString", json!(schema.to_string())).with("partitionColumns", json!([]));
    world.table("t", &head);
    let token = world.share("s", &[("default", "t", "t")]);
    for asked in [None, Some("responseformat=parquet")] {
        let (code, text) = error_of(&metadata(&world, &token, asked), 400);
        assert_eq!(code, "UNSUPPORTED_OPERATION");
        assert!(text.contains("void") && text.contains("responseFormat=delta"), "{text}");
    }
    let both = metadata(&world, &token, Some("responseformat=delta,parquet"));
    assert_eq!(both.header(HEADER), Some("responseformat=delta"));
}

#[test]
fn the_end_is_told_only_to_those_who_asked() {
    let (world, token) = World::with_table(3);
    assert_eq!(world.query(&token, "{}").lines().len(), 2 + 3);
    let refreshable = world.query(&token, r#"{"includeRefreshToken":true}"#);
    assert_eq!(
        refreshable.header(HEADER),
        Some("responseformat=parquet"),
        "the last line was not negotiated"
    );
    assert!(refreshable.lines()[5]["endStreamAction"]["refreshToken"].is_string());
    for format in ["parquet", "delta"] {
        let asked = format!("responseformat={format};includeendstreamaction=true");
        let answer = world.query_as(&token, &asked, "{}");
        assert_eq!(answer.header(HEADER), Some(asked.as_str()));
        let lines = answer.lines();
        assert_eq!(lines.len(), 2 + 3 + 1);
        let expiration = lines[2]["file"]["expirationTimestamp"].clone();
        assert_eq!(lines[5], json!({"endStreamAction": {"minUrlExpirationTimestamp": expiration}}));
        let empty = world.query_as(&token, &asked, r#"{"limitHint":0}"#);
        assert!(empty.lines()[2]["endStreamAction"].is_object());
    }
    let metadata = metadata(&world, &token, Some("includeendstreamaction=true"));
    assert_eq!(metadata.lines().len(), 2);
    assert_eq!(metadata.header(HEADER), Some("responseformat=parquet"));
}

#[test]
fn file_id_hash_is_echoed_in_lower_case_and_swaps_ids() {
    let (world, token) = World::with_table(2);
    let query = |hash: Option<&str>, format: &str| {
        let mut ask =
            Ask::post(&format!("{TABLE}/query"), "{}").header(HEADER, &format!("responseformat={format}"));
        if let Some(hash) = hash {
            ask = ask.header("fileidhash", hash);
        }
        world.ask(&token, &ask)
    };
    let id = |answer: &Answer| answer.lines()[2]["file"]["id"].as_str().unwrap().to_owned();
    let (parquet, delta) = (query(None, "parquet"), query(None, "delta"));
    assert_eq!((id(&parquet).len(), id(&delta).len()), (32, 64));
    assert_eq!(parquet.header("fileidhash"), None);
    let swapped = query(Some("Delta"), "parquet");
    assert_eq!(swapped.header("fileidhash"), Some("delta"));
    assert_eq!(id(&swapped), id(&delta));
    let swapped = query(Some("PARQUET"), "delta");
    assert_eq!(swapped.header("fileidhash"), Some("parquet"));
    assert_eq!(id(&swapped), id(&parquet));
    let (code, text) = error_of(&query(Some("foo"), "delta"), 400);
    assert_eq!(code, "INVALID_PARAMETER_VALUE");
    assert!(text.contains("fileidhash"), "{text}");
}
