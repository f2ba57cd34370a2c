//! Histories of small tables, and what is told of each version.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use roaring::RoaringTreemap;

use super::fixture::{Event, Table, Written, event};
use super::*;
use crate::encode::z85;
use crate::manifest::fixture::encode::Style;
use crate::manifest::fixture::lists::ListRow;
use crate::manifest::fixture::manifest;
use crate::manifest::fixture::rows::Row;
use crate::table::change::{ChangeKind, OwnedVector};
use crate::table::deletion_vector::Place as VectorPlace;
use crate::table::file_list::Block;
use crate::table::snapshot::{Snapshot, Version};
use crate::uniform::replay;

/// The files of a snapshot, with their deleted rows.
fn vectors(snapshot: &Snapshot) -> BTreeMap<String, Option<OwnedVector>> {
    let mut block = Block::default();
    let mut found = BTreeMap::new();
    for index in 0..snapshot.files.block_count() {
        found.extend(snapshot.files.read_block(index, &mut block).map(|file| {
            let path = String::from_utf8([file.log_directory, file.log_name].concat()).unwrap();
            (path, file.deletion_vector.map(OwnedVector::from))
        }));
    }
    found
}

/// The rows of a snapshot.
fn left(table: &Table, snapshot: &Snapshot) -> Vec<u32> {
    let files = vectors(snapshot);
    let left = |(path, vector): (&String, &Option<OwnedVector>)| {
        table.left_of(path, vector.as_ref().map(rows_of).as_ref())
    };
    let mut rows: Vec<u32> = files.iter().flat_map(left).collect();
    rows.sort_unstable();
    rows
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
        let chosen = table.chosen(number);
        let snapshot = replay(&table.place(), &manifests, &chosen).await.unwrap();
        let anew = replay(&table.place(), &Manifests::default(), &chosen).await.unwrap();
        assert_eq!(vectors(&snapshot), vectors(&anew), "what is remembered changes nothing");
        assert_eq!(left(table, &snapshot), rows, "version {}", step.mark.version);
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
fn manifests_are_read_once_for_deletes_that_name_their_file() {
    let mut table = table_of(&[
        Event::Append { sizes: vec![3, 4] },
        Event::Append { sizes: vec![5] },
        Event::DeleteRows { which: 1, positions: vec![1] },
    ]);
    let manifests = Manifests::default();
    run(replay(&table.place(), &manifests, &table.chosen(3))).unwrap();
    table.happens(&Event::DeleteRows { which: 1, positions: vec![2] });
    table.happens(&Event::DeleteRows { which: 4, positions: vec![2] });
    for written in &table.now().data {
        table.put(written.listed.path.strip_prefix("s3://lake/t/").unwrap(), b"");
    }
    let snapshot = run(replay(&table.place(), &manifests, &table.chosen(5))).unwrap();
    assert_eq!(left(&table, &snapshot), table.rows_of(&table.now()));
    assert!(run(replay(&table.place(), &Manifests::default(), &table.chosen(5))).is_err());
}

#[test]
fn keys_take_rows_from_older_files() {
    let table = table_of(&[
        Event::Append { sizes: vec![3, 3] },
        Event::DeleteKeys { which: vec![1] },
        Event::Append { sizes: vec![2] },
        Event::DeleteKeys { which: vec![0, 5] },
    ]);
    let told: Vec<String> = lines(&table).into_iter().map(|(_, told)| told.join(" ")).collect();
    assert_eq!(told, ["", "+1 +2", "-1 +1*", "+8", "-1* +1* -8 +8*"]);
}

#[test]
fn keys_that_cannot_be_read_are_refused_with_their_version() {
    let mut table = table_of(&[Event::Append { sizes: vec![3] }]);
    let mut state = table.now();
    let row = Row {
        status: 1,
        sequence_number: Some(2),
        content: 2,
        file_path: "s3://lake/t/eq".to_owned(),
        file_format: "PARQUET".to_owned(),
        record_count: 1,
        equality_ids: Some(vec![99]),
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
