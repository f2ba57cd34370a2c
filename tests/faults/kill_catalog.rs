//! `kill -9` during changes of the catalog loses none and halves none.
//!
//! The process that is killed is another run of the tests' own executable. Its writers move three tables from one number to
//! the next in one transaction, which also makes an entry with that number and keeps an answer under it. So the pointers have
//! to agree, every number up to theirs has its entry and its answer, and no acknowledged number is above.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use lakeshare::clock::Clock;
use lakeshare::state::Error;
use lakeshare::state::catalog::{EntryChange, EntryKind, EntryName, KeptAnswer, Page};
use lakeshare::state::embedded::Store;
use uuid::Uuid;

const ROUNDS: usize = 10;
const WRITERS: usize = 4;
const W: &str = "lake";
const TABLES: [&str; 3] = ["x", "y", "z"];

/// Names the directory of the state to the process that is to be killed.
const DIRECTORY: &str = "LAKESHARE_TEST_CATALOG";

fn name(namespace: &str, name: &str) -> EntryName {
    EntryName { namespace: vec![namespace.to_owned()], name: name.to_owned() }
}

fn create(name: EntryName, location: u64) -> EntryChange {
    let metadata_location = location.to_string();
    EntryChange::Create { id: Uuid::new_v4(), kind: EntryKind::Table, name, metadata_location }
}

async fn number_of(store: &Store, table: &str) -> u64 {
    store.get_entry(W, &name("a", table)).await.unwrap().metadata_location.parse().unwrap()
}

/// Moves all tables to the next number; that number, or `None` if another writer was first.
async fn advance(store: &Store) -> Option<u64> {
    let from = number_of(store, TABLES[0]).await;
    let next = from + 1;
    let swap = |table: &&str| EntryChange::Swap {
        kind: EntryKind::Table,
        name: name("a", table),
        expected: from.to_string(),
        metadata_location: next.to_string(),
    };
    let mut changes: Vec<_> = TABLES.iter().map(swap).collect();
    changes.push(create(name("history", &format!("{next:08}")), next));
    let answer = KeptAnswer {
        key: Uuid::from_u128(u128::from(next)),
        digest: [0; 32],
        answer: next.to_string().into_bytes(),
        expires_ms: i64::MAX,
    };
    match store.change_entries(W, changes, Some(answer)).await {
        Ok(_) => Some(next),
        Err(Error::EntryChanged { .. } | Error::KeyUsed { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// The process that is killed. Run with the other tests it only shows that writers do not lose each other's changes.
#[tokio::test(flavor = "multi_thread")]
async fn writers_move_three_tables_together() {
    let own = tempfile::tempdir().unwrap();
    let given = std::env::var_os(DIRECTORY);
    let is_killed = given.is_some();
    let directory = given.map_or_else(|| own.path().to_owned(), Into::into);
    let store = Store::open(&directory, Clock::system()).unwrap();
    if !is_killed {
        lay(&store).await;
    }
    let writers = (0..WRITERS).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut moved = 0_u64;
            while is_killed || moved < 5 {
                if let Some(number) = advance(&store).await {
                    moved += 1;
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "moved {number}").unwrap();
                    out.flush().unwrap();
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(number_of(&store, "x").await, 5 * WRITERS as u64);
}

async fn lay(store: &Store) {
    store.create_warehouse(W).await.unwrap();
    for namespace in ["a", "history"] {
        store.create_namespace(W, vec![namespace.to_owned()], BTreeMap::new(), None).await.unwrap();
    }
    let tables = TABLES.iter().map(|table| create(name("a", table), 0)).collect();
    store.change_entries(W, tables, None).await.unwrap();
}

/// Starts writers on the state in `directory`, kills them after `wanted` answers, and tells the highest number answered.
fn write_and_kill(directory: &Path, wanted: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::kill_catalog::writers_move_three_tables_together", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut highest, mut count) = (0, 0);
    for line in lines {
        // The runner's own first words may stand in front.
        let Some(number) = line.unwrap().rsplit_once("moved ").and_then(|(_, number)| number.parse().ok())
        else {
            continue;
        };
        highest = highest.max(number);
        count += 1;
        // What it says after the signal was sent was acknowledged all the same.
        if count == wanted {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(count >= wanted, "the writers ended by themselves after {count}");
    highest
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_no_acknowledged_change_of_the_catalog_and_halve_none() {
    let dir = tempfile::tempdir().unwrap();
    lay(&Store::open(dir.path(), Clock::system()).unwrap()).await;
    let mut before = 0;
    for round in 0..ROUNDS {
        let directory = dir.path().to_owned();
        let wanted = 1 + round * 7;
        let highest = tokio::task::spawn_blocking(move || write_and_kill(&directory, wanted)).await.unwrap();
        let store = Store::open(dir.path(), Clock::system()).unwrap();
        let held = number_of(&store, TABLES[0]).await;
        assert!(held >= highest, "{highest} was acknowledged, and {held} is held");
        assert!(held > before, "nothing was written in round {round}");
        for table in TABLES {
            assert_eq!(number_of(&store, table).await, held, "{table} stands alone");
        }
        let mut history = Vec::new();
        loop {
            let page = Page { after: history.last().cloned(), limit: 500 };
            let part = store.list_entries(W, &["history".to_owned()], EntryKind::Table, page).await.unwrap();
            if part.is_empty() {
                break;
            }
            history.extend(part);
        }
        assert_eq!(history, (1..=held).map(|number| format!("{number:08}")).collect::<Vec<_>>());
        for number in before + 1..=held {
            let answer = store.find_answer(Uuid::from_u128(u128::from(number))).await.unwrap();
            assert_eq!(answer.map(|answer| answer.answer), Some(number.to_string().into_bytes()));
        }
        let next = Uuid::from_u128(u128::from(held + 1));
        assert_eq!(store.find_answer(next).await.unwrap(), None, "an answer without its change");
        before = held;
    }
}
