//! URLs that name their recipient.

use serde_json::json;

use super::log_table::Head;
use super::wire::Ask;
use super::world::World;
use crate::support::server::Server;

fn world(arguments: &[&str]) -> World {
    let world = World { server: Server::start_with(arguments) };
    std::fs::create_dir_all(world.bucket()).unwrap();
    let mut table = world.table("t", &Head::plain());
    table.add_files(1, 10);
    table.write_file("date=2024-01-01/part-00000-c000.snappy.parquet", b"rows");
    world.share_without_token("s", &[("default", "t", "t")]);
    world
}

fn url_of(world: &World, token: &str) -> String {
    let lines = world.query(token, "{}").lines();
    lines[2]["file"]["url"].as_str().unwrap().to_owned()
}

fn status_of(world: &World, url: &str) -> u16 {
    Ask::get(&url[url.find("/lake/").unwrap()..]).send(world.server.address).status
}

#[test]
fn each_recipient_gets_urls_of_its_own_that_open_the_file() {
    let world = world(&["--url-per-recipient"]);
    let made: Vec<_> = (0..2).map(|_| world.admin("POST", "/shares/s/tokens", &json!({})).json()).collect();
    let mut urls = Vec::new();
    for recipient in &made {
        let token = recipient["token"].as_str().unwrap();
        let url = url_of(&world, token);
        let id = recipient["tokenId"].as_str().unwrap();
        assert!(url.contains(&format!("&x-recipient={id}&X-Amz-Signature=")), "{url}");
        assert_eq!(url_of(&world, token), url, "within a bucket of time it stays");
        assert_eq!(status_of(&world, &url), 200);
        urls.push((url, id));
    }
    let [(first, first_id), (second, second_id)] = urls.as_slice() else { unreachable!() };
    assert_ne!(first, second);
    assert_eq!(status_of(&world, &first.replace(first_id, second_id)), 403, "the name is signed");
    assert_eq!(status_of(&world, &first.replace(&format!("&x-recipient={first_id}"), "")), 403);
}

#[test]
fn without_the_setting_recipients_share_urls() {
    let world = world(&[]);
    let [first, second] = [(); 2].map(|()| url_of(&world, &world.token("s", &json!({}))));
    assert_eq!(first, second);
    assert!(!first.contains("x-recipient"));
}
