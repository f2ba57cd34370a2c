//! `kill -9` during commits loses no acknowledged one and halves no transaction.
//!
//! Eight writers append to three tables, one at a time or all three in a transaction, while the server is killed again
//! and again over one directory. At the end the tables are read back: each has one line of snapshots, every acknowledged
//! commit is in it, a transaction is in all three or in none, and no metadata file lies there that was never the table's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::catalog::{Catalog, schema};
use crate::support::server::Server;

const WRITERS: i64 = 8;
const TABLES: [&str; 3] = ["a", "b", "c"];
/// Kills in a usual run; `LAKESHARE_KILL_SECONDS` asks for one each second instead.
const ROUNDS: u64 = 8;
/// Commits between two kills in a usual run.
const COMMITS: usize = 12;

fn at(table: &str) -> String {
    format!("/lake/namespaces/sales/tables/{table}")
}

/// Whose commits are in which table.
#[derive(Default)]
struct Acknowledged {
    by_table: BTreeMap<&'static str, BTreeSet<i64>>,
    /// Snapshots of transactions, answered or not.
    transactions: BTreeSet<i64>,
}

struct Writer {
    number: i64,
    count: i64,
    acknowledged: Acknowledged,
}

/// An append to `table`, after what is there now.
async fn append(catalog: &Catalog, table: &str, id: i64) -> Option<Value> {
    let now = catalog.try_call(http::Method::GET, &at(table), &Value::Null, &[]).await.ok()?.ok();
    let metadata = &now["metadata"];
    let parent = metadata["current-snapshot-id"].as_i64().filter(|id| *id > 0);
    let sequence_number = metadata["last-sequence-number"].as_i64().unwrap() + 1;
    Some(json!({
        "identifier": {"namespace": ["sales"], "name": table},
        "requirements": [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": parent}],
        "updates": [
            {"action": "add-snapshot", "snapshot": {
                "snapshot-id": id, "parent-snapshot-id": parent, "sequence-number": sequence_number,
                "timestamp-ms": metadata["last-updated-ms"], "manifest-list": format!("s3://lake/none/{id}.avro"),
                "summary": {"operation": "append"}, "schema-id": 0}},
            {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": id},
        ],
    }))
}

impl Writer {
    /// Commits until the server is gone.
    async fn work(&mut self, catalog: &Catalog, done: &AtomicUsize, progress: &Notify) {
        loop {
            self.count += 1;
            let id = self.number + WRITERS * self.count;
            let is_transaction = self.count % 3 == 0;
            let table = TABLES[usize::try_from(id).unwrap() % TABLES.len()];
            let answer = if is_transaction {
                let mut changes = Vec::new();
                for table in TABLES {
                    let Some(change) = append(catalog, table, id).await else { return };
                    changes.push(change);
                }
                self.acknowledged.transactions.insert(id);
                let body = json!({"table-changes": changes});
                catalog.try_call(http::Method::POST, "/lake/transactions/commit", &body, &[]).await
            } else {
                let Some(body) = append(catalog, table, id).await else { return };
                catalog.try_call(http::Method::POST, &at(table), &body, &[]).await
            };
            let Ok(answer) = answer else { return };
            match answer.status.as_u16() {
                200 | 204 => {
                    let tables = if is_transaction { &TABLES[..] } else { &[table] };
                    for table in tables {
                        self.acknowledged.by_table.entry(table).or_default().insert(id);
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                    progress.notify_one();
                }
                409 => assert_eq!(answer.error().1, "CommitFailedException"),
                _ => panic!("{} {}", answer.status, answer.body),
            }
        }
    }
}

/// The snapshots of a table from the newest back; each is there once.
fn line_of(metadata: &Value) -> Vec<i64> {
    let snapshots = metadata["snapshots"].as_array().cloned().unwrap_or_default();
    let parents: BTreeMap<i64, Option<i64>> = snapshots
        .iter()
        .map(|one| (one["snapshot-id"].as_i64().unwrap(), one["parent-snapshot-id"].as_i64()))
        .collect();
    let mut line = Vec::new();
    let mut next = metadata["current-snapshot-id"].as_i64().filter(|id| *id > 0);
    while let Some(id) = next {
        line.push(id);
        next = parents[&id];
    }
    assert_eq!(line.len(), snapshots.len(), "one linear history");
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_commit_is_lost_and_no_transaction_is_halved() {
    let seconds: Option<u64> =
        std::env::var_os("LAKESHARE_KILL_SECONDS").map(|text| text.to_str().unwrap().parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start_in(dir.path(), &[]);
    let catalog = Catalog::with_sales(&server).await;
    for table in TABLES {
        let properties = json!({"write.metadata.previous-versions-max": "100000"});
        let body = json!({"name": table, "schema": schema(), "properties": properties});
        catalog.post("/lake/namespaces/sales/tables", &body).await.ok();
    }
    let mut writers: Vec<Writer> = (1..=WRITERS)
        .map(|number| Writer { number, count: 0, acknowledged: Acknowledged::default() })
        .collect();
    let done = Arc::new(AtomicUsize::new(0));
    for round in 0..seconds.unwrap_or(ROUNDS) {
        let catalog = Catalog::new(&server).await;
        let progress = Arc::new(Notify::new());
        let (before, began) = (done.load(Ordering::SeqCst), Instant::now());
        let mut working = Vec::new();
        for mut writer in writers.drain(..) {
            let (catalog, done, progress) = (catalog.clone(), Arc::clone(&done), Arc::clone(&progress));
            working.push(tokio::spawn(async move {
                writer.work(&catalog, &done, &progress).await;
                writer
            }));
        }
        loop {
            let waited = tokio::time::timeout(Duration::from_secs(1), progress.notified()).await;
            let is_time = if seconds.is_some() {
                began.elapsed() >= Duration::from_secs(1)
            } else {
                // Not always at the same point of a commit.
                done.load(Ordering::SeqCst) - before >= COMMITS + usize::try_from(round).unwrap()
            };
            assert!(
                seconds.is_some() || waited.is_ok() || began.elapsed() < Duration::from_secs(60),
                "no progress"
            );
            if is_time {
                break;
            }
        }
        server.kill();
        for one in working {
            writers.push(one.await.unwrap());
        }
        server = Server::start_in(dir.path(), &[]);
    }
    check(&server, &writers).await;
}

async fn check(server: &Server, writers: &[Writer]) {
    let catalog = Catalog::new(server).await;
    let mut lines: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for table in TABLES {
        let loaded = catalog.get(&at(table)).await.ok();
        let metadata = &loaded["metadata"];
        let line: BTreeSet<i64> = line_of(metadata).into_iter().collect();
        for writer in writers {
            let acknowledged = writer.acknowledged.by_table.get(table).cloned().unwrap_or_default();
            let lost: Vec<_> = acknowledged.difference(&line).collect();
            assert!(lost.is_empty(), "table {table} has lost {lost:?}");
        }
        let location = metadata["location"].as_str().unwrap().strip_prefix("s3://").unwrap();
        let there: BTreeSet<String> = std::fs::read_dir(server.dir().join(location).join("metadata"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let known: BTreeSet<String> = metadata["metadata-log"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| &entry["metadata-file"])
            .chain([&loaded["metadata-location"]])
            .map(|location| location.as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect();
        assert_eq!(there, known, "files of lost commits are gone, those of won ones are all there");
        lines.insert(table, line);
    }
    for id in writers.iter().flat_map(|writer| &writer.acknowledged.transactions) {
        let count = lines.values().filter(|line| line.contains(id)).count();
        assert!(count == 0 || count == TABLES.len(), "transaction {id} is in {count} tables");
    }
    let kept: usize = lines.values().map(BTreeSet::len).sum();
    println!("{kept} snapshots in three lines, every acknowledged one among them");
}
