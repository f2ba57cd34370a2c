//! Warehouses, namespaces and tables of the catalog against a running server.

use serde_json::json;

use super::session::Session;
use crate::support::catalog::Catalog;
use crate::support::server::{ACCESS_KEY, SECRET_KEY, Server};

const SCHEMA: &str = r#"{"type":"struct","fields":[{"name":"id","type":"long","required":true,"doc":"the key"},{"name":"at","type":"timestamptz"},{"name":"to","type":{"type":"struct","fields":[{"name":"city","type":"string"}]}}]}"#;

fn start() -> (Server, Session) {
    let server = Server::start();
    let mut session = Session::new();
    session.stand_in(&server.url(), "http://SERVER");
    session.stand_in(&server.address.to_string(), "SERVER");
    session.done(&["alias", "set", "local", &server.url(), ACCESS_KEY, SECRET_KEY]);
    (server, session)
}

/// The same with the warehouse `lake`, the namespaces `sales` and `sales.eu`, and the table `sales.eu.orders`.
fn start_with_table() -> (Server, Session) {
    let (server, session) = start();
    session.done(&["warehouse", "create", "local/lake"]);
    session.done(&["namespace", "create", "local/lake/sales"]);
    session.done(&["namespace", "create", "local/lake/sales.eu", "--attr", "owner=ann"]);
    session.done(&["table", "create", "local/lake/sales.eu/orders", "--schema", SCHEMA]);
    (server, session)
}

#[test]
fn warehouses_are_made_listed_and_removed_as_reviewed() {
    let (server, mut session) = start();
    session.show(&["warehouse", "list", "local"]);
    session.show(&["warehouse", "create", "local/lake"]);
    session.show(&["warehouse", "create", "local", "lake"]);
    session.show(&["warehouse", "create", "local/lake", "-p"]);
    session.show(&["warehouse", "create", "local/No_Bucket"]);
    session.done(&["mb", "local/old"]);
    session.show(&["table", "warehouse", "create", "local/old", "--upgrade-existing"]);
    session.show(&["warehouse", "ls", "local"]);
    session.done(&["namespace", "create", "local/lake/sales"]);
    session.show(&["warehouse", "remove", "local/lake"]);
    session.done(&["namespace", "remove", "local/lake/sales"]);
    session.show(&["warehouse", "remove", "local/lake"]);
    session.show(&["warehouse", "rm", "local", "lake"]);
    session.write("part.txt", b"left over");
    session.done(&["cp", "part.txt", "local/old/a/part.txt"]);
    session.show(&["warehouse", "delete", "local/old", "--purge", "--force"]);
    session.compare("warehouses");
    assert!(server.dir().join("lake").is_dir() && !server.dir().join("old").exists());
}

#[test]
fn namespaces_are_made_changed_shown_and_removed_as_reviewed() {
    let (_server, mut session) = start();
    session.show(&["namespace", "list", "local/lake"]);
    session.done(&["warehouse", "create", "local/lake"]);
    session.show(&["namespace", "list", "local/lake"]);
    session.show(&["namespace", "create", "local/lake/sales", "-a", "owner=ann", "--attr", "note=since=May"]);
    session.show(&["namespace", "create", "local", "lake", "sales"]);
    session.show(&["namespace", "create", "local", "lake", "sales", "--ignore-existing"]);
    session.show(&["namespace", "create", "local/lake/lost.eu"]);
    session.show(&["table", "namespace", "create", "local/lake/sales.eu"]);
    session.show(&["namespace", "create", "local/lake/sales.`v1.0`"]);
    session.show(&["namespace", "ls", "local/lake"]);
    session.show(&["namespace", "list", "local/lake", "--recursive"]);
    session.show(&["namespace", "list", "local/lake/sales.eu"]);
    session.show(&["namespace", "info", "local/lake/sales"]);
    session.show(&[
        "namespace",
        "update",
        "local/lake/sales",
        "--set",
        "owner=bob",
        "--remove",
        "note",
        "--remove",
        "x",
    ]);
    session.show(&["namespace", "update", "local/lake/sales", "--set", "a=1", "--remove", "a"]);
    session.show(&["namespace", "info", "local", "lake", "sales"]);
    session.show(&["namespace", "info", "local/lake/none"]);
    session.show(&["namespace", "remove", "local/lake/sales"]);
    session.show(&["namespace", "remove", "local/lake/sales.`v1.0`"]);
    session.show(&["namespace", "rm", "local/lake/sales.eu"]);
    session.show(&["namespace", "delete", "local/lake/sales"]);
    session.compare("namespaces");
}

