//! Who is let in.

use lakeshare::clock::Clock;
use serde_json::{Value, json};

use super::wire::Ask;
use super::world::{QUERY, World, error_of};

/// A token that worked and no longer does.
fn expired_token(world: &World) -> String {
    let soon_ms = Clock::system().now_ms() + 1_000;
    let token = world.token("s", &json!({"expiresAt": lakeshare::clock::rfc3339(soon_ms)}));
    let mut statuses = Vec::new();
    // Asks until the server's clock is past the moment, which is the event to wait for.
    while Clock::system().now_ms() <= soon_ms || statuses.is_empty() {
        statuses.push(world.get(&token, "/shares").status);
    }
    statuses.push(world.get(&token, "/shares").status);
    assert_eq!(statuses.last(), Some(&401));
    assert!(statuses.contains(&200), "{statuses:?}");
    token
}

#[test]
fn without_a_live_token_every_path_answers_401_in_json() {
    let (world, token) = World::with_table(1);
    let expired = expired_token(&world);
    let revoked = world.token("s", &json!({}));
    let list = world.admin("GET", "/shares/s/tokens", &Value::Null).json();
    let id = list["tokens"].as_array().unwrap().last().unwrap()["tokenId"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&revoked, "/shares").status, 200);
    assert_eq!(world.admin("DELETE", &format!("/tokens/{id}"), &Value::Null).status, 204);

    let half = token.get(..token.len() / 2).unwrap();
    let headers = [
        None,
        Some(format!("Bearer {expired}")),
        Some(format!("Bearer {revoked}")),
        Some(format!("Basic {token}")),
        Some("Bearer".to_owned()),
        Some(token.clone()),
        Some(format!("Bearer {half}")),
        Some("Bearer nonsense".to_owned()),
    ];
    for header in headers {
        for path in
            ["/shares", "/shares/s", "/shares/nope", "/shares/s/schemas/default/tables/t/metadata", "/zzz"]
        {
            let mut ask = Ask::get(&format!("/delta-sharing{path}"));
            if let Some(header) = &header {
                ask = ask.header("authorization", header);
            }
            let answer = ask.send(world.server.address);
            let (code, text) = error_of(&answer, 401);
            assert_eq!(code, "UNAUTHENTICATED");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert!(!text.contains("'s'") && !text.contains("nope"), "{text}");
        }
    }
    let bare = Ask::post(QUERY, "{}").send(world.server.address);
    error_of(&bare, 401);
}

#[test]
fn the_scheme_is_read_in_any_case() {
    let (world, token) = World::with_table(0);
    for scheme in ["bearer", "BEARER", "Bearer"] {
        let ask = Ask::get("/delta-sharing/shares").header("Authorization", &format!("{scheme} {token}"));
        assert_eq!(ask.send(world.server.address).status, 200, "{scheme}");
    }
}

#[test]
fn one_location_in_two_shares_is_seen_through_each() {
    let (world, token) = World::with_table(2);
    let other = world.share("other", &[("x", "same", "t")]);
    let id = |token: &str, path: &str| world.get(token, path).json()["items"][0]["id"].clone();
    assert_ne!(id(&token, "/shares/s/all-tables"), id(&other, "/shares/other/all-tables"));
    assert_eq!(world.get(&other, "/shares/other/schemas/x/tables/same/version").status, 200);
    error_of(&world.get(&other, "/shares/s/schemas/default/tables/t/version"), 404);
}
