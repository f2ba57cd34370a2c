//! A request with a key is carried out once.

use http::Method;
use serde_json::{Value, json};

use crate::support::catalog::{Answer, Catalog, new_table};
use crate::support::server::Server;

use super::commits::append;

const TABLES: &str = "/lake/namespaces/sales/tables";

async fn send(catalog: &Catalog, key: &str, (method, path): (Method, &str), body: &Value) -> Answer {
    catalog.call_with(method, path, body, &[("idempotency-key", key)]).await
}

fn key(number: u32) -> String {
    format!("01970000-0000-7000-8000-{number:012}")
}

#[tokio::test]
async fn a_repeated_request_is_told_what_the_first_was_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(dir.path(), &[]);
    let mut catalog = Catalog::with_sales(&server).await;
    let create = new_table("t");
    let first = send(&catalog, &key(1), (Method::POST, TABLES), &create).await.ok();
    let commit = append(1, None, 1);
    let path = format!("{TABLES}/t");
    let committed = send(&catalog, &key(2), (Method::POST, &path), &commit).await.ok();
    let again = send(&catalog, &key(2), (Method::POST, &path), &commit).await.ok();
    assert_eq!(again, committed, "a commit that was carried out is not refused as stale");
    assert!(server.terminate().success());
    server = Server::start_in(dir.path(), &[]);
    catalog = Catalog::new(&server).await;
    let repeated = send(&catalog, &key(2), (Method::POST, &path), &commit).await.ok();
    assert_eq!(repeated["metadata-location"], committed["metadata-location"]);
    assert_eq!(repeated["metadata"], committed["metadata"]);
    let made_again = send(&catalog, &key(1), (Method::POST, TABLES), &create).await.ok();
    assert_eq!(made_again["metadata-location"], first["metadata-location"]);
    assert_eq!(send(&catalog, &key(3), (Method::DELETE, &path), &Value::Null).await.status, 204);
    assert_eq!(send(&catalog, &key(3), (Method::DELETE, &path), &Value::Null).await.status, 204);
    assert_eq!(send(&catalog, &key(4), (Method::DELETE, &path), &Value::Null).await.error().0, 404);
    // A refusal is final, too: the table that is made meanwhile does not change it.
    catalog.make_table("t").await;
    assert_eq!(send(&catalog, &key(4), (Method::DELETE, &path), &Value::Null).await.error().0, 404);
    assert_eq!(catalog.head(&path).await, 204);
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let body = json!({"namespace": ["a"], "properties": {"x": "1"}});
    let path = (Method::POST, "/lake/namespaces");
    let first = send(&catalog, &key(1), path.clone(), &body).await.ok();
    assert_eq!(send(&catalog, &key(1), path.clone(), &body).await.ok(), first);
    let other = send(&catalog, &key(1), path.clone(), &json!({"namespace": ["b"]})).await;
    assert_eq!(other.error(), (422, "UnprocessableEntityException"));
    assert_eq!(catalog.head("/lake/namespaces/b").await, 404);
    for wrong in ["", "x", "0197000000007000800000000000000000000"] {
        assert_eq!(send(&catalog, wrong, path.clone(), &body).await.error(), (400, "BadRequestException"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_racing_repeats_one_changes_something() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let body = json!({"namespace": ["raced"], "properties": {}});
    let mut sent = Vec::new();
    for _ in 0..16 {
        let (catalog, body) = (catalog.clone(), body.clone());
        sent.push(tokio::spawn(async move {
            send(&catalog, &key(9), (Method::POST, "/lake/namespaces"), &body).await
        }));
    }
    for one in sent {
        assert_eq!(one.await.unwrap().ok(), body);
    }
}