#[test]
fn tables_are_made_shown_renamed_and_removed_as_reviewed() {
    let (_server, mut session) = start();
    session.done(&["warehouse", "create", "local/lake"]);
    session.done(&["namespace", "create", "local/lake/sales"]);
    session.done(&["namespace", "create", "local/lake/sales.eu"]);
    session.write("schema.json", SCHEMA.as_bytes());
    session.show(&["table", "list", "local/lake/sales"]);
    session.show(&[
        "table",
        "create",
        "local/lake/sales/orders",
        "--schema",
        "@schema.json",
        "--partition",
        "day(at)",
        "--partition",
        "bucket(16, id)",
        "--partition",
        "to.city",
        "--attr",
        "owner=ann",
    ]);
    session.show(&["table", "show", "local/lake/sales/orders"]);
    session.show(&["table", "show", "local", "lake", "sales", "orders", "--snapshots"]);
    session.show(&["table", "create", "local/lake/sales/orders", "--schema", SCHEMA]);
    session.show(&["table", "create", "local/lake/sales/orders", "--schema", SCHEMA, "-p"]);
    session.show(&[
        "table",
        "create",
        "local/lake/sales/raw",
        "--schema",
        SCHEMA,
        "--location",
        "s3://lake/raw",
    ]);
    session.show(&[
        "table",
        "create",
        "local/lake/sales/out",
        "--schema",
        SCHEMA,
        "--location",
        "s3://pond/raw",
    ]);
    session.show(&["table", "create", "local/lake/none/raw", "--schema", SCHEMA]);
    session.show(&["table", "rename", "local/lake/sales/orders", "orders_2025"]);
    session.show(&["table", "rename", "local", "lake", "sales", "orders_2025", "sales.eu/orders"]);
    session.show(&["table", "rename", "local/lake/sales/raw", "sales.eu/orders"]);
    session.show(&["table", "list", "local/lake"]);
    session.show(&["table", "ls", "local/lake/sales"]);
    session.show(&["ls", "--tables", "local/lake"]);
    session.show(&["table", "remove", "local/lake/sales/orders"]);
    session.show(&["table", "rm", "local/lake/sales.eu/orders"]);
    session.show(&["table", "delete", "local/lake/sales/raw", "--purge"]);
    session.show(&["ls", "--recursive", "--files", "local/lake/raw"]);
    session.compare("catalog-tables");
}

#[test]
fn trees_show_namespaces_tables_and_views() {
    let (_server, mut session) = start_with_table();
    session.done(&["namespace", "create", "local/lake/archive"]);
    session.done(&["table", "create", "local/lake/sales/customer", "--schema", SCHEMA]);
    session.done(&["table", "create", "local", "lake", "sales", "über 100%", "--schema", SCHEMA]);
    session.done(&["warehouse", "create", "local/pond"]);
    session.show(&["table", "tree", "local"]);
    session.show(&["table", "tree", "local/lake", "--depth", "1"]);
    session.show(&["tree", "--tables", "local/lake/sales"]);
    session.show(&["table", "tree", "local/none"]);
    session.show(&["table", "tree", "local/lake/none"]);
    session.show(&["--json", "table", "tree", "local/lake/sales"]);
    session.show(&["--json", "table", "list", "local", "lake", "sales", "--recursive"]);
    session.show(&["table", "show", "local", "lake", "sales", "none"]);
    session.compare("catalog-trees");
    session.done(&["table", "remove", "local", "lake", "sales", "über 100%"]);
}

#[test]
fn views_are_listed_shown_and_removed_as_reviewed() {
    let (server, mut session) = start_with_table();
    session.show(&["table", "view", "list", "local/lake"]);
    let view = json!({
        "name": "late",
        "schema": {"type": "struct", "schema-id": 0, "fields": [
            {"id": 1, "name": "id", "type": "long", "required": true, "doc": "the key"}]},
        "view-version": {"version-id": 1, "schema-id": 0, "timestamp-ms": 1_790_000_000_000_i64,
            "summary": {"engine-name": "spark"}, "default-namespace": ["sales", "eu"],
            "representations": [{"type": "sql", "sql": "SELECT *\nFROM orders", "dialect": "spark"}]},
        "properties": {"owner": "ann"},
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let catalog = Catalog::new(&server).await;
        catalog.post("/lake/namespaces/sales%1Feu/views", &view).await.ok();
    });
    let shown = session.done(&["--json", "table", "view", "info", "local/lake/sales.eu/late"]).object();
    session.stand_in(shown["metadata"]["view-uuid"].as_str().unwrap(), "UUID");
    let location = shown["metadata"]["location"].as_str().unwrap();
    session.stand_in(location.rsplit('/').next().unwrap(), "PLACE");
    session.show(&["table", "view", "list", "local/lake"]);
    session.show(&["table", "view", "ls", "local/lake/sales"]);
    session.show(&["--json", "table", "view", "list", "local", "lake", "sales", "--recursive"]);
    session.show(&["table", "view", "info", "local", "lake", "sales.eu", "late"]);
    session.show(&["table", "view", "info", "local/lake/sales.eu/orders"]);
    session.show(&["table", "view", "remove", "local/lake/sales.eu/late"]);
    session.show(&["table", "view", "rm", "local/lake/sales.eu/late"]);
    session.compare("views");
}

