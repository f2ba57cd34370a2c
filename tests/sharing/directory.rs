//! Temporary credentials for the directory of a table.

use http::Method;
use serde_json::{Value, json};

use super::log_table::Head;
use super::wire::{Answer, Ask};
use super::world::{TABLE, World, error_of};
use crate::support::s3::S3;

fn ask(world: &World, token: &str, body: &str) -> Answer {
    world.ask(token, &Ask::post(&format!("{TABLE}/temporary-table-credentials"), body))
}

fn whole() -> Value {
    json!({"history": true, "directoryAccess": true})
}

#[test]
fn a_directory_is_read_with_its_credentials_and_nothing_else_is() {
    let world = World::start();
    let table = world.table("t", &Head::plain());
    world.table("t10", &Head::plain());
    table.write_file("part 0.parquet", b"rows");
    let token = world.share_with_options(&whole());
    // As Spark sends it: without a body and without a content type.
    let bare = Ask::new("POST", &format!("{TABLE}/temporary-table-credentials"));
    let answer = world.ask(&token, &bare);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json; charset=utf-8"))
    );
    let made = answer.json()["credentials"].clone();
    assert_eq!(made["location"], "s3://lake/t");
    let now_ms = lakeshare::clock::Clock::system().now_ms();
    let life_ms = made["expirationTime"].as_i64().unwrap() - now_ms;
    assert!((3_500_000..=3_600_000).contains(&life_ms), "{life_ms}");
    let keys = &made["awsTempCredentials"];
    let text = |name: &str| keys[name].as_str().unwrap().to_owned();
    let (access_key, secret, session) = (text("accessKeyId"), text("secretAccessKey"), text("sessionToken"));
    let s3 = S3::new(world.server.url(), &access_key, &secret);
    let call = |method: Method, path: &str| {
        s3.call(method, path, &[("x-amz-security-token", session.as_str())], "").status
    };
    for (method, path) in [
        (Method::GET, "/lake/t/part%200.parquet"),
        (Method::HEAD, "/lake/t/part%200.parquet"),
        (Method::GET, "/lake/t/_delta_log/00000000000000000000.json"),
        (Method::GET, "/lake?list-type=2&prefix=t%2F"),
        (Method::GET, "/lake?list-type=2&delimiter=%2F&prefix=t%2F_delta_log%2F"),
        (Method::HEAD, "/lake"),
    ] {
        assert_eq!(call(method.clone(), path), 200, "{method} {path}");
    }
    assert_eq!(call(Method::HEAD, "/lake/t"), 404, "clients look whether the directory is an object");
    for (method, path) in [
        (Method::GET, "/lake/t10/_delta_log/00000000000000000000.json"),
        (Method::GET, "/lake?list-type=2"),
        (Method::GET, "/lake?list-type=2&prefix=t"),
        (Method::GET, "/lake?list-type=2&prefix=t10%2F"),
        (Method::GET, "/lake?list-type=2&prefix=t%2F&prefix=t10%2F"),
        (Method::GET, "/"),
        (Method::GET, "/lake?list-type=2&prefix=t%2F&delimiter=%2F&prefix="),
        (Method::PUT, "/lake/t/new"),
        (Method::DELETE, "/lake/t/part%200.parquet"),
        (Method::GET, "/lake/t/part%200.parquet?tagging"),
        (Method::GET, "/lake?versioning"),
        (Method::POST, "/lake/t/new?uploads"),
    ] {
        assert_eq!(call(method.clone(), path), 403, "{method} {path}");
    }
    for path in ["/lake/t/../t10/_delta_log/00000000000000000000.json", "/lake/t/%2E%2E/t10/x"] {
        assert!(call(Method::GET, path) >= 400, "{path}");
    }
    let above = s3.call(
        Method::GET,
        "/lake?list-type=2&prefix=t%2F..%2Ft10%2F",
        &[("x-amz-security-token", session.as_str())],
        "",
    );
    assert!(above.elements("Key").is_empty());
    let path = "/lake/t/part%200.parquet";
    assert_ne!(s3.call(Method::GET, path, &[], "").status, 200, "no session token");
    let forged = format!("{}A", &session[..session.len() - 1]);
    let other = if forged == session { format!("{}B", &session[..session.len() - 1]) } else { forged };
    assert_ne!(s3.call(Method::GET, path, &[("x-amz-security-token", other.as_str())], "").status, 200);
    let again = ask(&world, &token, "{}").json()["credentials"]["awsTempCredentials"].clone();
    let mixed = again["sessionToken"].as_str().unwrap();
    if mixed != session {
        assert_ne!(s3.call(Method::GET, path, &[("x-amz-security-token", mixed)], "").status, 200);
    }
}

#[test]
fn locations_outside_the_table_are_refused() {
    let world = World::start();
    world.table("t", &Head::plain());
    let token = world.share_with_options(&whole());
    for location in ["s3://lake/t", "s3a://lake/t/_delta_log"] {
        assert_eq!(ask(&world, &token, &json!({"location": location}).to_string()).status, 200, "{location}");
    }
    for location in ["s3://lake/t10", "s3://lake/t/../x", "s3://other/t", "gs://lake/t", "t"] {
        let (code, text) = error_of(&ask(&world, &token, &json!({"location": location}).to_string()), 400);
        assert_eq!(code, "INVALID_PARAMETER_VALUE");
        assert!(text.contains("location"), "{text}");
    }
    error_of(&ask(&world, &token, "[]"), 400);
}

#[test]
fn a_directory_is_shared_only_where_the_provider_says_so() {
    let world = World::start();
    world.table("t", &Head::plain());
    let token = world.share_with_options(&json!({"history": true}));
    let (code, _) = error_of(&ask(&world, &token, ""), 400);
    assert_eq!(code, "UNSUPPORTED_OPERATION");
    let item = |share: &str, token: &str| {
        world.get(token, &format!("/shares/{share}/all-tables")).json()["items"][0].clone()
    };
    assert!(item("s", &token).get("accessModes").is_none());
    assert!(
        world.get(&token, "/shares/s/schemas/default/tables/t/metadata").lines()[1]["metaData"]
            .get("location")
            .is_none()
    );
    let open = world.share_named_with_options("open", &whole());
    let told = item("open", &open);
    assert_eq!((&told["accessModes"], &told["location"]), (&json!(["url", "dir"]), &json!("s3://lake/t")));
    let head = world.get(&open, "/shares/open/schemas/default/tables/t/metadata").lines();
    assert_eq!(head[1]["metaData"]["accessModes"], json!(["url", "dir"]));
    let stranger =
        Ask::post("/delta-sharing/shares/open/schemas/default/tables/t/temporary-table-credentials", "");
    assert_eq!(world.ask(&token, &stranger).status, 404);
}
