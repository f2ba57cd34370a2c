//! A part of a version has what it was asked for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::iceberg::metadata::TableMetadata;
use crate::manifest::fixture::encode::Style;
use crate::manifest::fixture::lists::{ListRow, Summary, manifest_list};
use crate::manifest::fixture::manifest;
use crate::manifest::fixture::rows::{Cell, Row};
use crate::skip::hints::Hints;
use crate::skip::pruner::Pruner;
use crate::storage::Buckets;
use crate::table::file_list::Block;
use crate::uniform::replay;

/// Days of each manifest, as the list tells them.
const DAYS: [[i32; 2]; 5] = [[0, 9], [10, 19], [20, 29], [25, 34], [40, 49]];
/// So many that each manifest is decoded by itself.
const FILES_OF_A_DAY: usize = 820;

/// A table of a date and a number, partitioned by the date.
struct Table {
    dir: tempfile::TempDir,
    buckets: Buckets,
    manifests: Manifests,
    rows: Vec<ListRow>,
    summary: Value,
}

impl Table {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let buckets = Buckets::embedded(dir.path().to_owned());
        let (manifests, rows) = (Manifests::default(), Vec::new());
        let mut table = Self { dir, buckets, manifests, rows, summary: Value::Null };
        table.rows = DAYS.iter().zip(1..).map(|(days, number)| table.data_manifest(*days, number)).collect();
        let files = table.rows.iter().filter_map(|row| row.added_files_count).sum::<i64>();
        table.summary = json!({"operation": "append", "total-data-files": files.to_string(),
            "total-files-size": (files * 100).to_string()});
        table
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.dir.path().join("lake/t").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        format!("s3://lake/t/{name}")
    }

    fn data_manifest(&self, [first, last]: [i32; 2], sequence_number: i64) -> ListRow {
        let row = |(day, number)| Row {
            status: 1,
            sequence_number: Some(sequence_number),
            file_path: format!("s3://lake/t/data/{day}-{sequence_number}-{number}"),
            file_format: "PARQUET".to_owned(),
            partition: vec![Cell::Int(day)],
            record_count: 4,
            file_size_bytes: 100,
            ..Row::default()
        };
        let files = (first..=last).flat_map(|day| (0..FILES_OF_A_DAY).map(move |number| (day, number)));
        let rows: Vec<Row> = files.map(row).collect();
        let date = json!({"type": "int", "logicalType": "date"});
        let property = ("partition-spec-id".to_owned(), b"0".to_vec());
        let style = Style { properties: vec![property], ..Style::default() };
        let bytes = manifest(&rows, &[(1_000, date)], &style);
        let bound = |day: i32| Some(day.to_le_bytes().to_vec());
        ListRow {
            path: self.put(&format!("metadata/{first}"), &bytes),
            length_bytes: i64::try_from(bytes.len()).unwrap(),
            sequence_number,
            min_sequence_number: sequence_number,
            added_files_count: Some(i64::try_from(rows.len()).unwrap()),
            existing_files_count: Some(0),
            partitions: Some(vec![Summary {
                lower_bound: bound(first),
                upper_bound: bound(last),
                ..Summary::default()
            }]),
            ..ListRow::default()
        }
    }

    /// The table as its list and its summary are now.
    fn chosen(&self) -> Chosen {
        let list = self.put("metadata/list", &manifest_list(&self.rows, &Style::default()));
        let fields = json!([{"id": 1, "name": "d", "required": false, "type": "date"},
            {"id": 2, "name": "n", "required": false, "type": "long"}]);
        let text = json!({
            "format-version": 2, "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94", "location": "s3://lake/t",
            "last-sequence-number": 9, "last-updated-ms": 1, "last-column-id": 2, "current-schema-id": 0,
            "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}], "default-spec-id": 0,
            "last-partition-id": 1000, "partition-specs": [{"spec-id": 0, "fields": [
                {"source-id": 1, "field-id": 1000, "name": "d", "transform": "identity"}]}],
            "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}], "properties": {},
            "current-snapshot-id": 7, "snapshots": [{"snapshot-id": 7, "sequence-number": 9, "timestamp-ms": 1,
                "manifest-list": list, "schema-id": 0, "summary": self.summary}],
        });
        Chosen {
            metadata: Arc::new(TableMetadata::parse(text.to_string().as_bytes()).unwrap()),
            snapshot_id: Some(7),
            schema_id: 0,
            version: 3,
            timestamp_ms: 5,
        }
    }

    fn place(&self) -> Place<'_> {
        Place { buckets: &self.buckets, bucket: "lake", root: "t" }
    }

    async fn outline(&self) -> Option<Arc<Outline>> {
        Outline::of((&self.place(), &self.manifests), &self.chosen(), 1).await.unwrap().map(Arc::new)
    }

    async fn part(&self, predicate: Predicate) -> Option<Snapshot> {
        self.outline().await.unwrap().part((&self.place(), &self.manifests), predicate).await.unwrap()
    }
}

