//! Files behind the door are served as they are.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;

use http::Method;

use crate::support::s3::S3;
use crate::support::server::Server;

#[test]
fn a_directory_that_already_holds_data_is_served_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("My_Tables/sales/_delta_log");
    std::fs::create_dir_all(&table).unwrap();
    std::fs::create_dir_all(dir.path().join("My_Tables/empty/within")).unwrap();
    std::fs::write(table.join("00000000000000000000.json"), "{}").unwrap();
    std::fs::write(dir.path().join("My_Tables/sales/part.parquet"), "PAR1").unwrap();
    let server = Server::start_in(dir.path(), &[]);
    let client = S3::of(&server);
    assert_eq!(client.get("/").elements("Name"), ["My_Tables"]);
    assert_eq!(
        client.keys("My_Tables", ""),
        ["sales/_delta_log/00000000000000000000.json", "sales/part.parquet"]
    );
    let folded = client.get("/My_Tables?list-type=2&delimiter=/");
    assert_eq!(folded.elements("Prefix"), ["", "sales/"], "a directory without keys is no prefix");
    let read = client.get("/My_Tables/sales/part.parquet");
    assert_eq!(read.body, "PAR1");
    assert!(read.header("etag").contains('-'), "not taken for an MD5: {}", read.header("etag"));
}

#[test]
fn a_file_changed_from_outside_has_another_etag_and_no_old_metadata() {
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    client.call(Method::PUT, "/bucket/o", &[("x-amz-meta-colour", "blue"), ("content-type", "x/y")], "one");
    let before = client.call(Method::HEAD, "/bucket/o", &[], "");
    assert_eq!((before.header("x-amz-meta-colour"), before.header("content-type")), ("blue", "x/y"));
    std::fs::write(server.dir().join("bucket/o"), "three").unwrap();
    let after = client.get("/bucket/o");
    assert_eq!(after.body, "three");
    assert_ne!(after.header("etag"), before.header("etag"));
    assert_eq!(after.header("x-amz-meta-colour"), "");
}

#[test]
fn no_key_leads_out_of_its_bucket() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    client.put("/other/", "");
    client.put("/bucket/in/file", "inside");
    let at = |name: &str| server.dir().join("bucket").join(name);
    symlink(outside.path(), at("out")).unwrap();
    symlink(outside.path().join("secret"), at("leaf")).unwrap();
    symlink("../..", at("in/up")).unwrap();
    symlink("in/file", at("alias")).unwrap();
    symlink(outside.path(), server.dir().join("linked")).unwrap();
    for path in ["/bucket/out/secret", "/bucket/leaf", "/bucket/in/up/bucket/in/file", "/bucket/in/up/x"] {
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(client.call(method, path, &[], "").status, 403, "{path}");
        }
    }
    assert_eq!(client.get("/linked/secret").status, 404, "a link is no bucket");
    assert_eq!(client.get("/bucket/alias").body, "inside", "a link within the bucket is followed");
    assert_eq!(client.put("/bucket/out/new", "x").status, 403);
    assert_eq!(client.delete("/bucket/out/secret").status, 403);
    assert_eq!(client.keys("bucket", ""), ["alias", "in/file"], "links that lead out are not listed");
    // Putting over a link replaces the link, never what it leads to.
    assert_eq!(client.put("/bucket/leaf", "new").status, 200);
    assert_eq!(client.get("/bucket/leaf").body, "new");
    assert_eq!(std::fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn hostile_paths_are_refused_and_touch_nothing() {
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    let long = "x".repeat(256);
    let too_long = format!("/bucket/{}", "y/".repeat(600));
    for path in [
        "/bucket/%2e%2e/%2e%2e/etc/passwd",
        "/bucket/a/%2E%2E/b",
        "/bucket/a%2F..%2Fb",
        "/bucket/a//../b",
        "/bucket//%2e%2e/b",
        "/bucket/a/.lakeshare-empty/b",
        "/bucket/%00",
        "/bucket/.lakeshare/x",
        "/.lakeshare/lock",
        "/%2e%2e/etc",
        "/bucket/%ff",
        &format!("/bucket/{long}"),
        &too_long,
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD] {
            let answer = client.call(method.clone(), path, &[], "");
            assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
        }
    }
    assert_eq!(std::fs::read_dir(server.dir().join("bucket")).unwrap().count(), 0);
    let listed = client.get("/bucket?list-type=2&prefix=../");
    assert_eq!((listed.status, listed.elements("Key").len()), (200, 0));
}

#[test]
fn a_key_with_an_empty_part_is_another_key() {
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    for (path, body) in [("/bucket/a/b", "beside"), ("/bucket/a//b", "below"), ("/bucket//a", "above")] {
        assert_eq!(client.put(path, body).status, 200, "{path}");
    }
    let body = |path: &str| String::from_utf8_lossy(&client.get(path).body).into_owned();
    assert_eq!([body("/bucket/a//b"), body("/bucket//a")], ["below", "above"]);
    let below = server.dir().join("bucket/a/.lakeshare-empty");
    assert_eq!(std::fs::read_to_string(below.join("b")).unwrap(), "below");
    std::fs::write(server.dir().join("bucket/.lakeshare-empty/.lakeshare-empty"), "no key").unwrap();
    assert_eq!(client.get("/bucket?list-type=2").elements("Key"), ["/a", "a//b", "a/b"]);
    assert_eq!(client.get("/bucket?list-type=2&prefix=a/&delimiter=/").elements("Prefix"), ["a/", "a//"]);
    assert_eq!(client.call(Method::DELETE, "/bucket/a//b", &[], "").status, 204);
    assert!(!below.exists());
    assert_eq!(body("/bucket/a/b"), "beside");
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::start();
    let client = S3::of(&server);
    client.put("/bucket", "");
    let url = client.presign_put("bucket", "half");
    let path = url.split_once(&server.address.to_string()).unwrap().1.to_owned();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 3000000\r\n\r\n", server.address);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b'x'; 2_000_000]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    // The server may answer or close; either way it has seen the end of the body by then.
    let _ = stream.read_to_string(&mut answer);
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(client.get("/bucket/half").status, 404);
    let waiting = || std::fs::read_dir(server.dir().join(".lakeshare/tmp")).unwrap().count();
    while waiting() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_large_object_streams_whole_by_both_engines() {
    let body: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    for mode in ["pread", "auto"] {
        let server = Server::start_with(&["--io", mode]);
        let client = S3::of(&server);
        client.put("/bucket", "");
        assert_eq!(client.put("/bucket/large", body.clone()).status, 200);
        assert!(client.get("/bucket/large").body == body, "{mode}");
        let part = client.call(Method::GET, "/bucket/large", &[("range", "bytes=262143-1048577")], "");
        assert_eq!((part.status, part.header("content-range")), (206, "bytes 262143-1048577/20000000"));
        assert!(part.body == body[262_143..=1_048_577], "{mode}");
    }
}
