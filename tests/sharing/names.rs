//! Names as Spark and Python spell them in a URL.

use super::log_table::Head;
use super::wire::Ask;
use super::world::{World, error_of};

#[test]
fn spark_and_python_spell_one_name_differently_and_find_one_table() {
    let world = World::start();
    world.table("t", &Head::plain());
    let token = world.share("a+b", &[("größe", "日本_t%41", "t")]);
    // Spark: java.net.URLEncoder. Python: requests, which leaves `+` alone and encodes what is not ASCII.
    let spark = "/shares/a%2Bb/schemas/gr%C3%B6%C3%9Fe/tables/%E6%97%A5%E6%9C%AC_t%2541";
    let python = "/shares/a+b/schemas/gr%C3%B6%C3%9Fe/tables/%E6%97%A5%E6%9C%AC_t%2541";
    for path in [spark, python] {
        let answer = world.get(&token, &format!("{path}/version"));
        assert_eq!((answer.status, answer.header("delta-table-version")), (200, Some("0")), "{path}");
    }
}

#[test]
fn no_spelling_of_a_name_leaves_its_place_in_the_path() {
    let (world, token) = World::with_table(0);
    for (path, status) in [
        ("/shares/s%2Fschemas", 404),
        ("/shares/s/schemas/default%2Ftables/tables", 404),
        ("/shares/..%2F..%2Fs/schemas", 404),
        ("/shares/%2e%2e/schemas", 404),
        ("/shares/../shares/s/schemas", 404),
        ("/shares/s+/schemas", 404),
        ("/shares/s%20/schemas", 404),
        ("/shares/%ff/schemas", 400),
        ("/shares/s%00/schemas", 400),
        ("/shares/s%0A/schemas", 400),
    ] {
        error_of(&world.get(&token, path), status);
    }
    let long = "x".repeat(300);
    error_of(&world.get(&token, &format!("/shares/{long}/schemas")), 400);
}

#[test]
fn every_prefix_leads_to_the_same_door() {
    let (world, token) = World::with_table(0);
    for prefix in ["/delta-sharing", "/delta-sharing/v1", "/_delta-sharing", "/_delta-sharing/v1"] {
        let answer = world.ask(&token, &Ask::get(&format!("{prefix}/shares")));
        assert_eq!(answer.status, 200, "{prefix}");
    }
}

#[test]
fn unknown_paths_and_trailing_slashes_are_404_and_wrong_methods_405() {
    let (world, token) = World::with_table(0);
    for path in
        ["", "/", "/shares/", "/nope", "/shares/s/schemas/default/tables/t/nope", "/shares/s/schemas/"]
    {
        error_of(&world.get(&token, path), 404);
    }
    let table = "/delta-sharing/shares/s/schemas/default/tables/t";
    for (method, target, allow) in [
        ("POST", table.to_owned(), "GET, HEAD"),
        ("GET", format!("{table}/query"), "POST"),
        ("DELETE", format!("{table}/version"), "GET, HEAD"),
        ("POST", format!("{table}/metadata"), "GET, HEAD"),
        ("PUT", "/delta-sharing/shares".to_owned(), "GET, HEAD"),
    ] {
        let answer = world.ask(&token, &Ask::new(method, &target));
        error_of(&answer, 405);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {target}");
    }
}
