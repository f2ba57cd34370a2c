//! Tables: made, loaded, listed, renamed, registered, dropped.

use http::Method;
use http::header::{CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY};
use serde_json::{Value, json};

use crate::support::catalog::{Catalog, new_table, schema};
use crate::support::server::Server;

const TABLES: &str = "/lake/namespaces/sales/tables";

fn at(table: &str) -> String {
    format!("{TABLES}/{table}")
}

#[tokio::test]
async fn a_table_is_made_in_a_place_of_its_own_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::with_sales(&server).await;
    let mut body = new_table("orders");
    body["partition-spec"] = json!({"spec-id": 0, "fields": [
        {"source-id": 1, "field-id": 1000, "name": "id_bucket", "transform": "bucket[4]"}]});
    body["properties"] = json!({"owner": "me", "format-version": "2"});
    let made = catalog.post(TABLES, &body).await.ok();
    let metadata = &made["metadata"];
    let (uuid, location) = (metadata["table-uuid"].as_str().unwrap(), metadata["location"].as_str().unwrap());
    assert!(location.starts_with("s3://lake/"), "{location}");
    assert!(location.len() > "s3://lake/".len() + 30, "the location carries a UUID: {location} {uuid}");
    assert_eq!(metadata["format-version"], 2);
    assert_eq!(metadata["properties"]["owner"], "me");
    assert!(metadata["properties"]["format-version"].is_null(), "it is no property of the table");
    assert_eq!(metadata["partition-specs"][0]["fields"][0]["transform"], "bucket[4]");
    let file = made["metadata-location"].as_str().unwrap().strip_prefix("s3://").unwrap();
    let stored: Value = serde_json::from_slice(&std::fs::read(dir.path().join(file)).unwrap()).unwrap();
    assert_eq!(&stored, metadata, "what is told is what lies in the bucket");
    let twice = catalog.post(TABLES, &body).await;
    assert_eq!(twice.error(), (409, "AlreadyExistsException"));
    assert!(server.terminate().success());
    let server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::new(&server).await;
    let loaded = catalog.get(&at("orders")).await.ok();
    assert_eq!((&loaded["metadata"], &loaded["metadata-location"]), (metadata, &made["metadata-location"]));
    assert_eq!(catalog.head(&at("orders")).await, 204);
    assert_eq!(catalog.head(&at("none")).await, 404);
    let list = catalog.get(TABLES).await.ok();
    assert_eq!(list, json!({"identifiers": [{"namespace": ["sales"], "name": "orders"}]}));
}

#[tokio::test]
async fn who_knows_the_metadata_is_told_so() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    catalog.make_table("t").await;
    let first = catalog.get(&at("t")).await;
    let tag = first.headers[ETAG].to_str().unwrap().to_owned();
    let again =
        catalog.call_with(Method::GET, &at("t"), &Value::Null, &[(IF_NONE_MATCH.as_str(), &tag)]).await;
    assert_eq!((again.status.as_u16(), again.body), (304, Value::Null));
    let refs = format!("{}?snapshots=refs", at("t"));
    let other = catalog.call_with(Method::GET, &refs, &Value::Null, &[(IF_NONE_MATCH.as_str(), &tag)]).await;
    assert_eq!(other.status, 200, "all snapshots and those of references are different answers");
    let update =
        json!({"requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "1"}}]});
    let changed = catalog.post(&at("t"), &update).await;
    assert_ne!(changed.headers[ETAG], first.headers[ETAG]);
    let fresh =
        catalog.call_with(Method::GET, &at("t"), &Value::Null, &[(IF_NONE_MATCH.as_str(), &tag)]).await;
    assert_eq!(fresh.ok()["metadata"]["properties"]["a"], "1");
    assert_eq!(catalog.get(&format!("{}?snapshots=some", at("t"))).await.status, 400);
}

#[tokio::test]
async fn a_table_is_told_in_the_coding_that_its_client_accepts() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    catalog.make_table("t").await;
    let (refs, all) = (format!("{}?snapshots=refs", at("t")), at("t"));
    for path in [&all, &refs] {
        let plain = catalog.load_packed(path, "identity").await;
        assert_eq!(plain.headers.get(CONTENT_ENCODING), None);
        assert_eq!(plain.headers[VARY], "accept-encoding");
        let mut tags = vec![plain.headers[ETAG].clone()];
        for coding in ["gzip", "zstd"] {
            let packed = catalog.load_packed(path, coding).await;
            assert_eq!(packed.headers[CONTENT_ENCODING], coding);
            assert_eq!(packed.body, plain.body, "{coding}");
            tags.push(packed.headers[ETAG].clone());
        }
        // Who has the table in one coding has it in all.
        for tag in &tags {
            let known = [(IF_NONE_MATCH.as_str(), tag.to_str().unwrap()), ("accept-encoding", "gzip")];
            let again = catalog.call_with(Method::GET, path, &Value::Null, &known).await;
            assert_eq!((again.status.as_u16(), &again.headers[ETAG]), (304, &tags[1]));
        }
        tags.dedup();
        assert_eq!(tags.len(), 3, "other bytes have another tag");
    }
}

