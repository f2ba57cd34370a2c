//! Snapshots on disk: a restart answers from them what the log says.

use std::path::{Path, PathBuf};

use lakeshare::spill::manifest::Manifest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::log_table::{Head, LogTable};
use super::wire::Ask;
use super::world::World;
use crate::support::s3::S3;
use crate::support::server::Server;

/// As many as are kept on disk.
const FILES: usize = 10_000;

/// A data directory, and a token for the one table in it.
struct Place {
    dir: TempDir,
    token: String,
    table: LogTable,
}

impl Place {
    /// Shared, listed once and on disk.
    fn warm() -> (Self, Vec<Value>) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("lake/t");
        let mut table = LogTable::create(&root, &Head::plain());
        table.add_files(FILES, 10);
        let world = World { server: Server::start_in(dir.path(), &[]) };
        let token = world.share("s", &[("default", "t", "t")]);
        let place = Self { dir, token, table };
        let lines = place.lines(&world);
        assert_eq!(lines.len(), 2 + FILES);
        place.wait_for(1);
        (place, lines)
    }

    fn start(&self) -> World {
        World { server: Server::start_in(self.dir.path(), &[]) }
    }

    /// A listing, without what differs from one time to the next.
    fn lines(&self, world: &World) -> Vec<Value> {
        let mut lines = world.query(&self.token, "{}").lines();
        for line in &mut lines {
            if let Some(file) = line.get_mut("file").and_then(Value::as_object_mut) {
                assert!(file.remove("url").is_some() && file.remove("expirationTimestamp").is_some());
            }
        }
        lines
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join(".lakeshare/snapshots").join(name)
    }

    fn only_file(&self, folder: &str) -> PathBuf {
        let mut entries = std::fs::read_dir(self.folder(folder)).unwrap();
        let path = entries.next().unwrap().unwrap().path();
        assert!(entries.next().is_none());
        path
    }

    /// Until this version is on disk.
    fn wait_for(&self, version: i64) {
        while self.version_on_disk() != Some(version) {
            std::thread::yield_now();
        }
    }

    fn version_on_disk(&self) -> Option<i64> {
        let path = std::fs::read_dir(self.folder("manifests")).ok()?.next()?.unwrap().path();
        Some(Manifest::parse(&std::fs::read(path).ok()?).unwrap().0.head.version)
    }
}

/// How often a version came from the log, from the version before, from disk.
fn loads(world: &World) -> [u64; 3] {
    let text = metrics(world);
    ["Log", "Refresh", "Disk"].map(|from| {
        let name = format!("lakeshare_snapshot_loads_total{{from=\"{from}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
    })
}

fn metrics(world: &World) -> String {
    let answer = Ask::get("/metrics").send(world.server.address);
    assert_eq!(answer.status, 200);
    answer.text().to_owned()
}

fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_restart_answers_the_same_without_reading_the_log() {
    let (place, before) = Place::warm();
    // Without its first commit the log tells nothing.
    place.table.forget(0);
    let world = place.start();
    assert_eq!(place.lines(&world), before);
    assert_eq!(place.lines(&world), before);
    assert_eq!(loads(&world), [0, 0, 1]);
}

#[test]
fn commits_of_the_time_when_no_server_ran_are_served() {
    let (mut place, before) = Place::warm();
    let segment = place.only_file("segments");
    place.table.commit(&[LogTable::add("date=x/late.parquet", &json!("x"), Some(1))]);
    let world = place.start();
    let lines = place.lines(&world);
    assert_eq!(lines.len(), before.len() + 1);
    assert_eq!(loads(&world), [0, 1, 1]);
    place.wait_for(2);
    assert!(segment.exists(), "a commit writes its own segment only");
    drop(world);
    let world = place.start();
    assert_eq!(place.lines(&world), lines);
    assert_eq!(loads(&world), [0, 0, 1]);
}

#[test]
fn damaged_files_cost_a_replay_and_are_written_again() {
    let (place, before) = Place::warm();
    for folder in ["segments", "manifests"] {
        let path = place.only_file(folder);
        let good = std::fs::read(&path).unwrap();
        damage(&path);
        let world = place.start();
        assert_eq!(place.lines(&world), before);
        assert_eq!(loads(&world), [1, 0, 0], "{folder}");
        while folder == "segments" && std::fs::read(&path).ok().as_ref() != Some(&good) {
            std::thread::yield_now();
        }
        place.wait_for(1);
        drop(world);
        let world = place.start();
        assert_eq!(place.lines(&world), before);
        assert_eq!(loads(&world), [0, 0, 1], "{folder}");
    }
}

#[test]
fn a_table_that_was_made_anew_is_not_answered_from_disk() {
    let (mut place, before) = Place::warm();
    std::fs::remove_dir_all(place.table.log()).unwrap();
    place.table = LogTable::create(&place.dir.path().join("lake/t"), &Head::plain());
    place.table.commit(&[LogTable::add("date=x/other.parquet", &json!("x"), Some(1))]);
    let world = place.start();
    let lines = place.lines(&world);
    assert_eq!((lines.len(), &lines[0]), (3, &before[0]));
    assert_eq!(loads(&world), [1, 0, 1]);
}

#[test]
fn a_table_that_left_the_memory_is_read_back_from_disk() {
    let (place, before) = Place::warm();
    let world = World { server: Server::start_in(place.dir.path(), &["--snapshot-cache", "0"]) };
    assert_eq!(place.lines(&world), before);
    assert_eq!(place.lines(&world), before);
    let loads = loads(&world);
    assert!(loads[..2] == [0, 0] && loads[2] >= 2, "{loads:?}");
}

#[test]
fn without_a_budget_nothing_is_written() {
    let (place, before) = Place::warm();
    let world = World { server: Server::start_in(place.dir.path(), &["--snapshot-disk", "0"]) };
    assert_eq!(place.lines(&world), before);
    assert_eq!(loads(&world), [1, 0, 0]);
}

#[test]
fn buckets_do_not_show_what_is_kept() {
    let (place, _) = Place::warm();
    let world = place.start();
    let client = S3::of(&world.server);
    let name = place.only_file("segments").file_name().unwrap().to_str().unwrap().to_owned();
    let status = client.get(&format!("/.lakeshare/snapshots/segments/{name}")).status;
    assert!((400..500).contains(&status), "{status}");
}
