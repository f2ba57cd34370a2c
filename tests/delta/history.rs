//! Replay equals a naive one, over random histories.

use std::collections::BTreeMap;

use lakeshare::delta::{Loaded, Wanted};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::log_builder::{
    Row, Table, add_with, checkpoint_bytes, commit_name, metadata, protocol_with, remove, remove_of, rows,
    uuid_name,
};

/// One commit: files added and files removed, by number, and what is written beside it.
#[derive(Debug, Clone)]
struct Step {
    adds: Vec<u8>,
    removes: Vec<u8>,
    checkpoint: Layout,
    refresh: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Layout {
    None,
    Single,
    Parts(usize),
    /// Lines of JSON with all adds.
    Json,
    /// Lines of JSON, and the adds in sidecars.
    JsonSidecars,
    /// Parquet, and the adds in sidecars.
    ParquetSidecars,
    /// A sidecar is missing.
    LostSidecar,
    /// Not all of its parts.
    Torn,
    Truncated,
}

fn step() -> impl Strategy<Value = Step> {
    let layout = prop_oneof![
        6 => Just(Layout::None),
        2 => Just(Layout::Single),
        1 => (2_usize..4).prop_map(Layout::Parts),
        1 => Just(Layout::Json),
        1 => Just(Layout::JsonSidecars),
        1 => Just(Layout::ParquetSidecars),
        1 => Just(Layout::LostSidecar),
        1 => Just(Layout::Torn),
        1 => Just(Layout::Truncated),
    ];
    let files = || proptest::collection::vec(0_u8..24, 0..6);
    (files(), files(), layout, any::<bool>()).prop_map(|(adds, removes, checkpoint, refresh)| Step {
        adds,
        removes,
        checkpoint,
        refresh,
    })
}

fn path(number: u8) -> String {
    format!("p={}/file%20{number}", number % 3)
}

fn file(number: u8, version: usize) -> Value {
    let vector = |version: usize| json!({"storageType": "i", "pathOrInlineDv": format!("dv{version}"), "sizeInBytes": 34, "cardinality": version});
    add_with(
        &path(number),
        json!({
            "deletionVector": if number.is_multiple_of(4) { vector(version) } else { Value::Null },
            "baseRowId": if number.is_multiple_of(5) { json!(version * 1_000) } else { Value::Null },
            "size": version * 100 + usize::from(number),
            "modificationTime": version,
            "partitionValues": {"p": (number % 3).to_string()},
            "stats": if number.is_multiple_of(2) { json!(format!("{{\"numRecords\":{number}}}")) } else { Value::Null },
        }),
    )
}

fn row(add: &Value) -> Row {
    let add = &add["add"];
    let stats = add["stats"].as_str().map(str::to_owned);
    Row {
        size: add["size"].as_u64().unwrap(),
        modification_time_ms: add["modificationTime"].as_i64().unwrap(),
        partition_values: add["partitionValues"].clone(),
        record_count: stats
            .as_ref()
            .map(|stats| serde_json::from_str::<Value>(stats).unwrap()["numRecords"].as_u64().unwrap()),
        stats,
        encoded_path: add["path"].as_str().unwrap().replace('=', "%3D"),
        deletion_vector: add.get("deletionVector").map(|vector| {
            json!({"inline": vector["pathOrInlineDv"], "offset": null, "sizeInBytes": vector["sizeInBytes"],
                   "cardinality": vector["cardinality"]})
        }),
        row_ids: (add["baseRowId"].as_u64(), None),
    }
}

/// The state by the plainest reading of the protocol.
#[derive(Debug, Default, Clone)]
struct Naive(BTreeMap<String, Value>);

impl Naive {
    fn apply(&mut self, adds: &[Value], removes: &[Value]) {
        for remove in removes {
            self.0.remove(remove["remove"]["path"].as_str().unwrap());
        }
        for add in adds {
            self.0.insert(add["add"]["path"].as_str().unwrap().to_owned(), add.clone());
        }
    }

    /// The remove of a file, as it is now.
    fn remove(&self, path: &str) -> Value {
        self.0.get(path).map_or_else(|| remove(path), remove_of)
    }

    /// The remove of the file that `add` replaces, if the log takes both for different files.
    fn superseded(&self, add: &Value) -> Option<Value> {
        let before = self.0.get(add["add"]["path"].as_str().unwrap())?;
        let vector = |add: &Value| add["add"].get("deletionVector").cloned();
        (vector(before) != vector(add)).then(|| remove_of(before))
    }

    fn rows(&self) -> BTreeMap<String, Row> {
        self.0.iter().map(|(path, add)| (path.clone(), row(add))).collect()
    }

