//! Answers that are under way while shares and tokens change.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::log_table::Head;
use super::wire::Answer;
use super::world::{QUERY, World};

const STREAMS: usize = 100;
/// Lines of more bytes than the sockets between client and server hold.
const FILES: usize = 3_000;

/// Asks for the table and reads the beginning of the answer only.
fn open(world: &World, token: &str) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(world.server.address).unwrap();
    let head = format!(
        "POST {QUERY} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut begun = vec![0; 12];
    stream.read_exact(&mut begun).unwrap();
    assert_eq!(begun, b"HTTP/1.1 200");
    (stream, begun)
}

#[test]
fn a_hundred_open_answers_come_to_their_end_while_shares_change() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    table.add_files(FILES, 1);
    world.share_without_token("s", &[("default", "t", "t")]);
    let made = world.admin("POST", "/shares/s/tokens", &json!({})).json();
    let token = made["token"].as_str().unwrap();
    let streams: Vec<_> = (0..STREAMS).map(|_| open(&world, token)).collect();
    world.share("other", &[("default", "t", "t")]);
    assert_eq!(world.admin("PATCH", "/shares/other", &json!({"description": "changed"})).status, 200);
    table.add_files(1, 1);
    let id = made["tokenId"].as_str().unwrap();
    assert_eq!(world.admin("DELETE", &format!("/tokens/{id}"), &Value::Null).status, 204);
    assert_eq!(world.admin("DELETE", "/shares/s", &Value::Null).status, 204);
    assert_eq!(world.query(token, "{}").status, 401, "nothing new begins");
    for (mut stream, mut bytes) in streams {
        stream.read_to_end(&mut bytes).unwrap();
        let answer = Answer::parse(&bytes);
        assert!(answer.is_whole, "an answer was cut");
        assert_eq!(answer.header("delta-table-version"), Some("1"));
        assert_eq!(answer.body.iter().filter(|&&byte| byte == b'\n').count(), 2 + FILES);
    }
}
