//! Warehouses and namespaces.

use http::Method;
use serde_json::{Value, json};

use crate::support::catalog::{Catalog, new_table};
use crate::support::server::Server;

#[tokio::test]
async fn a_warehouse_is_a_bucket() {
    let server = Server::start();
    let catalog = Catalog::new(&server).await;
    let none = catalog.get("/config?warehouse=lake").await;
    assert_eq!(none.error(), (404, "NoSuchWarehouseException"));
    let made = catalog.post("/warehouses", &json!({"name": "lake", "upgrade-existing": true})).await.ok();
    assert_eq!((&made["name"], &made["bucket"]), (&json!("lake"), &json!("lake")));
    assert!(server.dir().join("lake").is_dir());
    let twice = catalog.post("/warehouses", &json!({"name": "lake"})).await;
    assert_eq!(twice.error(), (409, "AlreadyExistsException"));
    assert_eq!(catalog.get("/warehouses/lake").await.ok(), made);
    assert_eq!(catalog.get("/warehouses").await.ok()["warehouses"], json!([made]));
    // The only warehouse needs no name.
    assert_eq!(catalog.get("/config").await.ok()["overrides"]["prefix"], "lake");
    catalog.post("/lake/namespaces", &json!({"namespace": ["a"]})).await.ok();
    assert_eq!(catalog.delete("/warehouses/lake").await.status, 409);
    catalog.delete("/lake/namespaces/a").await.ok();
    catalog.delete("/warehouses/lake").await.ok();
    assert!(server.dir().join("lake").is_dir(), "the bucket stays unless the caller says no");
    catalog.post("/warehouses", &json!({"name": "lake"})).await.ok();
    catalog.delete("/warehouses/lake?preserve-bucket=false").await.ok();
    assert!(!server.dir().join("lake").exists());
    for name in ["", "a", "Lake", "lake/x", "..", "_x", "config", "la_ke", &"x".repeat(64)] {
        let refused = catalog.post("/warehouses", &json!({"name": name})).await;
        assert_eq!(refused.status, 400, "{name:?} {}", refused.body);
    }
}

/// Iceberg's Java client encodes names in paths as forms do.
#[tokio::test]
async fn a_plus_in_a_path_is_a_blank() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    for name in ["north east", "north+east"] {
        catalog.post("/lake/namespaces", &json!({"namespace": ["sales", name]})).await.ok();
    }
    let told = async |path: &str| {
        catalog.get(&format!("/lake/namespaces/{path}")).await.ok()["namespace"][1].clone()
    };
    assert_eq!(told("sales%1Fnorth+east").await, "north east");
    assert_eq!(told("sales%1Fnorth%20east").await, "north east");
    assert_eq!(told("sales%1Fnorth%2Beast").await, "north+east");
    catalog.post("/lake/namespaces/sales%1Fnorth+east/tables", &new_table("t 1+2")).await.ok();
    assert_eq!(catalog.head("/lake/namespaces/sales%1Fnorth+east/tables/t+1%2B2").await, 204);
    assert_eq!(catalog.head("/lake/namespaces/sales%1Fnorth%2Beast/tables/t+1%2B2").await, 404);
    assert_eq!(catalog.get("/lake/namespaces?parent=sales%1Fnorth+east").await.ok()["namespaces"], json!([]));
}

#[tokio::test]
async fn namespaces_nest_and_end_empty() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let orphan = catalog.post("/lake/namespaces", &json!({"namespace": ["none", "x"]})).await;
    assert_eq!(orphan.error(), (404, "NoSuchNamespaceException"));
    let body = json!({"namespace": ["sales", "eu.west"], "properties": {"owner": "ü"}});
    assert_eq!(catalog.post("/lake/namespaces", &body).await.ok(), body);
    let twice = catalog.post("/lake/namespaces", &body).await;
    assert_eq!(twice.error(), (409, "AlreadyExistsException"));
    assert_eq!(catalog.get("/lake/namespaces").await.ok(), json!({"namespaces": [["sales"]]}));
    let nested = catalog.get("/lake/namespaces?parent=sales").await.ok();
    assert_eq!(nested, json!({"namespaces": [["sales", "eu.west"]]}));
    assert_eq!(catalog.get("/lake/namespaces?parent=none").await.error().0, 404);
    assert_eq!(catalog.head("/lake/namespaces/sales%1Feu.west").await, 204);
    assert_eq!(catalog.head("/lake/namespaces/sales%1Fus").await, 404);
    let full = catalog.delete("/lake/namespaces/sales").await;
    assert_eq!(full.error(), (409, "NamespaceNotEmptyException"));
    assert_eq!(catalog.delete("/lake/namespaces/sales%1Feu.west").await.status, 204);
    assert_eq!(catalog.delete("/lake/namespaces/sales").await.status, 204);
    assert_eq!(catalog.get("/lake/namespaces/sales").await.error(), (404, "NoSuchNamespaceException"));
    assert_eq!(catalog.get("/pond/namespaces").await.error(), (404, "NoSuchWarehouseException"));
}

#[tokio::test]
async fn properties_are_set_and_removed_together() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let path = "/lake/namespaces/sales/properties";
    let set = catalog.post(path, &json!({"updates": {"a": "1", "b": "2"}})).await.ok();
    assert_eq!(set, json!({"updated": ["a", "b"], "removed": [], "missing": []}));
    let changed = catalog.post(path, &json!({"removals": ["a", "x"], "updates": {"b": "3"}})).await.ok();
    assert_eq!(changed, json!({"updated": ["b"], "removed": ["a"], "missing": ["x"]}));
    assert_eq!(
        catalog.get("/lake/namespaces/sales").await.ok()["properties"],
        json!({"b": "3", "location": "s3://lake/sales"})
    );
    let elsewhere = json!({"updates": {"location": "s3://lake/elsewhere"}});
    catalog.post(path, &elsewhere).await.ok();
    assert_eq!(
        catalog.get("/lake/namespaces/sales").await.ok()["properties"]["location"],
        "s3://lake/elsewhere"
    );
    catalog.post(path, &json!({"removals": ["location"]})).await.ok();
    let both = catalog.post(path, &json!({"removals": ["b"], "updates": {"b": "4"}})).await;
    assert_eq!(both.error(), (422, "UnprocessableEntityException"));
    let absent = catalog.post("/lake/namespaces/none/properties", &json!({"updates": {"a": "1"}})).await;
    assert_eq!(absent.error(), (404, "NoSuchNamespaceException"));
}

#[tokio::test]
async fn lists_come_in_pages_where_they_are_asked_for_so() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    for number in 0..7 {
        catalog.post("/lake/namespaces", &json!({"namespace": [format!("n{number}")]})).await.ok();
        catalog.make_table(&format!("t{number}")).await;
    }
    for (path, key) in [("/lake/namespaces", "namespaces"), ("/lake/namespaces/sales/tables", "identifiers")]
    {
        let all = catalog.get(path).await.ok();
        assert!(all["next-page-token"].is_null());
        let (mut found, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = catalog.get(&format!("{path}?pageToken={token}&pageSize=3")).await.ok();
            found.extend(page[key].as_array().unwrap().clone());
            pages += 1;
            match page["next-page-token"].as_str() {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }
        assert_eq!((Value::Array(found), pages), (all[key].clone(), 3), "{path}");
        for wrong in ["pageSize=0", "pageSize=x", "pageToken=%25"] {
            assert_eq!(catalog.call(Method::GET, &format!("{path}?{wrong}"), &Value::Null).await.status, 400);
        }
    }
}
