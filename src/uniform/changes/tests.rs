//! Histories of small tables, and what is told of each version.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use roaring::RoaringTreemap;
use serde_json::{Value, json};

use super::*;
use crate::encode::z85;
use crate::manifest::fixture::encode::Style;
use crate::manifest::fixture::lists::{ListRow, manifest_list};
use crate::manifest::fixture::manifest;
use crate::manifest::fixture::rows::Row;
use crate::storage::Buckets;
use crate::table::change::{ChangeKind, OwnedVector};
use crate::table::deletion_vector::Place as VectorPlace;
use crate::table::snapshot::Version;
use crate::uniform::moments::Moments;
use crate::uniform::{Chosen, replay};

/// A data file: its rows by their positions, and the number of the commit that added it.
#[derive(Debug, Clone)]
struct DataFile {
    rows: Vec<u32>,
    sequence_number: i64,
}

/// A manifest: what its list says of it, and its data files.
#[derive(Debug, Clone)]
struct Written {
    listed: ListRow,
    files: Vec<String>,
}

/// One snapshot.
#[derive(Debug, Clone, Default)]
struct State {
    id: Option<i64>,
    data: Vec<Written>,
    deletes: Vec<ListRow>,
    /// Deleted positions, by file.
    deleted: BTreeMap<String, Vec<u64>>,
}

/// A table with all that was ever in it.
struct Table {
    dir: tempfile::TempDir,
    buckets: Buckets,
    files: BTreeMap<String, DataFile>,
    snapshots: Vec<Value>,
    schemas: Vec<Value>,
    states: Vec<State>,
    rows: Vec<TableVersion>,
    next_row: u32,
    next_file: u32,
}

/// What happens to a table; the numbers choose among what is there.
#[derive(Debug, Clone)]
enum Event {
    Append { sizes: Vec<u8> },
    RemoveFiles { which: u8 },
    Overwrite { which: u8, size: u8 },
    DeleteRows { which: u8, positions: Vec<u8> },
    Compact { which: u8 },
    RewriteManifests,
    RollBack { back: u8 },
    ChangeSchema,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => proptest::collection::vec(1_u8..9, 1..4).prop_map(|sizes| Event::Append { sizes }),
        2 => any::<u8>().prop_map(|which| Event::RemoveFiles { which }),
        2 => (any::<u8>(), 1_u8..9).prop_map(|(which, size)| Event::Overwrite { which, size }),
        4 => (any::<u8>(), proptest::collection::vec(0_u8..9, 1..4))
            .prop_map(|(which, positions)| Event::DeleteRows { which, positions }),
        2 => any::<u8>().prop_map(|which| Event::Compact { which }),
        1 => Just(Event::RewriteManifests),
        2 => any::<u8>().prop_map(|back| Event::RollBack { back }),
        1 => Just(Event::ChangeSchema),
    ]
}

