//! Views: made, loaded, replaced, renamed, dropped.

use serde_json::{Value, json};

use crate::support::catalog::{Catalog, schema};
use crate::support::server::Server;

const VIEWS: &str = "/lake/namespaces/sales/views";

fn version(id: i64, sql: &str) -> Value {
    json!({
        "version-id": id,
        "timestamp-ms": 1_790_000_000_000_i64 + id,
        "schema-id": 0,
        "summary": {"engine-name": "test"},
        "default-namespace": ["sales"],
        "representations": [{"type": "sql", "sql": sql, "dialect": "spark"}],
    })
}

async fn make(catalog: &Catalog, name: &str) -> Value {
    let body = json!({"name": name, "schema": schema(), "view-version": version(1, "select 1"), "properties": {"a": "1"}});
    catalog.post(VIEWS, &body).await.ok()
}

#[tokio::test]
async fn a_view_shares_its_name_with_no_table() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let made = make(&catalog, "v").await;
    assert_eq!(made["metadata"]["versions"][0]["representations"][0]["sql"], "select 1");
    let loaded = catalog.get(&format!("{VIEWS}/v")).await.ok();
    assert_eq!(
        (&loaded["metadata"], &loaded["metadata-location"]),
        (&made["metadata"], &made["metadata-location"])
    );
    assert_eq!(catalog.head(&format!("{VIEWS}/v")).await, 204);
    let as_table = catalog.get("/lake/namespaces/sales/tables/v").await;
    assert_eq!(as_table.error(), (404, "NoSuchTableException"));
    let table = json!({"name": "v", "schema": schema()});
    let taken = catalog.post("/lake/namespaces/sales/tables", &table).await;
    assert_eq!(taken.error(), (409, "AlreadyExistsException"));
    let other = catalog.make_table("t").await;
    catalog.delete("/lake/namespaces/sales/tables/t").await.ok();
    let register = json!({"name": "v", "metadata-location": other["metadata-location"], "overwrite": true});
    let taken = catalog.post("/lake/namespaces/sales/register", &register).await;
    assert_eq!(taken.error(), (409, "AlreadyExistsException"));
    assert_eq!(taken.message(), "View with same name already exists: sales.v");
    assert_eq!(catalog.get("/lake/namespaces/sales/tables").await.ok()["identifiers"], json!([]));
    assert_eq!(catalog.get(VIEWS).await.ok()["identifiers"], json!([{"namespace": ["sales"], "name": "v"}]));
    assert_eq!(catalog.get(&format!("{VIEWS}/none")).await.error(), (404, "NoSuchViewException"));
}

#[tokio::test]
async fn a_view_is_replaced_by_a_new_version() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let made = make(&catalog, "v").await;
    let replace = json!({
        "requirements": [{"type": "assert-view-uuid", "uuid": made["metadata"]["view-uuid"]}],
        "updates": [
            {"action": "add-view-version", "view-version": version(2, "select 2")},
            {"action": "set-current-view-version", "view-version-id": -1},
            {"action": "set-properties", "updates": {"b": "2"}},
        ],
    });
    let replaced = catalog.post(&format!("{VIEWS}/v"), &replace).await.ok();
    let metadata = &replaced["metadata"];
    assert_eq!(
        (metadata["current-version-id"].as_i64(), metadata["versions"].as_array().unwrap().len()),
        (Some(2), 2)
    );
    assert_eq!(metadata["properties"], json!({"a": "1", "b": "2"}));
    let mut other = replace;
    other["requirements"][0]["uuid"] = json!("00000000-0000-4000-8000-000000000000");
    let failed = catalog.post(&format!("{VIEWS}/v"), &other).await;
    assert_eq!(failed.error(), (409, "CommitFailedException"));
    let name = |name: &str| json!({"namespace": ["sales"], "name": name});
    let rename = json!({"source": name("v"), "destination": name("w")});
    assert_eq!(catalog.post("/lake/views/rename", &rename).await.status, 204);
    assert_eq!(catalog.delete(&format!("{VIEWS}/v")).await.error(), (404, "NoSuchViewException"));
    assert_eq!(catalog.delete(&format!("{VIEWS}/w")).await.status, 204);
    let body = json!({"name": "back", "metadata-location": replaced["metadata-location"]});
    let back = catalog.post("/lake/namespaces/sales/register-view", &body).await.ok();
    assert_eq!(&back["metadata"], metadata);
}
