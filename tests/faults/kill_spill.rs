//! Kills the server while it writes snapshots to disk.
//!
//! Tables get a commit each, a server lists them and writes what it loaded; a `kill -9` comes when some of the files are
//! there. The next server must answer what the logs say, whatever the dead one left behind.

use std::path::Path;

use lakeshare::spill::manifest::Manifest;
use serde_json::{Value, json};

use crate::support::admin::{Admin, http_client};
use crate::support::server::Server;

/// As many as are kept on disk.
const FILES: usize = 10_000;
const TABLES: usize = 4;
const ROUNDS: usize = 6;

fn add(number: usize) -> String {
    json!({"add": {"path": format!("part-{number}.parquet"), "partitionValues": {}, "size": number,
        "modificationTime": 1, "dataChange": true}})
    .to_string()
}

/// Version 0 has `FILES` files, each later one a file more.
fn commit(dir: &Path, table: usize, version: usize) {
    let log = dir.join(format!("b/t{table}/_delta_log"));
    std::fs::create_dir_all(&log).unwrap();
    let head = [
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}).to_string(),
        json!({"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}},
            "schemaString": r#"{"type":"struct","fields":[]}"#, "partitionColumns": [], "configuration": {}}})
        .to_string(),
    ];
    let lines: Vec<String> = match version {
        0 => head.into_iter().chain((0..FILES).map(add)).collect(),
        _ => vec![add(FILES + version)],
    };
    std::fs::write(log.join(format!("{version:020}.json")), lines.join("\n")).unwrap();
}

/// Tables whose latest version is on disk.
fn written(dir: &Path, version: usize) -> usize {
    let entries = std::fs::read_dir(dir.join(".lakeshare/snapshots/manifests"));
    let is_latest = |entry: std::io::Result<std::fs::DirEntry>| {
        let manifest = Manifest::parse(&std::fs::read(entry.ok()?.path()).ok()?).unwrap().0;
        (manifest.head.version == i64::try_from(version).unwrap()).then_some(())
    };
    entries.map_or(0, |entries| entries.filter_map(is_latest).count())
}

async fn list(server: &Server, token: &str, table: usize) -> reqwest::Result<Vec<u64>> {
    let url = format!("{}/delta-sharing/shares/s/schemas/d/tables/t{table}/query", server.url());
    let text = http_client().post(url).bearer_auth(token).body("{}").send().await?.text().await?;
    let lines = text.lines().skip(2).map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut sizes: Vec<u64> = lines.map(|line| line["file"]["size"].as_u64().unwrap()).collect();
    sizes.sort_unstable();
    Ok(sizes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_died_while_it_wrote_leaves_nothing_by_halves() {
    let dir = tempfile::tempdir().unwrap();
    (0..TABLES).for_each(|table| commit(dir.path(), table, 0));
    let token = {
        let server = Server::start_in(dir.path(), &["--snapshot-disk", "0"]);
        let admin = Admin::new(&server);
        let table = |number| {
            let name = format!("t{number}");
            json!({"name": name, "sourceType": "delta", "bucket": "b", "location": name})
        };
        let tables: Vec<Value> = (0..TABLES).map(table).collect();
        let share = json!({"name": "s", "schemas": [{"name": "d", "tables": tables}]});
        assert!(admin.call("POST", "/shares", &share).await.status.is_success());
        let answer = admin.call("POST", "/shares/s/tokens", &json!({})).await;
        answer.body["token"].as_str().unwrap().to_owned()
    };
    for round in 0..ROUNDS {
        if round > 0 {
            (0..TABLES).for_each(|table| commit(dir.path(), table, round));
        }
        let sizes = (0..FILES).chain((1..=round).map(|version| FILES + version));
        let expected: Vec<u64> = sizes.map(|size| size as u64).collect();
        let mut server = Server::start_in(dir.path(), &[]);
        for table in 0..TABLES {
            assert_eq!(
                list(&server, &token, table).await.unwrap(),
                expected,
                "table {table} in round {round}"
            );
        }
        // Some die with no file written, some with all but the last.
        while written(dir.path(), round) < round % TABLES {
            tokio::task::yield_now().await;
        }
        server.kill();
        let left = written(dir.path(), round);
        assert!(left >= round % TABLES, "a manifest that was there is there");
    }
    let server = Server::start_in(dir.path(), &[]);
    for table in 0..TABLES {
        assert_eq!(list(&server, &token, table).await.unwrap().len(), FILES + ROUNDS - 1);
    }
    while written(dir.path(), ROUNDS - 1) < TABLES {
        tokio::task::yield_now().await;
    }
    let temporary = std::fs::read_dir(dir.path().join(".lakeshare/snapshots/tmp")).map_or(0, Iterator::count);
    assert_eq!(temporary, 0, "temporary files of the dead are gone");
}
