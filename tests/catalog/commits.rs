//! Commits: requirements, conflicts, and several tables at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::catalog::{Catalog, new_table};
use crate::support::server::Server;

const TABLES: &str = "/lake/namespaces/sales/tables";

fn at(table: &str) -> String {
    format!("{TABLES}/{table}")
}

/// A snapshot after `parent`, whose manifest list nobody reads here.
pub(super) fn snapshot(id: i64, parent: Option<i64>, sequence_number: i64) -> Value {
    json!({
        "snapshot-id": id,
        "parent-snapshot-id": parent,
        "sequence-number": sequence_number,
        "timestamp-ms": 1_790_000_000_000_i64 + id,
        "manifest-list": format!("s3://lake/none/{id}.avro"),
        "summary": {"operation": "append"},
        "schema-id": 0,
    })
}

/// Adds a snapshot to `main`, if `main` still is where the writer has seen it.
pub(super) fn append(id: i64, parent: Option<i64>, sequence_number: i64) -> Value {
    json!({
        "requirements": [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": parent}],
        "updates": [
            {"action": "add-snapshot", "snapshot": snapshot(id, parent, sequence_number)},
            {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": id},
        ],
    })
}

fn metadata_files(server: &Server, made: &Value) -> BTreeSet<String> {
    let location = made["metadata"]["location"].as_str().unwrap().strip_prefix("s3://").unwrap();
    let directory = server.dir().join(location).join("metadata");
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn a_commit_is_what_its_requirements_allow() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let made = catalog.make_table("t").await;
    let first = catalog.post(&at("t"), &append(1, None, 1)).await.ok();
    assert_eq!(first["metadata"]["current-snapshot-id"], 1);
    assert_eq!(first["metadata"]["metadata-log"][0]["metadata-file"], made["metadata-location"]);
    let stale = catalog.post(&at("t"), &append(2, None, 2)).await;
    assert_eq!(stale.error(), (409, "CommitFailedException"));
    assert!(stale.message().contains("main"), "{}", stale.message());
    for requirement in [
        json!({"type": "assert-table-uuid", "uuid": "00000000-0000-4000-8000-000000000000"}),
        json!({"type": "assert-last-assigned-field-id", "last-assigned-field-id": 7}),
        json!({"type": "assert-current-schema-id", "current-schema-id": 7}),
        json!({"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 7}),
        json!({"type": "assert-default-spec-id", "default-spec-id": 7}),
        json!({"type": "assert-default-sort-order-id", "default-sort-order-id": 7}),
        json!({"type": "assert-create"}),
    ] {
        let body = json!({"requirements": [requirement], "updates": []});
        let failed = catalog.post(&at("t"), &body).await;
        assert_eq!(failed.status, 409, "{requirement} {}", failed.body);
    }
    let nothing = catalog.post(&at("t"), &json!({"requirements": [], "updates": []})).await.ok();
    assert_eq!(nothing["metadata-location"], first["metadata-location"], "nothing changed, nothing written");
    assert_eq!(metadata_files(&server, &made).len(), 2, "lost commits leave no file");
    let absent = catalog.post(&at("none"), &append(1, None, 1)).await;
    assert_eq!(absent.error(), (404, "NoSuchTableException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_writers_make_one_line_of_snapshots() {
    const WRITERS: i64 = 8;
    const COMMITS: i64 = 6;
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let made = catalog.make_table("t").await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let catalog = catalog.clone();
        writers.push(tokio::spawn(async move {
            for number in 0..COMMITS {
                let id = 1 + writer * COMMITS + number;
                loop {
                    let now = catalog.get(&at("t")).await.ok();
                    let parent = now["metadata"]["current-snapshot-id"].as_i64().filter(|id| *id > 0);
                    let last = now["metadata"]["last-sequence-number"].as_i64().unwrap();
                    let answer = catalog.post(&at("t"), &append(id, parent, last + 1)).await;
                    match answer.status.as_u16() {
                        200 => break,
                        409 => assert_eq!(answer.error().1, "CommitFailedException"),
                        _ => panic!("{}", answer.body),
                    }
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let loaded = catalog.get(&at("t")).await.ok();
    let snapshots = loaded["metadata"]["snapshots"].as_array().unwrap();
    assert_eq!(snapshots.len(), usize::try_from(WRITERS * COMMITS).unwrap());
    for (earlier, later) in snapshots.iter().zip(&snapshots[1..]) {
        assert_eq!(later["parent-snapshot-id"], earlier["snapshot-id"]);
    }
    // Every file that is there was the table's once; no other was left behind.
    let log = loaded["metadata"]["metadata-log"].as_array().unwrap();
    let known: BTreeSet<String> = log
        .iter()
        .map(|entry| &entry["metadata-file"])
        .chain([&loaded["metadata-location"]])
        .map(|location| location.as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(metadata_files(&server, &made), known);
}

#[tokio::test]
async fn tables_change_together_or_not_at_all() {
    let server = Server::start();
    let catalog = Catalog::with_sales(&server).await;
    let made = [catalog.make_table("a").await, catalog.make_table("b").await];
    let change = |table: &str, body: Value| {
        let mut change = body;
        change["identifier"] = json!({"namespace": ["sales"], "name": table});
        change
    };
    let commit = async |changes: Vec<Value>| {
        catalog.post("/lake/transactions/commit", &json!({"table-changes": changes})).await
    };
    let both = commit(vec![change("a", append(1, None, 1)), change("b", append(2, None, 1))]).await;
    assert_eq!(both.status, 204, "{}", both.body);
    let snapshot_of =
        async |table: &str| catalog.get(&at(table)).await.ok()["metadata"]["current-snapshot-id"].clone();
    assert_eq!((snapshot_of("a").await, snapshot_of("b").await), (json!(1), json!(2)));
    let stale = commit(vec![change("a", append(3, Some(1), 2)), change("b", append(4, None, 2))]).await;
    assert_eq!(stale.error(), (409, "CommitFailedException"));
    assert_eq!((snapshot_of("a").await, snapshot_of("b").await), (json!(1), json!(2)));
    assert_eq!(metadata_files(&server, &made[0]).len(), 2, "what was written for nothing is gone");
    let absent = commit(vec![change("a", append(3, Some(1), 2)), change("none", append(4, None, 1))]).await;
    assert_eq!(absent.error(), (404, "NoSuchTableException"));
    let twice = commit(vec![change("a", append(3, Some(1), 2)), change("a", append(4, Some(3), 3))]).await;
    assert_eq!(twice.status, 400, "{}", twice.body);
    // A table that is made in the same transaction.
    let mut staged = new_table("c");
    staged["stage-create"] = json!(true);
    let staged = catalog.post(TABLES, &staged).await.ok()["metadata"].clone();
    let create = json!({
        "requirements": [{"type": "assert-create"}],
        "updates": [
            {"action": "assign-uuid", "uuid": staged["table-uuid"]},
            {"action": "upgrade-format-version", "format-version": 2},
            {"action": "add-schema", "schema": staged["schemas"][0]},
            {"action": "set-current-schema", "schema-id": -1},
            {"action": "add-spec", "spec": {"spec-id": 0, "fields": []}},
            {"action": "set-default-spec", "spec-id": -1},
            {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}},
            {"action": "set-default-sort-order", "sort-order-id": -1},
            {"action": "set-location", "location": staged["location"]},
        ],
    });
    let made = commit(vec![change("a", append(3, Some(1), 2)), change("c", create)]).await;
    assert_eq!(made.status, 204, "{}", made.body);
    assert_eq!((snapshot_of("a").await, catalog.head(&at("c")).await), (json!(3), 204));
}
