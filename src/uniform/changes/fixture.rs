//! Histories of small tables, for the tests of changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::written::{bound, keys, position_deletes, schema};
use crate::iceberg::metadata::TableMetadata;
use crate::manifest::fixture::encode::Style;
use crate::manifest::fixture::lists::{ListRow, manifest_list};
use crate::manifest::fixture::manifest;
use crate::manifest::fixture::rows::Row;
use crate::state::record::TableVersion;
use crate::storage::Buckets;
use crate::uniform::chosen::Chosen;
use crate::uniform::moments::Moments;
use crate::uniform::place::Place;

/// A data file: its rows by their positions, and the number of the commit that added it.
#[derive(Debug, Clone)]
pub(super) struct DataFile {
    pub(super) rows: Vec<u32>,
    pub(super) sequence_number: i64,
}

/// A manifest: what its list says of it, and its data files.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) listed: ListRow,
    pub(super) files: Vec<String>,
}

/// One snapshot.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) id: Option<i64>,
    pub(super) data: Vec<Written>,
    pub(super) deletes: Vec<ListRow>,
    /// Deleted positions, by file.
    pub(super) deleted: BTreeMap<String, Vec<u64>>,
}

/// A table with all that was ever in it.
pub(super) struct Table {
    pub(super) dir: tempfile::TempDir,
    pub(super) buckets: Buckets,
    pub(super) files: BTreeMap<String, DataFile>,
    pub(super) snapshots: Vec<Value>,
    pub(super) schemas: Vec<Value>,
    pub(super) states: Vec<State>,
    pub(super) rows: Vec<TableVersion>,
    pub(super) next_row: u32,
    pub(super) next_file: u32,
}

/// What happens to a table; the numbers choose among what is there.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Append { sizes: Vec<u8> },
    RemoveFiles { which: u8 },
    Overwrite { which: u8, size: u8 },
    DeleteRows { which: u8, positions: Vec<u8> },
    DeleteKeys { which: Vec<u8> },
    Compact { which: u8 },
    RewriteManifests,
    RollBack { back: u8 },
    ChangeSchema,
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => proptest::collection::vec(1_u8..9, 1..4).prop_map(|sizes| Event::Append { sizes }),
        2 => any::<u8>().prop_map(|which| Event::RemoveFiles { which }),
        2 => (any::<u8>(), 1_u8..9).prop_map(|(which, size)| Event::Overwrite { which, size }),
        4 => (any::<u8>(), proptest::collection::vec(0_u8..9, 1..4))
            .prop_map(|(which, positions)| Event::DeleteRows { which, positions }),
        2 => proptest::collection::vec(any::<u8>(), 1..4).prop_map(|which| Event::DeleteKeys { which }),
        2 => any::<u8>().prop_map(|which| Event::Compact { which }),
        1 => Just(Event::RewriteManifests),
        2 => any::<u8>().prop_map(|back| Event::RollBack { back }),
        1 => Just(Event::ChangeSchema),
    ]
}