#[tokio::test]
async fn a_staged_table_exists_once_it_is_committed() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let mut body = new_table("ctas");
    body["stage-create"] = json!(true);
    let staged = catalog.post(TABLES, &body).await.ok();
    assert!(staged["metadata-location"].is_null());
    assert_eq!(catalog.head(&at("ctas")).await, 404);
    let metadata = &staged["metadata"];
    let commit = json!({
        "requirements": [{"type": "assert-create"}],
        "updates": [
            {"action": "assign-uuid", "uuid": metadata["table-uuid"]},
            {"action": "upgrade-format-version", "format-version": 2},
            {"action": "add-schema", "schema": metadata["schemas"][0], "last-column-id": 1},
            {"action": "set-current-schema", "schema-id": -1},
            {"action": "add-spec", "spec": {"spec-id": 0, "fields": []}},
            {"action": "set-default-spec", "spec-id": -1},
            {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}},
            {"action": "set-default-sort-order", "sort-order-id": -1},
            {"action": "set-location", "location": metadata["location"]},
        ],
    });
    let made = catalog.post(&at("ctas"), &commit).await.ok();
    assert_eq!(made["metadata"]["table-uuid"], metadata["table-uuid"]);
    assert_eq!(catalog.head(&at("ctas")).await, 204);
    let twice = catalog.post(&at("ctas"), &commit).await;
    assert_eq!(twice.status, 409, "{}", twice.body);
}

#[tokio::test]
async fn a_renamed_table_stays_where_it_lies() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let made = catalog.make_table("a").await;
    catalog.make_table("b").await;
    catalog.post("/lake/namespaces", &json!({"namespace": ["other"]})).await.ok();
    let name = |namespace: &str, name: &str| json!({"namespace": [namespace], "name": name});
    let rename = async |from: Value, to: Value| {
        catalog.post("/lake/tables/rename", &json!({"source": from, "destination": to})).await
    };
    assert_eq!(rename(name("sales", "a"), name("sales", "b")).await.error(), (409, "AlreadyExistsException"));
    assert_eq!(rename(name("sales", "x"), name("sales", "y")).await.error(), (404, "NoSuchTableException"));
    let nowhere = rename(name("sales", "a"), name("none", "a")).await;
    assert_eq!(nowhere.error(), (404, "NoSuchNamespaceException"));
    assert_eq!(rename(name("sales", "a"), name("other", "c")).await.status, 204);
    assert_eq!(catalog.head(&at("a")).await, 404);
    let moved = catalog.get("/lake/namespaces/other/tables/c").await.ok();
    assert_eq!(moved["metadata-location"], made["metadata-location"]);
}

#[tokio::test]
async fn a_dropped_table_keeps_its_files_unless_they_are_to_go_too() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let place = |made: &Value| {
        server.dir().join(made["metadata"]["location"].as_str().unwrap().strip_prefix("s3://").unwrap())
    };
    let (kept, purged) = (catalog.make_table("kept").await, catalog.make_table("purged").await);
    assert_eq!(catalog.delete(&at("kept")).await.status, 204);
    assert_eq!(catalog.delete(&at("kept")).await.error(), (404, "NoSuchTableException"));
    assert!(place(&kept).is_dir());
    assert_eq!(catalog.delete(&format!("{}?purgeRequested=true", at("purged"))).await.status, 204);
    assert!(!place(&purged).exists());
    let body = json!({"name": "back", "metadata-location": kept["metadata-location"]});
    let back = catalog.post("/lake/namespaces/sales/register", &body).await.ok();
    assert_eq!(back["metadata"], kept["metadata"]);
    assert_eq!(catalog.post("/lake/namespaces/sales/register", &body).await.status, 409);
}

