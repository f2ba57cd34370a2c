//! Many ask at once while the table goes on.
//!
//! Nobody is told of a version that is not the newest at the time of his question.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use super::iceberg;
use super::log_table::{Head, LogTable};
use super::world::{TABLE, World};

const ASKERS: usize = 48;
const COMMITS: i64 = 200;
/// Answers between two commits at least.
const ANSWERS: i64 = 24;

/// A connection that is kept from one request to the next.
struct Kept {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Kept {
    fn open(world: &World, token: &str) -> Self {
        let stream = BufReader::new(TcpStream::connect(world.server.address).unwrap());
        Self { stream, token: token.to_owned() }
    }

    fn send(&mut self, call: &str) {
        let head =
            format!("GET {TABLE}/{call} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", self.token);
        self.stream.get_mut().write_all(head.as_bytes()).unwrap();
    }

    /// The version of the next answer, and its body.
    fn receive(&mut self) -> (i64, String) {
        let (mut version, mut length, mut line) = (None, 0, String::new());
        self.stream.read_line(&mut line).unwrap();
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            match line.trim_end().to_lowercase().split_once(": ") {
                Some(("delta-table-version", value)) => version = value.parse().ok(),
                Some(("content-length", value)) => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        (version.unwrap(), String::from_utf8(body).unwrap())
    }
}

/// How far both sides are.
#[derive(Default)]
struct Race {
    committed: AtomicI64,
    answered: AtomicI64,
}

/// Asks again and again, and checks each answer against what was committed before and after it. `file_count` is how many
/// files a version has.
fn ask_until_the_last(mut kept: Kept, race: &Race, file_count: fn(i64) -> i64) {
    for call in ["version", "metadata"].iter().cycle() {
        let before = race.committed.load(Ordering::SeqCst);
        kept.send(call);
        let (version, body) = kept.receive();
        assert!(version >= before, "version {before} was committed before {version} was told");
        assert!(version <= race.committed.load(Ordering::SeqCst) + 1, "version {version} is not begun yet");
        if *call == "metadata" {
            assert!(body.contains(&format!("\"numFiles\":{}}}", file_count(version))), "{version}: {body}");
        }
        race.answered.fetch_add(1, Ordering::SeqCst);
        if before == COMMITS {
            return;
        }
    }
}

/// Commits the versions up to the last while many ask.
fn race(world: &World, token: &str, file_count: fn(i64) -> i64, mut commit: impl FnMut(i64)) {
    let race = Race::default();
    std::thread::scope(|scope| {
        for _ in 0..ASKERS {
            let kept = Kept::open(world, token);
            scope.spawn(|| ask_until_the_last(kept, &race, file_count));
        }
        for version in 1..=COMMITS {
            while race.answered.load(Ordering::SeqCst) < version * ANSWERS {
                std::thread::yield_now();
            }
            // One who asks and goes away, which is nothing to the others.
            Kept::open(world, token).send("version");
            commit(version);
            race.committed.store(version, Ordering::SeqCst);
        }
    });
    assert!(race.answered.into_inner() >= COMMITS * ANSWERS);
}

#[test]
fn a_commit_before_a_request_is_in_its_answer_however_many_ask() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    let token = world.share("s", &[("default", "t", "t")]);
    // Each commit adds one file.
    race(
        &world,
        &token,
        |version| version,
        |version| {
            let path = format!("part-{version:05}.parquet");
            table.commit(&[LogTable::add(&path, &json!("2024-01-01"), Some(10))]);
        },
    );
}

#[tokio::test]
async fn metadata_before_a_request_is_in_its_answer_however_many_ask() {
    let (world, table) = iceberg::start().await;
    table.write(&[1]).await;
    let spec = iceberg::bare(&world, &table, "bare", &json!({})).await;
    let directory = world.bucket().join("bare/metadata");
    std::fs::write(directory.join("version-hint.text"), "1").unwrap();
    let token = iceberg::shared(&world, &spec);
    let mut metadata: Value =
        serde_json::from_slice(&std::fs::read(directory.join("v1.metadata.json")).unwrap()).unwrap();
    let first = metadata["snapshots"][0].clone();
    race(
        &world,
        &token,
        |_| 1,
        |version| {
            if version == 1 {
                return;
            }
            let (id, time_ms) = (version + 1_000, first["timestamp-ms"].as_i64().unwrap() + version);
            let mut snapshot = first.clone();
            let told = json!({"snapshot-id": id, "sequence-number": version, "timestamp-ms": time_ms});
            snapshot.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
            // Only the last one is left: writers expire the others.
            let told = json!({
                "snapshots": [snapshot], "current-snapshot-id": id, "last-sequence-number": version,
                "last-updated-ms": time_ms, "refs": {"main": {"snapshot-id": id, "type": "branch"}},
                "snapshot-log": [{"snapshot-id": id, "timestamp-ms": time_ms}],
            });
            metadata.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
            let written = directory.join("written");
            std::fs::write(&written, metadata.to_string()).unwrap();
            std::fs::rename(&written, directory.join(format!("v{version}.metadata.json"))).unwrap();
            // A hint may be behind.
            if version % 3 == 0 {
                std::fs::write(&written, version.to_string()).unwrap();
                std::fs::rename(&written, directory.join("version-hint.text")).unwrap();
            }
        },
    );
}

#[test]
fn a_table_that_is_made_anew_is_told_at_once_to_all() {
    let world = World::start();
    let mut table = world.table("t", &Head::plain());
    table.add_files(3, 10);
    table.add_files(3, 10);
    let token = world.share("s", &[("default", "t", "t")]);
    let mut askers: Vec<Kept> = (0..ASKERS).map(|_| Kept::open(&world, &token)).collect();
    let mut ask = |expected: i64| {
        askers.iter_mut().for_each(|kept| kept.send("version"));
        let versions = askers.iter_mut().map(|kept| kept.receive().0);
        assert!(versions.into_iter().all(|version| version == expected));
    };
    ask(2);
    std::fs::remove_dir_all(world.bucket().join("t")).unwrap();
    let mut table = world.table("t", &Head::plain());
    ask(0);
    table.add_files(1, 10);
    ask(1);
}
