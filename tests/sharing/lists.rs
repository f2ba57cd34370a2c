//! Shares, schemas and tables, page by page.

use serde_json::{Value, json};

use super::log_table::Head;
use super::wire::{Answer, Ask};
use super::world::{World, error_of};

/// Three shares; one token for all of them, one for the first alone.
fn three_shares() -> (World, String, String) {
    let world = World::start();
    for location in ["a", "b", "c"] {
        world.table(location, &Head::plain());
    }
    let tables = [("Default", "A", "a"), ("Default", "b", "b"), ("other", "a", "c")];
    let one = world.share("Vaccine", &tables);
    world.share_without_token("beta", &tables[..1]);
    world.share_without_token("gamma.1", &tables[..1]);
    let all = world.token("Vaccine", &json!({"additionalShares": ["beta", "gamma.1"]}));
    (world, all, one)
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

fn token_of(answer: &Answer) -> Option<String> {
    answer.json().get("nextPageToken").map(|token| token.as_str().unwrap().to_owned())
}

#[test]
fn lists_are_one_line_of_json_with_a_character_set() {
    let (world, all, _) = three_shares();
    for path in [
        "/shares",
        "/shares/beta",
        "/shares/beta/schemas",
        "/shares/beta/all-tables",
        "/shares/beta/schemas/default/tables",
    ] {
        let answer = world.get(&all, path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{path}");
        assert!(!answer.text().contains('\n'), "{path}");
        assert!(!answer.text().contains("null"), "{path}: {}", answer.text());
        assert!(!answer.text().contains("nextPageToken"), "{path}");
    }
}

#[test]
fn items_carry_canonical_names_and_ids() {
    let (world, all, _) = three_shares();
    let shares = world.get(&all, "/shares").json();
    let share_id =
        &shares["items"].as_array().unwrap().iter().find(|item| item["name"] == "Vaccine").unwrap()["id"];
    assert!(share_id.is_string());
    assert_eq!(
        world.get(&all, "/shares/vACCINE").json(),
        json!({"share": {"name": "Vaccine", "id": share_id}})
    );
    assert_eq!(
        world.get(&all, "/shares/vACCINE/schemas").json(),
        json!({"items": [{"name": "Default", "share": "Vaccine"}, {"name": "other", "share": "Vaccine"}]})
    );
    let tables = world.get(&all, "/shares/VACCINE/schemas/DEFAULT/tables").json();
    let table = &tables["items"][0];
    assert_eq!(
        table,
        &json!({"name": "A", "schema": "Default", "share": "Vaccine", "shareId": share_id, "id": table["id"]})
    );
    assert_eq!(names(&world.get(&all, "/shares/vaccine/all-tables")), ["A", "b", "a"]);
}

#[test]
fn pages_follow_each_other_and_the_last_has_no_token() {
    let (world, all, _) = three_shares();
    let first = world.get(&all, "/shares?maxResults=2");
    assert_eq!(names(&first).len(), 2);
    let second = world.get(&all, &format!("/shares?maxResults=2&pageToken={}", token_of(&first).unwrap()));
    assert_eq!(names(&second).len(), 1);
    assert_eq!(token_of(&second), None);
    let mut found = [names(&first), names(&second)].concat();
    found.sort();
    assert_eq!(found, ["Vaccine", "beta", "gamma.1"]);
}

#[test]
fn spark_asks_on_until_there_is_no_token_and_ends() {
    let (world, all, _) = three_shares();
    let mut tables = Vec::new();
    let mut target = "/shares/vaccine/all-tables?maxResults=1".to_owned();
    for _ in 0..4 {
        let answer = world.get(&all, &target);
        tables.extend(names(&answer));
        match token_of(&answer) {
            Some(token) => {
                assert!(!token.is_empty());
                target = format!("/shares/vaccine/all-tables?maxResults=1&pageToken={token}");
            }
            None => break,
        }
    }
    assert_eq!(tables, ["A", "b", "a"]);
}

#[test]
fn no_results_may_be_asked_for_but_not_fewer() {
    let (world, all, _) = three_shares();
    let none = world.get(&all, "/shares?maxResults=0");
    assert_eq!((none.status, names(&none).len()), (200, 0));
    assert_eq!(names(&world.get(&all, &format!("/shares?pageToken={}", token_of(&none).unwrap()))).len(), 3);
    for wrong in ["-1", "x", "", "1.5", "501", "99999999999999999999"] {
        let (code, text) = error_of(&world.get(&all, &format!("/shares?maxResults={wrong}")), 400);
        assert_eq!(code, "INVALID_PARAMETER_VALUE");
        assert!(text.contains("maxResults"), "{text}");
    }
}

#[test]
fn page_tokens_open_the_list_they_were_made_for_and_no_other() {
    let (world, all, one) = three_shares();
    let token = token_of(&world.get(&all, "/shares/vaccine/schemas?maxResults=1")).unwrap();
    assert_eq!(names(&world.get(&all, &format!("/shares/VACCINE/schemas?pageToken={token}"))), ["other"]);
    for path in ["/shares/vaccine/all-tables", "/shares/beta/schemas", "/shares"] {
        error_of(&world.get(&all, &format!("{path}?pageToken={token}")), 400);
    }
    error_of(&world.get(&one, &format!("/shares/vaccine/schemas?pageToken={token}")), 400);
    error_of(&world.get(&all, "/shares?pageToken=CgEx"), 400);
    let mut flipped = token.clone().into_bytes();
    flipped[5] ^= 1;
    let flipped = String::from_utf8(flipped).unwrap();
    error_of(&world.get(&all, &format!("/shares/vaccine/schemas?pageToken={flipped}")), 400);
}

#[test]
fn page_tokens_need_no_encoding_in_a_url() {
    let (world, all, _) = three_shares();
    let token = token_of(&world.get(&all, "/shares?maxResults=1")).unwrap();
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.~-".contains(&byte)), "{token}");
}

#[test]
fn shares_that_are_not_granted_read_like_shares_that_do_not_exist() {
    let (world, _, one) = three_shares();
    assert_eq!(names(&world.get(&one, "/shares")), ["Vaccine"]);
    let table = "schemas/default/tables/A";
    for rest in [
        "",
        "/schemas",
        "/all-tables",
        "/schemas/default/tables",
        &format!("/{table}/version"),
        &format!("/{table}/metadata"),
        &format!("/{table}/changes?startingVersion=0"),
    ] {
        let unseen = error_of(&world.get(&one, &format!("/shares/beta{rest}")), 404);
        let missing = error_of(&world.get(&one, &format!("/shares/nope{rest}")), 404);
        assert_eq!(unseen.0, "RESOURCE_DOES_NOT_EXIST");
        assert_eq!(unseen.1.replace("beta", "nope"), missing.1);
    }
    for call in ["query", "queries/1", "temporary-table-credentials"] {
        let target = format!("/delta-sharing/shares/beta/{table}/{call}");
        error_of(&world.ask(&one, &Ask::post(&target, "{}")), 404);
    }
}

#[test]
fn missing_things_are_named() {
    let (world, all, _) = three_shares();
    for (path, word) in [
        ("/shares/nope", "nope"),
        ("/shares/beta/schemas/nope/tables", "nope"),
        ("/shares/beta/schemas/default/tables/nope/version", "nope"),
    ] {
        let (code, text) = error_of(&world.get(&all, path), 404);
        assert_eq!(code, "RESOURCE_DOES_NOT_EXIST");
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_share_without_tables_has_empty_lists() {
    let (world, _, _) = three_shares();
    world.share_without_token("empty", &[]);
    let token = world.token("empty", &json!({}));
    for path in ["/shares/empty/schemas", "/shares/empty/all-tables"] {
        assert_eq!(world.get(&token, path).json(), json!({"items": []}));
    }
    let answer = world.admin("GET", "/shares/empty", &Value::Null);
    assert_eq!(answer.status, 200);
}

#[test]
fn a_table_by_itself_tells_which_apis_read_it() {
    let (world, token) = World::with_table(0);
    let table = world.get(&token, "/shares/S/schemas/Default/tables/T").json();
    let item = world.get(&token, "/shares/s/all-tables").json()["items"][0].clone();
    assert_eq!(table["format"], "delta");
    for name in ["name", "schema", "share", "shareId", "id"] {
        assert_eq!(table[name], item[name], "{name}");
    }
    assert!(item.get("format").is_none());
    assert_eq!(world.get(&token, "/shares/s/schemas/default/tables/nope").status, 404);
}
