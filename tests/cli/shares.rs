//! Shares and tokens against a running server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::session::Session;
use crate::support::server::{ACCESS_KEY, SECRET_KEY, Server};

const SCHEMA: &str = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}"#;

/// A Delta table of one commit and one file, as small as the protocol allows.
fn write_table(root: &Path, reader_features: Option<&str>) {
    let protocol = match reader_features {
        None => r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#.to_owned(),
        Some(feature) => format!(
            r#"{{"protocol":{{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["{feature}"],"writerFeatures":["{feature}"]}}}}"#
        ),
    };
    let metadata = format!(
        r#"{{"metaData":{{"id":"5fba94ed-9794-4965-ba6e-6ee3c0d22af9","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{SCHEMA}","partitionColumns":[],"configuration":{{}},"createdTime":1700000000000}}}}"#
    );
    let add = r#"{"add":{"path":"part-0.parquet","partitionValues":{},"size":4,"modificationTime":1700000000000,"dataChange":true,"stats":"{\"numRecords\":1}"}}"#;
    fs::create_dir_all(root.join("_delta_log")).unwrap();
    fs::write(root.join("part-0.parquet"), b"PAR1").unwrap();
    let log = format!("{protocol}\n{metadata}\n{add}\n");
    fs::write(root.join("_delta_log/00000000000000000000.json"), log).unwrap();
}

/// A server with the tables `orders`, `customer`, `lineitem` and one that is not served, and an alias for it.
fn start() -> (Server, Session) {
    let server = Server::start();
    let bucket = server.dir().join("testdelta");
    for name in ["orders", "customer", "lineitem"] {
        write_table(&bucket.join("tpch").join(name), None);
    }
    write_table(&bucket.join("tpch/strange"), Some("notYetInvented"));
    let mut session = Session::new();
    session.stand_in(&server.url(), "http://SERVER");
    session.done(&["alias", "set", "local", &server.url(), ACCESS_KEY, SECRET_KEY]);
    (server, session)
}

const ORDERS: &str = "orders:delta:testdelta:tpch/orders";
const CUSTOMER: &str = "customer:delta:testdelta:tpch/customer/";

#[test]
fn shares_are_made_changed_shown_and_removed_as_reviewed() {
    let (_server, mut session) = start();
    session.show(&["share", "list", "local"]);
    session.show(&["share", "create", "local/test", "tpch", ORDERS, CUSTOMER]);
    session.show(&["share", "create", "local/test", "tpch", ORDERS]);
    session.show(&["share", "create", "local", "other", "s", ORDERS, "--description", "for the auditors"]);
    session.show(&["share", "list", "local"]);
    session.show(&["share", "ls", "local/other"]);
    session.show(&["share", "list", "local/none"]);
    session.show(&["share", "info", "local/test"]);
    session.show(&["table", "share", "info", "local", "other"]);
    session.show(&["share", "info", "local/none"]);
    session.show(&[
        "share",
        "update",
        "local/test",
        "--add",
        "tpch:lineitem:delta:testdelta:tpch/lineitem",
        "--add",
        "extra:orders:delta:testdelta:tpch/orders",
        "--remove",
        "tpch/customer",
        "--description",
        "TPC-H",
    ]);
    session.show(&[
        "share",
        "update",
        "local/test",
        "--remove",
        "extra/orders,tpch/lineitem",
        "--description",
        "",
    ]);
    session.show(&["share", "update", "local/test", "--remove", "tpch/nothing"]);
    session.show(&["share", "remove", "local/test"]);
    session.show(&["share", "rm", "local/test"]);
    session.show(&["table", "share", "delete", "local/other"]);
    session.compare("shares");
}

#[test]
fn tables_that_cannot_be_served_are_refused_with_the_reason() {
    let (_server, mut session) = start();
    session.show(&["share", "create", "local/test", "tpch", "t:delta:testdelta:tpch/nothing"]);
    session.show(&["share", "create", "local/test", "tpch", "t:delta:nobucket:tpch/orders"]);
    session.show(&["share", "create", "local/test", "tpch", "t:delta:testdelta:tpch/strange"]);
    session.show(&["share", "create", "local/test", "tpch", "t:delta:testdelta:../tpch/orders"]);
    session.show(&["share", "create", "local/test", "tpch", ORDERS, "t:delta:testdelta:tpch/nothing"]);
    session.show(&["share", "list", "local"]);
    session.compare("refused-tables");
    let (last, refused) = session.codes().split_last().unwrap();
    assert!(refused.iter().all(|code| *code == 1) && *last == 0);
}