    /// Rows of a checkpoint: state, and a tombstone that means nothing.
    fn actions(&self) -> Vec<Value> {
        let state = self.0.values().cloned();
        let protocol = protocol_with(&["deletionVectors"]);
        [protocol, remove("p=0/long%20gone"), metadata(&["p"])].into_iter().chain(state).collect()
    }
}

/// The actions with their adds put into two sidecars.
fn with_sidecars(table: &Table, version: i64, actions: &[Value]) -> Vec<Value> {
    let (adds, mut top): (Vec<_>, Vec<_>) =
        actions.iter().cloned().partition(|action| action.get("add").is_some());
    for (number, adds) in [&adds[..adds.len() / 2], &adds[adds.len() / 2..]].into_iter().enumerate() {
        top.push(table.sidecar(&format!("{version}-{number}.parquet"), adds));
    }
    top
}

fn write_checkpoint(table: &Table, version: i64, layout: Layout, actions: &[Value]) {
    let parts = |count: usize, written: usize| {
        let size = actions.len().div_ceil(count).max(1);
        let mut chunks = actions.chunks(size);
        for part in 1..=written {
            table.checkpoint_part(version, part, count, chunks.next().unwrap_or_default());
        }
    };
    match layout {
        Layout::None => {}
        Layout::Single => table.checkpoint(version, actions),
        Layout::Parts(count) => parts(count, count),
        Layout::Json => table.json_checkpoint(version, actions),
        Layout::JsonSidecars => table.json_checkpoint(version, &with_sidecars(table, version, actions)),
        Layout::ParquetSidecars => {
            let bytes = checkpoint_bytes(&with_sidecars(table, version, actions));
            table.write(&uuid_name(version, "parquet"), bytes);
        }
        Layout::LostSidecar => {
            let actions = with_sidecars(table, version, actions);
            table.json_checkpoint(version, &actions);
            table.remove(&format!("_sidecars/{version}-0.parquet"));
        }
        Layout::Torn => parts(3, 2),
        Layout::Truncated => {
            let bytes = checkpoint_bytes(actions);
            table.write(&format!("{version:020}.checkpoint.parquet"), &bytes[..bytes.len() / 2]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn replay_equals_a_naive_replay_at_every_version(
        steps in proptest::collection::vec(step(), 1..14),
        hint in proptest::option::of(0_i64..16),
        cleaned in any::<bool>(),
    ) {
        let table = Table::new();
        let mut naive = Naive::default();
        let mut states = Vec::new();
        let mut loaded: Option<Loaded> = None;
        let mut whole = None;
        for (version, step) in steps.iter().enumerate() {
            let mut adds: BTreeMap<_, _> = step.adds.iter().map(|&number| (number, file(number, version))).collect();
            let removes: Vec<_> = step.removes.iter().filter(|number| !adds.contains_key(*number)).collect();
            let mut removes: Vec<_> = removes.into_iter().map(|&number| naive.remove(&path(number))).collect();
            let adds: Vec<_> = std::mem::take(&mut adds).into_values().collect();
            // Another deletion vector makes another file, so that the one before has to go.
            removes.extend(adds.iter().filter_map(|add| naive.superseded(add)));
            let head =
                if version == 0 { vec![protocol_with(&["deletionVectors"]), metadata(&["p"])] } else { Vec::new() };
            let number = i64::try_from(version).unwrap();
            table.commit(number, &[head, adds.clone(), removes.clone()].concat());
            naive.apply(&adds, &removes);
            write_checkpoint(&table, number, step.checkpoint, &naive.actions());
            if !matches!(
                step.checkpoint,
                Layout::None | Layout::Torn | Layout::Truncated | Layout::LostSidecar
            ) {
                whole = Some(number);
            }
            states.push(naive.rows());
            if step.refresh {
                let next = table.load_from(Wanted::Latest, loaded.as_ref()).unwrap();
                prop_assert_eq!(&rows(next.snapshot()), &states[version]);
                loaded = Some(next);
            }
        }
        if let Some(hint) = hint {
            table.last_checkpoint(hint);
        }
        // Logs are cleaned up to a checkpoint.
        let oldest = whole.filter(|_| cleaned).unwrap_or(0);
        (0..oldest).for_each(|version| table.remove(&commit_name(version)));
        for (version, state) in states.iter().enumerate().skip(usize::try_from(oldest).unwrap()) {
            let at = table.load(Wanted::Version(i64::try_from(version).unwrap())).unwrap();
            prop_assert_eq!(&rows(at.snapshot()), state, "version {}", version);
        }
        prop_assert_eq!(&rows(&table.latest()), states.last().unwrap());
    }
}