#[test]
fn a_removed_table_is_registered_again() {
    let (_server, session) = start_with_table();
    let table = "local/lake/sales.eu/orders";
    let shown = session.done(&["--json", "table", "show", table]).object();
    let location = shown["metadataLocation"].as_str().unwrap();
    let exists = session.run(&["table", "register", table, location]);
    assert_eq!(exists.code, 1);
    assert!(exists.err.contains("--overwrite"), "{}", exists.err);
    assert_eq!(
        session.done(&["--json", "table", "register", table, location, "--overwrite"]).object()["name"],
        "orders"
    );
    session.done(&["table", "remove", table]);
    let back =
        session.done(&["--json", "table", "register", "local", "lake", "sales", "back", location]).object();
    assert_eq!(back["uuid"], shown["metadata"]["table-uuid"]);
    assert_eq!(back["metadataLocation"], location);
    let nothing = session.run(&["table", "register", table, "s3://lake/none/metadata/v1.metadata.json"]);
    assert_eq!(nothing.code, 1, "{}", nothing.out);
}

#[test]
fn answers_in_json_have_stable_keys() {
    let (_server, session) = start_with_table();
    let warehouse = session.done(&["--json", "warehouse", "create", "local/lake", "-p"]).object();
    assert_eq!(warehouse["created"], false);
    for shown in [&warehouse, &session.done(&["--json", "warehouse", "list", "local"]).object()] {
        for key in ["name", "bucket", "uuid", "createdAt"] {
            assert!(shown[key].is_string(), "{key}: {shown}");
        }
    }
    let levels = serde_json::json!(["sales", "eu"]);
    let info = session.done(&["--json", "namespace", "info", "local/lake/sales.eu"]).object();
    assert_eq!((&info["namespace"], &info["properties"]["owner"]), (&levels, &"ann".into()));
    let updated =
        session.done(&["--json", "namespace", "update", "local/lake/sales.eu", "--remove", "owner"]).object();
    assert_eq!(updated["removed"], serde_json::json!(["owner"]));
    let listed = session.done(&["--json", "namespace", "list", "local/lake", "-r"]).objects();
    assert_eq!(
        listed.iter().map(|line| line["namespace"].clone()).collect::<Vec<_>>(),
        [serde_json::json!(["sales"]), levels.clone()]
    );
    let table = session.done(&["--json", "table", "show", "local/lake/sales.eu/orders"]).object();
    assert_eq!((&table["namespace"], &table["name"]), (&levels, &"orders".into()));
    assert_eq!(table["metadata"]["format-version"], 2);
    assert!(!table.to_string().contains("secret"), "{table}");
    let renamed = session.done(&["--json", "table", "rename", "local/lake/sales.eu/orders", "o2"]).object();
    assert_eq!((&renamed["from"]["name"], &renamed["to"]["name"]), (&"orders".into(), &"o2".into()));
    let removed = session.done(&["--json", "table", "remove", "local/lake/sales.eu/o2", "--purge"]).object();
    assert_eq!((&removed["purged"], &removed["name"]), (&true.into(), &"o2".into()));
    assert_eq!(
        session.done(&["--json", "namespace", "remove", "local/lake/sales.eu"]).object()["namespace"],
        levels
    );
    session.done(&["namespace", "remove", "local/lake/sales"]);
    let gone = session.done(&["--json", "warehouse", "remove", "local/lake"]).object();
    assert_eq!((&gone["name"], &gone["bucketRemoved"]), (&"lake".into(), &false.into()));
    let failed = session.run(&["--json", "warehouse", "remove", "local/lake"]);
    assert_eq!((failed.code, &failed.object()["error"]["code"]), (1, &"NoSuchWarehouseException".into()));
}

#[test]
fn settings_for_engines_are_as_reviewed() {
    let (_server, mut session) = start();
    session.done(&["warehouse", "create", "local/my-lake"]);
    session.show(&["table", "config", "local/my-lake", "--spark"]);
    session.show(&["table", "config", "local", "my-lake", "--spark", "--sigv4", "--name", "ice"]);
    session.show(&["table", "config", "local/my-lake", "--pyiceberg"]);
    session.show(&["table", "config", "local/my-lake", "--pyiceberg", "--sigv4", "--hide-secrets"]);
    session.show(&["table", "config", "local/my-lake", "--trino"]);
    session.show(&["table", "config", "local/my-lake", "--trino", "--sigv4"]);
    session.show(&["table", "config", "local/my-lake", "--duckdb"]);
    session.show(&["--json", "table", "config", "local/my-lake", "--duckdb", "--hide-secrets"]);
    session.show(&["table", "config", "local/none", "--spark"]);
    session.compare("catalog-settings");
    let hidden = session.done(&["table", "config", "local/my-lake", "--trino", "--hide-secrets"]).out;
    assert!(hidden.contains("ACCESS_KEY:SECRET_KEY") && !hidden.contains(SECRET_KEY), "{hidden}");
}

#[test]
fn wrong_keys_are_told_to_set_the_alias_anew() {
    let (server, session) = start();
    let url = server.url();
    let config =
        format!("[aliases.local]\nurl = \"{url}\"\naccess_key = \"{ACCESS_KEY}\"\nsecret_key = \"wrong\"\n");
    session.write("other/config.toml", config.as_bytes());
    let answer = session.run(&["--config-dir", "other", "warehouse", "list", "local"]);
    assert_eq!(answer.code, 1);
    assert!(answer.err.contains("alias set local"), "{}", answer.err);
}
