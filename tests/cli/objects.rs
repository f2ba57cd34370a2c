//! Buckets, copies, listings and removals against a running server.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::session::Session;
use crate::support::server::{ACCESS_KEY, SECRET_KEY, Server};

/// A server, and a session whose alias `local` stands for it.
fn start() -> (Server, Session) {
    let server = Server::start();
    let mut session = Session::new();
    session.stand_in(&server.url(), "http://SERVER");
    session.done(&["alias", "set", "local", &server.url(), ACCESS_KEY, SECRET_KEY]);
    (server, session)
}

/// Bytes that do not repeat within a part, so that parts in the wrong order are seen.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

#[test]
fn aliases_are_proven_kept_private_and_shown_without_secrets() {
    let server = Server::start();
    let mut session = Session::new();
    let url = server.url();
    session.stand_in(&url, "http://SERVER");
    session.show(&["alias", "list"]);
    session.show(&["alias", "set", "local", &url, ACCESS_KEY, "wrong-secret"]);
    session.show(&["alias", "set", "local", &url, "nobody", SECRET_KEY]);
    session.show(&["alias", "set", "local", &url, ACCESS_KEY, SECRET_KEY]);
    session.show(&["alias", "list"]);
    session.show(&["alias", "ls", "local", "--json"]);
    session.show(&["ls", "lokal"]);
    session.show(&["table", "alias", "list", "--quiet"]);
    session.show(&["alias", "rm", "local"]);
    session.show(&["alias", "remove", "local"]);
    session.compare("aliases");
    let answer =
        session.run_with_input(&["alias", "set", "piped", &url], &format!("{ACCESS_KEY}\n{SECRET_KEY}\n"));
    assert_eq!(answer.code, 0, "{}", answer.err);
    let kept = session.work().join("../.lakeshare/config.toml");
    assert_eq!(fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_server_that_is_away_is_named_with_what_to_do() {
    let (mut server, mut session) = start();
    server.kill();
    session.show(&["ls", "local"]);
    session.show(&["share", "list", "local"]);
    session.show(&["cp", "local/b/k", "k"]);
    let url = server.url();
    session.show(&["healthcheck", &url]);
    session.compare("away");
    assert!(session.codes().iter().all(|code| *code == 1));
}

#[test]
fn buckets_and_objects_are_listed_as_reviewed() {
    let (_server, mut session) = start();
    session.write("orders/part-0.parquet", b"first");
    session.write("orders/part-1.parquet", &noise(2_000));
    session.write("orders/_delta_log/00000000000000000000.json", b"{}");
    session.write("orders2/part-0.parquet", b"other");
    session.show(&["ls", "local"]);
    session.show(&["mb", "local/testdelta"]);
    session.show(&["mb", "local", "testdelta"]);
    session.show(&["mb", "--ignore-existing", "local/testdelta"]);
    session.show(&["mb", "local/No_Bucket"]);
    session.show(&["cp", "--recursive", "--quiet", "orders", "orders2", "local/testdelta/tpch/"]);
    session.show(&["cp", "--recursive", "--quiet", "orders", "local/testdelta/tpch/"]);
    session.show(&["cp", "--recursive", "--quiet", "orders2", "local", "testdelta/tpch/"]);
    session.show(&["cp", "orders", "local/testdelta/tpch/"]);
    session.show(&["ls", "local"]);
    session.show(&["ls", "local/testdelta"]);
    session.show(&["list", "local/testdelta/tpch/orders"]);
    session.show(&["ls", "--recursive", "local", "testdelta", "tpch"]);
    session.show(&["ls", "--files", "local/testdelta/tpch/orders/"]);
    session.show(&["ls", "local/testdelta/tpch/orders/part-0.parquet"]);
    session.show(&["ls", "local/testdelta/nothing"]);
    session.show(&["ls", "local/nobucket"]);
    session.show(&["tree", "local"]);
    session.show(&["tree", "--files", "local/testdelta/tpch"]);
    session.show(&["tree", "--depth", "1", "local/testdelta"]);
    session.show(&["tree", "local/testdelta/nothing"]);
    session.compare("listings");
}

#[test]
fn removals_ask_before_they_take_much() {
    let (_server, mut session) = start();
    for name in ["tpch/orders/a", "tpch/orders/b", "tpch/orders2/c", "tpch/d"] {
        session.write(name, b"x");
    }
    session.done(&["mb", "local/testdelta"]);
    session.done(&["cp", "--recursive", "tpch", "local/testdelta"]);
    session.show(&["rb", "local/testdelta"]);
    session.show(&["rm", "local/testdelta/tpch/orders"]);
    session.show(&["rm", "local/testdelta/tpch/d"]);
    session.show(&["rm", "local/testdelta/tpch/d"]);
    session.show(&["rm", "--recursive", "local/testdelta/tpch/orders"]);
    session.show(&["remove", "--recursive", "local", "testdelta", "tpch/nothing"]);
    session.show(&["rm", "local"]);
    session.show(&["rm", "--recursive", "local/testdelta"]);
    session.show(&["delete", "--recursive", "--force", "local/testdelta"]);
    session.show(&["rb", "local/testdelta"]);
    session.show(&["rb", "local/testdelta"]);
    session.compare("removals");
}

#[test]
fn a_copy_there_and_back_is_the_same() {
    let (_server, session) = start();
    let names = ["p=1 2/ä+b%.parquet", "p=%2F/c", "empty", "_delta_log/00000000000000000000.json"];
    for (index, name) in names.iter().enumerate() {
        session.write(&format!("table/{name}"), &noise(index * 70_001));
    }
    session.write("table/empty", b"");
    session.done(&["mb", "local/testdelta"]);
    session.done(&["cp", "--recursive", "table", "local/testdelta/x"]);
    session.done(&["cp", "--recursive", "local/testdelta/x", "local/testdelta/y/z"]);
    session.done(&["cp", "--recursive", "local/testdelta/y/z", "back"]);
    for name in names {
        let sent = fs::read(session.work().join("table").join(name)).unwrap();
        let back = fs::read(session.work().join("back").join(name)).unwrap();
        assert!(sent == back, "{name} came back changed");
    }
    // Into a directory that exists, a copy keeps the source's name.
    session.done(&["cp", "--recursive", "local/testdelta/y/z", "back"]);
    assert!(session.work().join("back/z/empty").exists());
    session.done(&["cp", "local/testdelta/x/empty", "renamed"]);
    assert!(session.work().join("renamed").exists());
    let drafts = fs::read_dir(session.work()).unwrap();
    assert!(drafts.into_iter().all(|entry| !entry.unwrap().file_name().to_string_lossy().contains(".part")));
}

#[test]
fn large_objects_go_in_parts_and_come_back_whole() {
    let (_server, session) = start();
    let large = noise((64 << 20) + 12_345);
    session.write("large.bin", &large);
    session.done(&["mb", "local/testdelta"]);
    let objects = session.done(&["--json", "cp", "large.bin", "local/testdelta/"]).objects();
    assert_eq!(objects[0]["size"], large.len());
    assert_eq!(objects[1]["type"], "summary");
    assert_eq!(objects[1]["bytes"], large.len());
    session.done(&["cp", "local/testdelta/large.bin", "back.bin"]);
    assert!(fs::read(session.work().join("back.bin")).unwrap() == large, "the object came back changed");
}

#[test]
fn objects_move_between_servers() {
    let (_one, session) = start();
    let two = Server::start();
    session.done(&["alias", "set", "other", &two.url(), ACCESS_KEY, SECRET_KEY]);
    session.write("t/a", &noise(300_000));
    session.write("t/large", &noise((64 << 20) + 1));
    session.done(&["mb", "local/from"]);
    session.done(&["mb", "other/target"]);
    session.done(&["cp", "--recursive", "t/", "local/from/t"]);
    session.done(&["cp", "--recursive", "local/from/t", "other/target/t"]);
    for name in ["a", "large"] {
        let sent = fs::read(session.work().join("t").join(name)).unwrap();
        assert!(fs::read(two.dir().join("target/t").join(name)).unwrap() == sent, "{name} arrived changed");
    }
}

#[test]
fn keys_that_would_leave_the_target_directory_are_refused() {
    let (server, session) = start();
    session.done(&["mb", "local/testdelta"]);
    session.write("fine", b"x");
    session.done(&["cp", "fine", "local/testdelta/t/fine"]);
    // A link in the target directory that leads out of it.
    fs::create_dir_all(session.work().join("target")).unwrap();
    fs::create_dir_all(session.work().join("outside")).unwrap();
    std::os::unix::fs::symlink(session.work().join("outside"), session.work().join("target/t")).unwrap();
    let answer = session.run(&["cp", "--recursive", "local/testdelta/t", "target"]);
    assert_eq!(answer.code, 1);
    assert!(answer.err.contains("leads out of"), "{}", answer.err);
    assert_eq!(fs::read_dir(session.work().join("outside")).unwrap().count(), 0);
    for key in ["../escaped", "a/../../escaped"] {
        let answer = session.run(&["cp", "fine", &format!("local/testdelta/{key}")]);
        assert_eq!(answer.code, 1, "{key}");
    }
    assert!(!server.dir().join("escaped").exists());
}

#[test]
fn answers_in_json_have_stable_keys() {
    let (_server, session) = start();
    session.write("f", b"abc");
    assert_eq!(session.done(&["--json", "mb", "local/testdelta"]).object()["created"], true);
    assert_eq!(session.done(&["--json", "mb", "-p", "local/testdelta"]).object()["created"], false);
    let copied = session.done(&["--json", "cp", "f", "local/testdelta/d/f"]).objects();
    assert_eq!(copied[0]["source"], "f");
    assert_eq!(copied[0]["target"], "local/testdelta/d/f");
    assert_eq!((&copied[1]["files"], &copied[1]["bytes"]), (&1.into(), &3.into()));
    let listed = session.done(&["--json", "ls", "--recursive", "local/testdelta"]).object();
    for (key, value) in [("status", "success"), ("type", "file"), ("key", "d/f")] {
        assert_eq!(listed[key], value);
    }
    assert_eq!(listed["size"], 3);
    assert!(chrono::DateTime::parse_from_rfc3339(listed["lastModified"].as_str().unwrap()).is_ok());
    assert!(listed["etag"].is_string());
    let folder = session.done(&["--json", "ls", "local/testdelta"]).object();
    assert_eq!((&folder["type"], &folder["key"]), (&"folder".into(), &"d/".into()));
    let tree = session.done(&["--json", "tree", "--files", "local/testdelta"]).objects();
    assert_eq!((&tree[1]["key"], &tree[1]["depth"]), (&"d/f".into(), &2.into()));
    assert_eq!(session.done(&["--json", "rm", "local/testdelta/d/f"]).object()["key"], "d/f");
    let failed = session.run(&["--json", "rm", "local/testdelta/d/f"]);
    let error = &failed.object()["error"];
    assert!(error["message"].is_string() && error["cause"].is_string() && error["hint"].is_string());
    assert_eq!(session.done(&["--json", "rb", "local/testdelta"]).object()["bucket"], "testdelta");
}