impl Table {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let buckets = Buckets::embedded(dir.path().to_owned());
        let rows = vec![TableVersion { version: 0, snapshot_id: None, schema_id: 0, timestamp_ms: 1 }];
        let (files, snapshots, states) = (BTreeMap::new(), Vec::new(), vec![State::default()]);
        let schemas = vec![schema(1)];
        Self { dir, buckets, files, snapshots, schemas, states, rows, next_row: 0, next_file: 0 }
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path: PathBuf = self.dir.path().join("lake/t").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        format!("s3://lake/t/{name}")
    }

    pub(super) fn now(&self) -> State {
        self.states.last().unwrap().clone()
    }

    pub(super) fn sequence_number(&self) -> i64 {
        i64::try_from(self.snapshots.len()).unwrap() + 1
    }

    pub(super) fn name(&mut self, kind: &str) -> String {
        self.next_file += 1;
        format!("{kind}/{}", self.next_file)
    }

    pub(super) fn new_file(&mut self, rows: Vec<u32>) -> String {
        let name = self.name("data");
        let path = self.put(&name, &keys(&rows));
        self.files.insert(path.clone(), DataFile { rows, sequence_number: self.sequence_number() });
        path
    }

    pub(super) fn fresh_rows(&mut self, count: u8) -> Vec<u32> {
        let first = self.next_row;
        self.next_row += u32::from(count);
        (first..self.next_row).collect()
    }

    /// A manifest with live files, and with files that are deleted.
    pub(super) fn data_manifest(&mut self, files: &[String], gone: &[String]) -> Written {
        let row = |(path, status): (&String, i64)| {
            let file = &self.files[path];
            Row {
                status,
                snapshot_id: Some(1),
                sequence_number: Some(file.sequence_number),
                file_path: path.clone(),
                file_format: "PARQUET".to_owned(),
                record_count: i64::try_from(file.rows.len()).unwrap(),
                file_size_bytes: 7,
                null_value_counts: Some(vec![(1, 0)]),
                lower_bounds: bound(file.rows.iter().min()),
                upper_bounds: bound(file.rows.iter().max()),
                ..Row::default()
            }
        };
        let live = files.iter().map(|path| (path, 0));
        let rows: Vec<Row> = live.chain(gone.iter().map(|path| (path, 2))).map(row).collect();
        let name = self.name("metadata");
        let bytes = manifest(&rows, &[], &Style::default());
        let sequence_number = self.sequence_number();
        let least = files.iter().map(|path| self.files[path].sequence_number).min();
        let listed = ListRow {
            path: self.put(&name, &bytes),
            length_bytes: i64::try_from(bytes.len()).unwrap(),
            sequence_number,
            // Some writers do not tell it.
            min_sequence_number: least.unwrap_or(sequence_number) * (sequence_number % 2),
            ..ListRow::default()
        };
        Written { listed, files: files.to_vec() }
    }

    pub(super) fn delete_manifest(&mut self, path: &str, positions: &[u64]) -> ListRow {
        let name = self.name("deletes");
        let file = self.put(&name, &position_deletes(path, positions));
        let row = Row {
            status: 1,
            sequence_number: Some(self.sequence_number()),
            content: 1,
            file_path: file,
            file_format: "PARQUET".to_owned(),
            record_count: i64::try_from(positions.len()).unwrap(),
            // Older writers do not name it.
            referenced_data_file: (!self.next_file.is_multiple_of(5)).then(|| path.to_owned()),
            ..Row::default()
        };
        self.manifest_of_deletes(row)
    }

    /// A manifest of a file that deletes all older rows with these keys.
    pub(super) fn key_manifest(&mut self, deleted: &[u32]) -> ListRow {
        let name = self.name("deletes");
        let file = self.put(&name, &keys(deleted));
        let row = Row {
            status: 1,
            sequence_number: Some(self.sequence_number()),
            content: 2,
            file_path: file,
            file_format: "PARQUET".to_owned(),
            record_count: i64::try_from(deleted.len()).unwrap(),
            equality_ids: Some(vec![1]),
            lower_bounds: bound(deleted.iter().min()),
            upper_bounds: bound(deleted.iter().max()),
            null_value_counts: Some(vec![(1, 0)]),
            ..Row::default()
        };
        self.manifest_of_deletes(row)
    }

    fn manifest_of_deletes(&mut self, row: Row) -> ListRow {
        let name = self.name("metadata");
        let bytes = manifest(&[row], &[], &Style::default());
        ListRow {
            path: self.put(&name, &bytes),
            length_bytes: i64::try_from(bytes.len()).unwrap(),
            is_deletes: true,
            sequence_number: self.sequence_number(),
            ..ListRow::default()
        }
    }

    /// The new state becomes a snapshot after the current one.
    pub(super) fn commit(&mut self, operation: &str, mut state: State) {
        let (parent, id) = (self.now().id, self.sequence_number() + 100);
        let listed = state.data.iter().map(|written| &written.listed).chain(&state.deletes);
        let list = manifest_list(&listed.rev().cloned().collect::<Vec<_>>(), &Style::default());
        let name = self.name("metadata");
        let list = self.put(&name, &list);
        let schema_id = self.schemas.len() - 1;
        let mut snapshot = json!({"snapshot-id": id, "sequence-number": self.sequence_number(), "timestamp-ms": id,
            "manifest-list": list, "summary": {"operation": operation}, "schema-id": schema_id});
        if let Some(parent) = parent {
            snapshot["parent-snapshot-id"] = json!(parent);
        }
        self.snapshots.push(snapshot);
        state.id = Some(id);
        self.become_state(state);
    }

    pub(super) fn become_state(&mut self, state: State) {
        let last = *self.rows.last().unwrap();
        self.rows.push(TableVersion {
            // Numbers have gaps where branches count, too.
            version: last.version + 1 + i64::from(last.version % 3 == 1),
            snapshot_id: state.id,
            schema_id: i32::try_from(self.schemas.len()).unwrap() - 1,
            timestamp_ms: last.timestamp_ms + 5,
        });
        self.states.push(state);
    }

    /// Takes files out of their manifests.
    pub(super) fn without(&mut self, state: &mut State, gone: &[String]) {
        let data = std::mem::take(&mut state.data);
        for written in data {
            let (dead, live): (Vec<String>, Vec<String>) =
                written.files.iter().cloned().partition(|path| gone.contains(path));
            if dead.is_empty() {
                state.data.push(written);
            } else {
                let written = self.data_manifest(&live, &dead);
                state.data.push(written);
            }
        }
    }

    pub(super) fn live_files(state: &State) -> Vec<String> {
        state.data.iter().flat_map(|written| written.files.iter().cloned()).collect()
    }

    /// Some of the files of a state, at least one if there is any.
    pub(super) fn some_of(state: &State, which: u8) -> Vec<String> {
        let files = Self::live_files(state);
        let some = files.iter().enumerate().filter(|(index, _)| which >> (index % 8) & 1 == 1);
        let some: Vec<String> = some.map(|(_, path)| path.clone()).collect();
        if some.is_empty() { files.into_iter().take(1).collect() } else { some }
    }

    /// The rows of a file that are not deleted.
    pub(super) fn left_of(&self, path: &str, deleted: Option<&Vec<u64>>) -> Vec<u32> {
        let rows = self.files[path].rows.iter().zip(0_u64..);
        let is_left = |position: &u64| deleted.is_none_or(|deleted| !deleted.contains(position));
        rows.filter(|(_, position)| is_left(position)).map(|(row, _)| *row).collect()
    }

    pub(super) fn rows_of(&self, state: &State) -> Vec<u32> {
        let files = Self::live_files(state);
        let mut rows: Vec<u32> =
            files.iter().flat_map(|path| self.left_of(path, state.deleted.get(path))).collect();
        rows.sort_unstable();
        rows
    }

    fn delete_keys(&mut self, mut state: State, which: &[u8]) {
        let all = self.rows_of(&state);
        let keys = which.iter().map(|which| all.get(usize::from(*which) % all.len().max(1)));
        let keys: Vec<u32> = keys.map(|key| key.copied().unwrap_or(0)).collect();
        let listed = self.key_manifest(&keys);
        state.deletes.push(listed);
        for path in Self::live_files(&state) {
            let rows = self.files[&path].rows.iter().zip(0_u64..);
            let gone: Vec<u64> = rows.filter(|(row, _)| keys.contains(row)).map(|(_, at)| at).collect();
            if !gone.is_empty() {
                state.deleted.entry(path).or_default().extend(gone);
            }
        }
        self.commit("overwrite", state);
    }

    pub(super) fn happens(&mut self, event: &Event) {
        let mut state = self.now();
        match event {
            Event::Append { sizes } => {
                let files: Vec<String> = sizes
                    .iter()
                    .map(|size| {
                        let rows = self.fresh_rows(*size);
                        self.new_file(rows)
                    })
                    .collect();
                let written = self.data_manifest(&files, &[]);
                state.data.push(written);
                self.commit("append", state);
            }
            Event::RemoveFiles { which } => {
                let gone = Self::some_of(&state, *which);
                self.without(&mut state, &gone);
                self.commit("delete", state);
            }
            Event::Overwrite { which, size } => {
                let gone = Self::some_of(&state, *which);
                self.without(&mut state, &gone);
                let rows = self.fresh_rows(*size);
                let file = self.new_file(rows);
                let written = self.data_manifest(&[file], &[]);
                state.data.push(written);
                self.commit("overwrite", state);
            }
            Event::DeleteRows { which, positions } => {
                for path in Self::some_of(&state, *which) {
                    // What is left of a file without rows has none either.
                    let count = (self.files[&path].rows.len() as u64).max(1);
                    let positions: Vec<u64> = positions.iter().map(|row| u64::from(*row) % count).collect();
                    let listed = self.delete_manifest(&path, &positions);
                    state.deletes.push(listed);
                    state.deleted.entry(path).or_default().extend(positions);
                }
                self.commit("overwrite", state);
            }
            Event::DeleteKeys { which } => self.delete_keys(state, which),
            Event::Compact { which } => {
                let gone = Self::some_of(&state, *which);
                let rows = gone.iter().flat_map(|path| self.left_of(path, state.deleted.get(path))).collect();
                self.without(&mut state, &gone);
                let file = self.new_file(rows);
                let written = self.data_manifest(&[file], &[]);
                state.data.push(written);
                self.commit("replace", state);
            }
            Event::RewriteManifests => {
                let files = Self::live_files(&state);
                state.data = vec![self.data_manifest(&files, &[])];
                self.commit("replace", state);
            }
            Event::RollBack { back } => {
                let old = self.states[usize::from(*back) % self.states.len()].clone();
                self.become_state(old);
            }
            Event::ChangeSchema => {
                self.schemas.push(schema(self.schemas.len() + 1));
                self.become_state(state);
            }
        }
    }

    pub(super) fn metadata(&self) -> Arc<TableMetadata> {
        let schemas = self
            .schemas
            .iter()
            .enumerate()
            .map(|(id, fields)| json!({"type": "struct", "schema-id": id, "fields": fields}));
        let text = json!({
            "format-version": 2, "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94", "location": "s3://lake/t",
            "last-sequence-number": self.snapshots.len(), "last-updated-ms": 1, "last-column-id": self.schemas.len(),
            "current-schema-id": self.schemas.len() - 1, "schemas": schemas.collect::<Vec<_>>(),
            "default-spec-id": 0, "last-partition-id": 999, "partition-specs": [{"spec-id": 0, "fields": []}],
            "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}],
            "snapshots": self.snapshots,
        });
        Arc::new(TableMetadata::parse(text.to_string().as_bytes()).unwrap())
    }

    pub(super) fn moments(&self) -> Moments {
        let latest = self.rows.last().unwrap().version;
        Moments::new(self.rows.clone().into(), self.metadata(), latest).unwrap()
    }

    /// The version of a state.
    pub(super) fn chosen(&self, number: usize) -> Chosen {
        let TableVersion { version, snapshot_id, schema_id, timestamp_ms } = self.rows[number];
        Chosen { metadata: self.metadata(), snapshot_id, schema_id, version, timestamp_ms }
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place { buckets: &self.buckets, bucket: "lake", root: "t" }
    }
}