impl Table {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let buckets = Buckets::embedded(dir.path().to_owned());
        let rows = vec![TableVersion { version: 0, snapshot_id: None, schema_id: 0, timestamp_ms: 1 }];
        let (files, snapshots, states) = (BTreeMap::new(), Vec::new(), vec![State::default()]);
        let schemas = vec![schema(1)];
        Self { dir, buckets, files, snapshots, schemas, states, rows, next_row: 0, next_file: 0 }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path: PathBuf = self.dir.path().join("lake/t").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        format!("s3://lake/t/{name}")
    }

    fn now(&self) -> State {
        self.states.last().unwrap().clone()
    }

    fn sequence_number(&self) -> i64 {
        i64::try_from(self.snapshots.len()).unwrap() + 1
    }

    fn name(&mut self, kind: &str) -> String {
        self.next_file += 1;
        format!("{kind}/{}", self.next_file)
    }

    fn new_file(&mut self, rows: Vec<u32>) -> String {
        let path = format!("s3://lake/t/{}", self.name("data"));
        self.files.insert(path.clone(), DataFile { rows, sequence_number: self.sequence_number() });
        path
    }

    fn fresh_rows(&mut self, count: u8) -> Vec<u32> {
        let first = self.next_row;
        self.next_row += u32::from(count);
        (first..self.next_row).collect()
    }

    /// A manifest with live files, and with files that are deleted.
    fn data_manifest(&mut self, files: &[String], gone: &[String]) -> Written {
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
                ..Row::default()
            }
        };
        let live = files.iter().map(|path| (path, 0));
        let rows: Vec<Row> = live.chain(gone.iter().map(|path| (path, 2))).map(row).collect();
        let name = self.name("metadata");
        let bytes = manifest(&rows, &[], &Style::default());
        let listed = ListRow {
            path: self.put(&name, &bytes),
            length_bytes: i64::try_from(bytes.len()).unwrap(),
            sequence_number: self.sequence_number(),
            ..ListRow::default()
        };
        Written { listed, files: files.to_vec() }
    }

    fn delete_manifest(&mut self, path: &str, positions: &[u64]) -> ListRow {
        let name = self.name("deletes");
        let file = self.put(&name, &position_deletes(path, positions));
        let row = Row {
            status: 1,
            sequence_number: Some(self.sequence_number()),
            content: 1,
            file_path: file,
            file_format: "PARQUET".to_owned(),
            record_count: i64::try_from(positions.len()).unwrap(),
            ..Row::default()
        };
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
    fn commit(&mut self, operation: &str, mut state: State) {
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

    fn become_state(&mut self, state: State) {
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
    fn without(&mut self, state: &mut State, gone: &[String]) {
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

    fn live_files(state: &State) -> Vec<String> {
        state.data.iter().flat_map(|written| written.files.iter().cloned()).collect()
    }

    /// Some of the files of a state, at least one if there is any.
    fn chosen(state: &State, which: u8) -> Vec<String> {
        let files = Self::live_files(state);
        let some = files.iter().enumerate().filter(|(index, _)| which >> (index % 8) & 1 == 1);
        let some: Vec<String> = some.map(|(_, path)| path.clone()).collect();
        if some.is_empty() { files.into_iter().take(1).collect() } else { some }
    }

    /// The rows of a file that are not deleted.
    fn left_of(&self, path: &str, deleted: Option<&Vec<u64>>) -> Vec<u32> {
        let rows = self.files[path].rows.iter().zip(0_u64..);
        let is_left = |position: &u64| deleted.is_none_or(|deleted| !deleted.contains(position));
        rows.filter(|(_, position)| is_left(position)).map(|(row, _)| *row).collect()
    }

    fn rows_of(&self, state: &State) -> Vec<u32> {
        let files = Self::live_files(state);
        let mut rows: Vec<u32> =
            files.iter().flat_map(|path| self.left_of(path, state.deleted.get(path))).collect();
        rows.sort_unstable();
        rows
    }

    fn happens(&mut self, event: &Event) {
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
                let gone = Self::chosen(&state, *which);
                self.without(&mut state, &gone);
                self.commit("delete", state);
            }
            Event::Overwrite { which, size } => {
                let gone = Self::chosen(&state, *which);
                self.without(&mut state, &gone);
                let rows = self.fresh_rows(*size);
                let file = self.new_file(rows);
                let written = self.data_manifest(&[file], &[]);
                state.data.push(written);
                self.commit("overwrite", state);
            }
            Event::DeleteRows { which, positions } => {
                for path in Self::chosen(&state, *which) {
                    // What is left of a file without rows has none either.
                    let count = (self.files[&path].rows.len() as u64).max(1);
                    let positions: Vec<u64> = positions.iter().map(|row| u64::from(*row) % count).collect();
                    let listed = self.delete_manifest(&path, &positions);
                    state.deletes.push(listed);
                    state.deleted.entry(path).or_default().extend(positions);
                }
                self.commit("overwrite", state);
            }
            Event::Compact { which } => {
                let gone = Self::chosen(&state, *which);
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

    fn metadata(&self) -> Arc<TableMetadata> {
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

    fn moments(&self) -> Moments {
        let latest = self.rows.last().unwrap().version;
        Moments::new(self.rows.clone().into(), self.metadata(), latest).unwrap()
    }

    fn place(&self) -> Place<'_> {
        Place { buckets: &self.buckets, bucket: "lake", root: "t" }
    }
}

/// So many columns.
fn schema(count: usize) -> Value {
    let field = |id: usize| json!({"id": id, "name": format!("c{id}"), "required": false, "type": "long"});
    (1..=count).map(field).collect()
}

fn position_deletes(path: &str, positions: &[u64]) -> Vec<u8> {
    let field = |id: i32, name: &str, of: DataType| {
        let id = ("PARQUET:field_id".to_owned(), id.to_string());
        Field::new(name, of, false).with_metadata(std::collections::HashMap::from([id]))
    };
    let fields =
        vec![field(2_147_483_546, "file_path", DataType::Utf8), field(2_147_483_545, "pos", DataType::Int64)];
    let mut positions: Vec<i64> = positions.iter().map(|row| i64::try_from(*row).unwrap()).collect();
    positions.sort_unstable();
    let paths: ArrayRef = Arc::new(StringArray::from(vec![path; positions.len()]));
    let columns = vec![paths, Arc::new(Int64Array::from(positions)) as ArrayRef];
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The rows of a vector.
fn rows_of(vector: &OwnedVector) -> Vec<u64> {
    let vector = vector.as_vector();
    let VectorPlace::Inline(text) = vector.place else { panic!("it has no file") };
    let mut bytes = z85::decode(text).unwrap();
    bytes.truncate(usize::try_from(vector.size_bytes).unwrap());
    let rows: Vec<u64> = RoaringTreemap::deserialize_from(&bytes[4..]).unwrap().iter().collect();
    assert_eq!(rows.len() as u64, vector.cardinality);
    rows
}

async fn told(
    table: &Table,
    manifests: &Manifests,
    step: &Step,
    metadata: &TableMetadata,
) -> Vec<ChangedFile> {
    let mut reader = Reader::new(table.place(), manifests, metadata, step);
    let mut changes = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        changes.extend(piece);
    }
    changes
}

/// Takes what is told to rows; whatever it takes away has to be there.
fn apply(table: &Table, rows: &mut Vec<u32>, changes: &[ChangedFile]) {
    for kind in [ChangeKind::Remove, ChangeKind::Add] {
        for change in changes.iter().filter(|change| change.kind == kind) {
            let deleted = change.deletion_vector.as_ref().map(rows_of);
            let left = table.left_of(&change.log_path, deleted.as_ref());
            if kind == ChangeKind::Add {
                rows.extend(left);
            } else {
                for row in left {
                    let place = rows.iter().position(|there| *there == row);
                    rows.swap_remove(place.expect("a row that is removed was there"));
                }
            }
        }
    }
    rows.sort_unstable();
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap().block_on(future)
}

/// The state at a version, which may be a number between two.
fn state_at(table: &Table, version: Version) -> usize {
    table.rows.partition_point(|row| row.version <= version) - 1
}

async fn check(table: &Table, versions: std::ops::RangeInclusive<Version>) {
    let (moments, manifests) = (table.moments(), Manifests::default());
    let range = moments.range(versions.clone()).unwrap();
    let surveyed = survey(&table.place(), &manifests, &range).await.unwrap();
    assert_eq!(surveyed.steps[0].mark.version, *versions.start());
    let before = versions.start().checked_sub(1).filter(|before| *before >= 0);
    let mut rows =
        before.map_or_else(Vec::new, |version| table.rows_of(&table.states[state_at(table, version)]));
    let mut metadata = None;
    for step in &surveyed.steps {
        let changes = told(table, &manifests, step, moments.metadata()).await;
        assert_eq!(step.has_deletion_vectors, changes.iter().any(|change| change.deletion_vector.is_some()));
        apply(table, &mut rows, &changes);
        let number = state_at(table, step.mark.version);
        assert_eq!(rows, table.rows_of(&table.states[number]), "version {}", step.mark.version);
        metadata = step.metadata.clone().or(metadata);
        let row = table.rows[number];
        let chosen = Chosen {
            metadata: table.metadata(),
            snapshot_id: row.snapshot_id,
            schema_id: row.schema_id,
            version: row.version,
            timestamp_ms: row.timestamp_ms,
        };
        let snapshot = replay(&table.place(), &manifests, &chosen).await.unwrap();
        assert_eq!(metadata.as_ref(), Some(&snapshot.metadata));
        let features = snapshot.protocol.reader_features.into_iter().flatten();
        let known = surveyed.protocol.reader_features.clone().unwrap_or_default();
        for feature in features.filter(|feature| *feature != DELETION_VECTORS) {
            assert!(known.contains(&feature), "{feature}");
        }
        if let Change::Kept(difference) = &step.change {
            let (before, after) = (number.checked_sub(1).map(|before| table.rows[before]), row);
            let presentation = Arc::clone(&difference.presentation);
            let large = Step { change: Change::Large { before, after, presentation }, ..step.clone() };
            assert_eq!(told(table, &manifests, &large, moments.metadata()).await, changes, "found again");
        }
    }
    let last = surveyed.steps.last().unwrap().mark.version;
    assert_eq!(state_at(table, last), state_at(table, *versions.end()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_leads_from_version_to_version(
        events in proptest::collection::vec(event(), 1..12),
        start in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
    ) {
        let mut table = Table::new();
        for event in &events {
            table.happens(event);
        }
        let versions = usize::try_from(table.rows.last().unwrap().version).unwrap() + 1;
        let start = start.index(versions);
        let end = start + end.index(versions - start);
        run(check(&table, i64::try_from(start).unwrap()..=i64::try_from(end).unwrap()));
    }
}

fn table_of(events: &[Event]) -> Table {
    let mut table = Table::new();
    for event in events {
        table.happens(event);
    }
    table
}

/// `+name` and `-name` of what each version tells; `*` where there is a vector.
fn lines(table: &Table) -> Vec<(Version, Vec<String>)> {
    let (moments, manifests) = (table.moments(), Manifests::default());
    let range = moments.range(0..=moments.latest().unwrap().version).unwrap();
    run(async {
        let surveyed = survey(&table.place(), &manifests, &range).await.unwrap();
        let mut lines = Vec::new();
        for step in &surveyed.steps {
            let changes = told(table, &manifests, step, moments.metadata()).await;
            let line = |change: &ChangedFile| {
                let sign = if change.kind == ChangeKind::Add { '+' } else { '-' };
                let star = if change.deletion_vector.is_some() { "*" } else { "" };
                format!("{sign}{}{star}", change.log_path.rsplit('/').next().unwrap())
            };
            lines.push((step.mark.version, changes.iter().map(line).collect()));
        }
        lines
    })
}

#[test]
fn files_come_and_go_and_lose_rows() {
    let table = table_of(&[
        Event::Append { sizes: vec![3, 4] },
        Event::DeleteRows { which: 1, positions: vec![1] },
        Event::RewriteManifests,
        Event::RemoveFiles { which: 1 },
        Event::RollBack { back: 1 },
        Event::ChangeSchema,
    ]);
    let text = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let found = lines(&table);
    let versions: Vec<Version> = found.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, [0, 1, 3, 4, 6, 7, 9]);
    let told: Vec<Vec<String>> = found.into_iter().map(|(_, told)| told).collect();
    assert_eq!(
        told,
        [
            text(&[]),
            text(&["+1", "+2"]),
            text(&["-1", "+1*"]),
            text(&[]),
            text(&["-1*"]),
            text(&["+1"]),
            text(&[]),
        ]
    );
}

#[test]
fn equality_deletes_are_refused_with_their_version() {
    let mut table = table_of(&[Event::Append { sizes: vec![3] }]);
    let mut state = table.now();
    let row = Row {
        status: 1,
        sequence_number: Some(2),
        content: 2,
        file_path: "s3://lake/t/eq".to_owned(),
        file_format: "PARQUET".to_owned(),
        record_count: 1,
        equality_ids: Some(vec![1]),
        ..Row::default()
    };
    let path = table.put("metadata/eq", &manifest(&[row], &[], &Style::default()));
    state.deletes.push(ListRow { path, is_deletes: true, sequence_number: 2, ..ListRow::default() });
    table.commit("overwrite", state);
    let (moments, manifests) = (table.moments(), Manifests::default());
    let surveyed = |versions| {
        let range = moments.range(versions).unwrap();
        run(survey(&table.place(), &manifests, &range))
    };
    assert!(surveyed(0..=2).is_ok(), "it comes later");
    let error = surveyed(1..=3).unwrap_err();
    assert!(
        error.to_string().starts_with("version 3: ") && error.to_string().contains("equality"),
        "{error}"
    );
    assert_eq!(error.kind(), crate::error::Kind::Unsupported);
}

#[test]
fn files_of_another_format_are_refused_before_anything_is_told() {
    let mut table = table_of(&[Event::Append { sizes: vec![3] }]);
    let mut state = table.now();
    let row = Row {
        status: 1,
        file_path: "s3://lake/t/a".to_owned(),
        file_format: "ORC".to_owned(),
        ..Row::default()
    };
    let bytes = Bytes::from(manifest(&[row], &[], &Style::default()));
    let path = table.put("metadata/orc", &bytes);
    let listed = ListRow { path, sequence_number: 2, ..ListRow::default() };
    state.data.push(Written { listed, files: Vec::new() });
    table.commit("append", state);
    let range = table.moments();
    let range = range.range(0..=3).unwrap();
    let error = run(survey(&table.place(), &Manifests::default(), &range)).unwrap_err();
    assert!(error.to_string().contains("version 3: ") && error.to_string().contains("ORC"), "{error}");
}