#[tokio::test]
async fn purging_a_table_spares_one_that_lies_inside_of_it() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let at_place =
        |name: &str, location: &str| json!({"name": name, "schema": schema(), "location": location});
    // A table that is dropped and comes back when another one has been made around it.
    let inner = catalog.post(TABLES, &at_place("inner", "s3://lake/a/b")).await.ok();
    assert_eq!(catalog.delete(&at("inner")).await.status, 204);
    catalog.post(TABLES, &at_place("outer", "s3://lake/a")).await.ok();
    let body = json!({"name": "inner", "metadata-location": inner["metadata-location"]});
    catalog.post("/lake/namespaces/sales/register", &body).await.ok();
    assert_eq!(catalog.delete(&format!("{}?purgeRequested=true", at("outer"))).await.status, 204);
    assert_eq!(catalog.get(&at("inner")).await.status, 200);
    let update =
        json!({"requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "1"}}]});
    catalog.post(&at("inner"), &update).await.ok();
}

#[tokio::test]
async fn a_table_lies_neither_inside_nor_around_another() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let at_place =
        |name: &str, location: &str| json!({"name": name, "schema": schema(), "location": location});
    catalog.post(TABLES, &at_place("t", "s3://lake/a/t")).await.ok();
    for location in
        ["s3://lake/a/t", "s3a://lake/a/t/", "s3://lake/a", "s3://lake/a/t/x", "s3://lake/a/t/x/y"]
    {
        let refused = catalog.post(TABLES, &at_place("u", location)).await;
        assert_eq!(refused.error(), (400, "BadRequestException"), "{location}");
        let mut staged = at_place("u", location);
        staged["stage-create"] = json!(true);
        assert_eq!(catalog.post(TABLES, &staged).await.status, 400, "{location}");
    }
    for (name, location) in
        [("u", "s3://lake/a/t1"), ("v", "s3://lake/b/t/x"), ("metadata", "s3://lake/a/metadata")]
    {
        catalog.post(TABLES, &at_place(name, location)).await.ok();
    }
    catalog.post(TABLES, &at_place("w", "s3://lake/a/w")).await.ok();
    let moves = |location: &str| {
        let update = json!({"action": "set-location", "location": location});
        json!({"requirements": [], "updates": [update]})
    };
    assert_eq!(catalog.post(&at("u"), &moves("s3://lake/a/t/deep")).await.status, 400);
    catalog.post(&at("u"), &moves("s3://lake/a/t1/deep")).await.ok();
}

#[tokio::test]
async fn a_removal_that_broke_off_is_finished_by_the_next_server() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::with_sales(&server).await;
    let (live, dropped) = (catalog.make_table("live").await, catalog.make_table("dropped").await);
    assert_eq!(catalog.delete(&at("dropped")).await.status, 204);
    catalog.post("/warehouses", &json!({"name": "pond"})).await.ok();
    assert_eq!(catalog.delete("/warehouses/pond").await.status, 204);
    server.kill();
    // What a server notes before it drops, and leaves where it dies.
    let key = |made: &Value| {
        made["metadata"]["location"].as_str().unwrap().strip_prefix("s3://lake/").unwrap().to_owned()
    };
    let notes = dir.path().join(".lakeshare/catalog/removals");
    for (number, (bucket, key)) in
        [("lake", key(&live)), ("lake", key(&dropped)), ("pond", String::new()), ("lake", String::new())]
            .iter()
            .enumerate()
    {
        let note = json!([{"bucket": bucket, "key": key}]);
        std::fs::write(notes.join(number.to_string()), note.to_string()).unwrap();
    }
    let server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::new(&server).await;
    assert_eq!(catalog.get(&at("live")).await.ok()["metadata"], live["metadata"]);
    assert!(dir.path().join("lake").join(key(&live)).is_dir());
    assert!(!dir.path().join("lake").join(key(&dropped)).exists());
    assert!(!dir.path().join("pond").exists());
    assert_eq!(std::fs::read_dir(&notes).unwrap().count(), 0);
    assert_eq!(catalog.delete(&format!("{}?purgeRequested=true", at("live"))).await.status, 204);
    assert_eq!(std::fs::read_dir(&notes).unwrap().count(), 0);
}