fn predicate(table: &Snapshot, hint: &str) -> Predicate {
    Predicate::compile(&Hints { json: None, sql: vec![hint.to_owned()] }, &table.metadata)
}

/// The files that a query gets.
fn kept(snapshot: &Snapshot, hint: &str) -> BTreeSet<String> {
    let mut pruner = Pruner::new(predicate(snapshot, hint)).unwrap();
    let (mut block, mut kept) = (Block::default(), BTreeSet::new());
    for index in 0..snapshot.files.block_count() {
        for file in snapshot.files.read_block(index, &mut block) {
            if pruner.may_match(&file) {
                kept.insert(String::from_utf8(file.log_name.to_vec()).unwrap());
            }
        }
    }
    kept
}

#[tokio::test]
async fn a_part_has_all_files_that_a_query_gets() {
    let table = Table::new();
    let whole = replay(&table.place(), &table.manifests, &table.chosen()).await.unwrap();
    let outline = table.outline().await.unwrap();
    assert_eq!(outline.totals().file_count, whole.files.file_count());
    assert_eq!(outline.totals().size_bytes, whole.files.size_bytes());
    assert_eq!(outline.head().metadata, whole.metadata);
    assert_eq!((outline.head().version, outline.head().files.file_count()), (3, 0));
    for (hint, days) in [
        ("d = DATE '1970-01-13'", 1),
        ("d >= DATE '1970-01-26' AND d < DATE '1970-01-28'", 4),
        ("d > DATE '1970-02-15'", 4),
        ("d IS NULL", 0),
        ("d < DATE '1960-01-01' AND n > 5", 0),
    ] {
        let part = table.part(predicate(&whole, hint)).await.unwrap();
        assert!(part.files.file_count() < whole.files.file_count(), "{hint}");
        assert_eq!(kept(&part, hint), kept(&whole, hint), "{hint}");
        assert_eq!(kept(&part, hint).len(), days * FILES_OF_A_DAY, "{hint}");
        assert_eq!(part.metadata, whole.metadata);
    }
    for hint in ["n > 5", "d IS NOT NULL", "d > DATE '1970-01-11'"] {
        assert!(table.part(predicate(&whole, hint)).await.is_none(), "{hint} wants most manifests");
    }
}

#[tokio::test]
async fn manifests_without_wanted_files_are_left_unread() {
    let table = Table::new();
    let outline = table.outline().await.unwrap();
    for days in [[0, 9], [20, 29], [40, 49]] {
        std::fs::remove_file(table.dir.path().join(format!("lake/t/metadata/{}", days[0]))).unwrap();
    }
    let hint = "d = DATE '1970-01-13'";
    let wanted = predicate(outline.head(), hint);
    let part = outline.part((&table.place(), &Manifests::default()), wanted).await.unwrap().unwrap();
    assert_eq!(kept(&part, hint).len(), FILES_OF_A_DAY);
    let missing = predicate(outline.head(), "d = DATE '1970-01-03'");
    assert!(outline.part((&table.place(), &Manifests::default()), missing).await.is_err());
}

#[tokio::test]
async fn a_version_of_which_its_files_have_a_say_is_read_whole() {
    assert!(Table::new().outline().await.is_some());
    let with = |change: &dyn Fn(&mut Table)| {
        let mut table = Table::new();
        change(&mut table);
        table
    };
    for (why, table) in [
        ("no totals", with(&|table| table.summary = json!({"operation": "append"}))),
        ("other totals", with(&|table| table.summary["total-data-files"] = json!("7"))),
        ("no numbers", with(&|table| table.rows[0].min_sequence_number = 0)),
        ("deletes", with(&|table| table.rows[4].is_deletes = true)),
    ] {
        assert!(table.outline().await.is_none(), "{why}");
    }
    let table = Table::new();
    let few = Outline::of((&table.place(), &table.manifests), &table.chosen(), 41_001).await.unwrap();
    assert!(few.is_none());
    // Nothing is known of a manifest without summaries: it is read.
    let table = with(&|table| table.rows[1].partitions = None);
    let outline = table.outline().await.unwrap();
    let hint = "d = DATE '1970-01-02'";
    let part = table.part(predicate(outline.head(), hint)).await.unwrap();
    assert_eq!(part.files.file_count(), 20 * FILES_OF_A_DAY as u64);
}