#[test]
fn tokens_are_made_listed_and_removed_as_reviewed() {
    let (_server, mut session) = start();
    session.done(&["share", "create", "local/test", "tpch", ORDERS]);
    session.done(&["share", "create", "local/sales", "tpch", ORDERS]);
    session.show(&["share", "token", "list", "local/test"]);
    session.show(&[
        "share",
        "token",
        "create",
        "local/test",
        "--expires",
        "24h",
        "--description",
        "test token",
    ]);
    session.show(&["share", "token", "list", "local/test"]);
    session.show(&["share", "token", "create", "local", "test", "sales", "--profile", "demo.share"]);
    session.show(&["--quiet", "table", "share", "token", "create", "local/sales", "local/test"]);
    session.show(&["share", "token", "create", "local/none"]);
    session.show(&["share", "token", "create", "local/test", "--profile", "no/such/dir/x.share"]);
    session.show(&["share", "token", "remove", "local", "238fe2ac-2ed6-4c2d-b7f3-6119049d08ba"]);
    session.show(&["share", "token", "remove", "local", "nonsense"]);
    session.compare("tokens");
}

#[test]
fn a_profile_is_private_and_opens_the_share() {
    let (server, session) = start();
    session.done(&["share", "create", "local/test", "tpch", ORDERS]);
    session.write("demo.share", b"old");
    let token = session
        .done(&[
            "--json",
            "share",
            "token",
            "create",
            "local/test",
            "--expires",
            "30d",
            "--profile",
            "demo.share",
        ])
        .object();
    let path = session.work().join("demo.share");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let profile: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(profile, token["profile"]);
    assert_eq!(profile["shareCredentialsVersion"], 1);
    assert_eq!(profile["endpoint"], format!("{}/delta-sharing", server.url()));
    assert_eq!(profile["bearerToken"], token["token"]);
    assert!(token["token"].as_str().unwrap().starts_with("dapi"));
    for key in ["tokenId", "createdAt", "expiresAt", "profileFile"] {
        assert!(token[key].is_string(), "{key}: {token}");
    }
    assert_eq!(token["shares"], serde_json::json!(["test"]));
    let moment = |key: &str| chrono::DateTime::parse_from_rfc3339(token[key].as_str().unwrap()).unwrap();
    let life = moment("expiresAt") - moment("createdAt");
    assert!((life.num_seconds() - 30 * 86_400).abs() < 60, "{life}");

    let listed = session.done(&["--json", "share", "token", "list", "local/test"]).object();
    assert_eq!(listed["tokenId"], token["tokenId"]);
    assert!(!listed.to_string().contains(token["token"].as_str().unwrap()));
    let id = token["tokenId"].as_str().unwrap();
    assert_eq!(session.done(&["--json", "share", "token", "rm", "local", id]).object()["tokenId"], id);
    assert!(session.done(&["--json", "share", "token", "list", "local/test"]).objects().is_empty());
}

#[test]
fn shares_in_json_have_stable_keys() {
    let (_server, session) = start();
    let made = session.done(&["--json", "share", "create", "local/test", "tpch", ORDERS]).object();
    let shown = session.done(&["--json", "share", "info", "local/test"]).object();
    let listed = session.done(&["--json", "table", "share", "list", "local"]).object();
    for share in [&made, &shown, &listed] {
        assert_eq!(share["status"], "success");
        for key in ["id", "name", "createdAt", "updatedAt"] {
            assert!(share[key].is_string(), "{key}: {share}");
        }
        assert!(share["description"].is_null());
        let table = &share["schemas"][0]["tables"][0];
        for (key, value) in [
            ("name", "orders"),
            ("sourceType", "delta"),
            ("bucket", "testdelta"),
            ("location", "tpch/orders"),
        ] {
            assert_eq!(table[key], value, "{share}");
        }
    }
    assert_eq!(session.done(&["--json", "share", "remove", "local/test"]).object()["name"], "test");
    let failed = session.run(&["--json", "share", "info", "local/test"]);
    assert_eq!(failed.code, 1);
    assert!(failed.object()["error"]["code"].is_string(), "{}", failed.out);
}

#[test]
fn wrong_keys_are_told_to_set_the_alias_anew() {
    let (server, session) = start();
    let config = format!(
        "[aliases.local]\nurl = \"{}\"\naccess_key = \"{ACCESS_KEY}\"\nsecret_key = \"wrong\"\n",
        server.url()
    );
    session.write("other/config.toml", config.as_bytes());
    let answer = session.run(&["--config-dir", "other", "share", "list", "local"]);
    assert_eq!(answer.code, 1);
    assert!(answer.err.contains("alias set local"), "{}", answer.err);
    assert!(answer.err.contains("chmod 600"), "{}", answer.err);
}
