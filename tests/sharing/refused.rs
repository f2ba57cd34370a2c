//! What is not served yet is refused by name, never answered wrongly.

use super::wire::Ask;
use super::world::{TABLE, World, error_of};

fn refusal(world: &World, token: &str, ask: &Ask, named: &str) {
    let (code, text) = error_of(&world.ask(token, ask), 400);
    assert_eq!(code, "UNSUPPORTED_OPERATION", "{text}");
    assert!(text.contains(named), "{named}: {text}");
}

#[test]
fn history_is_refused_wherever_it_is_asked_for() {
    let (world, token) = World::with_table(1);
    for (query, named) in [
        ("metadata?version=0", "version"),
        ("metadata?timestamp=2024-01-01T00:00:00Z", "timestamp"),
        ("version?startingTimestamp=2024-01-01T00%3A00%3A00Z", "startingTimestamp"),
        ("version?startingTimestamp=2024-01-01T00:00:00+01:00", "startingTimestamp"),
        ("changes?startingVersion=0", "changes"),
    ] {
        refusal(&world, &token, &Ask::get(&format!("{TABLE}/{query}")), named);
    }
    for (body, named) in [
        (r#"{"version":0}"#, "version"),
        (r#"{"timestamp":"2024-01-01T00:00:00Z"}"#, "timestamp"),
        (r#"{"startingVersion":0}"#, "startingVersion"),
        (r#"{"startingVersion":0,"endingVersion":1}"#, "startingVersion"),
    ] {
        refusal(&world, &token, &Ask::post(&format!("{TABLE}/query"), body), named);
    }
}

#[test]
fn what_does_not_exist_or_is_not_shared_is_refused() {
    let (world, token) = World::with_table(1);
    let target = format!("{TABLE}/queries/0b1c");
    assert_eq!(error_of(&world.ask(&token, &Ask::post(&target, "{}")), 404).0, "RESOURCE_DOES_NOT_EXIST");
    for body in ["{}", ""] {
        let ask = Ask::post(&format!("{TABLE}/temporary-table-credentials"), body);
        refusal(&world, &token, &ask, "directory");
    }
}

#[test]
fn an_asynchronous_query_is_answered_at_once() {
    let (world, token) = World::with_table(1);
    let answer = world.query_as(&token, "asyncquery=true;responseformat=delta", r#"{"idempotency_key":"k"}"#);
    assert_eq!((answer.status, answer.lines().len()), (200, 3));
    assert_eq!(answer.header("delta-sharing-capabilities"), Some("responseformat=delta"));
}

#[test]
fn contradictions_are_invalid_before_they_are_unsupported() {
    let (world, token) = World::with_table(1);
    for body in [
        r#"{"version":0,"timestamp":"2024-01-01T00:00:00Z"}"#,
        r#"{"version":-1}"#,
        r#"{"startingVersion":-1}"#,
        r#"{"startingVersion":2,"endingVersion":1}"#,
        r#"{"maxFiles":0}"#,
        r#"{"includeRefreshToken":true,"version":0}"#,
        r#"{"refreshToken":"x","version":0}"#,
        r#"{"includeRefreshToken":true,"pageToken":"x"}"#,
    ] {
        let (code, _) = error_of(&world.query(&token, body), 400);
        assert_eq!(code, "INVALID_PARAMETER_VALUE", "{body}");
    }
    for query in ["version=1&timestamp=2024-01-01T00:00:00Z", "version=-1", "version=x", "version="] {
        let answer = world.get(&token, &format!("/shares/s/schemas/default/tables/t/metadata?{query}"));
        assert_eq!(error_of(&answer, 400).0, "INVALID_PARAMETER_VALUE", "{query}");
    }
}
